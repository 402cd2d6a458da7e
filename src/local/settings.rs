//! What the AWS SDK needs to know of a DynamoDB that is not AWS's.

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The SDK's settings for an endpoint that is not AWS's: an emulator, or an engine on a port.
///
/// Region and credentials are the environment's where it has them, since emulators keep regions
/// and accounts apart; otherwise any will do.
pub async fn settings(endpoint: &str) -> SdkConfig {
    // A proxy of the environment does not lead to this machine.
    load(endpoint, Builder::new().build_http()).await
}

/// The same for an engine that `client` leads to, whatever the URL is.
pub(super) async fn over(client: SharedHttpClient) -> SdkConfig {
    load("http://localhost", client).await
}

async fn load(endpoint: &str, client: SharedHttpClient) -> SdkConfig {
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(Region::from_static("us-east-1"));
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else(
        "Emulator",
        Credentials::new("test", "test", None, None, "modulo"),
    );
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(region)
        .credentials_provider(credentials)
        .http_client(client)
        // It takes an engine that waits for the disk for a stalled stream; DynamoDB has no streams.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await
}

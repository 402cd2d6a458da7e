//! The account that a stage is deployed to.

use aws_config::SdkConfig;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;

use super::settings;
use crate::aws;
use crate::aws::credentials::{self, CredentialsError};
use crate::module::name::Stage;

/// As in `serverless.yml`.
const DEFAULT_REGION: &str = "us-east-1";

/// The settings that lead to it. Stage `local` is at the emulator of this URL, and never in an account of
/// AWS.
///
/// # Errors
/// There are no credentials for AWS.
pub(crate) async fn of(stage: &Stage, emulator: &str) -> Result<SdkConfig, CredentialsError> {
    if stage.is_local() {
        return Ok(settings(emulator).await);
    }
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(DEFAULT_REGION);
    let account = aws::of_machine().region(region).load().await;
    credentials::check(&account).await?;
    Ok(account)
}

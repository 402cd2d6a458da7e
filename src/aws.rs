//! The settings of the AWS SDK: those of the function, and those of a laptop.

#[cfg(feature = "cli")]
pub mod credentials;
pub mod failure;
#[cfg(feature = "changes")]
pub(crate) mod outlet;
#[cfg(any(feature = "changes", feature = "cli"))]
pub mod queues;
#[cfg(feature = "secrets")]
pub(crate) mod secrets;
pub mod trust;

use std::collections::BTreeMap;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_dynamodb::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use tokio::sync::OnceCell;

use crate::aws::trust::{AwsClient, Trust};

/// Those of this machine: its variables, its profiles, and whoever logged in.
#[must_use]
pub fn of_machine() -> ConfigLoader {
    aws_config::from_env().http_client(AwsClient::new(Trust::System))
}

/// Those of a Lambda function: its variables, and nothing else. The SDK's own loader also looks for
/// profiles, roles to assume and instances, of which a function has none, and has a service's client
/// in it for each.
///
/// The credentials are in the environment, or, where Lambda resumes a snapshot, behind a URL that
/// it names.
#[must_use]
pub fn of_function(variables: impl IntoIterator<Item = (String, String)>) -> SdkConfig {
    let variables = variables.into_iter();
    // An empty one is as good as none.
    let mut variables: BTreeMap<_, _> = variables.filter(|(_, value)| !value.is_empty()).collect();
    let get = |name| variables.get(name).cloned();
    let switch = |name| get(name).and_then(|value| value.to_ascii_lowercase().parse().ok());

    let names_authorities = get("SSL_CERT_FILE").or(get("SSL_CERT_DIR")).is_some();
    let client = SharedHttpClient::new(AwsClient::new(if names_authorities {
        Trust::System
    } else {
        Trust::Amazon
    }));
    let container = EcsCredentialsProvider::builder()
        .configure(&ProviderConfig::default().with_http_client(client.clone()));
    let environment = EnvironmentVariableCredentialsProvider::new();
    let credentials = CredentialsProviderChain::first_try("Environment", environment)
        .or_else("EcsContainer", container.build());
    let region = get("AWS_REGION").or(get("AWS_DEFAULT_REGION"));
    let mut settings = SdkConfig::builder();
    settings
        .set_http_client(Some(client))
        .set_credentials_provider(Some(SharedCredentialsProvider::new(credentials)))
        .set_region(region.map(Region::new))
        .set_use_fips(switch("AWS_USE_FIPS_ENDPOINT"))
        .set_use_dual_stack(switch("AWS_USE_DUALSTACK_ENDPOINT"));
    variables.retain(|name, _| name.starts_with(ENDPOINT_URL));
    settings
        .behavior_version(BehaviorVersion::latest())
        .service_config(Endpoints(variables))
        .build()
}

/// The account that secrets are in, and events are sent from, wherever the tables are.
static ACCOUNT: OnceCell<SdkConfig> = OnceCell::const_new();

/// Has secrets fetched and events sent with these settings, and not with the machine's.
pub fn set_account(settings: SdkConfig) {
    // Who said so first is the program itself.
    let _ = ACCOUNT.set(settings);
}

/// The settings with which secrets are fetched and events are sent.
#[cfg(any(feature = "secrets", feature = "changes"))]
pub(crate) async fn account() -> &'static SdkConfig {
    ACCOUNT.get_or_init(|| of_machine().load()).await
}

/// Begins the names of all variables that name an endpoint.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// Where the services are, by the variables that say it.
#[derive(Debug)]
struct Endpoints(BTreeMap<String, String>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        let of_service = self.0.get(&format!("{}_{service}", key.env()));
        of_service.or(self.0.get(key.env())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> SdkConfig {
        let variables = variables.iter();
        of_function(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn variables_lead_the_function_elsewhere() {
        let none = settings(&[("AWS_REGION", ""), ("AWS_USE_FIPS_ENDPOINT", "perhaps")]);
        assert_eq!(none.region(), None);
        assert_eq!(none.use_fips(), None);
        let region = settings(&[("AWS_DEFAULT_REGION", "sa-east-1")]);
        assert_eq!(region.region(), Some(&Region::from_static("sa-east-1")));
        let region = settings(&[
            ("AWS_DEFAULT_REGION", "sa-east-1"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        assert_eq!(region.region(), Some(&Region::from_static("eu-west-1")));
        let switched = settings(&[
            ("AWS_USE_FIPS_ENDPOINT", "TRUE"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
        ]);
        assert_eq!(switched.use_fips(), Some(true));
        assert_eq!(switched.use_dual_stack(), Some(false));
    }

    #[test]
    fn a_services_own_endpoint_comes_first() {
        let settings = settings(&[
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets"),
        ]);
        let of = |service| {
            let key = ServiceConfigKey::builder().service_id(service);
            let key = key.env("AWS_ENDPOINT_URL").profile("endpoint_url");
            let all = settings.service_config().expect("the variables");
            all.load_config(key.build().expect("all is given"))
        };
        assert_eq!(of("DynamoDB").as_deref(), Some("http://dynamodb"));
        assert_eq!(of("Secrets Manager").as_deref(), Some("http://secrets"));
        assert_eq!(of("SSM").as_deref(), Some("http://all"));
    }

    #[test]
    fn no_secret_of_the_environment_is_kept() {
        let settings = settings(&[("TOKEN", "planted"), ("AWS_SECRET_ACCESS_KEY", "planted")]);
        assert!(!format!("{settings:?}").contains("planted"));
    }
}

//! The settings of the AWS SDK.

use aws_config::ConfigLoader;

use crate::trust::{AwsClient, Trust};

/// Those of this machine: its variables, its profiles, and whoever logged in.
#[must_use]
pub fn of_machine() -> ConfigLoader {
    aws_config::from_env().http_client(AwsClient::new(Trust::System))
}

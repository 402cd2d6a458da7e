//! What the last deployment left with its stack.

use std::error::Error;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use serde::Deserialize;

use super::Description;
use crate::chain::Chain;
use crate::name::{ServiceName, Stage};
use crate::{aws, local};

/// As in `serverless.yml`.
const DEFAULT_REGION: &str = "us-east-1";

/// Why it is not known what is deployed.
#[derive(Debug, thiserror::Error)]
pub enum UnknownDeployment {
    /// CloudFormation does not answer, or refuses.
    #[error(
        "cannot read stack `{stack}`: {message}; check the credentials and the region, or for \
         stage `local` that the emulator runs"
    )]
    Unreachable {
        /// The stack.
        stack: String,
        /// What the SDK says, with all its causes.
        message: String,
    },
    /// There is a stack, but no description in it.
    #[error(
        "stack `{stack}` was not deployed by modulo; give the service another name, in [service]"
    )]
    Foreign {
        /// The stack.
        stack: String,
        /// What is wrong with its template.
        source: serde_json::Error,
    },
}

/// The parts of a template that are of interest.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    modulo: Description,
}

/// The description in the stack of `service` at `stage`; an empty one if there is no stack.
/// Stage `local` is looked for at `emulator`, and never in an account.
pub async fn deployed(
    service: &ServiceName,
    stage: &Stage,
    emulator: &str,
) -> Result<Description, UnknownDeployment> {
    let stack = format!("{service}-{stage}");
    let account = if stage.is_local() {
        local::settings(emulator).await
    } else {
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(DEFAULT_REGION);
        aws::of_machine().region(region).load().await
    };
    let client = Client::new(&account);
    // Asked for first, since emulators give a removed stack's template as if it were there.
    let described = client.describe_stacks().stack_name(&stack).send().await;
    if let Err(error) = described {
        // CloudFormation has no code of its own for it.
        if error
            .message()
            .is_some_and(|text| text.contains("does not exist"))
        {
            return Ok(Description::default());
        }
        return Err(unreachable(stack, &error));
    }
    let template = match client.get_template().stack_name(&stack).send().await {
        Ok(output) => output.template_body.unwrap_or_default(),
        Err(error) => return Err(unreachable(stack, &error)),
    };
    match serde_json::from_str::<Template>(&template) {
        Ok(template) => Ok(template.metadata.modulo),
        Err(source) => Err(UnknownDeployment::Foreign { stack, source }),
    }
}

fn unreachable(stack: String, error: &(impl Error + 'static)) -> UnknownDeployment {
    let message = Chain(error).to_string();
    UnknownDeployment::Unreachable { stack, message }
}

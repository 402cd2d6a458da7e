//! What the last deployment left: its stack, and the description that it put into the template.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::Config;
use aws_sdk_cloudformation::config::retry::RetryConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{ResourceStatus, Stack, StackStatus, TemplateStage};
use serde::Deserialize;
use serde_json::Value;

use super::Description;
use crate::aws::credentials::{self, CredentialsError};
use crate::deploy::generate::{is_nested_id, logical_id};
use crate::item::schema::InvalidSchema;
use crate::module::name::ModuleName;
use crate::store::Unusable;
use crate::telemetry::chain::Chain;

/// What osls makes before all else, so that it has where to put the function.
const BUCKET: &str = "ServerlessDeploymentBucket";

const TABLE: &str = "AWS::DynamoDB::Table";

const NESTED: &str = "AWS::CloudFormation::Stack";

const FUNCTION: &str = "AWS::Lambda::Function";

/// Why it is not known what is deployed.
#[derive(Debug, thiserror::Error)]
pub enum UnknownDeployment {
    /// CloudFormation does not answer, or refuses.
    #[error("cannot read stack `{stack}`; {advice}\ncause: {cause}")]
    Unreachable {
        /// The stack.
        stack: String,
        /// What to check.
        advice: String,
        /// What the SDK says, with all its sources, on one line.
        cause: String,
    },
    /// There are no credentials to ask CloudFormation with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// There is a stack, but no description in it.
    #[error(
        "stack `{stack}` was not deployed by modulo; give the service another name, in [service]"
    )]
    Foreign {
        /// The stack.
        stack: String,
    },
    /// The schema of a module can't be read.
    #[error(transparent)]
    Schema(#[from] Arc<InvalidSchema>),
    /// DynamoDB does not tell of a table, for another reason than missing permission.
    #[error("cannot look at table `{table}`")]
    Table {
        /// The table.
        table: String,
        /// What DynamoDB says.
        source: Unusable,
    },
}

/// What is deployed; nothing, where there is no stack.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    pub(super) description: Description,
    /// The tables of the stack and of its nested stacks: their names by their logical ids.
    pub(super) tables: BTreeMap<String, String>,
    /// What the template says of them, by their logical ids.
    pub(super) properties: BTreeMap<String, Value>,
    /// The names of the variables that its functions have in their environment.
    pub(super) variables: BTreeSet<String>,
    pub(super) state: State,
}

/// Whether a stack can be deployed to, by its status.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Ready,
    /// It is as it was before its last deployment.
    RolledBack(Status),
    /// Something is being done to it.
    Busy(Status),
    /// Its first change set is made and not executed.
    Review(Status),
    /// It must be removed first.
    Broken(Status),
    /// Its rollback must be finished first.
    Stuck(Status),
}

/// A status in CloudFormation's words, with its reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) reason: Option<String>,
}

impl State {
    fn of(stack: &Stack) -> Self {
        let Some(status) = stack.stack_status() else {
            return Self::Ready;
        };
        let reported = Status {
            name: status.as_str().to_owned(),
            reason: stack.stack_status_reason().map(str::to_owned),
        };
        match status {
            StackStatus::UpdateRollbackComplete
            | StackStatus::UpdateFailed
            | StackStatus::ImportRollbackComplete => Self::RolledBack(reported),
            StackStatus::RollbackComplete
            | StackStatus::RollbackFailed
            | StackStatus::CreateFailed
            | StackStatus::DeleteFailed => Self::Broken(reported),
            StackStatus::ReviewInProgress => Self::Review(reported),
            StackStatus::UpdateRollbackFailed | StackStatus::ImportRollbackFailed => {
                Self::Stuck(reported)
            }
            status if status.as_str().ends_with("_IN_PROGRESS") => Self::Busy(reported),
            _ => Self::Ready,
        }
    }
}

/// The parts of a template that are of interest.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    metadata: Metadata,
    #[serde(default)]
    resources: BTreeMap<String, TemplateResource>,
}

/// The same of a nested stack.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Nested {
    #[serde(default)]
    resources: BTreeMap<String, TemplateResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateResource {
    #[serde(default, rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
}

impl Template {
    /// The names of the variables that its functions have.
    fn variables(&self) -> BTreeSet<String> {
        let functions = self.resources.values();
        functions
            .filter(|resource| resource.kind == FUNCTION)
            .filter_map(|function| function.properties["Environment"]["Variables"].as_object())
            .flat_map(|variables| variables.keys().cloned())
            .collect()
    }
}

#[derive(Deserialize)]
struct Metadata {
    modulo: Description,
}

/// What is deployed in that stack.
pub(super) async fn read(account: &SdkConfig, stack: &str) -> Result<Deployed, UnknownDeployment> {
    let client = Client::new(account);
    // Asked for first, since emulators give a removed stack's template as if it were there.
    let described = client.describe_stacks().stack_name(stack).send().await;
    let state = match described {
        Ok(output) => match output.stacks().first() {
            Some(found) if found.stack_status() != Some(&StackStatus::DeleteComplete) => {
                State::of(found)
            }
            _ => return Ok(Deployed::default()),
        },
        Err(error) if is_of_no_stack(&error) => return Ok(Deployed::default()),
        Err(error) => return Err(unreachable(account, stack, &error)),
    };
    let resources = resources_of(account, &client, stack).await?;
    let mut deployed = Deployed {
        state,
        ..Deployed::default()
    };
    let is_osls = |(id, _): (&String, &Resource)| id.starts_with(BUCKET);
    if resources.iter().all(is_osls) {
        return Ok(deployed);
    }
    // Modulo's own are JSON.
    let template = template_of(account, &client, stack).await?;
    let Ok(template) = serde_json::from_str::<Template>(&template) else {
        let stack = stack.to_owned();
        return Err(UnknownDeployment::Foreign { stack });
    };
    deployed.variables = template.variables();
    deployed.description = template.metadata.modulo;
    let nested = resources.iter();
    let nested = nested.filter(|(id, resource)| resource.kind == NESTED && is_nested_id(id));
    for (_, Resource { name, .. }) in nested {
        deployed.add_tables(resources_of(account, &client, name).await?);
        let template = template_of(account, &client, name).await?;
        // Of a nested stack that was never made there is none.
        if let Ok(Nested { resources }) = serde_json::from_str(&template) {
            deployed.add_properties(resources);
        }
    }
    deployed.add_tables(resources);
    deployed.add_properties(template.resources);
    // After a deployment that failed, emulators give its template.
    let is_there = |module: &str| {
        let name = module.parse::<ModuleName>();
        name.is_ok_and(|name| deployed.tables.contains_key(&logical_id(&name)))
    };
    let described = &mut deployed.description.modules;
    described.retain(|module, described| !described.create || is_there(module));
    Ok(deployed)
}

impl Deployed {
    fn add_tables(&mut self, resources: BTreeMap<String, Resource>) {
        let tables = resources.into_iter();
        let tables = tables.filter(|(_, resource)| resource.kind == TABLE);
        self.tables
            .extend(tables.map(|(id, resource)| (id, resource.name)));
    }

    fn add_properties(&mut self, resources: BTreeMap<String, TemplateResource>) {
        let tables = resources.into_iter();
        let tables = tables.filter(|(_, resource)| resource.kind == TABLE);
        self.properties
            .extend(tables.map(|(id, resource)| (id, resource.properties)));
    }
}

/// The template of a stack.
async fn template_of(
    account: &SdkConfig,
    client: &Client,
    stack: &str,
) -> Result<String, UnknownDeployment> {
    let template = client
        .get_template()
        .stack_name(stack)
        // What was written in YAML, or for SAM, is JSON by then.
        .template_stage(TemplateStage::Processed);
    match template.send().await {
        Ok(output) => Ok(output.template_body.unwrap_or_default()),
        Err(error) => Err(unreachable(account, stack, &error)),
    }
}

struct Resource {
    kind: String,
    name: String,
}

/// What the stack has, by logical ids.
async fn resources_of(
    account: &SdkConfig,
    client: &Client,
    stack: &str,
) -> Result<BTreeMap<String, Resource>, UnknownDeployment> {
    let mut pages = client
        .list_stack_resources()
        .stack_name(stack)
        .into_paginator()
        .items()
        .send();
    let mut resources = BTreeMap::new();
    while let Some(resource) = pages.next().await {
        let resource = resource.map_err(|error| unreachable(account, stack, &error))?;
        let is_gone = matches!(
            resource.resource_status(),
            Some(
                ResourceStatus::DeleteComplete
                    | ResourceStatus::DeleteSkipped
                    | ResourceStatus::CreateFailed
            )
        );
        let (Some(id), Some(name), false) = (
            resource.logical_resource_id,
            resource.physical_resource_id,
            is_gone,
        ) else {
            continue;
        };
        let kind = resource.resource_type.unwrap_or_default();
        resources.insert(id, Resource { kind, name });
    }
    Ok(resources)
}

/// Which stack has a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    Stack(String),
    /// It can't be found out.
    Unknown,
}

/// The stack that has a table.
pub(super) async fn owner(account: &SdkConfig, table: &str) -> Owner {
    let is_emulator = account.endpoint_url().is_some();
    let mut config = Config::from(account).to_builder();
    if is_emulator {
        // LocalStack fails at it each time.
        config = config.retry_config(RetryConfig::disabled());
    }
    let client = Client::from_conf(config.build());
    let call = client.describe_stack_resources();
    let found = match call.physical_resource_id(table).send().await {
        Ok(found) => found,
        // ministack does not look at the id.
        Err(_) if is_emulator => return owner_among_all(account, &client, table).await,
        Err(error) if is_of_no_stack(&error) => return Owner::Nobody,
        Err(_) => return Owner::Unknown,
    };
    // A stack remembers for 90 days what it has let go of.
    let resource = found.stack_resources().iter().find(|resource| {
        let status = resource.resource_status().map(ResourceStatus::as_str);
        resource.physical_resource_id() == Some(table)
            && resource.resource_type() == Some(TABLE)
            && !status.is_some_and(|status| status.starts_with("DELETE_"))
    });
    let stack = resource.and_then(|resource| resource.stack_name());
    stack.map_or(Owner::Nobody, |stack| Owner::Stack(stack.to_owned()))
}

/// Whether there is no such stack, for which CloudFormation has no code of its own.
fn is_of_no_stack(error: &impl ProvideErrorMetadata) -> bool {
    (error.message()).is_some_and(|text| text.contains("does not exist"))
}

/// The same by looking at every stack, of which an emulator has few.
async fn owner_among_all(account: &SdkConfig, client: &Client, table: &str) -> Owner {
    let mut stacks = client.describe_stacks().into_paginator().items().send();
    while let Some(stack) = stacks.next().await {
        let stack = match stack {
            Ok(stack) => stack,
            Err(error) if is_of_no_stack(&error) => return Owner::Nobody,
            Err(_) => return Owner::Unknown,
        };
        let Some(name) = stack.stack_name() else {
            continue;
        };
        if stack.stack_status() == Some(&StackStatus::DeleteComplete) {
            continue;
        }
        let Ok(resources) = resources_of(account, client, name).await else {
            return Owner::Unknown;
        };
        let mut tables = resources.values().filter(|resource| resource.kind == TABLE);
        if tables.any(|resource| resource.name == table) {
            return Owner::Stack(name.to_owned());
        }
    }
    Owner::Nobody
}

fn unreachable(
    account: &SdkConfig,
    stack: &str,
    error: &(impl Error + ProvideErrorMetadata + 'static),
) -> UnknownDeployment {
    let refused = error.code().and_then(credentials::advice);
    let advice = match (refused, account.endpoint_url()) {
        (Some(advice), _) => advice.to_owned(),
        (None, Some(url)) => format!("check that the emulator at {url} runs"),
        (None, None) => "check the credentials, what they permit, and the region".to_owned(),
    };
    UnknownDeployment::Unreachable {
        stack: stack.to_owned(),
        advice,
        cause: Chain(error).to_string(),
    }
}

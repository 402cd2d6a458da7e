//! A plan for a stage: what the edits change, whether its stack can be deployed to, and whether
//! its tables are free to be made.

use std::pin::pin;

use aws_config::SdkConfig;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TableDescription;
use futures_util::StreamExt;

use super::deployed::{self, Deployed, State, Status, UnknownDeployment};
use super::variables::Known;
use super::{Change, Description, Plan, Verdict};
use crate::aws::{self, credentials};
use crate::config::Config;
use crate::deploy::generate::logical_id;
use crate::local;
use crate::module::Table;
use crate::module::few::few;
use crate::module::name::Stage;
use crate::store::{self, Misfit, Unusable};

/// As in `serverless.yml`.
const DEFAULT_REGION: &str = "us-east-1";

impl Plan {
    /// From what is deployed at `stage` to what `config` wants, held against the tables as they
    /// are. Stage `local` is looked for at `emulator`, and never in an account. The function will
    /// have these `variables` in its environment, by name; where that is not known, perhaps those
    /// that it has.
    ///
    /// # Errors
    /// It can't be found out what is deployed.
    pub async fn of_stage(
        config: &Config,
        stage: &Stage,
        emulator: &str,
        variables: Option<&[String]>,
    ) -> Result<Self, UnknownDeployment> {
        let account = account(stage, emulator).await;
        if !stage.is_local() {
            credentials::check(&account).await?;
        }
        let stack = format!("{}-{stage}", config.service.name);
        let deployed = deployed::read(&account, &stack).await?;
        let wanted = Description::of(config)?;

        let mut plan = Self(Vec::new());
        plan.0.extend(of_state(&deployed.state, &stack, stage));
        plan.0
            .extend(Self::of_edits(&deployed.description, &wanted).0);
        let known = match variables {
            Some(given) => Known::All(given),
            None => Known::Deployed(&deployed.variables),
        };
        plan.add_missing_variables(&wanted, &known);
        let tables = Tables {
            account: &account,
            client: Client::new(&account),
            stack: &stack,
            deployed: &deployed,
            wanted: &wanted,
        };
        plan.0.extend(tables.look(config).await?);
        Ok(plan)
    }
}

async fn account(stage: &Stage, emulator: &str) -> SdkConfig {
    if stage.is_local() {
        return local::settings(emulator).await;
    }
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(DEFAULT_REGION);
    aws::of_machine().region(region).load().await
}

fn of_state(found: &State, stack: &str, stage: &Stage) -> Option<Change> {
    let (verdict, status, consequence) = match found {
        State::Ready => return None,
        State::RolledBack(status) => (
            Verdict::Fine,
            status,
            "the last deployment failed, and what was deployed before is in force".to_owned(),
        ),
        State::Busy(status) => (
            Verdict::Fails,
            status,
            "something is being done to it; wait until that has ended".to_owned(),
        ),
        State::Broken(status) => (
            Verdict::Fails,
            status,
            format!("it can't be deployed to; remove it first: npm run remove -- --stage {stage}"),
        ),
        State::Stuck(status) => (
            Verdict::Fails,
            status,
            "it can't be deployed to; continue its rollback first, in CloudFormation's console"
                .to_owned(),
        ),
    };
    let Status { name, reason } = status;
    let reason = reason.as_deref().map(|reason| format!(": {reason}"));
    Some(Change {
        subject: format!("stack {stack}"),
        verdict,
        edit: format!("is {name}{}", reason.unwrap_or_default()),
        consequence,
    })
}

/// The modules' tables as they are.
struct Tables<'p> {
    account: &'p SdkConfig,
    client: Client,
    stack: &'p str,
    deployed: &'p Deployed,
    wanted: &'p Description,
}

impl Tables<'_> {
    async fn look(&self, config: &Config) -> Result<Vec<Change>, UnknownDeployment> {
        let mut described = pin!(store::describe_all(&self.client, config.modules.tables()));
        let mut changes = Vec::new();
        let mut hidden = Vec::new();
        while let Some((table, found)) = described.next().await {
            match found {
                Ok(found) => changes.extend(self.of_table(table, found).await),
                Err(unusable) if is_denied(&unusable) => {
                    hidden.push(format!("`{}`", table.name()));
                }
                Err(source) => {
                    return Err(UnknownDeployment::Table {
                        table: table.name().to_string(),
                        source,
                    });
                }
            }
        }
        if !hidden.is_empty() {
            changes.push(Change {
                subject: "tables".to_owned(),
                verdict: Verdict::Unknown,
                edit: format!("{} may not be looked at", few(&hidden)),
                consequence: "the deployment fails if one of them is there and not in the stack; \
                    allow dynamodb:DescribeTable, and plan again"
                    .to_owned(),
            });
        }
        Ok(changes)
    }

    async fn of_table(&self, table: &Table, found: Option<TableDescription>) -> Option<Change> {
        let name = table.name().as_str();
        let id = logical_id(table.owner());
        let is_owned = self.deployed.tables.get(&id).map(String::as_str) == Some(name);
        let (verdict, edit, consequence) = match (is_owned, found) {
            (true, Some(found)) => self.of_owned(table, &found)?,
            (true, None) => (
                Verdict::Breaks,
                format!("table `{name}` was deleted, though not by a deployment"),
                "a deployment does not make it anew: take the module out, deploy, put it back, and \
                 deploy again"
                    .to_owned(),
            ),
            (false, Some(found)) => self.of_foreign(table, &found).await,
            (false, None) => return None,
        };
        Some(Change {
            subject: table.owner().to_string(),
            verdict,
            edit,
            consequence,
        })
    }

    /// A table of the stack's, which somebody may have changed since, or an emulator not changed
    /// when it should have.
    fn of_owned(
        &self,
        table: &Table,
        found: &TableDescription,
    ) -> Option<(Verdict, String, String)> {
        let unusable = store::check(found, table).err()?;
        if let Unusable::Unfit { misfits, .. } = &unusable {
            // Of what this deployment is to change, the edit itself tells.
            let name = table.owner().as_str();
            let before = self.deployed.description.modules.get(name);
            let after = self.wanted.modules.get(name);
            if let (Some(before), Some(after)) = (before, after) {
                let is_edited = |misfit: &Misfit| match misfit.index() {
                    None => before.key != after.key,
                    Some(index) => before.indexes.get(index) != after.indexes.get(index),
                };
                if misfits.iter().all(is_edited) {
                    return None;
                }
            }
        }
        Some((
            Verdict::Breaks,
            unusable.to_string(),
            "a deployment does not mend it: CloudFormation compares with its last template, and \
             not with the table"
                .to_owned(),
        ))
    }

    /// A table that the deployment would make, although it is there.
    async fn of_foreign(
        &self,
        table: &Table,
        found: &TableDescription,
    ) -> (Verdict, String, String) {
        let name = table.name().as_str();
        let (stack, owned) = (self.stack, &self.deployed.tables);
        if owned.values().any(|table| table == name) {
            return (
                Verdict::Fails,
                format!("table `{name}` is in stack `{stack}` for another module already"),
                "CloudFormation makes a table for the new module before it lets go of the old \
                 one's: the deployment fails, or an emulator puts an empty table in its place; \
                 keep the module's name, or name another `table`"
                    .to_owned(),
            );
        }
        let (edit, first) = match deployed::owner(self.account, name).await {
            Some(other) => (
                format!("table `{name}` is there already, in stack `{other}`"),
                format!("have `{other}` let go of it and "),
            ),
            None => (
                format!("table `{name}` is there already, and not in stack `{stack}`"),
                String::new(),
            ),
        };
        let unusable = store::check(found, table).err();
        let unusable =
            unusable.map(|unusable| format!("; nor could the module use it: {unusable}"));
        let consequence = format!(
            "the deployment fails, or an emulator puts an empty table in its place; name another \
             `table` in modules.toml, or {first}import it into stack `{stack}` (\"Tables that are \
             there already\" in README.md){}",
            unusable.unwrap_or_default()
        );
        (Verdict::Fails, edit, consequence)
    }
}

/// DynamoDB's error for what the caller has no permission for.
fn is_denied(unusable: &Unusable) -> bool {
    unusable.to_string().contains("AccessDenied")
}

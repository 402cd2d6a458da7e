//! A plan for a stage: what the edits change, whether its stack can be deployed to, and what becomes
//! of its tables.

use aws_sdk_dynamodb::Client;

use super::deployed::{self, State, Status, UnknownDeployment};
use super::tables::{Imports, Tables};
use super::variables::Known;
use super::{Change, Description, Plan, Verdict};
use crate::config::Config;
use crate::local::account;
use crate::module::name::Stage;

impl Plan {
    /// From what is deployed at `stage` to what `config` wants, held against the tables as they
    /// are. Stage `local` is looked for at `emulator`, and never in an account. The function will
    /// have these `variables` in its environment, by name; where that is not known, perhaps those
    /// that it has. Beside the plan, the tables that the deployment must import.
    ///
    /// # Errors
    /// It can't be found out what is deployed.
    pub async fn of_stage(
        config: &Config,
        stage: &Stage,
        emulator: &str,
        variables: Option<&[String]>,
    ) -> Result<(Self, Imports), UnknownDeployment> {
        let account = account::of(stage, emulator).await?;
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
        plan.add_missing_variables(&wanted, &known, stage);
        let tables = Tables {
            account: &account,
            client: Client::new(&account),
            stage,
            stack: &stack,
            deployed: &deployed,
            wanted: &wanted,
        };
        let (changes, imports) = Box::pin(tables.look(config)).await?;
        plan.0.extend(changes);
        Ok((plan, imports))
    }
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
        State::Review(status) => (
            Verdict::Fails,
            status,
            format!(
                "its first deployment was interrupted before it made anything, or another one is \
                 just beginning; if none is, remove the stack and deploy again: npm run remove -- \
                 --stage {stage}"
            ),
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

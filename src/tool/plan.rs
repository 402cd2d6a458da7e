//! `modulo plan`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use tokio::runtime::Runtime;

use super::arguments::{EmulatorArgs, FileArgs};
use super::environment;
use crate::config;
use crate::deploy::generate::{Dashboard, Deployment};
use crate::deploy::plan::{Description, Plan};
use crate::edge::serve::say;

/// Print what a deployment would change for data and clients
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// Compare with this modules.toml rather than with what is deployed
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Exit with status 0 even if data or clients break
    #[arg(long)]
    accept_breaking: bool,
    /// Include the dashboard of `--param dashboard=true` in the check of AWS's limits
    #[arg(long)]
    dashboard: bool,
    /// The SNS topic that its alarms notify
    #[arg(long, value_name = "ARN", requires = "dashboard")]
    topic: Option<String>,
    /// The names of the environment variables that the function will have
    ///
    /// A variable that a guard reads and that is not listed is reported as breaking. Without this
    /// option, the function is expected to have the variables of the last deployment.
    #[arg(
        long,
        value_name = "NAME,NAME",
        value_delimiter = ',',
        conflicts_with = "against"
    )]
    variables: Option<Vec<String>>,
    #[command(flatten)]
    emulator: EmulatorArgs,
    /// Write the tables that the deployment imports to this file, as JSON
    ///
    /// By logical id, each as CloudFormation must describe it in the change set that imports it.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    imports: Option<PathBuf>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let FileArgs { file, stage } = &self.file;
        let wanted = self.file.load()?;
        let mut plan = if let Some(before) = &self.against {
            let before = config::check(before, stage, environment::all())?;
            Plan::new(&Description::of(&before)?, &Description::of(&wanted)?)
        } else {
            let variables = self.variables.as_deref();
            let plan = Plan::of_stage(&wanted, stage, &self.emulator.endpoint_url, variables);
            let (plan, imports) = Runtime::new()?.block_on(plan)?;
            if let Some(file) = &self.imports {
                std::fs::write(file, imports.to_json())
                    .with_context(|| format!("cannot write `{}`", file.display()))?;
            }
            plan
        };
        let dashboard = self
            .dashboard
            .then(|| Dashboard::new(&wanted, self.topic.as_deref()))
            .transpose()?;
        plan.add_open_modules(&wanted, stage);
        plan.add_unsendable(&wanted, stage);
        let deployment = Deployment::new(&wanted, stage)?;
        plan.add_limits(&wanted, &deployment, dashboard.as_ref(), stage)?;
        say(&format!("{plan}\n"));
        if plan.is_impossible() {
            bail!("the deployment would fail; fix what is marked FAILS first");
        }
        if plan.is_breaking() && !self.accept_breaking {
            bail!(
                "{} breaks data or clients; undo the edits, or accept them with \
                 --accept-breaking",
                file.display()
            );
        }
        Ok(())
    }
}

//! `modulo dashboard`.

use super::arguments::FileArgs;
use crate::deploy::generate::Dashboard;
use crate::edge::serve::say;

/// Print a CloudWatch dashboard and its alarms as a CloudFormation template
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The SNS topic that the alarms notify
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let dashboard = Dashboard::new(&self.file.load()?, self.topic.as_deref())?;
        say(&dashboard.to_json());
        Ok(())
    }
}

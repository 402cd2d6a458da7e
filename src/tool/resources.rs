//! `modulo resources`.

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::arguments::FileArgs;
use crate::deploy::generate::Deployment;
use crate::edge::serve::say;

/// Print what a deployment needs, as JSON: the service's name, tables, permissions
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The KMS key that encrypts the tables
    #[arg(long, value_name = "ARN")]
    kms_key: Option<String>,
    /// Print nothing, and fail if FILE differs from what would be printed
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let FileArgs {
            file: modules,
            stage,
        } = &self.file;
        let mut deployment = Deployment::new(&self.file.load()?, stage)?;
        if let Some(key) = self.kms_key.as_deref() {
            deployment = deployment.encrypted(&key.into(), |part| part);
        }
        let Some(file) = &self.check else {
            say(&deployment.to_json());
            return Ok(());
        };
        let file_name = file.display();
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read `{file_name}`"))?;
        if let Some(drift) = deployment.drift_of(&text) {
            bail!(
                "`{file_name}` differs from what {} needs; update it with `modulo resources --stage \
                 {stage} > {file_name}`\n{drift}",
                modules.display()
            );
        }
        Ok(())
    }
}

//! `modulo template`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::arguments::FileArgs;
use crate::config::Config;
use crate::deploy::generate::{Artifact, BASE_PATH_VARIABLE, Stack, StackOptions};
use crate::deploy::open::UndeclaredOpen;
use crate::edge::serve::say;

/// Print the whole stack as a CloudFormation template
///
/// For those who deploy by CloudFormation, SAM, Terraform or CDK. The stack's name must be that of the
/// service and the stage, such as modulo-prod, so that `modulo plan` finds it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// Where in S3 the function's package is, which `modulo package` makes
    #[arg(long, value_name = "BUCKET/KEY")]
    artifact: Artifact,
    /// Where in S3 the package of the second function is, if there are webhooks, events or histories
    #[arg(long, value_name = "BUCKET/KEY")]
    changes_artifact: Option<Artifact>,
    /// The processor that the function was built for
    #[arg(long, value_parser = ["x86_64", "arm64"], default_value = "x86_64")]
    arch: String,
    /// What stands before the paths under the API's own domain, such as v1
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// Add a CloudWatch dashboard, and alarms
    #[arg(long)]
    dashboard: bool,
    /// Write the template to this file, and those of nested stacks beside it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.load()?;
        UndeclaredOpen::check(&config, &self.file.stage)?;
        let base_path = self.base_path.and(config.service.base_path.clone());
        let stack = Stack::new(
            &config,
            &StackOptions {
                artifact: self.artifact,
                changes_artifact: self.changes_artifact,
                arch: self.arch,
                base_path,
                has_dashboard: self.dashboard,
            },
        )?;
        let write = |file: &Path, text: String| {
            std::fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
        };
        let Some(file) = self.output else {
            if let Some((nested, _)) = stack.nested().next() {
                bail!(
                    "modules with `stack` have their tables in nested stacks, whose templates belong \
                     beside this one, as `{nested}`; write all of them with --output template.json"
                );
            }
            say(&stack.to_json());
            return Ok(());
        };
        for (nested, text) in stack.nested() {
            write(&file.with_file_name(nested), text)?;
        }
        write(&file, stack.to_json())
    }

    /// The base path is a setting of the function, so that the file is read with it.
    fn load(&self) -> anyhow::Result<Config> {
        let Some(path) = &self.base_path else {
            return Ok(self.file.load()?);
        };
        let path = format!("/{}", path.trim_start_matches('/'));
        if let Some(own) = self.file.load()?.service.base_path
            && own.as_str() != path
        {
            bail!(
                "--base-path is {path}, and `base_path` in [service] of {} is {own}; leave one of \
                 them out",
                self.file.file.display()
            );
        }
        let variable = (BASE_PATH_VARIABLE.to_owned(), path);
        Ok(self.file.load_with(Some(variable))?)
    }
}

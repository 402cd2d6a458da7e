//! `modulo package`.

use std::path::PathBuf;

use anyhow::Context;

use super::arguments::FileArgs;
use crate::deploy::feature::Program;
use crate::deploy::package::{self, Written};
use crate::edge::serve::say;

/// Pack the function's binary, modules.toml and the files that it names into a zip
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    program: Built,
    /// The zip to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// One of the two functions.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Built {
    /// The `bootstrap` binary built for Lambda, or a zip that contains it
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// The `changes` binary, or a zip of it, for the second function, of webhooks, events and histories
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let Built { bootstrap, changes } = self.program;
        let program = if changes.is_some() {
            Program::Changes
        } else {
            Program::Bootstrap
        };
        let built = bootstrap
            .or(changes)
            .context("give one of the two functions")?;
        let written = package::write(program, &built, &self.file.file, &config, &self.output)?;
        let unchanged = match written {
            Written::New => "",
            Written::Unchanged => ": unchanged",
        };
        say(&format!("{}{unchanged}\n", self.output.display()));
        Ok(())
    }
}

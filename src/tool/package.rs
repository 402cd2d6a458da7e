//! `modulo package`.

use std::path::PathBuf;

use super::arguments::FileArgs;
use crate::deploy::package::{self, Written};
use crate::edge::serve::say;

/// Pack the function's binary, modules.toml and the files that it names into a zip
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The `bootstrap` binary built for Lambda, or a zip that contains it
    #[arg(long, value_name = "FILE")]
    bootstrap: PathBuf,
    /// The zip to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let written = package::write(&self.bootstrap, &self.file.file, &config, &self.output)?;
        let unchanged = match written {
            Written::New => "",
            Written::Unchanged => ": unchanged",
        };
        say(&format!("{}{unchanged}\n", self.output.display()));
        Ok(())
    }
}

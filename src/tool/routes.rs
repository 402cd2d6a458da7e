//! `modulo routes`.

use super::arguments::FileArgs;
use crate::api::listing;
use crate::edge::serve::say;

/// Print the routes that modules.toml mounts
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        say(&listing::table(&self.file.load()?));
        Ok(())
    }
}

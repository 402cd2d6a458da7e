//! `modulo schema`.

use crate::config::keys;
use crate::edge::serve::say;

/// Print the JSON Schema of modules.toml, for editors
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        say(&keys::schema_text());
        Ok(())
    }
}

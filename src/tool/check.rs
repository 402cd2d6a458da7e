//! `modulo check`.

use super::arguments::FileArgs;
use crate::api::listing;
use crate::edge::serve::say;

/// Print everything that is wrong with modules.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let modules = config.modules.iter().len();
        let plural = if modules == 1 { "" } else { "s" };
        say(&format!(
            "{}: {modules} module{plural}, no errors\n{}",
            self.file.file.display(),
            listing::notes(&config.modules).unwrap_or_default()
        ));
        Ok(())
    }
}

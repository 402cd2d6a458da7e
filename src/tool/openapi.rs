//! `modulo openapi`.

use super::arguments::{FileArgs, url};
use crate::edge::serve::say;
use crate::module::base_path::BasePath;
use crate::openapi;

/// Print the API's description, an OpenAPI 3.1 document
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The API's URL in the document [default: `service.base_path`, or the folder of the document's own URL]
    #[arg(long, value_name = "URL", value_parser = url)]
    server: Option<String>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let about = &config.service.about;
        let base_path = config.service.base_path.as_ref().map(BasePath::as_str);
        let base_path = base_path.filter(|_| about.servers.is_empty());
        let server = self.server.as_deref().or(base_path);
        let document = openapi::document(&config, server, usize::MAX)?;
        let document: serde_json::Value = serde_json::from_str(&document)?;
        say(&format!("{document:#}\n"));
        Ok(())
    }
}

//! What `modulo serve` is asked for.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::host::HostName;
use super::limits::Limits;
use crate::config::{self, Config, ConfigError};
use crate::local::backend::Backend;
use crate::module::name::Stage;

/// What `modulo serve` is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen: host and port.
    pub address: String,
    /// The names by which it may be asked, beside this machine's own.
    pub hosts: Vec<HostName>,
    /// What its clients may hold, and for how long.
    pub limits: Limits,
    /// The configuration's file.
    pub file: PathBuf,
    /// The stage whose tables are used.
    pub stage: Stage,
    /// The environment, for the settings that it layers over the file's.
    pub environment: Vec<(String, String)>,
    /// Where the tables are.
    pub backend: Backend,
    /// Where the embedded DynamoDB listens for other programs, if it does.
    pub dynamodb_address: Option<SocketAddr>,
    /// Whether log lines have colours.
    pub colour: bool,
    /// What `RUST_LOG` holds, which wins over the file.
    pub rust_log: Option<String>,
}

impl Options {
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        config::load(&self.file, &self.stage, self.environment.iter().cloned())
    }

    pub(super) fn check(&self) -> Result<Config, ConfigError> {
        config::check(&self.file, &self.stage, self.environment.iter().cloned())
    }

    pub(super) fn check_again(&self, before: &Config) -> Result<Config, ConfigError> {
        let environment = self.environment.iter().cloned();
        config::check_again(&self.file, &self.stage, environment, before)
    }
}

//! The arguments that several commands have.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use axum::http::Uri;

use super::environment;
use crate::config::{self, Config, ConfigError};
use crate::local::Data;
use crate::local::backend::Backend;
use crate::module::Module;
use crate::module::name::{InvalidName, ModuleName, Stage};

/// Where the embedded DynamoDB keeps its data if no option names another folder.
const DATA_FOLDER: &str = ".modulo";

/// The configuration, and the stage that it is read for.
#[derive(Debug, clap::Args)]
pub(super) struct FileArgs {
    /// The configuration file
    #[arg(long, visible_alias = "modules", value_name = "FILE", default_value = config::FILE_NAME)]
    pub(super) file: PathBuf,
    /// The stage, which is part of the tables' names
    #[arg(long, env = "MODULO_STAGE", default_value = Stage::LOCAL, value_parser = stage)]
    pub(super) stage: Stage,
}

impl FileArgs {
    /// Reads the file, and the files that it names.
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        self.load_with(None)
    }

    /// The same, as it is with one more variable in the environment.
    pub(super) fn load_with(
        &self,
        variable: Option<(String, String)>,
    ) -> Result<Config, ConfigError> {
        let variables = environment::all().chain(variable);
        config::check(&self.file, &self.stage, variables)
    }

    /// Reads the file for the sake of one of its modules.
    pub(super) fn module(&self, name: &ModuleName) -> anyhow::Result<Arc<Module>> {
        let modules = self.load()?.modules;
        if let Some(module) = modules.get(name) {
            return Ok(Arc::clone(module));
        }
        let known: Vec<_> = modules
            .iter()
            .map(|module| module.name().as_str())
            .collect();
        bail!(
            "{} has no module `{name}`; {}",
            self.file.display(),
            config::suggest(name.as_str(), &known)
        );
    }
}

/// Where the tables are: at most one of these.
#[derive(Debug, clap::Args)]
pub(super) struct BackendArgs {
    /// The folder of the embedded DynamoDB [default: .modulo]
    #[arg(long, value_name = "FOLDER", group = "backend")]
    data_dir: Option<PathBuf>,
    /// Use the DynamoDB at this URL, such as LocalStack's [default: `AWS_ENDPOINT_URL`, if set]
    #[arg(long, value_name = "URL", group = "backend", value_parser = url)]
    endpoint_url: Option<String>,
    /// Use DynamoDB in AWS, with this machine's region and credentials
    #[arg(long, group = "backend")]
    aws: bool,
}

impl BackendArgs {
    /// Whether anything says where the tables are.
    pub(super) fn is_given(&self) -> bool {
        self.aws
            || self.data_dir.is_some()
            || self.endpoint_url.is_some()
            || environment::variable("AWS_ENDPOINT_URL").is_some()
    }

    pub(super) fn backend(&self) -> anyhow::Result<Backend> {
        if self.aws {
            return Ok(Backend::Aws);
        }
        if let Some(folder) = &self.data_dir {
            return Ok(Backend::Embedded(Data::Folder(folder.clone())));
        }
        if let Some(endpoint) = &self.endpoint_url {
            return Ok(Backend::Endpoint(endpoint.clone()));
        }
        let Some(endpoint) = environment::variable("AWS_ENDPOINT_URL") else {
            return Ok(Backend::Embedded(Data::Folder(DATA_FOLDER.into())));
        };
        match url(&endpoint) {
            Ok(endpoint) => Ok(Backend::Endpoint(endpoint)),
            Err(invalid) => Err(anyhow::anyhow!(
                "AWS_ENDPOINT_URL is `{endpoint}`: {invalid}"
            )),
        }
    }
}

/// An empty text, which is what an empty variable gives, is the default stage.
fn stage(text: &str) -> Result<Stage, InvalidName> {
    if text.is_empty() {
        Ok(Stage::default())
    } else {
        text.parse()
    }
}

pub(super) fn url(text: &str) -> Result<String, String> {
    let is_url = text.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
    });
    if is_url {
        Ok(text.to_owned())
    } else {
        Err("not a valid URL, such as http://127.0.0.1:4566".to_owned())
    }
}

/// An address and a port, where `localhost` is 127.0.0.1.
pub(super) fn socket_address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into()),
        None => text.parse().ok(),
    }
}

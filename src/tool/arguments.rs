//! The arguments that several commands have.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use axum::http::Uri;

use super::environment;
use crate::config::keys::Language;
use crate::config::{self, Config, ConfigError};
use crate::local::Data;
use crate::local::backend::Backend;
use crate::module::Module;
use crate::module::name::{InvalidName, ModuleName, Stage};

/// Where the embedded DynamoDB keeps its data if no option names another folder.
const DATA_FOLDER: &str = ".modulo";

/// The variables that name the language of a terminal's user; the first that is set counts.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The language of what is written for a user.
#[derive(Debug, clap::Args)]
pub(super) struct LanguageArgs {
    /// The language of the comments, `en` or `pt-BR` [default: that of `LC_ALL`, `LC_MESSAGES` or `LANG`]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Language>,
}

impl LanguageArgs {
    /// The one that is asked for, else that of the environment: Portuguese in each of its countries, or
    /// English.
    pub(super) fn get(&self) -> Language {
        let of_environment = || match LOCALE.into_iter().find_map(environment::variable) {
            Some(locale) if locale.starts_with("pt") => Language::Portuguese,
            _ => Language::English,
        };
        self.lang.unwrap_or_else(of_environment)
    }
}

fn language(text: &str) -> Result<Language, &'static str> {
    match text {
        "en" => Ok(Language::English),
        "pt-BR" => Ok(Language::Portuguese),
        _ => Err("expected en or pt-BR"),
    }
}

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
        Ok(self.load_for(name)?.1)
    }

    /// The same, with all that the file says.
    pub(super) fn load_for(&self, name: &ModuleName) -> anyhow::Result<(Config, Arc<Module>)> {
        let config = self.load()?;
        if let Some(module) = config.modules.get(name) {
            let module = Arc::clone(module);
            return Ok((config, module));
        }
        let known = config.modules.iter();
        let known: Vec<_> = known.map(|module| module.name().as_str()).collect();
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

/// Where stage `local` is deployed to.
#[derive(Debug, clap::Args)]
pub(super) struct EmulatorArgs {
    /// The URL of the emulator, which stage `local` is deployed to
    #[arg(
        long,
        value_name = "URL",
        env = "AWS_ENDPOINT_URL",
        default_value = "http://127.0.0.1:4566"
    )]
    pub(super) endpoint_url: String,
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

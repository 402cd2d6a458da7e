//! Where the tables are: in an embedded engine, behind an endpoint, or in AWS.

use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::ProvideCredentials;

use crate::local::{self, Data, Engine, LocalError};
use crate::module::Module;
use crate::store::Store;

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// In an engine inside this process.
    Embedded(Data),
    /// Behind this URL: LocalStack, or another emulator.
    Endpoint(String),
    /// In AWS, with the credentials and region of the environment.
    Aws,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(Data::Memory) => f.write_str("an embedded DynamoDB in memory"),
            Self::Embedded(Data::Folder(folder)) => {
                write!(f, "an embedded DynamoDB in {}/", folder.display())
            }
            Self::Endpoint(url) => write!(f, "DynamoDB at {url}"),
            Self::Aws => f.write_str("DynamoDB in AWS"),
        }
    }
}

/// The store, and what keeps it alive.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) store: Store,
    engine: Option<Engine>,
    /// Whether missing tables are to be made: nothing is made in AWS that no deployment owns.
    may_create: bool,
}

impl Tables {
    pub(crate) async fn open(backend: &Backend) -> anyhow::Result<Self> {
        let (engine, shared) = match backend {
            Backend::Embedded(data) => {
                let engine = Engine::start(data).await?;
                let shared = local::settings(&engine.endpoint()).await;
                (Some(engine), shared)
            }
            Backend::Endpoint(url) => (None, local::settings(url).await),
            Backend::Aws => (None, aws().await?),
        };
        Ok(Self {
            store: Store::new(&shared),
            engine,
            may_create: *backend != Backend::Aws,
        })
    }

    pub(crate) async fn prepare(
        &self,
        modules: impl IntoIterator<Item = &Arc<Module>>,
    ) -> Result<(), LocalError> {
        if self.may_create {
            local::create_tables(self.store.client(), modules).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

/// The settings of this machine for AWS, or what is missing of them.
async fn aws() -> anyhow::Result<SdkConfig> {
    let shared = aws_config::load_from_env().await;
    shared
        .region()
        .context("no AWS region is set; set AWS_REGION, or one in ~/.aws/config")?;
    let credentials = shared
        .credentials_provider()
        .context("no AWS credentials are configured")?;
    credentials.provide_credentials().await.context(
        "no AWS credentials can be had; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`",
    )?;
    Ok(shared)
}

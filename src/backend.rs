//! Where the tables are: in an embedded engine, behind an endpoint, or in AWS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::ProvideCredentials;

use crate::aws;
use crate::local::{self, Data, Engine, Found, LocalError, Ownership, TableError};
use crate::module::Module;
use crate::store::Store;

/// How long, and how often, another process is waited for that has just begun to open its data.
const OPENING: Duration = Duration::from_millis(50);
const OPENING_TRIES: u32 = 100;

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
    pub(crate) ownership: Ownership,
    /// What tells these tables from those of the same names elsewhere.
    pub(crate) place: String,
}

impl Tables {
    /// For answering requests; an engine's folder is this process's own.
    pub(crate) async fn open(backend: &Backend) -> anyhow::Result<Self> {
        let engine = match backend {
            Backend::Embedded(data) => Some(Engine::start(data).await?),
            Backend::Endpoint(_) | Backend::Aws => None,
        };
        let endpoint = engine.as_ref().map(Engine::endpoint);
        Self::over(backend, engine, endpoint, Store::new).await
    }

    /// For moving many items; where another process has the engine's folder, its engine is used.
    pub(crate) async fn join(backend: &Backend) -> anyhow::Result<Self> {
        let (engine, endpoint) = match backend {
            Backend::Embedded(data) => join(data).await?,
            Backend::Endpoint(_) | Backend::Aws => (None, None),
        };
        Self::over(backend, engine, endpoint, Store::patient).await
    }

    async fn over(
        backend: &Backend,
        engine: Option<Engine>,
        endpoint: Option<String>,
        store: fn(&SdkConfig) -> Store,
    ) -> anyhow::Result<Self> {
        let shared = match (backend, &endpoint) {
            (Backend::Endpoint(url), _) | (_, Some(url)) => local::settings(url).await,
            (_, None) => account().await?,
        };
        let place = match (backend, shared.region()) {
            (Backend::Embedded(Data::Folder(folder)), _) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                Backend::Embedded(Data::Folder(folder)).to_string()
            }
            (_, Some(region)) => format!("{backend}, {region}"),
            (_, None) => backend.to_string(),
        };
        Ok(Self {
            store: store(&shared),
            engine,
            ownership: match backend {
                Backend::Embedded(_) => Ownership::Own,
                Backend::Endpoint(_) => Ownership::Shared,
                Backend::Aws => Ownership::Deployed,
            },
            place,
        })
    }

    /// Makes what may be made, and tells which modules can't use their tables.
    pub(crate) async fn prepare(
        &self,
        modules: impl IntoIterator<Item = &Arc<Module>>,
    ) -> Result<Found, TableError> {
        local::prepare(self.store.client(), modules, self.ownership).await
    }

    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

/// An engine of our own, or the endpoint of the one that another process has over the same data.
async fn join(data: &Data) -> Result<(Option<Engine>, Option<String>), LocalError> {
    let mut tries = 1;
    loop {
        match Engine::start(data).await {
            Ok(engine) => {
                let endpoint = engine.endpoint();
                return Ok((Some(engine), Some(endpoint)));
            }
            Err(LocalError::Locked {
                endpoint: Some(endpoint),
                ..
            }) => return Ok((None, Some(endpoint))),
            Err(LocalError::Locked { .. }) if tries < OPENING_TRIES => {
                tries += 1;
                tokio::time::sleep(OPENING).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The settings of this machine for AWS, or what is missing of them.
async fn account() -> anyhow::Result<SdkConfig> {
    let shared = aws::of_machine().load().await;
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

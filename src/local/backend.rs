//! Where the tables are: in an embedded engine, behind an endpoint, or in AWS.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;

use super::LocalError;
use super::engine::{Data, Embedded};
use super::folder::settings_of_other;
use super::settings::settings;
use super::streams::{StreamError, Streams};
use super::tables::{self, Found, Ownership, TableError};
use crate::aws::{self, credentials};
use crate::module::Table;
use crate::store::Store;

/// The pause between attempts to reach a process that has just begun to open its data, and how many
/// attempts there are.
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

impl Backend {
    /// The folder that the tables are in, if they are in one of this machine.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Embedded(data) => data.folder(),
            Self::Endpoint(_) | Self::Aws => None,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(Data::Memory) => f.write_str("an embedded DynamoDB in memory"),
            Self::Embedded(Data::Folder(folder) | Data::Relaxed(folder)) => {
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
    engine: Option<Embedded>,
    pub(crate) ownership: Ownership,
    /// Where the tables are, which distinguishes them from tables of the same names elsewhere.
    pub(crate) place: String,
}

impl Tables {
    /// For answering requests. No other process may have the engine's folder open.
    pub(crate) async fn open(backend: &Backend) -> anyhow::Result<Self> {
        let (engine, shared) = match backend {
            Backend::Embedded(data) => own(data).await?,
            Backend::Endpoint(url) => (None, settings(url).await),
            Backend::Aws => (None, account().await?),
        };
        Ok(Self::over(backend, engine, &shared, Store::new))
    }

    /// For moving many items. If another process has the engine's folder open, its engine is used.
    pub(crate) async fn join(backend: &Backend) -> anyhow::Result<Self> {
        let (engine, shared) = match backend {
            Backend::Embedded(data) => own_or_others(data).await?,
            Backend::Endpoint(url) => (None, settings(url).await),
            Backend::Aws => (None, account().await?),
        };
        Ok(Self::over(backend, engine, &shared, Store::patient))
    }

    fn over(
        backend: &Backend,
        engine: Option<Embedded>,
        shared: &SdkConfig,
        store: fn(&SdkConfig) -> Store,
    ) -> Self {
        let place = match (backend, shared.region()) {
            (Backend::Embedded(Data::Folder(folder) | Data::Relaxed(folder)), _) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                Backend::Embedded(Data::Folder(folder)).to_string()
            }
            (_, Some(region)) => format!("{backend}, {region}"),
            (_, None) => backend.to_string(),
        };
        Self {
            store: match engine {
                Some(_) => Store::embedded(shared),
                None => store(shared),
            },
            engine,
            ownership: match backend {
                Backend::Embedded(_) => Ownership::Own,
                Backend::Endpoint(_) => Ownership::Shared,
                Backend::Aws => Ownership::Deployed,
            },
            place,
        }
    }

    /// Opens the embedded engine to other programs on this machine, and returns its address.
    pub(crate) async fn listen(&mut self, address: SocketAddr) -> anyhow::Result<SocketAddr> {
        let engine = self.engine.as_mut();
        let engine = engine
            .context("--dynamodb-addr needs the embedded DynamoDB, and another one is used")?;
        Ok(engine.listen(address).await?)
    }

    /// Creates the missing tables that may be created, and returns the modules that can't use theirs.
    pub(crate) async fn prepare(
        &self,
        wanted: impl IntoIterator<Item = &Table>,
    ) -> Result<Found, TableError> {
        let client = self.store.client();
        let Some(engine) = &self.engine else {
            return tables::prepare(client, wanted, self.ownership, client).await;
        };
        let later = Client::new(&engine.settings_for_later().await);
        let found = tables::prepare(client, wanted, self.ownership, &later).await;
        engine.make_rest();
        found
    }

    /// The streams of the tables, where they are in an engine of this process.
    pub(crate) async fn streams(&self) -> Result<Option<Streams>, StreamError> {
        match &self.engine {
            Some(engine) => engine.streams().await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

async fn own(data: &Data) -> Result<(Option<Embedded>, SdkConfig), LocalError> {
    let engine = Embedded::open(data)?;
    let shared = engine.settings().await;
    Ok((Some(engine), shared))
}

/// An engine in this process, or the settings for that of the process which has the folder open.
async fn own_or_others(data: &Data) -> Result<(Option<Embedded>, SdkConfig), LocalError> {
    let mut tries = 1;
    loop {
        let folder = match own(data).await {
            Err(LocalError::Locked { folder }) => folder,
            result => return result,
        };
        match settings_of_other(&folder).await {
            Ok(shared) => return Ok((None, shared)),
            // The other process has not opened its socket yet, or is about to end.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused
                ) && tries < OPENING_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(OPENING).await;
            }
            Err(source) => return Err(LocalError::Unreachable { folder, source }),
        }
    }
}

/// The settings of this machine for AWS; an error if the region or the credentials are missing.
async fn account() -> anyhow::Result<SdkConfig> {
    let shared = aws::of_machine().load().await;
    shared
        .region()
        .context("no AWS region is set; set AWS_REGION, or a region in ~/.aws/config")?;
    credentials::check(&shared).await?;
    Ok(shared)
}

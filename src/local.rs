//! DynamoDB on a laptop: an embedded engine, and the modules' tables in it.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_smithy_http_client::Builder;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use self::tables::{Found, Ownership, prepare};
pub use self::tables::{TableError, create_tables};

mod tables;

/// Why there is no local DynamoDB.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder for the data can't be written to.
    #[error("cannot write to `{}`; choose another folder with --data-dir, or none with --memory", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process uses the folder.
    #[error("`{}` is in use by another `modulo`; stop it, or choose another folder with --data-dir", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The URL of the other's engine, once it has one.
        endpoint: Option<String>,
    },
    /// The engine can't open the data.
    #[error("cannot open the database `{}`; move it away to begin anew: {reason}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// No socket on the loopback interface.
    #[error("cannot listen on the loopback interface")]
    Loopback(#[source] std::io::Error),
}

/// Where the embedded engine keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: it is gone with the process.
    Memory,
    /// In this folder.
    Folder(PathBuf),
}

/// An embedded DynamoDB that speaks the real protocol on a loopback port.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), String>>,
    /// Held as long as the folder is used.
    _lock: Option<File>,
}

impl Engine {
    /// Starts an engine on a free port of the loopback interface.
    ///
    /// # Errors
    /// The folder can't be used, or there is no free port.
    pub async fn start(data: &Data) -> Result<Self, LocalError> {
        let (database, mut lock) = match data {
            Data::Memory => (
                Database::memory().map_err(|e| open_error("memory".as_ref(), &e))?,
                None,
            ),
            Data::Folder(folder) => {
                let lock = lock(folder)?;
                let file = folder.join("dynamodb.sqlite");
                let opened = Database::new(&file.to_string_lossy());
                (
                    opened.map_err(|error| open_error(&file, &error))?,
                    Some(lock),
                )
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(LocalError::Loopback)?;
        let address = listener.local_addr().map_err(LocalError::Loopback)?;
        if let (Data::Folder(folder), Some(lock)) = (data, &mut lock) {
            writeln!(lock, "{address}").map_err(|source| folder_error(folder, source))?;
        }
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(dynoxide::server::serve_with_shutdown(
            listener,
            database,
            async {
                // A dropped sender stops it as well.
                let _ = stopped.await;
            },
        ));
        Ok(Self {
            address,
            stop,
            served,
            _lock: lock,
        })
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    /// Finishes what is being done and closes the data.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.served.await;
    }
}

/// Takes the folder, or finds who has it: the lock's holder writes its engine's address into the
/// file. What a process left there that is gone says nothing, since then the lock is free.
fn lock(folder: &Path) -> Result<File, LocalError> {
    let failed = |source| folder_error(folder, source);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let lock = options.open(folder.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0).map_err(failed)?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => Err(LocalError::Locked {
            folder: folder.to_owned(),
            endpoint: endpoint_in(lock).map_err(failed)?,
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn endpoint_in(mut lock: File) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    lock.read_to_string(&mut line)?;
    let address = line.strip_suffix('\n').and_then(|text| text.parse().ok());
    Ok(address.map(endpoint))
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn folder_error(folder: &Path, source: std::io::Error) -> LocalError {
    LocalError::Folder {
        folder: folder.to_owned(),
        source,
    }
}

fn open_error(file: &Path, error: &dynoxide::DynoxideError) -> LocalError {
    // What follows the first sentence is advice on the engine's own API.
    let text = error.to_string();
    let reason = text.split(". ").next().unwrap_or_default().to_owned();
    LocalError::Database {
        file: file.to_owned(),
        reason,
    }
}

/// The SDK's settings for an endpoint that is not AWS's: the embedded engine, or an emulator.
///
/// Region and credentials are the environment's where it has them, since emulators keep regions
/// and accounts apart; otherwise any will do.
pub async fn settings(endpoint: &str) -> SdkConfig {
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(Region::from_static("us-east-1"));
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else(
        "Emulator",
        Credentials::new("test", "test", None, None, "modulo"),
    );
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(region)
        .credentials_provider(credentials)
        // A proxy of the environment does not lead to this machine.
        .http_client(Builder::new().build_http())
        .load()
        .await
}

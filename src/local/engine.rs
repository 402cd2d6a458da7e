//! The embedded engine: its data, and who reaches it.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use axum::Router;
use axum::serve::Listener;
use dynoxide::{Database, DynoxideError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use uuid::Uuid;

use super::folder::Locked;
use super::log::Log;
use super::runner::Runner;
use super::streams::{StreamError, Streams};
use super::{LocalError, connector, http, settings, socket};

/// How long clients may take to send the rest of their requests when the engine stops.
const LINGER: Duration = Duration::from_secs(1);

/// Where the embedded engine keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: it is gone with the process.
    Memory,
    /// In this folder; a write is on the disk before it is answered.
    Folder(PathBuf),
    /// In this folder, and writes are answered before they are on the disk: a cut of power, or an end
    /// of the operating system, can lose the last of them. The end of this process can't.
    Relaxed(PathBuf),
}

impl Data {
    /// The folder, if there is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Folder(folder) | Self::Relaxed(folder) => Some(folder),
        }
    }
}

/// A DynamoDB inside this process. No TCP port leads to it, unless one is asked for.
///
/// Over a folder, it also listens on a Unix socket there, through which `modulo export` and
/// `modulo import` of the same user reach it.
#[derive(Debug)]
pub struct Embedded {
    runner: Runner,
    name: String,
    listeners: Vec<JoinHandle<()>>,
    making: Mutex<JoinSet<()>>,
    /// Dropped, it stops the listeners.
    stop: watch::Sender<()>,
    folder: Option<Locked>,
}

impl Embedded {
    /// Opens the data, or makes it.
    ///
    /// # Errors
    /// The folder is in use, can't be written to, can't have a socket, or holds something else.
    pub fn open(data: &Data) -> Result<Self, LocalError> {
        let Some(folder) = data.folder() else {
            // Under a name, so that there can be another connection to it, which trims the streams.
            let name = format!("file:{}?mode=memory&cache=shared", Uuid::new_v4().simple());
            let database = Database::new(&name);
            let database = database.map_err(|error| open_error("memory".as_ref(), &error))?;
            return Ok(Self::over(database, name, None, None));
        };
        let locked = Locked::take(folder)?;
        let file = folder.join("dynamodb.sqlite");
        let database = Database::new(&file.to_string_lossy()).and_then(|database| {
            // The engine's only public way to `synchronous=NORMAL`: `Log` has the writes synced.
            database.disable_bulk_loading()?;
            Ok(database)
        });
        let database = database.map_err(|error| open_error(&file, &error))?;
        let log = match data {
            Data::Relaxed(_) => None,
            _ => Some(Log::of(&file).map_err(|source| LocalError::Folder {
                folder: folder.to_owned(),
                source,
            })?),
        };
        let name = file.to_string_lossy().into_owned();
        let mut engine = Self::over(database, name, log, Some(locked));
        let listener = socket::listen(folder).map_err(|source| LocalError::Socket {
            folder: folder.to_owned(),
            source,
        })?;
        engine.serve(listener, http::router(engine.runner.clone()));
        Ok(engine)
    }

    /// `name` is that by which `SQLite` finds the database.
    fn over(database: Database, name: String, log: Option<Log>, folder: Option<Locked>) -> Self {
        Self {
            runner: Runner::new(database, log),
            name,
            listeners: Vec::new(),
            making: Mutex::default(),
            stop: watch::Sender::new(()),
            folder,
        }
    }

    /// The SDK's settings for calling it, without a network between.
    pub async fn settings(&self) -> SdkConfig {
        settings::over(connector::in_process(self.runner.clone())).await
    }

    /// The streams of its tables.
    ///
    /// # Errors
    /// The database can't be opened a second time.
    pub(super) async fn streams(&self) -> Result<Streams, StreamError> {
        Streams::open(self.runner.clone(), self.name.clone()).await
    }

    /// The same, but a table that is made by them is there only when an operation names it, or after
    /// [`Embedded::make_rest`].
    pub(super) async fn settings_for_later(&self) -> SdkConfig {
        settings::over(connector::making_later(self.runner.clone())).await
    }

    /// Begins to make the tables that were put off; [`Embedded::stop`] waits for them.
    pub(super) fn make_rest(&self) {
        let runner = self.runner.clone();
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.spawn(async move { runner.make_rest().await });
    }

    /// Listens on `address` as well, for tools that speak DynamoDB's protocol: any program of this
    /// machine can use them, with any credentials. Requests of web pages are refused.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn listen(&mut self, address: SocketAddr) -> Result<SocketAddr, LocalError> {
        let failed = |source| LocalError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        self.serve(listener, http::router_of_port(self.runner.clone()));
        Ok(address)
    }

    fn serve<L>(&mut self, listener: L, router: Router)
    where
        L: Listener,
        L::Addr: Debug,
    {
        let mut stopped = self.stop.subscribe();
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.changed().await;
        });
        self.listeners.push(tokio::spawn(async {
            // It never fails: an error of `accept` is waited out.
            let _ = served.await;
        }));
    }

    /// Finishes what is being done, and closes the data.
    pub async fn stop(self) {
        drop(self.stop);
        let making = self.making.into_inner();
        let making = making.unwrap_or_else(PoisonError::into_inner);
        making.join_all().await;
        self.runner.stop().await;
        // Their answers are on their way.
        let closed = async {
            for listener in self.listeners {
                let _ = listener.await;
            }
        };
        let _ = timeout(LINGER, closed).await;
        if let Some(folder) = &self.folder {
            socket::remove(folder.as_path());
        }
    }
}

/// As [`Embedded`], and at a free port of the loopback interface: for tests and benches, which talk
/// DynamoDB's protocol over a socket.
#[derive(Debug)]
pub struct Engine {
    embedded: Embedded,
    address: SocketAddr,
}

impl Engine {
    /// Opens the data and listens.
    ///
    /// # Errors
    /// As [`Embedded::open`] and [`Embedded::listen`].
    pub async fn start(data: &Data) -> Result<Self, LocalError> {
        let mut embedded = Embedded::open(data)?;
        let address = embedded.listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
        Ok(Self { embedded, address })
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Finishes what is being done, and closes the data.
    pub async fn stop(self) {
        self.embedded.stop().await;
    }
}

fn open_error(file: &Path, error: &DynoxideError) -> LocalError {
    // What follows the first sentence is advice on the engine's own API.
    let text = error.to_string();
    let reason = text.split(". ").next().unwrap_or_default().to_owned();
    LocalError::Database {
        file: file.to_owned(),
        reason,
    }
}

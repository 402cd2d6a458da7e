//! `modulo serve`: the routes on a laptop, over a local DynamoDB, an endpoint, or AWS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::ServiceExt;
use tower::make::Shared;

use self::reload::Watch;
use crate::config::{self, Config};
use crate::local::{self, Data, Engine};
use crate::middleware::App;
use crate::name::Stage;
use crate::routes;
use crate::store::Store;

mod reload;

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

/// What `modulo serve` is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub address: SocketAddr,
    /// The configuration's file.
    pub file: PathBuf,
    /// The stage whose tables are used.
    pub stage: Stage,
    /// The environment, for the settings that it layers over the file's.
    pub environment: Vec<(String, String)>,
    /// Where the tables are.
    pub backend: Backend,
}

impl Options {
    fn load(&self) -> Result<Config, config::ConfigError> {
        config::load(&self.file, &self.stage, self.environment.iter().cloned())
    }
}

/// Serves until Ctrl-C or SIGTERM, then finishes the requests in flight.
///
/// # Errors
/// The configuration is wrong, the port is taken, or the tables can't be had.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let config = options.load()?;
    let listener = listen(options.address).await?;
    let address = listener.local_addr()?;
    let tables = Tables::open(&options.backend).await?;
    tables.prepare(&config).await?;

    let current = Arc::new(ArcSwap::from_pointee(crate::app(
        &config.modules,
        &tables.store,
    )));
    let served = Arc::clone(&current);
    let service = tower::service_fn(move |request: Request| {
        // Each request is finished by the routes it began with.
        let app = App::clone(&served.load());
        app.oneshot(request)
    });
    let watch = Watch::start(&options.file)?;
    print!("{}", welcome(address, &options, &config));
    let reload = reload::keep_current(watch, &options, &tables, &current);
    tokio::select! {
        result = axum::serve(listener, Shared::new(service)).with_graceful_shutdown(stop_signal()) => {
            result.context("cannot serve")?;
        }
        () = reload => {}
    }
    tables.close().await;
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another address with --addr, as in --addr 127.0.0.1:3001")
    })
}

/// The store, and what keeps it alive.
#[derive(Debug)]
struct Tables {
    store: Store,
    engine: Option<Engine>,
    /// Whether missing tables are to be made: nothing is made in AWS that no deployment owns.
    may_create: bool,
}

impl Tables {
    async fn open(backend: &Backend) -> Result<Self, local::LocalError> {
        let (engine, shared) = match backend {
            Backend::Embedded(data) => {
                let engine = Engine::start(data).await?;
                let shared = local::settings(&engine.endpoint()).await;
                (Some(engine), shared)
            }
            Backend::Endpoint(url) => (None, local::settings(url).await),
            Backend::Aws => (None, aws_config::load_from_env().await),
        };
        let may_create = *backend != Backend::Aws;
        Ok(Self {
            store: Store::new(&shared),
            engine,
            may_create,
        })
    }

    async fn prepare(&self, config: &Config) -> Result<(), local::LocalError> {
        if self.may_create {
            local::create_tables(self.store.client(), &config.modules).await?;
        }
        Ok(())
    }

    async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => _ = terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn welcome(address: SocketAddr, options: &Options, config: &Config) -> String {
    let backend = match &options.backend {
        Backend::Embedded(Data::Memory) => "an embedded DynamoDB in memory".to_owned(),
        Backend::Embedded(Data::Folder(folder)) => {
            format!("an embedded DynamoDB in {}", display_folder(folder))
        }
        Backend::Endpoint(url) => format!("DynamoDB at {url}"),
        Backend::Aws => "DynamoDB in AWS".to_owned(),
    };
    let file = options.file.display();
    let table = routes::table(&config.modules);
    let examples = routes::examples(&config.modules, &format!("http://{address}"));
    format!(
        "modulo serves {file} on http://{address}, stage {}, with {backend}.\n\
         An edit of {file} is mounted as soon as it is saved. Ctrl-C stops.\n\n\
         {table}\nTry:\n{examples}\n",
        options.stage
    )
}

fn display_folder(folder: &Path) -> String {
    format!("{}/", folder.display())
}

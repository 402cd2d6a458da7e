//! `modulo serve`: the routes on a laptop, over a local DynamoDB, an endpoint, or AWS.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use axum::ServiceExt as _;
use axum::extract::{ConnectInfo, Request};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower::ServiceExt;

use self::reload::Watch;
use crate::backend::{Backend, Tables};
use crate::config::{self, Config};
use crate::middleware::{App, keep_time};
use crate::name::Stage;
use crate::rate_limit::ClientAddress;
use crate::routes;
use crate::telemetry::{self, Format};

mod reload;

/// How long the requests in flight may take to finish.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long the spans of a request may wait for those of others.
const SPANS_WAIT: Duration = Duration::from_secs(1);

/// What `modulo serve` is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen: host and port.
    pub address: String,
    /// The configuration's file.
    pub file: PathBuf,
    /// The stage whose tables are used.
    pub stage: Stage,
    /// The environment, for the settings that it layers over the file's.
    pub environment: Vec<(String, String)>,
    /// Where the tables are.
    pub backend: Backend,
    /// Whether log lines have colours.
    pub colour: bool,
    /// What `RUST_LOG` holds, which wins over the file.
    pub rust_log: Option<String>,
}

impl Options {
    fn load(&self) -> Result<Config, config::ConfigError> {
        config::load(&self.file, &self.stage, self.environment.iter().cloned())
    }

    fn check(&self) -> Result<Config, config::ConfigError> {
        config::check(&self.file, &self.stage, self.environment.iter().cloned())
    }
}

/// Serves until Ctrl-C or SIGTERM, then finishes the requests in flight; a second Ctrl-C, or
/// [`GRACE`], ends it at once.
///
/// # Errors
/// The configuration is wrong, the port is taken, or the tables can't be had.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let config = Arc::new(options.check()?);
    let format = Format::Text {
        colour: options.colour,
    };
    telemetry::init(
        format,
        options.rust_log.as_deref(),
        &config.service.telemetry.log,
    );
    #[cfg(feature = "otlp")]
    telemetry::otlp::init(&config.service)?;
    let mut watch = Watch::start(&options.file)?;
    watch.follow(&config.modules)?;
    let listener = listen(&options.address).await?;
    let address = listener.local_addr()?;
    let tables = Tables::open(&options.backend).await?;
    tables.prepare(config.modules.tables()).await?;

    let current = Arc::new(ArcSwap::from_pointee(crate::app(&config, &tables.store)));
    let served = Arc::clone(&current);
    let service = tower::service_fn(move |mut request: Request| {
        // Each request is finished by the routes it began with.
        let app = App::clone(&served.load());
        if let Some(&ConnectInfo(address)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            request.extensions_mut().insert(ClientAddress(address.ip()));
        }
        app.oneshot(request)
    });
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    // Both are there before anybody is told that there is something to stop.
    let (mut stop, mut stop_at_once) = (Stop::listen()?, Stop::listen()?);
    say(&welcome(address, &options, &config));

    tokio::spawn(keep_time());
    let first_signal = async move { stop.signal().await };
    let serving = axum::serve(listener, service).with_graceful_shutdown(first_signal);
    let cut_short = async {
        stop_at_once.signal().await;
        tokio::select! {
            () = stop_at_once.signal() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
    };
    tokio::select! {
        result = serving => result.context("cannot serve")?,
        () = cut_short => {}
        () = reload::keep_current(watch, &options, config, &tables, &current) => {}
        () = send_spans() => {}
    }
    telemetry::send_spans().await;
    tables.close().await;
    Ok(())
}

/// Sends spans again and again, if anybody collects them.
async fn send_spans() {
    while telemetry::has_spans() {
        tokio::time::sleep(SPANS_WAIT).await;
        telemetry::send_spans().await;
    }
    std::future::pending::<()>().await;
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another address with --addr, as in --addr 127.0.0.1:3001")
    })
}

/// Writes to standard output; nobody reading it is no reason to stop.
pub fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            interrupt,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal.
    async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn welcome(address: SocketAddr, options: &Options, config: &Config) -> String {
    let file = options.file.display();
    let table = routes::table(config);
    let examples = routes::examples(config, &format!("http://{address}"));
    let docs = if config.service.docs {
        format!("To read about the API, and to try it: http://{address}/_docs\n")
    } else {
        String::new()
    };
    format!(
        "modulo serves {file} on http://{address}, stage {}, with {}.\n\
         An edit of {file} is mounted as soon as it is saved. Ctrl-C stops.\n\
         {docs}\n\
         {table}\nTry:\n{examples}\n",
        options.stage, options.backend
    )
}

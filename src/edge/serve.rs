//! `modulo serve`: the routes on a laptop, over a local DynamoDB, an endpoint, or AWS.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::reload::Watch;
use self::unserved::Unserved;
use crate::api::listing;
use crate::api::middleware::keep_time;
use crate::config::{self, Config};
use crate::local::Found;
use crate::local::backend::{Backend, Tables};
use crate::module::name::Stage;
use crate::telemetry::{self, Format};

pub use self::host::{HostName, Hosts, InvalidHostName};
pub use self::limits::Limits;
pub use self::server::{Routes, Server};

mod connections;
mod host;
mod limits;
mod memory;
mod reload;
mod server;
mod socket;
mod unserved;

/// How long the requests in flight may take to finish.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long the spans of a request may wait for those of others.
const SPANS_WAIT: Duration = Duration::from_secs(1);

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
    fn load(&self) -> Result<Config, config::ConfigError> {
        config::load(&self.file, &self.stage, self.environment.iter().cloned())
    }

    fn check(&self) -> Result<Config, config::ConfigError> {
        config::check(&self.file, &self.stage, self.environment.iter().cloned())
    }

    fn check_again(&self, before: &Config) -> Result<Config, config::ConfigError> {
        let environment = self.environment.iter().cloned();
        config::check_again(&self.file, &self.stage, environment, before)
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
    let server = listen(&options).await?;
    let address = server.address()?;
    let mut tables = Tables::open(&options.backend).await?;
    let opened = match options.dynamodb_address {
        Some(address) => Some(tables.listen(address).await?),
        None => None,
    };
    let found = tables.prepare(config.modules.tables()).await?;
    report(&found);
    let unserved = Unserved::new(&found);

    let app = unserved.app(&config, &tables.store);
    let hosts = Hosts::new(address, &options.hosts);
    let routes = Arc::new(Routes::new(&config, app, hosts));
    // Both are there before anybody is told that there is something to stop.
    let (mut stop, mut stop_at_once) = (Stop::listen()?, Stop::listen()?);
    say(&welcome(address, opened, &options, &config));
    if !address.ip().is_loopback() {
        eprintln!("{}", reachable(address, &options.hosts));
    }

    tokio::spawn(keep_time());
    let first_signal = async move { stop.signal().await };
    let serving = server.run(Arc::clone(&routes), first_signal);
    let cut_short = async {
        stop_at_once.signal().await;
        tokio::select! {
            () = stop_at_once.signal() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
    };
    tokio::select! {
        () = serving => {}
        () = cut_short => {}
        () = reload::keep_current(watch, &options, config, &tables, &unserved, &routes) => {}
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

async fn listen(options: &Options) -> anyhow::Result<Server> {
    let address = &options.address;
    Server::bind(address, options.limits.clone()).await.with_context(|| {
        format!("cannot listen on {address}; choose another address with --addr, as in --addr 127.0.0.1:3001")
    })
}

/// Says of each module that can't use its table why.
fn report(found: &Found) {
    for (module, unusable) in found {
        let served = if unusable.is_of_the_key() {
            " is not served"
        } else {
            ""
        };
        eprintln!("{module}{served}: {unusable}");
    }
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

/// What to know where other machines can connect.
fn reachable(address: SocketAddr, hosts: &[HostName]) -> String {
    let given = hosts.iter().map(HostName::to_string);
    let names: Vec<_> = std::iter::once("localhost".to_owned())
        .chain(given)
        .collect();
    format!(
        "Warning: other machines can connect to {address}, without encryption unless a proxy \
         before it adds it. Requests may ask for any IP address, and for these names: {}. \
         --host NAME adds one.",
        names.join(", ")
    )
}

fn welcome(
    address: SocketAddr,
    opened: Option<SocketAddr>,
    options: &Options,
    config: &Config,
) -> String {
    let file = options.file.display();
    let table = listing::overview(config);
    let examples = listing::examples(config, &format!("http://{address}"));
    let docs = if config.service.docs {
        format!("To read about the API, and to try it: http://{address}/_docs\n")
    } else {
        String::new()
    };
    let opened = opened.map_or_else(String::new, |opened| {
        format!(
            "DynamoDB's own protocol is open at http://{opened}: any program of this machine can \
             read and write all tables there, past every guard.\n"
        )
    });
    format!(
        "modulo serves {file} on http://{address}, stage {}, with {}.\n\
         An edit of {file} is mounted as soon as it is saved. Ctrl-C stops.\n\
         {opened}{docs}\n\
         {table}\nTry:\n{examples}\n",
        options.stage, options.backend
    )
}

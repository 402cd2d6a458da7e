//! `modulo serve`: the routes on a laptop, over a local DynamoDB, an endpoint, or AWS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::reload::{Mounted, Watch};
use self::stop::Stop;
use self::terminal::{reachable, report, welcome};
use self::unserved::Unserved;
use crate::api::middleware::keep_time;
use crate::item::collection::Collections;
use crate::local::backend::Tables;
use crate::telemetry::{self, Format};

pub(crate) use self::host::check as check_host;
pub use self::host::{HostName, Hosts, InvalidHostName};
pub use self::limits::Limits;
pub use self::options::Options;
pub use self::server::{Routes, Server};
pub use self::terminal::say;

mod connections;
mod host;
mod limits;
mod memory;
mod options;
mod reload;
mod server;
mod socket;
mod stop;
mod terminal;
mod unserved;

/// How long the requests in flight may take to finish.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long the spans of a request may wait for those of others.
const SPANS_WAIT: Duration = Duration::from_secs(1);

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

    let collections = Arc::new(Collections::new(&config.modules));
    let app = unserved.app(&config, &collections, &tables.store);
    let hosts = Hosts::new(address, &options.hosts);
    let routes = Arc::new(Routes::new(&config, app, hosts));
    // Both listen before the welcome is printed, so that no signal after it is missed.
    let (mut stop, mut stop_at_once) = (Stop::listen()?, Stop::listen()?);
    say(&welcome(address, opened, &options, &config));
    if !address.ip().is_loopback() {
        eprintln!("{}", reachable(address, &options.hosts));
    }

    let mounted = Mounted {
        config,
        collections,
    };
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
        () = reload::keep_current(watch, &options, mounted, &tables, &unserved, &routes) => {}
        () = send_spans() => {}
    }
    telemetry::send_spans().await;
    tables.close().await;
    Ok(())
}

/// Sends spans at intervals, if a collector is configured.
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

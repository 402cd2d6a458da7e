//! `modulo serve`: the routes on a laptop, over a local DynamoDB, an endpoint, or AWS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::changes::Changes;
use self::history::Histories;
use self::reload::{Mounted, Watch};
use self::stop::Stop;
use self::terminal::{events_elsewhere, reachable, report, welcome};
use self::unserved::Unserved;
use self::webhooks::Webhooks;
use crate::api::middleware::keep_time;
use crate::item::collection::Collections;
use crate::local::Streams;
use crate::local::backend::Tables;
use crate::module::Module;
use crate::telemetry::chain::Chain;
use crate::telemetry::{self, Format};

pub(crate) use self::host::check as check_host;
pub use self::host::{HostName, Hosts, InvalidHostName};
pub use self::limits::Limits;
pub use self::options::Options;
pub use self::server::{Routes, Server};
pub use self::terminal::say;

mod changes;
mod connections;
mod history;
mod host;
mod limits;
mod memory;
mod options;
mod positions;
mod readers;
mod reload;
mod server;
mod socket;
mod stop;
mod terminal;
mod unserved;
mod webhooks;

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

    let streams = tables.streams().await?;
    if let Some(streams) = &streams {
        // Events are sent in AWS only.
        let is_read =
            |module: &&Arc<Module>| !module.webhooks().is_empty() || module.history().is_some();
        let read = config.modules.iter().filter(is_read);
        let read: Vec<_> = read.map(|module| module.table().name()).collect();
        streams.keep_only(&read).await?;
    }
    let folder = options.backend.folder();
    let mut webhooks = Webhooks::new(streams.clone(), folder).context(
        "cannot read `webhooks.json` in the data folder, which says up to where each webhook was \
             told; move it away, and they are told of what happens from now on",
    )?;
    webhooks.run(&config).await?;
    let mut histories = Histories::new(streams.clone(), &tables.store, folder).context(
        "cannot read `history.json` in the data folder, which says up to where versions were kept; \
         move it away, and those of what is written from now on are kept",
    )?;
    histories.run(&config).await?;
    let changes = Changes::new(streams.clone(), &config);
    let collections = Arc::new(Collections::new(&config.modules));
    let app = unserved.app(&config, &collections, &tables.store, &changes);
    let hosts = Hosts::new(address, &options.hosts);
    let routes = Arc::new(Routes::new(&config, app, hosts));
    // Both listen before the welcome is printed, so that no signal after it is missed.
    let (mut stop, mut stop_at_once) = (Stop::listen()?, Stop::listen()?);
    say(&welcome(address, opened, &options, &config));
    if let Some(events) = events_elsewhere(&config, streams.is_some()) {
        say(&events);
    }
    if !address.ip().is_loopback() {
        eprintln!("{}", reachable(address, &options.hosts));
    }

    let mounted = Mounted {
        config,
        collections,
        webhooks,
        histories,
    };
    tokio::spawn(keep_time());
    let listening = changes.clone();
    let first_signal = async move {
        stop.signal().await;
        listening.stop();
    };
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
        () = reload::keep_current(watch, &options, mounted, &tables, &unserved, &routes, &changes) => {}
        () = trim(streams.as_ref()) => {}
        () = send_spans() => {}
    }
    telemetry::send_spans().await;
    tables.close().await;
    Ok(())
}

/// Deletes old records of the streams, if they are this process's.
async fn trim(streams: Option<&Streams>) {
    if let Some(streams) = streams {
        let error = streams.keep_trimmed().await;
        tracing::warn!(
            "the streams of the tables are no longer trimmed: {}",
            Chain(&error)
        );
    }
    std::future::pending::<()>().await;
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

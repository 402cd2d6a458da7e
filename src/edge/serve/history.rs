//! The versions of what is written to the embedded engine, kept as the second function keeps them.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::readers::{Readers, Reading, Reads};
use crate::change;
use crate::config::Config;
use crate::local::{StreamError, Streams};
use crate::module::Module;
use crate::store::Store;
use crate::telemetry::chain::Chain;

/// The pause after a version could not be kept.
const PAUSE: Duration = Duration::from_secs(1);

/// What keeps them.
#[derive(Debug)]
pub(super) struct Histories {
    readers: Readers<Versions>,
    store: Store,
}

/// Those of one module.
#[derive(Debug, Clone, PartialEq)]
struct Versions(Arc<Module>);

impl Reads for Versions {
    const FILE: &str = "history.json";
    const IDLE: &str = "Versions are not kept";
    const LOST: &str = "some changes are no longer there to be kept";
    const ENDED: &str = "no more are kept";

    /// No webhook's name has one word.
    fn name(&self) -> String {
        self.0.name().to_string()
    }

    fn module(&self) -> &Module {
        &self.0
    }

    fn warn(&self, what: impl Display) {
        eprintln!("versions of {}: {what}", self.0.name());
    }
}

impl Histories {
    /// For changes that are in `streams`; where it is in them, `folder` keeps over a restart.
    pub(super) fn new(
        streams: Option<Streams>,
        store: &Store,
        folder: Option<&Path>,
    ) -> io::Result<Self> {
        Ok(Self {
            readers: Readers::open(streams, folder)?,
            store: store.clone(),
        })
    }

    /// Keeps the versions of the modules of `config` from now on, and of no others. What did not change
    /// goes on.
    pub(super) async fn run(&mut self, config: &Config) -> Result<(), StreamError> {
        let modules = config.modules.iter();
        let modules = modules.filter(|module| module.history().is_some());
        let versions = modules.map(|module| Versions(Arc::clone(module)));
        let store = &self.store;
        let keep = |versions, reading| keep(versions, store.clone(), reading);
        self.readers.run(versions.collect(), keep).await
    }
}

/// Keeps what is written from now on; ends only if the stream can't be read.
async fn keep(versions: Versions, store: Store, mut reading: Reading) -> StreamError {
    loop {
        let records = match reading.next().await {
            Ok(records) => records,
            Err(error) => return error,
        };
        // What was kept before the fault is not kept twice.
        while let Err((_, error)) = change::keep(&store, &versions.0, records.iter().cloned()).await
        {
            versions.warn(format_args!("tried again: {}", Chain(&error)));
            sleep(PAUSE).await;
        }
        reading.done(reading.position());
    }
}

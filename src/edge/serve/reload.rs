//! The edited `modules.toml`, or a file that it names, mounted without a restart.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use self::opened::{has_guards, opened};
pub(super) use self::watch::Watch;
use super::changes::Changes;
use super::history::Histories;
use super::options::Options;
use super::server::Routes;
use super::terminal::{report, say};
use super::unserved::Unserved;
use super::webhooks::Webhooks;
use crate::api::listing;
use crate::config::Config;
use crate::item::collection::Collections;
use crate::local::backend::Tables;
use crate::module::few::few_by;
use crate::telemetry::chain::Chain;

mod opened;
mod watch;

/// How long it must be left alone before it is mounted if it opens what was guarded: the line that
/// guards it may be about to be written.
const SETTLE_OPENED: Duration = Duration::from_secs(2);

/// What is served.
pub(super) struct Mounted {
    pub(super) config: Arc<Config>,
    pub(super) collections: Arc<Collections>,
    pub(super) webhooks: Webhooks,
    pub(super) histories: Histories,
}

/// Mounts what the file says whenever it changes; while it has errors, what worked stays.
pub(super) async fn keep_current(
    mut watch: Watch,
    options: &Options,
    mut mounted: Mounted,
    tables: &Tables,
    unserved: &Unserved,
    routes: &Routes,
    changes: &Changes,
) {
    let file = options.file.display();
    let mut guards = has_guards(&mounted.config);
    while watch.next().await.is_some() {
        let (loaded, opened) = loop {
            let loaded = load(options, &mut watch, &mounted.config, tables).await;
            let opened = match &loaded {
                Ok(config) => opened(&mounted.config, config, guards || has_guards(config)),
                Err(_) => Vec::new(),
            };
            if opened.is_empty() || !watch.changes_within(SETTLE_OPENED).await {
                break (loaded, opened);
            }
            watch.settled().await;
        };
        match loaded {
            Ok(config) if config == *mounted.config => {}
            Ok(config) => {
                let config = Arc::new(config);
                // Before it is said that they are mounted: what is written then is sent.
                if let Err(error) = mounted.webhooks.run(&config).await {
                    eprintln!("Webhooks are not called: {}", Chain(&error));
                }
                if let Err(error) = mounted.histories.run(&config).await {
                    eprintln!("Versions are not kept: {}", Chain(&error));
                }
                let collections = Collections::again(&config.modules, &mounted.collections);
                let collections = Arc::new(collections);
                let app = unserved.app(&config, &collections, &tables.store, changes);
                routes.mount(&config, app);
                changes.edit(&config);
                if !opened.is_empty() {
                    eprintln!(
                        "Warning: {file} has changed, and {}.",
                        few_by(&opened, "; ")
                    );
                }
                let table = listing::overview(&config);
                say(&format!(
                    "{file} has changed; these are the routes now:\n\n{table}\n"
                ));
                guards |= has_guards(&config);
                mounted.config = config;
                mounted.collections = collections;
            }
            Err(error) => {
                eprintln!(
                    "{file} has changed, but has errors; the routes stay as they were.\n{error:#}"
                );
            }
        }
    }
    // The watcher is gone, the routes are not.
    std::future::pending::<()>().await;
}

async fn load(
    options: &Options,
    watch: &mut Watch,
    mounted: &Config,
    tables: &Tables,
) -> anyhow::Result<Config> {
    // Before they are read: no edit is missed, and that of a named file with errors neither.
    watch.renew()?;
    if let Ok(config) = options.load() {
        watch.follow(&config.modules)?;
    }
    let config = options.check_again(mounted)?;
    let edited = config.modules.tables().filter(|table| {
        let before = mounted.modules.get(table.owner());
        before.is_none() || before != config.modules.get(table.owner())
    });
    let found = tables.prepare(edited).await?;
    let unfit = found.iter().find(|(_, unusable)| unusable.is_of_the_key());
    if let Some((module, unusable)) = unfit {
        bail!("{module}: {unusable}");
    }
    report(&found);
    Ok(config)
}

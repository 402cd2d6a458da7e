//! The edited `modules.toml`, or a file that it names, mounted without a restart.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use self::opened::{has_guards, opened};
use super::options::Options;
use super::server::Routes;
use super::terminal::{report, say};
use super::unserved::Unserved;
use crate::api::listing;
use crate::config::Config;
use crate::item::collection::Collections;
use crate::local::backend::Tables;
use crate::module::Modules;
use crate::module::few::few_by;

mod opened;

/// How long the file must be left alone before it is read: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(100);

/// How long it must be left alone before it is mounted if it opens what was guarded: the line that
/// guards it may be about to be written.
const SETTLE_OPENED: Duration = Duration::from_secs(2);

/// Tells when the file, or one that it names, may have changed.
pub(super) struct Watch {
    changed: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
    also: Arc<Mutex<Vec<PathBuf>>>,
}

impl Watch {
    /// Watches the file's folder, since editors put a new file in the old one's place; and where
    /// the file is a link, the folder that it leads to.
    pub(super) fn start(file: &Path) -> anyhow::Result<Self> {
        let (sender, changed) = mpsc::channel(1);
        let files = [
            file.to_owned(),
            file.canonicalize().unwrap_or_else(|_| file.to_owned()),
        ];
        let names = files
            .clone()
            .map(|file| file.file_name().map(OsString::from));
        let also = Arc::new(Mutex::new(Vec::<PathBuf>::new()));
        let followed = Arc::clone(&also);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let also = followed.lock().unwrap_or_else(PoisonError::into_inner);
            let concerns = |path: &PathBuf| {
                names.iter().any(|name| path.file_name() == name.as_deref())
                    || also.iter().any(|file| file.starts_with(path))
            };
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(concerns))
            {
                // A full channel has a notice already.
                let _ = sender.try_send(());
            }
        })?;
        for file in files {
            let folder = match file.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .with_context(|| format!("cannot watch `{}` for changes", folder.display()))?;
        }
        Ok(Self {
            changed,
            watcher,
            also,
        })
    }

    /// Watches the folders of the files that it names too: of one that is not there yet, the
    /// nearest folder above.
    pub(super) fn follow(&mut self, modules: &Modules) -> anyhow::Result<()> {
        let mut files = Vec::new();
        for named in modules.files() {
            let file = std::path::absolute(named.location())?;
            let Some(above) = file.ancestors().skip(1).find(|folder| folder.is_dir()) else {
                continue;
            };
            let folder = above.canonicalize()?;
            self.watcher
                .watch(&folder, RecursiveMode::NonRecursive)
                .with_context(|| format!("cannot watch `{}` for changes", folder.display()))?;
            files.push(folder.join(file.strip_prefix(above)?));
        }
        *self.also.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    /// Waits for a change, and until the file is left alone.
    async fn next(&mut self) -> Option<()> {
        self.changed.recv().await?;
        while self.changes_within(SETTLE).await {}
        Some(())
    }

    /// Whether there is a change within that time; if there is none, all of it has passed.
    async fn changes_within(&mut self, time: Duration) -> bool {
        let change = tokio::time::timeout(time, self.changed.recv()).await;
        // The channel is closed with the watcher, after which nothing changes.
        matches!(change, Ok(Some(())))
    }
}

/// What is served.
pub(super) struct Mounted {
    pub(super) config: Arc<Config>,
    pub(super) collections: Arc<Collections>,
}

/// Mounts what the file says whenever it changes; while it has errors, what worked stays.
pub(super) async fn keep_current(
    mut watch: Watch,
    options: &Options,
    mut mounted: Mounted,
    tables: &Tables,
    unserved: &Unserved,
    routes: &Routes,
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
            while watch.changes_within(SETTLE).await {}
        };
        match loaded {
            Ok(config) if config == *mounted.config => {}
            Ok(config) => {
                let config = Arc::new(config);
                let collections = Collections::again(&config.modules, &mounted.collections);
                let collections = Arc::new(collections);
                let app = unserved.app(&config, &collections, &tables.store);
                routes.mount(&config, app);
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
                mounted = Mounted {
                    config,
                    collections,
                };
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

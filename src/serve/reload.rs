//! The edited `modules.toml` mounted without a restart.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::{Options, Tables};
use crate::config::Config;
use crate::middleware::App;
use crate::routes;

/// How long the file must be left alone before it is read: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(100);

/// Tells when the file may have changed.
pub(super) struct Watch {
    changed: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches the file's folder, since editors put a new file in the old one's place.
    pub(super) fn start(file: &Path) -> anyhow::Result<Self> {
        let (sender, changed) = mpsc::channel(1);
        let name = file.file_name().map(OsString::from);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let concerns_file = |path: &PathBuf| path.file_name() == name.as_deref();
                if event.is_ok_and(|event| {
                    !event.kind.is_access() && event.paths.iter().any(concerns_file)
                }) {
                    // A full channel has told already.
                    let _ = sender.try_send(());
                }
            })?;
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .with_context(|| format!("cannot watch `{}` for changes", folder.display()))?;
        Ok(Self {
            changed,
            _watcher: watcher,
        })
    }

    /// Waits for a change, and until the file is left alone.
    async fn next(&mut self) -> Option<()> {
        self.changed.recv().await?;
        while let Ok(again) = tokio::time::timeout(SETTLE, self.changed.recv()).await {
            again?;
        }
        Some(())
    }
}

/// Mounts what the file says whenever it changes; while it has errors, what worked stays.
pub(super) async fn keep_current(
    mut watch: Watch,
    options: &Options,
    tables: &Tables,
    current: &ArcSwap<App>,
) {
    let file = options.file.display();
    let mut mounted = options.load().ok();
    while watch.next().await.is_some() {
        match load(options, tables).await {
            Ok(config) if mounted.as_ref() == Some(&config) => {}
            Ok(config) => {
                current.store(crate::app(&config.modules, &tables.store).into());
                println!(
                    "{file} has changed; these are the routes now:\n\n{}",
                    routes::table(&config.modules)
                );
                mounted = Some(config);
            }
            Err(error) => {
                eprintln!(
                    "{file} has changed, but has errors; the routes stay as they were.\n{error:#}"
                );
            }
        }
    }
    // The watcher is gone, the routes are not.
    std::future::pending().await
}

async fn load(options: &Options, tables: &Tables) -> anyhow::Result<Config> {
    let config = options.load()?;
    tables.prepare(&config).await?;
    Ok(config)
}

//! When the file, or one that it names, may have changed.

use std::iter::once;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::module::Modules;

/// How long the file must be left alone before it is read: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(100);

/// Tells when the file, or one that it names, may have changed.
///
/// On Linux it watches the files themselves. inotify tells of all that is done in a folder, so that
/// each write of another program beside the file would wake us, and notify can't have the kernel
/// leave that out before its version 9 (<https://github.com/notify-rs/notify/pull/736>). An editor
/// that puts a new file in the old one's place ends the old one's watch, so the watches are made
/// anew whenever something has changed. Elsewhere, and where a file is absent or a link, its folder
/// is watched.
pub(in crate::edge::serve) struct Watch {
    changed: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
    /// The file, and those that it named when it was last valid.
    files: Vec<PathBuf>,
    watched: Vec<PathBuf>,
    /// What of the events in folders concerns us: what leads to one of these.
    followed: Arc<Mutex<Vec<PathBuf>>>,
}

impl Watch {
    pub(in crate::edge::serve) fn start(file: &Path) -> anyhow::Result<Self> {
        let (sender, changed) = mpsc::channel(1);
        let followed = Arc::new(Mutex::new(Vec::<PathBuf>::new()));
        let concerning = Arc::clone(&followed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else {
                return;
            };
            if event.kind.is_access() {
                return;
            }
            let followed = concerning.lock().unwrap_or_else(PoisonError::into_inner);
            let concerns = |path: &PathBuf| followed.iter().any(|file| file.starts_with(path));
            if event.need_rescan() || event.paths.iter().any(concerns) {
                // A full channel has a notice already.
                let _ = sender.try_send(());
            }
        })?;
        let mut watch = Self {
            changed,
            watcher,
            files: vec![std::path::absolute(file)?],
            watched: Vec::new(),
            followed,
        };
        watch.renew()?;
        Ok(watch)
    }

    /// Watches the files that it names too.
    pub(in crate::edge::serve) fn follow(&mut self, modules: &Modules) -> anyhow::Result<()> {
        let named = modules
            .files()
            .map(|file| std::path::absolute(file.location()));
        let named = named.collect::<Result<Vec<_>, _>>()?;
        self.files.truncate(1);
        self.files.extend(named);
        self.renew()
    }

    /// Watches what is in the files' places now. What changed before is not told of any more, so
    /// they are to be read after this.
    pub(super) fn renew(&mut self) -> anyhow::Result<()> {
        for path in std::mem::take(&mut self.watched) {
            // The watch of what was removed has ended by itself.
            let _ = self.watcher.unwatch(&path);
        }
        let mut followed = Vec::new();
        for file in self.files.clone() {
            // Where it is a link, it can change at both ends.
            let target = file.is_symlink().then(|| file.canonicalize().ok());
            for file in once(file).chain(target.flatten()) {
                followed.extend(self.watch(&file)?);
            }
        }
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = followed;
        Ok(())
    }

    /// Watches a file, or the nearest folder above it that is there: its path, as events have it.
    fn watch(&mut self, file: &Path) -> anyhow::Result<Option<PathBuf>> {
        let is_file = file.is_file() && !file.is_symlink();
        if cfg!(target_os = "linux") && is_file && self.start_watch(file).is_ok() {
            return Ok(Some(file.to_owned()));
        }
        let Some(above) = file.ancestors().skip(1).find(|folder| folder.is_dir()) else {
            return Ok(None);
        };
        let folder = above.canonicalize()?;
        self.start_watch(&folder)
            .with_context(|| format!("cannot watch `{}` for changes", folder.display()))?;
        Ok(Some(folder.join(file.strip_prefix(above)?)))
    }

    fn start_watch(&mut self, path: &Path) -> notify::Result<()> {
        self.watcher.watch(path, RecursiveMode::NonRecursive)?;
        self.watched.push(path.to_owned());
        Ok(())
    }

    /// Waits for a change, and until the file is left alone.
    pub(super) async fn next(&mut self) -> Option<()> {
        self.changed.recv().await?;
        self.settled().await;
        Some(())
    }

    /// Waits until the file is left alone.
    pub(super) async fn settled(&mut self) {
        while self.changes_within(SETTLE).await {}
    }

    /// Whether there is a change within that time; if there is none, all of it has passed.
    pub(super) async fn changes_within(&mut self, time: Duration) -> bool {
        let change = tokio::time::timeout(time, self.changed.recv()).await;
        // The channel is closed with the watcher, after which nothing changes.
        matches!(change, Ok(Some(())))
    }
}

//! Group commit: writers that wait at the same time share one sync of the disk.
//!
//! The engine commits without a sync (`synchronous=NORMAL` of `SQLite`): what is committed is then in
//! the operating system's memory, where it outlives this process but not a cut of power. So each write
//! waits for a sync of `SQLite`'s write-ahead log that began after its commit. `SQLite` itself syncs
//! the log before it moves it into the database, and the database before it begins the log anew.
//! <https://www.sqlite.org/wal.html>

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// `SQLite`'s write-ahead log.
#[derive(Debug)]
pub(super) struct Log {
    file: Arc<File>,
    /// How many commits wait for a sync, or have had it.
    committed: AtomicU64,
    synced: Mutex<Synced>,
}

#[derive(Debug, Default)]
struct Synced {
    commits: u64,
    /// After a failed sync the system may take what it could not write for written, so that no later
    /// sync can be believed.
    has_failed: bool,
}

impl Log {
    /// That of an open database.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-wal");
        let file = File::options().read(true).write(true).open(name)?;
        if let Some(folder) = database.parent() {
            // A new database begins with a journal, which `SQLite` deletes without a sync of its folder.
            // If it were back after a cut of power, `SQLite` would undo what is in the log.
            File::open(folder)?.sync_all()?;
        }
        Ok(Self {
            file: Arc::new(file),
            committed: AtomicU64::new(0),
            synced: Mutex::default(),
        })
    }

    /// Waits until what the caller has committed is on the disk.
    pub(super) async fn sync(&self) -> io::Result<()> {
        let own = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        // First come, first served: whoever gets it while another's sync is late has been synced by it.
        let mut synced = self.synced.lock().await;
        if synced.has_failed {
            return Err(io::Error::other("an earlier sync has failed"));
        }
        if synced.commits >= own {
            return Ok(());
        }
        let commits = self.committed.load(Ordering::SeqCst);
        let file = Arc::clone(&self.file);
        let result = spawn_blocking(move || file.sync_data()).await;
        match result.unwrap_or_else(|panicked| Err(io::Error::other(panicked))) {
            Ok(()) => synced.commits = commits,
            Err(error) => {
                synced.has_failed = true;
                return Err(error);
            }
        }
        Ok(())
    }
}

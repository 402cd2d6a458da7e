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
    file: File,
    /// How many commits wait for a sync, or have had it.
    committed: AtomicU64,
    synced: Arc<Mutex<Synced>>,
}

/// What is committed, and may have to wait for the disk.
#[derive(Debug)]
#[must_use]
pub(super) enum Committed {
    Synced,
    /// Until so many commits are synced.
    Waits(u64),
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
            file,
            committed: AtomicU64::new(0),
            synced: Arc::default(),
        })
    }

    /// Notes that the caller has committed something, and syncs it at once if no other sync is under way.
    /// Blocks for as long as the disk takes.
    pub(super) fn commit(&self) -> io::Result<Committed> {
        let own = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        match self.synced.try_lock() {
            Ok(mut synced) => self.sync(&mut synced, own)?,
            Err(_) => return Ok(Committed::Waits(own)),
        }
        Ok(Committed::Synced)
    }

    /// Waits until all that was committed before is on the disk, whoever committed it.
    pub(super) async fn settle(self: Arc<Self>) -> io::Result<()> {
        let own = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        self.wait(Committed::Waits(own)).await
    }

    /// Waits until what was committed is on the disk.
    pub(super) async fn wait(self: Arc<Self>, committed: Committed) -> io::Result<()> {
        let Committed::Waits(own) = committed else {
            return Ok(());
        };
        // First come, first served: whoever gets it while another's sync is late has been synced by it.
        let mut synced = Arc::clone(&self.synced).lock_owned().await;
        if synced.commits >= own && !synced.has_failed {
            return Ok(());
        }
        let synced = spawn_blocking(move || self.sync(&mut synced, own)).await;
        synced.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
    }

    fn sync(&self, synced: &mut Synced, own: u64) -> io::Result<()> {
        if synced.has_failed {
            return Err(io::Error::other("an earlier sync has failed"));
        }
        if synced.commits >= own {
            return Ok(());
        }
        let commits = self.committed.load(Ordering::SeqCst);
        synced.has_failed = true;
        self.file.sync_data()?;
        (synced.commits, synced.has_failed) = (commits, false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn the_log_grows_to_16_mb_before_it_is_moved_into_the_database() {
        let connection = Connection::open_in_memory().unwrap();
        let pages = connection.query_row("PRAGMA wal_autocheckpoint", [], |row| row.get(0));
        assert_eq!(pages, Ok(4_000), "set in .cargo/config.toml");
    }
}

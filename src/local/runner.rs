//! Operations off the threads that serve HTTP: `SQLite` blocks its caller.

use std::fmt;
use std::io;
use std::sync::Arc;

use dynoxide::Database;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use super::later::Later;
use super::log::Log;
use super::operation::{Answer, Operation};

/// How many operations may be under way at once. The engine's own lock lets one at a time reach
/// `SQLite`; meanwhile others read their request or write their answer. More would only hold threads
/// of Tokio's blocking pool, which others need too.
const TURNS: u32 = 16;

/// The database, and who may call it now.
#[derive(Clone)]
pub(super) struct Runner {
    database: Database,
    turns: Arc<Semaphore>,
    later: Arc<Later>,
    /// Where writes must be before they are answered, unless they are in memory only.
    log: Option<Arc<Log>>,
    /// Changes with each write.
    written: watch::Sender<()>,
}

/// Why an operation has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("the embedded DynamoDB has stopped")]
    Stopped,
    #[error("the embedded DynamoDB has panicked")]
    Panicked,
    #[error(
        "the embedded DynamoDB could not sync its data to the disk; stop it, and look at the disk"
    )]
    NotSynced(#[source] io::Error),
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

impl Runner {
    pub(super) fn new(database: Database, log: Option<Log>) -> Self {
        Self {
            database,
            log: log.map(Arc::new),
            turns: Arc::new(Semaphore::new(TURNS as usize)),
            written: watch::Sender::new(()),
            later: Arc::default(),
        }
    }

    /// Once begun, the operation is finished, even if nobody waits for its answer any more.
    pub(super) async fn run(
        &self,
        operation: &'static Operation,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Answer, RunError> {
        let waits_for_disk = operation.writes() && self.log.is_some();
        // Where nothing else is under way, what is short and waits for no disk takes less time than
        // handing it to another thread.
        if !waits_for_disk
            && !operation.is_long()
            && !self.later.has_any()
            && let Ok(_all) = self.turns.try_acquire_many(TURNS)
        {
            let answer = operation.run(&self.database, body.as_ref());
            announce(operation, &answer, &self.written);
            return Ok(answer);
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| RunError::Stopped)?;
        let (database, later) = (self.database.clone(), Arc::clone(&self.later));
        let log = self.log.clone().filter(|_| operation.writes());
        let written = self.written.clone();
        let run = spawn_blocking(move || {
            let answer = answer(&database, &later, operation, body.as_ref());
            // A stop that waits for this turn finds no other handle of the database.
            drop(database);
            drop(turn);
            announce(operation, &answer, &written);
            let log = log.filter(|_| answer.is_done());
            // Here, where it may block, a sync costs no other turn of the blocking pool.
            let committed = log.map(|log| log.commit().map(|committed| (log, committed)));
            (answer, committed.transpose())
        });
        let (answer, committed) = run.await.map_err(|_| RunError::Panicked)?;
        if let Some((log, committed)) = committed.map_err(RunError::NotSynced)? {
            log.wait(committed).await.map_err(RunError::NotSynced)?;
        }
        Ok(answer)
    }

    /// Changes with each write, which may not be on the disk yet.
    pub(super) fn written(&self) -> watch::Receiver<()> {
        self.written.subscribe()
    }

    /// Waits until what was written before is on the disk.
    pub(super) async fn settled(&self) -> Result<(), RunError> {
        match &self.log {
            Some(log) => Arc::clone(log).settle().await.map_err(RunError::NotSynced),
            None => Ok(()),
        }
    }

    /// Does `work` while no operation is under way: of another connection to the database, the
    /// engine would find it locked.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RunError> {
        let turns = Arc::clone(&self.turns).acquire_many_owned(TURNS).await;
        let turns = turns.map_err(|_| RunError::Stopped)?;
        let done = spawn_blocking(move || {
            let done = work();
            drop(turns);
            done
        });
        done.await.map_err(|_| RunError::Panicked)
    }

    /// Puts the making of a table off until it is needed, or until [`Runner::make_rest`] comes to it.
    pub(super) fn put_off(&self, create_table: &[u8]) -> dynoxide::Result<()> {
        self.later.put_off(create_table)
    }

    /// Makes the tables that were put off, one after the other, and lets others in between.
    pub(super) async fn make_rest(&self) {
        while self.later.has_any() {
            let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
                return;
            };
            let (database, later) = (self.database.clone(), Arc::clone(&self.later));
            let made = spawn_blocking(move || {
                let made = later.make_one(&database);
                drop(database);
                drop(turn);
                made
            });
            if !matches!(made.await, Ok(Ok(_))) {
                // The operation that names the table is answered with why it can't be made.
                return;
            }
        }
    }

    /// Waits for what was asked for before; what is asked for later is not done.
    pub(super) async fn stop(&self) {
        let _all = self.turns.acquire_many(TURNS).await;
        self.turns.close();
    }
}

fn answer(database: &Database, later: &Later, operation: &Operation, body: &[u8]) -> Answer {
    let made = if operation.names_its_tables() {
        later.make_named(database, body)
    } else {
        later.make_all(database)
    };
    match made {
        Ok(()) => operation.run(database, body),
        Err(error) => operation.refused(error),
    }
}

/// Wakes those who read streams where something was written.
fn announce(operation: &Operation, answer: &Answer, written: &watch::Sender<()>) {
    if operation.writes() && answer.is_done() {
        written.send_replace(());
    }
}

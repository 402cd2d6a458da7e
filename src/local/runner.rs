//! Operations off the threads that serve HTTP: `SQLite` blocks its caller.

use std::fmt;
use std::io;
use std::sync::Arc;

use dynoxide::Database;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

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
    /// Where writes must be before they are answered, unless they are in memory only.
    log: Option<Arc<Log>>,
}

/// Why an operation has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
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
        }
    }

    /// Once begun, the operation is finished, even if nobody waits for its answer any more.
    pub(super) async fn run(
        &self,
        operation: &'static Operation,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Answer, RunError> {
        // Where nothing else is under way, a read takes less time than handing it to another thread.
        if !operation.writes
            && let Ok(_all) = self.turns.try_acquire_many(TURNS)
        {
            return Ok(operation.run(&self.database, body.as_ref()));
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| RunError::Stopped)?;
        let database = self.database.clone();
        let run = spawn_blocking(move || {
            let answer = operation.run(&database, body.as_ref());
            // A stop that waits for this turn finds no other handle of the database.
            drop(database);
            drop(turn);
            answer
        });
        let answer = run.await.map_err(|_| RunError::Panicked)?;
        if let Some(log) = &self.log
            && operation.writes
            && answer.is_done()
        {
            log.sync().await.map_err(RunError::NotSynced)?;
        }
        Ok(answer)
    }

    /// Waits for what was asked for before; what is asked for later is not done.
    pub(super) async fn stop(&self) {
        let _all = self.turns.acquire_many(TURNS).await;
        self.turns.close();
    }
}

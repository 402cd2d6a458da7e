//! What guards fetch from elsewhere: when it is first needed, one fetch at a time, and kept while
//! the other side is down.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long what was fetched is used without a look at whether there is something newer.
pub(super) const FRESH: Duration = Duration::from_mins(10);

/// How long the other side is left alone after a fetch, whatever comes in.
const PAUSE: Duration = Duration::from_secs(30);

/// The same, while there is nothing at all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A `T` that is fetched, or why it can't be.
#[derive(Debug)]
pub(super) struct Cached<T, E> {
    fetched: RwLock<Option<Fetched<T>>>,
    /// Held while a fetch is under way, so that there is one at a time.
    last_fetch: Mutex<Option<LastFetch<E>>>,
}

/// What was fetched, and when.
#[derive(Debug)]
pub(super) struct Fetched<T> {
    pub(super) value: Arc<T>,
    pub(super) at: Instant,
}

#[derive(Debug)]
struct LastFetch<E> {
    at: Instant,
    error: Option<Arc<E>>,
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            at: self.at,
        }
    }
}

impl<T, E> Default for Cached<T, E> {
    fn default() -> Self {
        Self {
            fetched: RwLock::default(),
            last_fetch: Mutex::default(),
        }
    }
}

impl<T, E> Cached<T, E> {
    /// What was fetched last.
    pub(super) fn fetched(&self) -> Option<Fetched<T>> {
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        fetched.clone()
    }

    /// Whether somebody is fetching.
    pub(super) fn is_busy(&self) -> bool {
        self.last_fetch.try_lock().is_err()
    }
}

impl<T, E> Cached<T, E>
where
    T: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Fetches, unless that has been done since what was `seen`, or tried just now. In a task of
    /// its own: a client that goes away must not take the fetch of all others with it.
    pub(super) async fn refresh<F>(
        self: &Arc<Self>,
        seen: Option<Instant>,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), Arc<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        let cached = Arc::clone(self);
        let refresh = async move {
            let mut last = cached.last_fetch.lock().await;
            let fetched = cached.fetched().map(|fetched| fetched.at);
            if fetched != seen {
                return Ok(());
            }
            let pause = if seen.is_some() { PAUSE } else { FIRST_PAUSE };
            if let Some(LastFetch { at, error }) = &*last
                && at.elapsed() < pause
            {
                return error.clone().map_or(Ok(()), Err);
            }
            let outcome = fetch().await.map_err(Arc::new);
            let at = Instant::now();
            *last = Some(LastFetch {
                at,
                error: outcome.as_ref().err().cloned(),
            });
            let value = Arc::new(outcome?);
            let mut fetched = cached
                .fetched
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *fetched = Some(Fetched { value, at });
            Ok(())
        };
        match tokio::spawn(refresh).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

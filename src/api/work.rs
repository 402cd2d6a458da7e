//! Work that may take long, away from the threads that serve requests.
//!
//! A time limit can cut a request only where it waits. So what a large body asks for is done on
//! another thread, for which the request waits; work that is no longer waited for goes on to its
//! end, which is bounded by what may be asked for.

use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// From so many bytes on, work is worth another thread.
const LONG_BYTES: usize = 65_536;

/// The same of a text that is only checked, which takes a millisecond for each MB.
const LONG_TEXT_BYTES: usize = 1_048_576;

/// As much at a time as there are processors: more would only take more memory.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// Whether work on so many bytes may take long.
pub(crate) const fn is_long(bytes: usize) -> bool {
    bytes >= LONG_BYTES
}

/// Whether checking a text of so many bytes may take long.
pub(crate) const fn is_long_text(bytes: usize) -> bool {
    bytes >= LONG_TEXT_BYTES
}

/// Does work that may take long.
pub(crate) async fn long<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let place = PLACES.acquire().await.expect("it is never closed");
    let done = spawn_blocking(move || {
        let _place = place;
        work()
    });
    match done.await {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}

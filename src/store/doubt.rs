//! Whether a write that is refused may have been done before.

use std::cell::Cell;
use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::StoreError;
use super::classify::classify;

tokio::task_local! {
    /// Whether an attempt of this write got no answer that says it was refused.
    static IN_DOUBT: Cell<bool>;
}

/// Sends a write of so large a document, and says of its error what it means, as far as can be
/// known.
///
/// The SDK tries again what got no answer. A write under a condition that was done then fails its
/// own condition, and looks as if another writer had been faster. Nor does the item tell: the other
/// may have written the same text, or have gone on from ours.
pub(super) fn doubting<T, E>(
    write: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    document_bytes: usize,
) -> impl Future<Output = Result<T, StoreError>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    // The SDK's future is large: in a box before it is a part of another, it is copied once.
    let write = Box::pin(write);
    let known = async move {
        let done = write.await;
        match done.map_err(|error| classify(&error, document_bytes)) {
            Err(StoreError::ConditionFailed(failure)) if IN_DOUBT.with(Cell::get) => {
                Err(StoreError::InDoubt(failure))
            }
            done => done,
        }
    };
    IN_DOUBT.scope(Cell::new(false), known)
}

/// Notes how an attempt ended.
pub(super) fn note(attempt: &FinalizerInterceptorContextRef<'_>) {
    let has_failed = matches!(attempt.output_or_error(), Some(Err(_)));
    let response = attempt.response();
    let is_refused = response.is_some_and(|response| response.status().is_client_error());
    if has_failed && !is_refused {
        // What is not a write has no doubts.
        let _ = IN_DOUBT.try_with(|in_doubt| in_doubt.set(true));
    }
}

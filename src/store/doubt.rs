//! Whether a write that is refused may have been done before.

use std::cell::Cell;
use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::classify::classify;
use super::error::StoreError;

tokio::task_local! {
    /// Whether an attempt of this write got no answer that says it was refused.
    static IN_DOUBT: Cell<bool>;
}

/// Why a write was not acknowledged.
#[derive(Debug)]
pub(super) struct NotDone<E> {
    error: SdkError<E, HttpResponse>,
    is_in_doubt: bool,
}

/// Sends a write, and notes whether an attempt of it may have been done before it was refused.
///
/// The SDK tries again what got no answer. A write under a condition that was done then fails its
/// own condition, and looks as if another writer had been faster. Nor does the item tell: the other
/// may have written the same text, or have gone on from ours.
pub(super) fn doubting<T, E>(
    write: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> impl Future<Output = Result<T, NotDone<E>>> {
    // The SDK's future is large: in a box before it is a part of another, it is copied once.
    let write = Box::pin(write);
    let known = async move {
        write.await.map_err(|error| NotDone {
            error,
            is_in_doubt: IN_DOUBT.with(Cell::get),
        })
    };
    IN_DOUBT.scope(Cell::new(false), known)
}

impl<E: ProvideErrorMetadata + Error + Send + Sync + 'static> NotDone<E> {
    /// What the SDK says.
    pub(super) fn error(&self) -> &SdkError<E, HttpResponse> {
        &self.error
    }

    /// What that means of a write of so large a document, as far as can be known.
    pub(super) fn classify(&self, document_bytes: usize) -> StoreError {
        match classify(&self.error, document_bytes) {
            StoreError::ConditionFailed(failure) if self.is_in_doubt => {
                StoreError::InDoubt(failure)
            }
            known => known,
        }
    }
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

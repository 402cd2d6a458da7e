//! Whether a write that is refused may have been done before.

use std::cell::Cell;

use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;

use super::StoreError;

tokio::task_local! {
    /// Whether an attempt of this write got no answer that says it was refused.
    static IN_DOUBT: Cell<bool>;
}

/// Does a write, and says of its error what it means, as far as can be known.
///
/// The SDK tries again what got no answer. A write under a condition that was done then fails its
/// own condition, and looks as if another writer had been faster. Nor does the item tell: the other
/// may have written the same text, or have gone on from ours.
pub(super) async fn doubting<T>(
    write: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let known = async {
        match write.await {
            Err(StoreError::ConditionFailed(failure)) if IN_DOUBT.with(Cell::get) => {
                Err(StoreError::InDoubt(failure))
            }
            done => done,
        }
    };
    IN_DOUBT.scope(Cell::new(false), known).await
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

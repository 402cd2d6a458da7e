//! Whether a write that is refused may have been done before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

use super::StoreError;

/// Watches the attempts of one call.
///
/// The SDK tries again what got no answer. A write under a condition that was done then fails its
/// own condition, and looks as if another writer had been faster. Nor does the item tell: the other
/// may have written the same text, or have gone on from ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubt(Arc<AtomicBool>);

impl Doubt {
    /// What the call's error means, as far as can be known.
    pub(super) fn resolve(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::ConditionFailed(failure) if self.0.load(Ordering::Relaxed) => {
                StoreError::InDoubt(failure)
            }
            error => error,
        }
    }
}

impl Intercept for Doubt {
    fn name(&self) -> &'static str {
        "Doubt"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let has_failed = matches!(context.output_or_error(), Some(Err(_)));
        let response = context.response();
        let is_refused = response.is_some_and(|response| response.status().is_client_error());
        if has_failed && !is_refused {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

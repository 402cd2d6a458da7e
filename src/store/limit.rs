//! An answer that would take too much memory is not read.
//!
//! DynamoDB answers a batch with up to 16 MB of items. Native attributes take up to thirty times
//! their JSON once they are read, more than the function has.

use std::error::Error;

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use crate::module::{Module, Storage};

/// Fails a call whose answer is longer than so many bytes, before its body is read.
#[derive(Debug)]
pub(super) struct AnswerLimit(u64);

impl AnswerLimit {
    /// Of a call that can be made again for fewer items.
    pub(super) fn of_part(module: &Module) -> Self {
        Self(match module.storage() {
            Storage::Json => 6_000_000,
            Storage::Document => 2_500_000,
        })
    }

    /// Of a call that is for all items or none.
    pub(super) fn of_whole(module: &Module) -> Self {
        Self(match module.storage() {
            Storage::Json => 16_000_000,
            Storage::Document => 4_000_000,
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an answer of {length} bytes is not read, since it is longer than {limit}")]
struct TooLong {
    length: u64,
    limit: u64,
}

/// Whether that is why a call failed.
pub(super) fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    too_long(error).is_some()
}

/// If that is why a call for `count` items failed: how many of them fit, if all are as long as they are
/// on average. At least one, and of several fewer than `count`.
pub(super) fn how_many_fit(count: usize, error: &(dyn Error + 'static)) -> Option<usize> {
    let TooLong { length, limit } = too_long(error)?;
    let fit = count as u64 * limit / length;
    Some(usize::try_from(fit).map_or(count, |fit| fit.max(1)))
}

fn too_long<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TooLong> {
    error
        .downcast_ref()
        .or_else(|| error.source().and_then(too_long))
}

#[dyn_dispatch_hint]
impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "AnswerLimit"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().body().content_length() {
            Some(length) if length > self.0 => Err(TooLong {
                length,
                limit: self.0,
            }
            .into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_taken_from_the_answer_that_did_not() {
        let fit = |count, length, limit| how_many_fit(count, &TooLong { length, limit });
        assert_eq!(fit(15, 16_000_000, 2_500_000), Some(2));
        assert_eq!(fit(20, 7_000_000, 6_000_000), Some(17));
        assert_eq!(fit(100, 6_000_001, 6_000_000), Some(99));
        assert_eq!(fit(2, 16_000_000, 2_500_000), Some(1));
        assert_eq!(how_many_fit(2, &std::fmt::Error), None);
    }
}

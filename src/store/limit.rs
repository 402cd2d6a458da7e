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
#[error("an answer of {0} bytes is not read")]
struct TooLong(u64);

/// Whether that is why a call failed.
pub(super) fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    error.is::<TooLong>() || error.source().is_some_and(is_too_long)
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
        let length = context.response().headers().get("content-length");
        match length.and_then(|length| length.parse().ok()) {
            Some(length) if length > self.0 => Err(TooLong(length).into()),
            _ => Ok(()),
        }
    }
}

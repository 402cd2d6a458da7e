//! What DynamoDB's errors mean: the one mapping from the SDK's.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use super::error::StoreError;
use crate::aws::failure::Failure;
use crate::telemetry::chain::Chain;

/// DynamoDB's reason for a transaction that was refused for a condition.
pub(super) const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// Whether a range ends before it begins: to DynamoDB a mistake, to a client a list without items.
pub(super) fn is_empty_range(error: &impl ProvideErrorMetadata) -> bool {
    let text = error.message().unwrap_or_default();
    text.contains("requires upper bound to be greater than or equal to lower bound")
}

/// As [`classify`], of a list, whose beginning is what a client sent as a cursor.
pub(super) fn classify_list<E>(error: &SdkError<E, HttpResponse>, has_start: bool) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match classify(error, 0) {
        StoreError::Refused(failure) | StoreError::Other(failure)
            if has_start && error.code() == Some("ValidationException") =>
        {
            StoreError::NoSuchPosition(failure)
        }
        classified => classified,
    }
}

/// What an error of the SDK's means.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>, document_bytes: usize) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = Failure::new(error);
    match error {
        SdkError::TimeoutError(_) => StoreError::TimedOut(failure),
        // The answer broke off; one that is whole, but not DynamoDB's, is a service error.
        SdkError::ResponseError(_) => StoreError::Unreachable(failure),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() && !is_connect(error) => {
            StoreError::TimedOut(failure)
        }
        // The connector's "other" errors with a kind are transient ones, such as a cut answer;
        // those without are not the network's, such as missing credentials.
        SdkError::DispatchFailure(dispatch)
            if dispatch.is_timeout() || dispatch.is_io() || dispatch.as_other().is_some() =>
        {
            StoreError::Unreachable(failure)
        }
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) if is_throttle(code) => StoreError::Throttled(failure),
            Some("TransactionCanceledException") => {
                classify_cancellation(&Chain(error).to_string(), failure)
            }
            Some("ConditionalCheckFailedException") => StoreError::ConditionFailed(failure),
            Some("ServiceUnavailable" | "ServiceUnavailableException") => {
                StoreError::Unreachable(failure)
            }
            Some("ValidationException") => {
                let message = service.err().message().unwrap_or_default();
                classify_refusal(message, failure, document_bytes)
            }
            _ if service.raw().status().as_u16() == 503 => StoreError::Unreachable(failure),
            _ => StoreError::Other(failure),
        },
        _ => StoreError::Other(failure),
    }
}

/// Whether DynamoDB refuses for lack of capacity.
pub(super) fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "TransactionInProgressException"
    )
}

/// What a `ValidationException` says where the table is not as the configuration says, or an
/// expression is wrong: no other item and no other key would help.
const NOT_OF_THE_ITEM: &[&str] = &[
    "The provided key element does not match the schema",
    "The number of conditions on the keys is invalid",
    "Missing the key",
    "Type mismatch for key",
    "This attribute is part of the key",
    "does not have the specified index",
    "Query condition missed key schema element",
    "Consistent reads are not supported",
    "'tableName' failed to satisfy constraint",
    "'indexName' failed to satisfy constraint",
    "Invalid ConditionExpression",
    "Invalid FilterExpression",
    "Invalid KeyConditionExpression",
    "Invalid ProjectionExpression",
    "Invalid UpdateExpression",
    "unused in expressions",
    "Two document paths overlap",
];

/// Whether DynamoDB takes no such item or key, or whether that is not the client's fault.
fn classify_refusal(message: &str, failure: Failure, document_bytes: usize) -> StoreError {
    let says = |words: &str| message.contains(words);
    if says("Item size") && says("exceeded the maximum allowed size") {
        StoreError::ItemTooLarge {
            document_bytes,
            source: failure,
        }
    } else if NOT_OF_THE_ITEM.iter().any(|words| says(words)) {
        StoreError::Other(failure)
    } else {
        StoreError::Refused(failure)
    }
}

/// The reasons' codes stand in the message, one for each operation.
fn classify_cancellation(message: &str, failure: Failure) -> StoreError {
    let has = |reason: &str| message.contains(reason);
    if [
        "TransactionConflict",
        "ThrottlingError",
        "ThroughputExceeded",
    ]
    .into_iter()
    .any(has)
    {
        StoreError::Throttled(failure)
    } else {
        StoreError::Other(failure)
    }
}

/// As [`classify`], of a transaction that writes: the first operation that is refused for what it
/// writes says why the others are not done.
pub(super) fn classify_transaction(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
    document_bytes: usize,
) -> StoreError {
    let refused = reasons(error)
        .iter()
        .find(|reason| reason.code() == Some("ValidationError"));
    match refused {
        Some(reason) => {
            let message = reason.message().unwrap_or_default();
            classify_refusal(message, Failure::new(error), document_bytes)
        }
        None => classify(error, document_bytes),
    }
}

/// Why a transaction was not done: a reason for each of its operations, in their order.
pub(super) fn reasons(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// Whether a time-out was one of connecting: the connector's error types are private, so their
/// text has to tell.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    error.to_string().contains("connect timeout") || error.source().is_some_and(is_connect)
}

//! What the log says of a call of AWS that failed.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

use crate::telemetry::chain::Chain;

/// What the SDK says of a failure, with all its causes, and nothing of a document.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub(crate) String);

/// The errors whose messages are about tables, queues, permissions and times, and not about what was sent.
/// Not among them are those of wrong signatures: their messages show the headers.
const ABOUT_NO_DOCUMENT: &[&str] = &[
    "AWS.SimpleQueueService.NonExistentQueue",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "ConditionalCheckFailedException",
    "ExpiredTokenException",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "NotFound",
    "NotFoundException",
    "ProvisionedThroughputExceededException",
    "QueueDoesNotExist",
    "RequestLimitExceeded",
    "ResourceNotFoundException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
    "TransactionInProgressException",
    "UnrecognizedClientException",
];

/// What is worth telling of a message that may quote what was sent: the services' own words. All that
/// is not among them stays unsaid.
const WORDS: &[&str] = &[
    "One or more parameter values were invalid",
    "One or more parameter values are not valid",
    "Type mismatch for key",
    "Type mismatch for Index Key",
    "Type mismatch for attribute",
    "Missing the key",
    "The provided key element does not match the schema",
    "cannot contain an empty string value",
    "The provided starting key is invalid",
    "The provided starting key is outside query boundaries",
    "failed to satisfy constraint",
    "Member must have length",
    "Invalid ConditionExpression",
    "Invalid FilterExpression",
    "Invalid KeyConditionExpression",
    "Invalid ProjectionExpression",
    "Invalid UpdateExpression",
    "Syntax error",
    "Attribute name is a reserved keyword",
    "Expression size has exceeded the maximum allowed size",
    "unused in expressions",
    "An expression attribute name used in the document path is not defined",
    "An expression attribute value used in expression is not defined",
    "Incorrect operand type for operator or function",
    "The document path provided in the update expression is invalid",
    "requires upper bound to be greater than or equal to lower bound",
    "Item size has exceeded the maximum allowed size",
    "Item size to update has exceeded the maximum allowed size",
    "Size of hashkey has exceeded the maximum size limit",
    "Nesting Levels have exceeded supported limits",
    "Number overflow",
    "Number underflow",
    "Attempting to store more than 38 significant digits in a Number",
    "The parameter cannot be converted to a numeric value",
    "Supplied AttributeValue",
    "Provided list of item keys contains duplicates",
    "Too many items requested",
    "Transaction request cannot include multiple operations on one item",
    "The table does not have the specified index",
    "Consistent reads are not supported on global secondary indexes",
    "Cannot do operations on a non-existent table",
    "Transaction cancelled",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ConditionalCheckFailed",
    "ItemCollectionSizeLimitExceeded",
    "ValidationError",
];

impl Failure {
    pub(crate) fn new<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return Self(Chain(error).to_string());
        };
        let text = if let Some(code) = error.code() {
            describe(code, error.message().unwrap_or_default())
        } else {
            let status = service.raw().status();
            format!("an answer that is not DynamoDB's, status {status}")
        };
        match error.request_id() {
            Some(id) => Self(format!("{text}, AWS request {id}")),
            None => Self(text),
        }
    }
}

#[cfg(feature = "changes")]
impl Failure {
    /// That of a part of a call, of which the answer has this error.
    pub(crate) fn of(code: &str, message: &str) -> Self {
        Self(describe(code, message))
    }
}

/// An error's code, and as much of its message as is not about a document.
fn describe(code: &str, message: &str) -> String {
    if ABOUT_NO_DOCUMENT.contains(&code) {
        return format!("{code}: {message}");
    }
    let words: Vec<_> = WORDS
        .iter()
        .copied()
        .filter(|words| message.contains(words))
        .collect();
    if words.is_empty() {
        return format!("{code}, with a message that may quote what was sent");
    }
    format!("{code}: {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_tables_is_reported_in_full() {
        let message = "Requested resource not found: Table: rooms-prod not found";
        let text = describe("ResourceNotFoundException", message);
        assert_eq!(text, format!("ResourceNotFoundException: {message}"));
    }

    #[test]
    fn of_a_message_that_may_quote_only_known_words_are_reported() {
        for (message, expected) in [
            (
                "One or more parameter values were invalid: Type mismatch for key planted expected: S actual: N",
                "ValidationException: One or more parameter values were invalid, Type mismatch for key",
            ),
            (
                "1 validation error detected: Value 'it's planted' at 'planted' failed to satisfy constraint: Member must have length less than or equal to 255",
                "ValidationException: failed to satisfy constraint, Member must have length",
            ),
            (
                "The parameter cannot be converted to a numeric value: planted",
                "ValidationException: The parameter cannot be converted to a numeric value",
            ),
            (
                "Invalid UpdateExpression: Syntax error; token: \"planted\", near: \"SET planted\"",
                "ValidationException: Invalid UpdateExpression, Syntax error",
            ),
            (
                "planted",
                "ValidationException, with a message that may quote what was sent",
            ),
        ] {
            assert_eq!(describe("ValidationException", message), expected);
        }
    }

    /// It shows the headers that were signed, the session's token among them.
    #[test]
    fn nothing_of_a_signature_is_reported() {
        let message = "The request signature we calculated does not match the signature you \
                       provided. The Canonical String for this request should have been 'POST / \
                       x-amz-security-token:planted'";
        let text = describe("InvalidSignatureException", message);
        assert_eq!(
            text,
            "InvalidSignatureException, with a message that may quote what was sent"
        );
    }
}

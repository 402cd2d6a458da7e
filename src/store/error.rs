//! Why the store could not do what it was asked.

use crate::aws::failure::Failure;

/// Why the store could not do what it was asked, classed by what the caller can do.
///
/// The sources are for the log: they hold table names and the service's own text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Too much at once, for now.
    #[error("DynamoDB throttles")]
    Throttled(#[source] Failure),
    /// No connection, or the service is down.
    #[error("DynamoDB can't be reached")]
    Unreachable(#[source] Failure),
    /// A connection, but no answer in time; a write may or may not have been done.
    #[error("DynamoDB did not answer in time")]
    TimedOut(#[source] Failure),
    /// The item, with its other attributes, would be over DynamoDB's limit.
    #[error("the item is over DynamoDB's limit")]
    ItemTooLarge {
        /// The size of the document that was to be written, in bytes.
        document_bytes: usize,
        /// What DynamoDB says.
        source: Failure,
    },
    /// The items of a transaction would be over DynamoDB's limit.
    #[error("the items of the transaction are over DynamoDB's limit")]
    TransactionTooLarge {
        /// Their size in bytes.
        bytes: usize,
    },
    /// DynamoDB takes no such item, or no such key, for a reason that is not checked here.
    #[error("DynamoDB refuses the item or the key")]
    Refused(#[source] Failure),
    /// The item is not as the condition says.
    #[error("the condition does not hold")]
    ConditionFailed(#[source] Failure),
    /// As [`StoreError::ConditionFailed`], after an attempt whose answer was lost: it may be what
    /// has changed the item.
    #[error("the condition does not hold, perhaps because the write is done")]
    InDoubt(#[source] Failure),
    /// What was asked for is more than an answer has room for.
    #[error("an answer has no room for it")]
    AnswerFull,
    /// A list can't begin where it was asked to.
    #[error("the list can't begin there")]
    NoSuchPosition(#[source] Failure),
    /// A wrong table, missing permission, a bug: nothing that trying again would mend.
    #[error("DynamoDB failed")]
    Other(#[source] Failure),
}

//! Many operations in one request, as it was sent.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::module::call::Call;
use crate::module::limits;

/// Why a body is no batch.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBatch {
    /// Not the members that a batch has.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// Too many operations, or none.
    #[error("it has {0} operations, from 1 to {max} are possible", max = SentBatch::MAX_OPERATIONS)]
    Count(usize),
    /// Two operations on one item.
    #[error("`/operations/{first}` and `/operations/{second}` are of the same id")]
    SameId {
        /// The first, counted from 0.
        first: usize,
        /// The second.
        second: usize,
    },
    /// A transaction reads or writes.
    #[error("an atomic batch has only gets, or no gets")]
    Mixed,
}

/// A batch as it was sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `operations`")]
pub(crate) struct SentBatch {
    pub(crate) operations: Vec<SentOperation>,
    /// Whether all must be done, or none.
    #[serde(default)]
    pub(crate) atomic: bool,
}

/// One of its operations; its id need not be a valid one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `op` and `id`")]
pub(crate) struct SentOperation {
    pub(crate) op: Op,
    pub(crate) id: String,
    pub(crate) item: Option<Box<RawValue>>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Get,
    Put,
    Delete,
}

impl Op {
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::Put, Self::Delete];

    /// The call that does the same.
    pub(crate) const fn call(self) -> Call {
        match self {
            Self::Get => Call::Get,
            Self::Put => Call::Post,
            Self::Delete => Call::Delete,
        }
    }
}

impl SentBatch {
    /// How many operations one request may have: what one transaction takes.
    pub(crate) const MAX_OPERATIONS: usize = limits::TRANSACTION_OPERATIONS;

    /// Parses a request's body.
    ///
    /// # Errors
    /// It is no batch.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InvalidBatch> {
        let sent: Self = serde_json::from_slice(body).map_err(InvalidBatch::Shape)?;
        let count = sent.operations.len();
        if !(1..=Self::MAX_OPERATIONS).contains(&count) {
            return Err(InvalidBatch::Count(count));
        }
        let mut places = HashMap::with_capacity(count);
        let mut gets = 0;
        for (second, operation) in sent.operations.iter().enumerate() {
            if let Some(first) = places.insert(&operation.id, second) {
                return Err(InvalidBatch::SameId { first, second });
            }
            gets += usize::from(matches!(operation.op, Op::Get));
        }
        if sent.atomic && gets != 0 && gets != count {
            return Err(InvalidBatch::Mixed);
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By its verb it is permitted to callers.
    #[test]
    fn every_operation_has_a_verb() {
        for op in Op::ALL {
            assert!(op.call().row().verb.is_some(), "{op:?}");
        }
    }
}

//! Many operations in one request, as it was sent.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::id::{InvalidItemId, InvalidKeyValue, ItemId, JsonForm};
use crate::module::call::Call;
use crate::module::{Key, limits};

/// Why a body is no batch.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBatch {
    /// Not the members that a batch has.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// An id of another type than the module's.
    #[error("`/operations/{at}/id` is not an id of this module: {needed} is needed")]
    Id {
        /// The operation, counted from 0.
        at: usize,
        /// What its id must be.
        needed: JsonForm,
    },
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
pub(crate) struct SentBatch {
    pub(crate) operations: Vec<SentOperation>,
    /// Whether all must be done, or none.
    pub(crate) atomic: bool,
}

/// One of its operations.
pub(crate) struct SentOperation {
    pub(crate) op: Op,
    /// Its id; or what was sent, and why that is none.
    pub(crate) id: Result<ItemId, (Value, InvalidItemId)>,
    pub(crate) item: Option<Box<RawValue>>,
}

/// The JSON of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `operations`")]
struct BatchJson {
    operations: Vec<OperationJson>,
    #[serde(default)]
    atomic: bool,
}

/// The JSON of an operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `op` and `id`")]
struct OperationJson {
    op: Op,
    id: Value,
    item: Option<Box<RawValue>>,
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

    /// Parses a request's body, of a module whose table has this `key`.
    ///
    /// # Errors
    /// It is no batch.
    pub(crate) fn parse(body: &[u8], key: &Key) -> Result<Self, InvalidBatch> {
        let BatchJson { operations, atomic } =
            serde_json::from_slice(body).map_err(InvalidBatch::Shape)?;
        let count = operations.len();
        if !(1..=Self::MAX_OPERATIONS).contains(&count) {
            return Err(InvalidBatch::Count(count));
        }
        let parsed = operations.into_iter().enumerate();
        let parsed = parsed.map(|(at, OperationJson { op, id, item })| {
            let id = ItemId::from_json(id, key);
            if let Err((_, invalid)) = &id
                && let InvalidKeyValue::Type(_) = invalid.reason
            {
                let needed = JsonForm::of(key);
                return Err(InvalidBatch::Id { at, needed });
            }
            Ok(SentOperation { op, id, item })
        });
        let operations = parsed.collect::<Result<Vec<_>, _>>()?;
        let mut places = HashMap::with_capacity(count);
        let mut gets = 0;
        for (second, operation) in operations.iter().enumerate() {
            let id = operation.id.as_ref().map_err(|(json, _)| json.to_string());
            if let Some(first) = places.insert(id, second) {
                return Err(InvalidBatch::SameId { first, second });
            }
            gets += usize::from(matches!(operation.op, Op::Get));
        }
        if atomic && gets != 0 && gets != count {
            return Err(InvalidBatch::Mixed);
        }
        Ok(Self { operations, atomic })
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

//! Many operations in one request: `POST /_batch/<module>`.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::access::Caller;
use crate::api::error::ApiError;
use crate::api::mount::Mount;
use crate::item::batch::{Op, SentBatch, SentOperation};
use crate::item::collection::Collection;
use crate::item::{self, Document, ItemId};
use crate::module::{Module, Verbs};
use crate::store::BatchWrite;

/// Operations, each on an item of its own.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Each operation, or why it is none.
    pub operations: Vec<Result<Operation, RefusedOperation>>,
    /// Whether all must be done, or none.
    pub atomic: bool,
}

/// An operation that can't be done.
#[derive(Debug, Clone)]
pub struct RefusedOperation {
    /// The id that it has, which need not be a valid one.
    pub id: String,
    /// What is wrong.
    pub error: Arc<ApiError>,
}

/// One operation.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Reads an item.
    Get(ItemId),
    /// Makes a document the whole item, whatever was there: its text, which is parsed when its
    /// turn comes, so that not all documents are in memory at once.
    Put(ItemId, Box<RawValue>),
    /// Removes an item, if it is there.
    Delete(ItemId),
}

impl Batch {
    /// The verbs that operations can be.
    #[must_use]
    pub fn verbs() -> Verbs {
        let verbs = Op::ALL.iter().map(|op| op.call().row().verb);
        verbs.flatten().collect()
    }

    /// Parses a request's body from `caller`. What is wrong with one operation is that operation's
    /// own answer, unless all must be done.
    ///
    /// # Errors
    /// It is no batch; or it is atomic, and one of its operations can't be done.
    pub fn parse(body: &[u8], mount: &Mount, caller: &Caller) -> Result<Self, ApiError> {
        let SentBatch { operations, atomic } = SentBatch::parse(body)?;
        let parsed = operations.into_iter().enumerate().map(|(at, sent)| {
            let id = sent.id.clone();
            match Operation::parse(sent, mount, caller) {
                Err(error) if atomic => Err(ApiError::Operation {
                    at,
                    error: Box::new(error),
                }),
                Err(error) => {
                    let error = Arc::new(error);
                    Ok(Err(RefusedOperation { id, error }))
                }
                Ok(operation) => Ok(Ok(operation)),
            }
        });
        Ok(Self {
            operations: parsed.collect::<Result<_, _>>()?,
            atomic,
        })
    }
}

/// A write of a batch, whose document is still a text.
pub(crate) type RawWrite = (ItemId, Option<Box<RawValue>>);

/// What a part of a batch comes to: each write, or why it can't be done.
pub(crate) type ParsedWrite = Result<BatchWrite, Arc<ApiError>>;

/// The writes of a batch, in parts of which each has room in memory.
pub(crate) struct Parts<'m> {
    module: &'m Module,
    writes: std::iter::Peekable<std::vec::IntoIter<RawWrite>>,
}

impl<'m> Parts<'m> {
    /// About how many bytes of memory the documents of a part may take; of texts, that is 2 MB,
    /// which DynamoDB takes well within a call's time limit.
    const MAX_FOOTPRINT: usize = 32 << 20;

    pub(crate) fn new(module: &'m Module, writes: Vec<RawWrite>) -> Self {
        Self {
            module,
            writes: writes.into_iter().peekable(),
        }
    }

    /// Whether all of them are little enough for one transaction.
    pub(crate) fn fit_a_transaction(module: &Module, writes: &[RawWrite]) -> bool {
        let footprints = writes.iter().map(|write| footprint(module, write));
        footprints.sum::<usize>() <= 4 * Self::MAX_FOOTPRINT
    }
}

impl Iterator for Parts<'_> {
    type Item = Vec<RawWrite>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.writes.next()?;
        let mut sum = footprint(self.module, &first);
        let mut part = vec![first];
        while let Some(write) = self.writes.next_if(|write| {
            sum += footprint(self.module, write);
            sum <= Self::MAX_FOOTPRINT
        }) {
            part.push(write);
        }
        Some(part)
    }
}

fn footprint(module: &Module, (_, text): &RawWrite) -> usize {
    text.as_ref()
        .map_or(0, |text| item::footprint(text.get(), module.storage()))
}

/// Parses the document of a write.
pub(crate) fn parse_write(collection: &Collection, (id, text): RawWrite) -> ParsedWrite {
    let Some(text) = text else {
        return Ok((id, None));
    };
    let text = Box::<str>::from(text).into_string();
    let document = Document::parse(text.into_bytes(), collection, Some(&id));
    let document = document.map_err(|invalid| Arc::new(invalid.into()))?;
    Ok((id, Some(document)))
}

impl Operation {
    fn parse(sent: SentOperation, mount: &Mount, caller: &Caller) -> Result<Self, ApiError> {
        let module = &mount.module;
        let call = sent.op.call();
        if !call.is_served(module.verbs()) {
            return Err(mount.not_allowed());
        }
        if let (Some(access), Some(verb)) = (module.access(), call.row().verb) {
            access.permit(verb, caller).map_err(ApiError::Denied)?;
        }
        let id = mount.id(ItemId::parse(sent.id))?;
        match (sent.op, sent.item) {
            (Op::Put, None) => Err(ApiError::MissingData),
            (Op::Put, Some(item)) => Ok(Self::Put(id, item)),
            (Op::Get, None) => Ok(Self::Get(id)),
            (Op::Delete, None) => Ok(Self::Delete(id)),
            (Op::Get | Op::Delete, Some(_)) => Err(ApiError::NeedlessItem),
        }
    }
}

//! Many operations in one request: `POST /_batch/<module>`.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use crate::access::Caller;
use crate::api::envelope;
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
    /// Its id as it was sent, which need not be a valid one.
    pub id: Box<RawValue>,
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
        let SentBatch { operations, atomic } = SentBatch::parse(body, mount.module().key())?;
        let parsed = operations.into_iter().enumerate().map(|(at, sent)| {
            match Operation::parse(sent, mount, caller) {
                Err((_, error)) if atomic => Err(ApiError::Operation {
                    at,
                    error: Box::new(error),
                }),
                Err((id, error)) => {
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
    /// What `sent` asks for; or its id as it was sent, and why it can't be done.
    fn parse(
        sent: SentOperation,
        mount: &Mount,
        caller: &Caller,
    ) -> Result<Self, (Box<RawValue>, ApiError)> {
        let SentOperation { op, id, item } = sent;
        let module: &Module = mount.module();
        let id = match id {
            Ok(id) => id,
            Err((json, invalid)) => {
                let error = permit(op, mount, caller).err();
                let json = to_raw_value(&json).expect("JSON is JSON");
                return Err((json, error.unwrap_or_else(|| invalid.into())));
            }
        };
        let checked = permit(op, mount, caller)
            .and_then(|()| Ok(mount.check_id(&id)?))
            .and_then(|()| match (op, &item) {
                (Op::Put, None) => Err(ApiError::MissingData),
                (Op::Get | Op::Delete, Some(_)) => Err(ApiError::NeedlessItem),
                _ => Ok(()),
            });
        if let Err(error) = checked {
            return Err((envelope::id_json(module, &id), error));
        }
        Ok(match (op, item) {
            (Op::Put, Some(item)) => Self::Put(id, item),
            (Op::Delete, _) => Self::Delete(id),
            (Op::Get | Op::Put, _) => Self::Get(id),
        })
    }
}

/// Whether the module serves an operation, and to this caller.
fn permit(op: Op, mount: &Mount, caller: &Caller) -> Result<(), ApiError> {
    let call = op.call();
    if !call.is_served(mount.module().verbs()) {
        return Err(mount.not_allowed());
    }
    if let (Some(access), Some(verb)) = (mount.module().access(), call.row().verb) {
        access.permit(verb, caller).map_err(ApiError::Denied)?;
    }
    Ok(())
}

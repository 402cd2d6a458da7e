//! What the log says of an error.
//!
//! The sentence that the client gets may quote the request: a parameter, a member's name, an
//! operation of a patch. The log gets no sentence, but a [`Logged`], in which there is no place for
//! a text from outside: it is made of words of this file, of numbers, and of causes that are marked
//! as [`Internal`].

use std::error::Error;
use std::fmt;

use super::{
    ApiError, Crowded, INTERNAL_ERROR, PRECONDITION_FAILED, Panic, TRY_AGAIN, UnsupportedMediaType,
    unchecked_message,
};
use crate::access::{Denied, InvalidToken, Reason, Unchecked};
use crate::item::batch::InvalidBatch;
use crate::item::list::InvalidQuery;
use crate::item::patch::{InvalidPatch, InvalidTree, Misfit};
use crate::item::schema::{InvalidSchema, Unfit, Violations};
use crate::item::{InvalidDocument, InvalidItemId, InvalidKeyValue};
use crate::store::{StoreError, Unready};
use crate::telemetry::chain::Chain;

/// An error whose text, and that of its sources, quotes no request: it is about the function, its
/// configuration or a service that it calls.
pub(crate) trait Internal: Error {}

/// Of DynamoDB's messages [`Failure`](crate::aws::failure::Failure) has only what quotes nothing.
impl Internal for StoreError {}
impl Internal for InvalidSchema {}
impl Internal for Unchecked {}
impl Internal for InvalidToken {}

/// An error as the log says it.
#[derive(Clone, Copy)]
pub(crate) struct Logged<'e> {
    words: &'static str,
    /// Which operation of a batch it is about, counted from 0.
    operation: Option<usize>,
    detail: Detail<'e>,
}

#[derive(Clone, Copy)]
enum Detail<'e> {
    Nothing,
    /// More words.
    Words(&'static str),
    /// A place in a body or an id, counted from 0.
    Byte(usize),
    /// A place in a body, as `serde_json` counts.
    Line {
        line: usize,
        column: usize,
    },
    /// An operation of a patch or a batch, counted from 0.
    Operation(usize),
    /// How many there are.
    Count(usize),
    Size {
        bytes: usize,
        limit: usize,
    },
    /// How many there are, and which places of the schema are broken.
    Violations(&'e Violations),
    /// Modules, with what is wrong with their tables.
    Unready(&'e Unready),
    Cause(&'e (dyn Internal + 'static)),
}

impl<'e> Logged<'e> {
    pub(crate) const fn words(words: &'static str) -> Self {
        Self::new(words, Detail::Nothing)
    }

    const fn new(words: &'static str, detail: Detail<'e>) -> Self {
        Self {
            words,
            operation: None,
            detail,
        }
    }

    fn json(words: &'static str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        Self::new(words, Detail::Line { line, column })
    }
}

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "operation {operation}: ")?;
        }
        f.write_str(self.words)?;
        match self.detail {
            Detail::Nothing => Ok(()),
            Detail::Words(words) => write!(f, ": {words}"),
            Detail::Byte(at) => write!(f, ": at byte {at}"),
            Detail::Line { line, column } => write!(f, ": at line {line} column {column}"),
            Detail::Operation(at) => write!(f, ": at operation {at}"),
            Detail::Count(count) => write!(f, ": {count}"),
            Detail::Size { bytes, limit } => write!(f, ": {bytes} bytes, the limit is {limit}"),
            Detail::Violations(found) => write!(f, ": there {}: {}", found.summary(), Chain(found)),
            Detail::Unready(unready) => {
                for (at, module) in unready.modules().enumerate() {
                    let separator = if at == 0 { ": " } else { ", " };
                    write!(f, "{separator}{module}")?;
                }
                write!(f, ": {}", Chain(unready))
            }
            Detail::Cause(error) => write!(f, ": {}", Chain(error)),
        }
    }
}

impl ApiError {
    pub(super) fn logged(&self) -> Logged<'_> {
        let size = |words, bytes, limit| Logged::new(words, Detail::Size { bytes, limit });
        match self {
            Self::MissingId(_) | Self::MissingNumber(_) => Logged::words("no id"),
            Self::InvalidId(invalid) => invalid.logged(),
            Self::MissingData => Logged::words("Please provide some data"),
            Self::InvalidDocument(invalid) => invalid.logged(),
            Self::DocumentTooLarge {
                size: bytes, limit, ..
            } => size("document too large", *bytes, *limit),
            Self::BrokenBody(_) => Logged::words("the body broke off"),
            Self::InvalidBatch(invalid) => invalid.logged(),
            Self::NeedlessItem => Logged::words("needless item"),
            Self::Operation { at, error } => Logged {
                operation: Some(*at),
                ..error.logged()
            },
            Self::AnswerTooLarge { size: bytes, limit } => {
                size("answer too large", *bytes, limit.body_bytes())
            }
            Self::DescriptionTooLarge { .. } => Logged::words("the description is too large"),
            Self::BatchTooLarge => Logged::words("atomic batch too large"),
            Self::InvalidQuery(invalid) => {
                Logged::new("invalid query", Detail::Words(invalid.word()))
            }
            Self::NoSuchItem => Logged::words("Resource does not exist"),
            Self::NotFound => Logged::words("Not found"),
            Self::MethodNotAllowed { .. } => Logged::words("Method not allowed"),
            Self::BodyTooLarge { size: None, .. } => Logged::words("body too large"),
            Self::BodyTooLarge {
                size: Some(bytes),
                limit,
            } => size(
                "body too large",
                usize::try_from(*bytes).unwrap_or(usize::MAX),
                *limit,
            ),
            Self::UnsupportedMediaType(found) | Self::UnsupportedPatchType(found) => {
                Logged::new("unsupported media type", Detail::Words(found.word()))
            }
            Self::Store(error) => Logged::new(store_words(error), Detail::Cause(error)),
            Self::Contended => Logged::new(TRY_AGAIN, Detail::Words("other writers were faster")),
            Self::PreconditionFailed => Logged::words(PRECONDITION_FAILED),
            Self::NotModified(_) => Logged::words("not modified"),
            Self::InvalidPatch(invalid) => invalid.logged(),
            Self::Misfit(misfit) => misfit.logged(),
            Self::EmptyingPatch => Logged::words("the patch leaves no data"),
            Self::BlindPatch(error) => error.logged(),
            Self::BreaksSchema(violations) => violations.logged(),
            Self::Schema(invalid) => Logged::new(INTERNAL_ERROR, Detail::Cause(&**invalid)),
            Self::Denied(denied) => denied.logged(),
            Self::Unchecked(cause) => Logged::new(unchecked_message(cause), Detail::Cause(cause)),
            Self::InvalidIdempotencyKey(_) => Logged::words("invalid idempotency key"),
            Self::KeyReused => Logged::words("idempotency key of another request"),
            Self::TooOften(_) => Logged::words("rate limit exceeded"),
            Self::HeadersTooLarge { size: bytes, limit } => {
                size("headers too large", *bytes, *limit)
            }
            Self::QueryTooLong { size: bytes, limit } => size("query too long", *bytes, *limit),
            Self::UriTooLong { .. } => Logged::words("URI too long"),
            Self::HeadTooLarge { .. } => Logged::words("head too large"),
            Self::InvalidHost => Logged::words("invalid Host"),
            Self::ForeignHost => Logged::words("a Host that is not of this server"),
            Self::InvalidRequest => Logged::words("not HTTP"),
            Self::ChangesGone => Logged::words("changes that are no longer there"),
            Self::NoChanges => Logged::words("no changes of these tables"),
            Self::UnknownMethod => Logged::words("unknown method"),
            Self::UnknownTransferCoding => Logged::words("unknown transfer coding"),
            Self::Crowded(Crowded(what)) => Logged::new("no memory left", Detail::Words(what)),
            Self::Unready { unready, .. } => Logged::new("Not ready", Detail::Unready(unready)),
            Self::OutOfTime => Logged::new(TRY_AGAIN, Detail::Words("out of time")),
            Self::Panic(Panic(words)) => Logged::new("Internal error: panic", Detail::Words(words)),
        }
    }
}

/// The client's sentence without its figures.
fn store_words(error: &StoreError) -> &'static str {
    match error {
        StoreError::Throttled(_)
        | StoreError::Unreachable(_)
        | StoreError::TimedOut(_)
        | StoreError::InDoubt(_) => TRY_AGAIN,
        StoreError::ItemTooLarge { .. } => "item too large",
        StoreError::TransactionTooLarge { .. } => "atomic batch too large",
        StoreError::Refused(_) => "refused by DynamoDB",
        StoreError::ConditionFailed(_) => PRECONDITION_FAILED,
        StoreError::AnswerFull => "the batch's answer is full",
        StoreError::NoSuchPosition(_) => "invalid query: cursor",
        StoreError::Other(_) => INTERNAL_ERROR,
    }
}

impl InvalidItemId {
    fn logged(&self) -> Logged<'static> {
        const WORDS: &str = "invalid id";
        match self.reason {
            InvalidKeyValue::Empty => Logged::new(WORDS, Detail::Words("empty")),
            InvalidKeyValue::NotUtf8 { at } => {
                Logged::new("invalid id: not UTF-8", Detail::Byte(at))
            }
            InvalidKeyValue::TooLong { bytes, limit } => {
                Logged::new(WORDS, Detail::Size { bytes, limit })
            }
            InvalidKeyValue::Number(_) => Logged::new(WORDS, Detail::Words("number")),
            InvalidKeyValue::Type(_) => Logged::new(WORDS, Detail::Words("type")),
        }
    }
}

impl InvalidDocument {
    fn logged(&self) -> Logged<'_> {
        match self {
            Self::Empty => Logged::words("no data"),
            Self::NotUtf8 { at } => Logged::new("invalid JSON: not UTF-8", Detail::Byte(*at)),
            Self::NotJson(error) => Logged::json("invalid JSON", error),
            Self::TooDeep { at } => Logged::new("the body nests too deep", Detail::Byte(*at)),
            Self::RepeatedMember => Logged::words("an object has a member twice"),
            Self::ReservedMember => Logged::words("a member has a reserved name"),
            Self::TooLarge { size, limit } => {
                let (bytes, limit) = (*size, *limit);
                Logged::new("document too large", Detail::Size { bytes, limit })
            }
            Self::Unstorable(_) => {
                Logged::words("the document can't be stored as native attributes")
            }
            Self::Unfit(Unfit::Violations(violations)) => violations.logged(),
            Self::Unfit(Unfit::Schema(invalid)) => {
                Logged::new(INTERNAL_ERROR, Detail::Cause(&**invalid))
            }
            Self::Expiry { .. } | Self::ExpiryTooLate { .. } => {
                Logged::words("invalid time of expiry")
            }
        }
    }
}

impl Violations {
    fn logged(&self) -> Logged<'_> {
        let words = "Please provide a document that fits the schema";
        Logged::new(words, Detail::Violations(self))
    }
}

impl InvalidBatch {
    fn logged(&self) -> Logged<'_> {
        match self {
            Self::Shape(error) => Logged::json("invalid batch", error),
            Self::Id { at, .. } => Logged::new("invalid batch: id", Detail::Operation(*at)),
            Self::Count(count) => {
                Logged::new("invalid batch: number of operations", Detail::Count(*count))
            }
            Self::SameId { second, .. } => {
                Logged::new("invalid batch: an id twice", Detail::Operation(*second))
            }
            Self::Mixed => Logged::words("invalid batch: reads and writes"),
        }
    }
}

impl InvalidQuery {
    fn word(&self) -> &'static str {
        match self {
            Self::Limit(_) => "limit",
            Self::Cursor => "cursor",
            Self::Consistent(_) | Self::ConsistentTenant | Self::ConsistentIndex => "consistent",
            Self::Fields(_) => "fields",
            Self::Order(_) | Self::NoOrder(_) => "order",
            Self::Value { .. } => "value of a key",
            Self::Time(_) => "time",
            Self::Twice(_) => "parameter twice",
            Self::Conditions { .. } => "too many conditions",
            Self::Unknown { .. } | Self::UnknownOfVersions(_) => "unknown parameter",
            Self::NoIndex(_) => "no index serves it",
        }
    }
}

impl UnsupportedMediaType {
    fn word(&self) -> &'static str {
        match self {
            Self::Missing => "none",
            Self::Type(_) => "another",
            Self::Encoding(_) => "content encoding",
        }
    }
}

impl InvalidPatch {
    fn logged(&self) -> Logged<'_> {
        match self {
            Self::Shape(error) => Logged::json("invalid patch", error),
            Self::Tree(invalid) => invalid.logged(),
            Self::Ambiguous => Logged::words("operations as application/json"),
            Self::Count(count) => {
                Logged::new("invalid patch: number of operations", Detail::Count(*count))
            }
        }
    }
}

impl InvalidTree {
    fn logged(&self) -> Logged<'_> {
        match self {
            Self::NotJson(error) => Logged::json("invalid JSON", error),
            Self::TooDeep { at } => Logged::new("the body nests too deep", Detail::Byte(*at)),
            Self::RepeatedMember => Logged::words("an object has a member twice"),
        }
    }
}

impl Misfit {
    fn logged(&self) -> Logged<'_> {
        match self {
            Self::Operation { at, .. } => Logged::new(
                "the patch does not fit the document",
                Detail::Operation(*at),
            ),
            Self::Stored(_) => Logged::words("the stored document can't be patched"),
            Self::TooDeep { at } => Logged::new("the patch nests too deep", Detail::Operation(*at)),
            Self::TooLarge { at, .. } => Logged::new(
                "the patch makes the document too large",
                Detail::Operation(*at),
            ),
            Self::TooCostly { at } => Logged::new(
                "the patch copies or shifts too much",
                Detail::Operation(*at),
            ),
        }
    }
}

impl Denied {
    fn logged(&self) -> Logged<'_> {
        match self.reason() {
            Reason::Missing => Logged::words("no credential"),
            Reason::Repeated => Logged::words("more than one credential"),
            Reason::Token(invalid) => Logged::new("invalid token", Detail::Cause(invalid)),
            Reason::Key => Logged::words("unknown API key"),
            Reason::Scope(_) => Logged::words("no scope for it"),
            Reason::Tenant(_) => Logged::words("no tenant"),
        }
    }
}

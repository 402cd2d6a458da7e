//! Errors become answers here, and nowhere else: the contract's table of errors.
//!
//! The client gets a sentence. The cause rides in the response's extensions, to the layer that puts
//! the sentence into the module's envelope, and to the log, which has words of its own.

use std::fmt;
use std::sync::Arc;

use axum::http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt};

use crate::access::rate_limit::TooOften;
use crate::access::{Denied, Reason, Refused, Unchecked};
use crate::api::answer_limit::AnswerLimit;
use crate::item::batch::InvalidBatch;
use crate::item::idempotency::InvalidKey;
use crate::item::list::InvalidQuery;
use crate::item::patch::{InvalidPatch, Misfit, Patch};
use crate::item::schema::{InvalidSchema, Unfit, Violation, Violations};
use crate::item::{InvalidDocument, InvalidItemId};
use crate::module::limits;
use crate::module::name::{KeyAttribute, ModuleName};
use crate::store::{self, StoreError, Unready};

pub(crate) use self::logged::Logged;

mod logged;

/// What a PATCH can be, by media type (RFC 5789, section 3.1).
pub(crate) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

const TRY_AGAIN: &str = "Try again later";

const INTERNAL_ERROR: &str = "Internal error";

const PRECONDITION_FAILED: &str = "Precondition failed";

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request was not done. Its `Display` is what the client gets.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// An item's verb without an item.
    #[error("Please provide {0}")]
    MissingId(KeyAttribute),
    /// An id that DynamoDB can't take.
    #[error("Please provide a valid {}: {}", .0.attribute, .0.reason)]
    InvalidId(InvalidItemId),
    /// A new item without an id, where that is a number.
    #[error("Please provide {0} in the path: it is a number, and only strings are generated")]
    MissingNumber(KeyAttribute),
    /// No body where one is needed, or an empty document.
    #[error("Please provide some data")]
    MissingData,
    /// A body that is no document.
    #[error("Please provide a JSON document: {0}")]
    InvalidDocument(InvalidDocument),
    /// A document over the module's limit.
    #[error("Please provide less: the document has {size} bytes, the limit is {limit}")]
    DocumentTooLarge {
        /// Its size in bytes, without insignificant white space.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A body that broke off.
    #[error("Please provide the whole body: {0}")]
    BrokenBody(axum::Error),
    /// A body that is no batch.
    #[error("Please provide a batch: {0}")]
    InvalidBatch(InvalidBatch),
    /// An operation of a batch that has an item and needs none.
    #[error("Please leave `item` out: only a put has one")]
    NeedlessItem,
    /// The operation because of which a whole batch is not done.
    #[error("`/operations/{at}`: {error}")]
    Operation {
        /// Which one, counted from 0.
        at: usize,
        /// What is wrong with it.
        error: Box<ApiError>,
    },
    /// A batch that is done as a whole, and would take too much memory as a whole.
    #[error(
        "Please provide less: the documents of an atomic batch have too many values; send it in parts"
    )]
    BatchTooLarge,
    /// An answer that is more than can be returned for an event.
    #[error("Please ask for less: the answer has {size} bytes as JSON, and {limit}")]
    AnswerTooLarge {
        /// The size of its body as a JSON string, in bytes.
        size: usize,
        /// What is not large enough for it.
        limit: AnswerLimit,
    },
    /// A list's query that can't be understood.
    #[error("Please provide a valid query: {0}")]
    InvalidQuery(InvalidQuery),
    /// GET of an absent item.
    #[error("Resource does not exist")]
    NoSuchItem,
    /// No such module, no such path.
    #[error("Not found")]
    NotFound,
    /// A method that is not served here.
    #[error("Method not allowed")]
    MethodNotAllowed {
        /// The methods that are.
        allow: HeaderValue,
    },
    /// A body over the function's limit.
    #[error("Please provide less: {}, the limit is {limit}", Size(*size))]
    BodyTooLarge {
        /// The body's size in bytes, where the request tells it.
        size: Option<u64>,
        /// The limit in bytes.
        limit: usize,
    },
    /// A body of another media type, or of none.
    #[error("Please provide the body as application/json: {0}")]
    UnsupportedMediaType(UnsupportedMediaType),
    /// A change of another media type, or of none.
    #[error("Please provide the patch as {types}: {0}", types = Patch::MEDIA_TYPES)]
    UnsupportedPatchType(UnsupportedMediaType),
    /// The store could not do it.
    #[error("{}", store_message(.0))]
    Store(#[from] StoreError),
    /// Another writer was faster, again and again.
    #[error("Try again later")]
    Contended,
    /// A precondition does not hold.
    #[error("{PRECONDITION_FAILED}")]
    PreconditionFailed,
    /// The client has what there is.
    #[error("Not modified")]
    NotModified(ETag),
    /// A body that is no change of a document.
    #[error("Please provide a patch: {0}")]
    InvalidPatch(#[from] InvalidPatch),
    /// A change that the document does not allow.
    #[error("{}", misfit_message(.0))]
    Misfit(#[from] Misfit),
    /// A change after which there would be no data.
    #[error("Please provide another patch: with it, the document would be empty")]
    EmptyingPatch,
    /// A document that breaks the module's schema.
    #[error("Please provide a document that fits the schema: there {}", .0.summary())]
    BreaksSchema(#[source] Violations),
    /// A change after which the document is refused, by somebody who may not read it: what is wrong
    /// with it could tell what is stored.
    #[error("Please provide another patch: with it, the document is refused")]
    BlindPatch(Box<ApiError>),
    /// The module's schema can't be used.
    #[error("Internal error")]
    Schema(#[source] Arc<InvalidSchema>),
    /// The caller may not do that.
    #[error("{0}")]
    Denied(Denied),
    /// What the caller shows can't be checked.
    #[error("{}", unchecked_message(.0))]
    Unchecked(#[source] Unchecked),
    /// A header that should have an idempotency key, and has none.
    #[error("Please provide a valid Idempotency-Key: {0}")]
    InvalidIdempotencyKey(InvalidKey),
    /// An idempotency key that was sent with another write.
    #[error("Please provide another Idempotency-Key: this one was sent with another request")]
    KeyReused,
    /// The caller has called too often.
    #[error("Try again later: this API does not let one caller call so often")]
    TooOften(TooOften),
    /// An API whose description is over the function's limit.
    #[error(
        "The description is over {limit} bytes, which is what Lambda can answer: print it with \
         `modulo openapi`"
    )]
    DescriptionTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A request's headers over the function's limit.
    #[error("Please provide less: the headers have {size} bytes, the limit is {limit}")]
    HeadersTooLarge {
        /// The size of their names and values, in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A query over the function's limit.
    #[error("Please provide less: the query has {size} bytes, the limit is {limit}")]
    QueryTooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Some modules can't be served.
    #[error("{}", unready_message(.unready, *.is_open))]
    Unready {
        /// Which, and why.
        #[source]
        unready: Arc<Unready>,
        /// Whether the client may know which.
        is_open: bool,
    },
    /// Bytes that are no request.
    #[error("Please provide a valid HTTP request")]
    InvalidRequest,
    /// A target that is too long to be read.
    #[error("Please provide less: the URI has more than {limit} bytes")]
    UriTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A request's head that is too long to be read.
    #[error(
        "Please provide less: the request line and the headers have more than {bytes} bytes, or \
         there are more than {headers} headers"
    )]
    HeadTooLarge {
        /// The limit of headers.
        headers: usize,
        /// The limit in bytes.
        bytes: usize,
    },
    /// Not one valid `Host`, of a request that needs one.
    #[error("Please provide one Host header, with a valid host")]
    InvalidHost,
    /// A `Host` that is not a name of this server.
    #[error(
        "Please ask by a name of this server: an address, `localhost`, or one that \
         `modulo serve --host NAME` names"
    )]
    ForeignHost,
    /// Changes that are no longer there to be read.
    #[error("Please ask without Last-Event-ID: what follows that event is no longer there")]
    ChangesGone,
    /// Changes of tables that are not this process's.
    #[error("Changes are shown only by a `modulo serve` that has the tables itself")]
    NoChanges,
    /// A method that HTTP does not have.
    #[error("Please use a method of HTTP")]
    UnknownMethod,
    /// A body in a transfer coding that is not undone.
    #[error("Please send the body without a transfer coding, or as `chunked`")]
    UnknownTransferCoding,
    /// The server has no memory left for it.
    #[error("Try again later")]
    Crowded(#[from] Crowded),
    /// Time ran out before the store answered.
    #[error("Try again later")]
    OutOfTime,
    /// A bug.
    #[error("Internal error")]
    Panic(#[source] Panic),
}

impl From<store::Contended> for ApiError {
    fn from(_: store::Contended) -> Self {
        Self::Contended
    }
}

/// What a body came as.
#[derive(Debug, thiserror::Error)]
pub enum UnsupportedMediaType {
    /// Without a content type.
    #[error("its content type is missing")]
    Missing,
    /// With another content type.
    #[error("its content type is `{0}`")]
    Type(String),
    /// With a content encoding.
    #[error("its content encoding is `{0}`, only identity is read")]
    Encoding(String),
}

/// Why a server that is short of memory takes no more of a request.
#[derive(Debug, thiserror::Error)]
#[error("other requests hold all the memory that there is for {0}")]
pub struct Crowded(pub &'static str);

/// A panic's message, where it stands in the code.
#[derive(Debug, thiserror::Error)]
#[error("panic: {0}")]
pub struct Panic(pub &'static str);

/// The cause of an answer.
#[derive(Debug, Clone)]
pub struct Cause(pub(crate) Arc<ApiError>);

impl Cause {
    /// What the log says of it.
    pub(crate) fn logged(&self) -> Logged<'_> {
        self.0.logged()
    }
}

struct Size(Option<u64>);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "the body has {bytes} bytes"),
            None => f.write_str("the body goes on past the limit"),
        }
    }
}

fn store_message(error: &StoreError) -> String {
    match error {
        StoreError::Throttled(_)
        | StoreError::Unreachable(_)
        | StoreError::TimedOut(_)
        | StoreError::InDoubt(_) => TRY_AGAIN.to_owned(),
        StoreError::ItemTooLarge { document_bytes, .. } => format!(
            "Please provide less: with this document of {document_bytes} bytes the item is over \
             DynamoDB's limit of {} bytes",
            limits::ITEM_BYTES
        ),
        StoreError::TransactionTooLarge { bytes } => format!(
            "Please provide less: the items of the batch have {bytes} bytes, and a transaction of \
             DynamoDB takes {}; send it in parts",
            limits::TRANSACTION_BYTES
        ),
        StoreError::Refused(_) => {
            "Please provide another item or key: DynamoDB does not take this one".to_owned()
        }
        StoreError::ConditionFailed(_) => PRECONDITION_FAILED.to_owned(),
        StoreError::AnswerFull => "Please get it by itself: the batch's answer is full".to_owned(),
        StoreError::NoSuchPosition(_) => {
            format!("Please provide a valid query: {}", InvalidQuery::Cursor)
        }
        StoreError::Other(_) => INTERNAL_ERROR.to_owned(),
    }
}

fn misfit_message(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Stored(_) => format!("Please send the whole document: {misfit}"),
        misfit => format!("Please provide a patch that fits the document: {misfit}"),
    }
}

fn unready_message(unready: &Unready, is_open: bool) -> String {
    if !is_open {
        return "Not ready".to_owned();
    }
    let names: Vec<_> = unready.modules().map(ModuleName::as_str).collect();
    format!("Not ready: {}", names.join(", "))
}

fn unchecked_message(cause: &Unchecked) -> &'static str {
    match cause {
        cause if cause.is_temporary() => TRY_AGAIN,
        _ => INTERNAL_ERROR,
    }
}

impl ApiError {
    /// The one mapping from errors to statuses.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidPatch(InvalidPatch::Ambiguous) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MissingId(_)
            | Self::InvalidId(_)
            | Self::MissingNumber(_)
            | Self::MissingData
            | Self::EmptyingPatch
            | Self::InvalidDocument(_)
            | Self::BrokenBody(_)
            | Self::InvalidQuery(_)
            | Self::InvalidPatch(_)
            | Self::InvalidBatch(_)
            | Self::NeedlessItem
            | Self::InvalidIdempotencyKey(_)
            | Self::InvalidHost
            | Self::InvalidRequest
            | Self::Store(StoreError::NoSuchPosition(_) | StoreError::Refused(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Operation { error, .. } | Self::BlindPatch(error) => error.status(),
            Self::NotModified(_) => StatusCode::NOT_MODIFIED,
            Self::Misfit(Misfit::Operation { .. } | Misfit::Stored(_) | Misfit::TooDeep { .. }) => {
                StatusCode::CONFLICT
            }
            Self::BreaksSchema(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionFailed | Self::Store(StoreError::ConditionFailed(_)) => {
                StatusCode::PRECONDITION_FAILED
            }
            Self::Denied(denied) => match denied.reason() {
                Reason::Repeated => StatusCode::BAD_REQUEST,
                Reason::Missing | Reason::Token(_) | Reason::Key => StatusCode::UNAUTHORIZED,
                Reason::Scope(_) | Reason::Tenant(_) => StatusCode::FORBIDDEN,
            },
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::UnknownMethod | Self::UnknownTransferCoding | Self::NoChanges => {
                StatusCode::NOT_IMPLEMENTED
            }
            Self::ChangesGone => StatusCode::GONE,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge { .. } | Self::HeadTooLarge { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::QueryTooLong { .. } | Self::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::NoSuchItem | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::DocumentTooLarge { .. }
            | Self::BodyTooLarge { .. }
            | Self::AnswerTooLarge { .. }
            | Self::Misfit(Misfit::TooLarge { .. } | Misfit::TooCostly { .. })
            | Self::BatchTooLarge
            | Self::DescriptionTooLarge { .. }
            | Self::Store(
                StoreError::ItemTooLarge { .. }
                | StoreError::TransactionTooLarge { .. }
                | StoreError::AnswerFull,
            ) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) | Self::UnsupportedPatchType(_) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Unchecked(cause) if cause.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Contended
            | Self::Crowded(_)
            | Self::Unready { .. }
            | Self::Store(StoreError::Throttled(_) | StoreError::Unreachable(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Store(StoreError::TimedOut(_) | StoreError::InDoubt(_)) | Self::OutOfTime => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Store(StoreError::Other(_))
            | Self::Schema(_)
            | Self::Unchecked(_)
            | Self::Panic(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a caller without permission is asked for.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::Denied(denied) => Some(denied.challenge()),
            Self::Operation { error, .. } => error.challenge(),
            _ => None,
        }
    }

    /// The methods that are served, where that is what is wrong.
    fn allow(&self) -> Option<&HeaderValue> {
        match self {
            Self::MethodNotAllowed { allow } => Some(allow),
            Self::Operation { error, .. } => error.allow(),
            _ => None,
        }
    }

    /// How long the client should wait, in seconds, where waiting helps.
    fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::TooOften(TooOften(wait)) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Some(seconds.into())
            }
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER_SECONDS),
            _ => None,
        }
    }

    /// Where a document breaks its module's schema.
    pub(crate) fn details(&self) -> &[Violation] {
        match self {
            Self::BreaksSchema(violations) => violations.listed(),
            Self::Operation { error, .. } => error.details(),
            _ => &[],
        }
    }
}

impl From<InvalidItemId> for ApiError {
    fn from(invalid: InvalidItemId) -> Self {
        Self::InvalidId(invalid)
    }
}

impl From<InvalidDocument> for ApiError {
    fn from(invalid: InvalidDocument) -> Self {
        match invalid {
            InvalidDocument::Empty => Self::MissingData,
            InvalidDocument::TooLarge { size, limit } => Self::DocumentTooLarge { size, limit },
            InvalidDocument::Unfit(Unfit::Violations(violations)) => Self::BreaksSchema(violations),
            InvalidDocument::Unfit(Unfit::Schema(invalid)) => Self::Schema(invalid),
            invalid => Self::InvalidDocument(invalid),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(denied) => Self::Denied(denied),
            Refused::Unchecked(cause) => Self::Unchecked(cause),
        }
    }
}

impl From<InvalidBatch> for ApiError {
    fn from(invalid: InvalidBatch) -> Self {
        Self::InvalidBatch(invalid)
    }
}

impl From<InvalidQuery> for ApiError {
    fn from(invalid: InvalidQuery) -> Self {
        Self::InvalidQuery(invalid)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::NotModified(tag) = self {
            let mut response = status.into_response();
            response.headers_mut().typed_insert(tag);
            return response;
        }
        let mut response = status.into_response();
        if let Some(allow) = self.allow() {
            response.headers_mut().insert(ALLOW, allow.clone());
        }
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(
            self,
            Self::UnsupportedPatchType(_) | Self::InvalidPatch(InvalidPatch::Ambiguous)
        ) {
            let types = HeaderValue::from_static(Patch::MEDIA_TYPES);
            response.headers_mut().insert(ACCEPT_PATCH, types);
        }
        if let Some(wait) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(Cause(Arc::new(self)));
        response
    }
}

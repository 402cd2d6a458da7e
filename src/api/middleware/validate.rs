//! The validation layer of the modules' paths: method, id, query, media type, JSON, no-data rule,
//! schema.
//!
//! It parses a request into a [`ParsedCall`], and a handler sees nothing else of it.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::around::Inner;
use crate::access::Caller;
use crate::api::batch::Batch;
use crate::api::error::{ApiError, UnsupportedMediaType};
use crate::api::idempotency;
use crate::api::mount::Mount;
use crate::api::precondition::Preconditions;
use crate::api::work;
use crate::item::collection::Collection;
use crate::item::history::{VersionsRequest, time_asked};
use crate::item::idempotency::IdempotentWrite;
use crate::item::list::{Consistent, PageRequest};
use crate::item::patch::{Patch, PatchType};
use crate::item::{Document, ItemId, Partition};
use crate::module::Module;
use crate::module::call::Call;

mod body;

/// What a request asks of a module: a call with all that its handler needs, or OPTIONS.
#[derive(Debug)]
pub(crate) enum ParsedCall {
    Options,
    Batch(Batch),
    List(PageRequest),
    Create {
        id: ItemId,
        document: Document,
        once: Option<IdempotentWrite>,
    },
    Post {
        id: ItemId,
        preconditions: Preconditions,
        document: Document,
        once: Option<IdempotentWrite>,
    },
    Put {
        id: ItemId,
        preconditions: Preconditions,
        document: Document,
    },
    Get {
        id: ItemId,
        preconditions: Preconditions,
        consistent: Consistent,
        /// The time of which the item is asked for, if not that of now.
        at: Option<SystemTime>,
    },
    History {
        id: ItemId,
        page: VersionsRequest,
    },
    Patch {
        id: ItemId,
        preconditions: Preconditions,
        patch: Arc<Patch>,
        caller: Caller,
    },
    Delete {
        id: ItemId,
        preconditions: Preconditions,
    },
}

/// The layer, around a service that answers what was parsed.
pub(crate) fn layer<S>()
-> impl Layer<S, Service: Inner<(Mount, Request)> + Service<(Mount, Request), Response = Response>>
where
    S: Inner<(Mount, ParsedCall), ApiError>,
{
    layer_fn(|inner: S| {
        service_fn(move |(mount, request): (Mount, Request)| {
            let inner = inner.clone();
            // Boxed, as in `around`.
            let answer = Box::pin(async move {
                match parse(&mount, request).await {
                    Ok(call) => inner.oneshot((mount, call)).await.into_response(),
                    Err(error) => error.into_response(),
                }
            });
            answer.map(Ok)
        })
    })
}

async fn parse(mount: &Mount, request: Request) -> Result<ParsedCall, ApiError> {
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return Ok(ParsedCall::Options);
    }
    let call = mount.call.ok_or_else(|| mount.not_allowed())?;
    let caller: Caller = parts.extensions.remove().unwrap_or_default();
    let Parts { uri, headers, .. } = parts;
    let id = || mount.id_in(uri.path());
    let preconditions = || Preconditions::of(&headers);
    let collection = &mount.collection;
    Ok(match call {
        Call::Batch => ParsedCall::Batch(parse_batch(mount, caller, &headers, body).await?),
        Call::List => ParsedCall::List(parse_page(mount, &uri, None)?),
        Call::ListPartition => {
            let partition = mount.partition_in(uri.path())?;
            ParsedCall::List(parse_page(mount, &uri, Some(&partition))?)
        }
        Call::Create => {
            let id = mount.new_id()?;
            let document = parse_document(collection, None, &headers, body).await?;
            let once = parse_once(mount.module(), ("", None), &headers, &caller, &document)?;
            ParsedCall::Create { id, document, once }
        }
        Call::CreateIn => {
            let id = mount.new_id_in(uri.path())?;
            let document = parse_document(collection, Some(&id), &headers, body).await?;
            let under = (id.partition(), Some(""));
            let once = parse_once(mount.module(), under, &headers, &caller, &document)?;
            ParsedCall::Create { id, document, once }
        }
        Call::Post => {
            let id = id()?;
            let document = parse_document(collection, Some(&id), &headers, body).await?;
            let under = (id.partition(), id.sort());
            let once = parse_once(mount.module(), under, &headers, &caller, &document)?;
            ParsedCall::Post {
                id,
                preconditions: preconditions(),
                document,
                once,
            }
        }
        Call::Put => {
            let id = id()?;
            let document = parse_document(collection, Some(&id), &headers, body).await?;
            ParsedCall::Put {
                id,
                preconditions: preconditions(),
                document,
            }
        }
        Call::Get => ParsedCall::Get {
            id: id()?,
            preconditions: preconditions(),
            consistent: Consistent::of(uri.query()),
            // Without a history it is a parameter like any other that nobody looks at.
            at: match mount.module().history() {
                Some(_) => time_asked(uri.query())?,
                None => None,
            },
        },
        Call::History => {
            let id = id()?;
            let query = uri.query().unwrap_or_default();
            let page = VersionsRequest::parse(query, mount.module(), &id, mount.tenant())?;
            ParsedCall::History { id, page }
        }
        Call::Patch => ParsedCall::Patch {
            id: id()?,
            preconditions: preconditions(),
            patch: Arc::new(parse_patch(mount.module(), &headers, body).await?),
            caller,
        },
        Call::Delete => ParsedCall::Delete {
            id: id()?,
            preconditions: preconditions(),
        },
    })
}

/// The page that a list's query asks for, of a partition or of all items.
fn parse_page(
    mount: &Mount,
    uri: &Uri,
    partition: Option<&Partition>,
) -> Result<PageRequest, ApiError> {
    let query = uri.query().unwrap_or_default();
    let page = PageRequest::parse(query, mount.module(), partition, mount.tenant())?;
    Ok(page)
}

/// The body, and whether its media type is JSON.
async fn read_json(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let body = body::read(body).await?;
    body::media_type(headers).map_err(ApiError::UnsupportedMediaType)?;
    Ok(body)
}

async fn parse_document(
    collection: &Arc<Collection>,
    id: Option<&ItemId>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Document, ApiError> {
    let body = read_json(headers, body).await?;
    let is_long = if Document::is_kept_as_sent(collection) {
        work::is_long_text(body.len())
    } else {
        work::is_long(body.len())
    };
    let document = if is_long {
        let (collection, id) = (Arc::clone(collection), id.cloned());
        work::long(move || Document::parse(body.into(), &collection, id.as_ref())).await
    } else {
        Document::parse(body.into(), collection, id)
    };
    Ok(document?)
}

/// Whether the write of the document is to be done once.
fn parse_once(
    module: &Module,
    under: (&str, Option<&str>),
    headers: &HeaderMap,
    caller: &Caller,
    document: &Document,
) -> Result<Option<IdempotentWrite>, ApiError> {
    idempotency::once(headers, module, caller, under, document)
        .map_err(ApiError::InvalidIdempotencyKey)
}

async fn parse_batch(
    mount: &Mount,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Batch, ApiError> {
    let body = read_json(headers, body).await?;
    if work::is_long(body.len()) {
        let mount = mount.clone();
        work::long(move || Batch::parse(&body, &mount, &caller)).await
    } else {
        Batch::parse(&body, mount, &caller)
    }
}

async fn parse_patch(module: &Module, headers: &HeaderMap, body: Body) -> Result<Patch, ApiError> {
    let body = body::read(body).await?;
    let limit = module.max_bytes() + Patch::OVERHEAD_BYTES;
    if body.len() > limit {
        let size = Some(body.len() as u64);
        return Err(ApiError::BodyTooLarge { size, limit });
    }
    let media_type = body::media_type(headers).map_err(ApiError::UnsupportedPatchType)?;
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let patch_type = if is("application/json") {
        PatchType::Json
    } else if is("application/merge-patch+json") {
        PatchType::Merge
    } else if is("application/json-patch+json") {
        PatchType::Operations
    } else {
        let found = UnsupportedMediaType::Type(media_type.to_owned());
        return Err(ApiError::UnsupportedPatchType(found));
    };
    let patch = if work::is_long(body.len()) {
        work::long(move || Patch::parse(&body, patch_type)).await
    } else {
        Patch::parse(&body, patch_type)
    };
    Ok(patch?)
}

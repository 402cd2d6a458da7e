//! The validation layer of each module: method, id, query, media type, JSON, no-data rule, schema.
//!
//! What it parses it puts into the request's extensions; the handlers take it out through
//! [`Valid`] and see nothing else of the request.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError};

use super::around::{Inner, Next};
use super::limit_body::MAX_BODY_BYTES;
use crate::access::Caller;
use crate::api::batch::Batch;
use crate::api::error::{ApiError, Crowded, UnsupportedMediaType};
use crate::api::idempotency;
use crate::api::mount::Mount;
use crate::api::precondition::Preconditions;
use crate::api::work;
use crate::item::list::{Consistent, PageRequest};
use crate::item::patch::{Patch, PatchType};
use crate::item::{Document, ItemId};
use crate::json::byte_order_mark;
use crate::module::{Module, Verb};

/// What this layer has parsed, as an extractor.
#[derive(Debug)]
pub struct Valid<T>(pub T);

impl<T: Send + Sync + 'static, S: Sync> FromRequestParts<S> for Valid<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let valid = parts
            .extensions
            .remove()
            .expect("the validation layer parses what handlers take");
        Ok(Self(valid))
    }
}

/// Of requests to `/<module>/<id>`.
pub(crate) async fn item(request: Request, next: Next<impl Inner>) -> Response {
    match parse_item(request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Of requests to `/<module>`.
pub(crate) async fn collection(request: Request, next: Next<impl Inner>) -> Response {
    match parse_collection(request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Of requests to `/_batch/<module>`.
pub(crate) async fn batch(mut request: Request, next: Next<impl Inner>) -> Response {
    if request.method() == Method::POST
        && let Err(error) = parse_batch(&mut request).await
    {
        return error.into_response();
    }
    next.run(request).await
}

async fn parse_item(mut request: Request) -> Result<Request, ApiError> {
    let Some((module, verb)) = served(&request)? else {
        return Ok(request);
    };
    let mount = mount_of(&request)?;
    let id = ItemId::from_path(mount.raw_id(request.uri().path()), module.key())?;
    mount.check_id(&id)?;
    let preconditions = Preconditions::of(request.headers());
    let extensions = request.extensions_mut();
    extensions.insert(preconditions);
    match verb {
        Verb::Post => {
            parse_document(Some(&id), &mut request).await?;
            parse_once(&module, Some(&id), &mut request)?;
        }
        Verb::Put => parse_document(Some(&id), &mut request).await?,
        Verb::Patch => parse_patch(&module, &mut request).await?,
        Verb::Get => {
            let consistent = Consistent::of(request.uri().query());
            request.extensions_mut().insert(consistent);
        }
        Verb::Delete | Verb::List => {}
    }
    request.extensions_mut().insert(id);
    Ok(request)
}

async fn parse_collection(mut request: Request) -> Result<Request, ApiError> {
    let Some((module, verb)) = served(&request)? else {
        return Ok(request);
    };
    match verb {
        Verb::List => {
            let query = request.uri().query().unwrap_or_default();
            let tenant = mount_of(&request)?.tenant();
            let page = PageRequest::parse(query, &module, None, tenant)?;
            request.extensions_mut().insert(page);
        }
        Verb::Post => {
            parse_document(None, &mut request).await?;
            parse_once(&module, None, &mut request)?;
        }
        Verb::Get | Verb::Put | Verb::Patch | Verb::Delete => {}
    }
    Ok(request)
}

/// The module that is asked, and for what; nothing of OPTIONS, which is served everywhere.
fn served(request: &Request) -> Result<Option<(Arc<Module>, Verb)>, ApiError> {
    let mount = mount_of(request)?;
    if request.method() == Method::OPTIONS {
        return Ok(None);
    }
    let verb = mount.verb(request.method());
    let verb = verb.ok_or_else(|| mount.not_allowed())?;
    Ok(Some((Arc::clone(&mount.module), verb)))
}

fn mount_of(request: &Request) -> Result<&Mount, ApiError> {
    request.extensions().get().ok_or(ApiError::NotFound)
}

async fn parse_document(id: Option<&ItemId>, request: &mut Request) -> Result<(), ApiError> {
    let body = read_body(request).await?;
    media_type(request.headers()).map_err(ApiError::UnsupportedMediaType)?;
    let collection = &mount_of(request)?.collection;
    let document = if work::is_long(body.len()) {
        let (collection, id) = (Arc::clone(collection), id.cloned());
        work::long(move || Document::parse(body.into(), &collection, id.as_ref())).await?
    } else {
        Document::parse(body.into(), collection, id)?
    };
    request.extensions_mut().insert(document);
    Ok(())
}

/// Whether the write of the document is to be done once.
fn parse_once(module: &Module, id: Option<&ItemId>, request: &mut Request) -> Result<(), ApiError> {
    let extensions = request.extensions();
    let caller = extensions.get().unwrap_or(&Caller::Anonymous);
    let Some(document) = extensions.get::<Document>() else {
        return Ok(());
    };
    let under = id.map_or(("", None), |id| (id.partition(), id.sort()));
    let once = idempotency::once(request.headers(), module, caller, under, document)
        .map_err(ApiError::InvalidIdempotencyKey)?;
    if let Some(once) = once {
        request.extensions_mut().insert(once);
    }
    Ok(())
}

async fn parse_batch(request: &mut Request) -> Result<(), ApiError> {
    mount_of(request)?;
    let body = read_body(request).await?;
    media_type(request.headers()).map_err(ApiError::UnsupportedMediaType)?;
    let extensions = request.extensions();
    let caller = extensions.get().unwrap_or(&Caller::Anonymous);
    let mount = mount_of(request)?;
    let batch = if work::is_long(body.len()) {
        let (mount, caller) = (mount.clone(), caller.clone());
        work::long(move || Batch::parse(&body, &mount, &caller)).await?
    } else {
        Batch::parse(&body, mount, caller)?
    };
    request.extensions_mut().insert(batch);
    Ok(())
}

async fn parse_patch(module: &Module, request: &mut Request) -> Result<(), ApiError> {
    let body = read_body(request).await?;
    let limit = module.max_bytes() + Patch::OVERHEAD_BYTES;
    if body.len() > limit {
        let size = Some(body.len() as u64);
        return Err(ApiError::BodyTooLarge { size, limit });
    }
    let media_type = media_type(request.headers()).map_err(ApiError::UnsupportedPatchType)?;
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
        work::long(move || Patch::parse(&body, patch_type)).await?
    } else {
        Patch::parse(&body, patch_type)?
    };
    request.extensions_mut().insert(Arc::new(patch));
    Ok(())
}

/// The whole body without its byte order mark, which must not be empty.
async fn read_body(request: &mut Request) -> Result<Bytes, ApiError> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let mut body = body.collect().await.map_err(body_error)?.to_bytes();
    let mark = body.len() - byte_order_mark::skip(&body).len();
    drop(body.split_to(mark));
    if body.is_empty() {
        return Err(ApiError::MissingData);
    }
    Ok(body)
}

fn body_error(error: axum::Error) -> ApiError {
    let mut sources = std::iter::successors(error.source(), |&source| source.source());
    if let Some(&Crowded(what)) = sources.find_map(|source| source.downcast_ref()) {
        return ApiError::Crowded(Crowded(what));
    }
    match error.source() {
        Some(source) if source.is::<LengthLimitError>() => ApiError::BodyTooLarge {
            size: None,
            limit: MAX_BODY_BYTES,
        },
        _ => ApiError::BrokenBody(error),
    }
}

/// The body's media type, which has to be JSON of some kind.
fn media_type(headers: &HeaderMap) -> Result<&str, UnsupportedMediaType> {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if let Some(encoding) = encoding.filter(|name| !name.eq_ignore_ascii_case(b"identity")) {
        return Err(UnsupportedMediaType::Encoding(
            String::from_utf8_lossy(encoding).into_owned(),
        ));
    }
    let given = headers
        .get(CONTENT_TYPE)
        .ok_or(UnsupportedMediaType::Missing)?;
    let text = given.to_str().unwrap_or_default();
    // A parameter such as `charset` has no effect (RFC 8259, section 11).
    let essence = text.split(';').next().unwrap_or_default().trim_ascii();
    if is_json(essence) {
        return Ok(essence);
    }
    let shown = String::from_utf8_lossy(given.as_bytes());
    Err(UnsupportedMediaType::Type(shown.into_owned()))
}

/// Whether this is `application/json`, or any type whose suffix is `+json`.
fn is_json(essence: &str) -> bool {
    const SUFFIX: &str = "+json";
    if essence.eq_ignore_ascii_case("application/json") {
        return true;
    }
    let is_name = |name: &str| {
        let is_token = |byte| b"!#$%&'*+-.^_`|~".contains(&byte) || byte.is_ascii_alphanumeric();
        !name.is_empty() && name.bytes().all(is_token)
    };
    essence.split_once('/').is_some_and(|(main, subtype)| {
        let suffix = subtype.len().checked_sub(SUFFIX.len());
        let parted = suffix.and_then(|at| subtype.split_at_checked(at));
        is_name(main)
            && parted
                .is_some_and(|(tree, suffix)| is_name(tree) && suffix.eq_ignore_ascii_case(SUFFIX))
    })
}

//! The validation layer of each module: method, id, query, media type, JSON, no-data rule.
//!
//! What it parses it puts into the request's extensions; the handlers take it out through
//! [`Valid`] and see nothing else of the request.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError};
use mime::Mime;

use super::MAX_BODY_BYTES;
use super::log::Routed;
use crate::error::{ApiError, UnsupportedMediaType};
use crate::item::{Document, ItemId};
use crate::list::PageRequest;
use crate::module::Verb;
use crate::patch::{Patch, PatchType};
use crate::precondition::Preconditions;
use crate::router::Mount;

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
pub async fn item(State(mount): State<Arc<Mount>>, request: Request, next: Next) -> Response {
    let answer = match parse_item(&mount, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    routed(answer, mount, true)
}

/// Of requests to `/<module>`.
pub async fn collection(State(mount): State<Arc<Mount>>, request: Request, next: Next) -> Response {
    let answer = match parse_collection(&mount, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    routed(answer, mount, false)
}

fn routed(mut answer: Response, mount: Arc<Mount>, is_item: bool) -> Response {
    answer.extensions_mut().insert(Routed { mount, is_item });
    answer
}

async fn parse_item(mount: &Mount, mut request: Request) -> Result<Request, ApiError> {
    let verb = match *request.method() {
        Method::GET | Method::HEAD => Some(Verb::Get),
        Method::POST => Some(Verb::Post),
        Method::PUT => Some(Verb::Put),
        Method::PATCH => Some(Verb::Patch),
        Method::DELETE => Some(Verb::Delete),
        Method::OPTIONS => return Ok(request),
        _ => None,
    };
    let module = &mount.module;
    let verb = verb
        .filter(|&verb| module.verbs().contains(verb))
        .ok_or_else(|| ApiError::MethodNotAllowed {
            allow: mount.item.allow.clone(),
        })?;
    let id = ItemId::from_path(mount.raw_id(request.uri().path())).map_err(|invalid| {
        ApiError::InvalidId {
            key: module.key().clone(),
            invalid,
        }
    })?;
    let preconditions = Preconditions::of(request.headers());
    let extensions = request.extensions_mut();
    extensions.insert(id);
    extensions.insert(preconditions);
    match verb {
        Verb::Post | Verb::Put => parse_document(mount, request).await,
        Verb::Patch => parse_patch(request).await,
        Verb::Get | Verb::Delete | Verb::List => Ok(request),
    }
}

async fn parse_collection(mount: &Mount, mut request: Request) -> Result<Request, ApiError> {
    let verbs = mount.module.verbs();
    match *request.method() {
        Method::GET | Method::HEAD if verbs.contains(Verb::List) => {
            let page = PageRequest::parse(request.uri().query().unwrap_or_default())?;
            request.extensions_mut().insert(page);
            Ok(request)
        }
        Method::POST if verbs.contains(Verb::Post) => parse_document(mount, request).await,
        Method::PUT if verbs.contains(Verb::Put) => Ok(request),
        Method::PATCH if verbs.contains(Verb::Patch) => Ok(request),
        Method::DELETE if verbs.contains(Verb::Delete) => Ok(request),
        Method::OPTIONS => Ok(request),
        _ => Err(ApiError::MethodNotAllowed {
            allow: mount.collection.allow.clone(),
        }),
    }
}

async fn parse_document(mount: &Mount, mut request: Request) -> Result<Request, ApiError> {
    let body = read_body(&mut request).await?;
    media_type(request.headers()).map_err(ApiError::UnsupportedMediaType)?;
    let document = Document::parse(body.into(), mount.module.max_bytes())?;
    request.extensions_mut().insert(document);
    Ok(request)
}

async fn parse_patch(mut request: Request) -> Result<Request, ApiError> {
    let body = read_body(&mut request).await?;
    let media_type = media_type(request.headers()).map_err(ApiError::UnsupportedPatchType)?;
    let patch_type = match media_type.essence_str() {
        "application/json" | "application/merge-patch+json" => PatchType::Merge,
        "application/json-patch+json" => PatchType::Operations,
        other => {
            let found = UnsupportedMediaType::Type(other.to_owned());
            return Err(ApiError::UnsupportedPatchType(found));
        }
    };
    request
        .extensions_mut()
        .insert(Patch::parse(&body, patch_type)?);
    Ok(request)
}

/// The whole body, which must not be empty.
async fn read_body(request: &mut Request) -> Result<Bytes, ApiError> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let body = body.collect().await.map_err(body_error)?.to_bytes();
    if body.is_empty() {
        return Err(ApiError::MissingData);
    }
    Ok(body)
}

fn body_error(error: axum::Error) -> ApiError {
    match error.source() {
        Some(source) if source.is::<LengthLimitError>() => ApiError::BodyTooLarge {
            size: None,
            limit: MAX_BODY_BYTES,
        },
        _ => ApiError::BrokenBody(error),
    }
}

/// The body's media type, which has to be JSON of some kind.
fn media_type(headers: &HeaderMap) -> Result<Mime, UnsupportedMediaType> {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if let Some(encoding) = encoding.filter(|name| !name.eq_ignore_ascii_case(b"identity")) {
        return Err(UnsupportedMediaType::Encoding(
            String::from_utf8_lossy(encoding).into_owned(),
        ));
    }
    let given = headers
        .get(CONTENT_TYPE)
        .ok_or(UnsupportedMediaType::Missing)?;
    // What nearly every client sends, without a parse.
    if given.as_bytes() == b"application/json" {
        return Ok(mime::APPLICATION_JSON);
    }
    let parsed: Option<Mime> = given.to_str().ok().and_then(|text| text.parse().ok());
    let is_json = |mime: &Mime| {
        let named = mime.type_() == mime::APPLICATION && mime.subtype() == mime::JSON;
        let charset = mime
            .get_param(mime::CHARSET)
            .is_none_or(|charset| charset == mime::UTF_8);
        (named || mime.suffix() == Some(mime::JSON)) && charset
    };
    parsed.filter(is_json).ok_or_else(|| {
        UnsupportedMediaType::Type(String::from_utf8_lossy(given.as_bytes()).into_owned())
    })
}

//! The body of a request: its bytes, and their media type.

use std::error::Error;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError};

use crate::api::error::{ApiError, Crowded, UnsupportedMediaType};
use crate::api::middleware::limit_body::MAX_BODY_BYTES;
use crate::json::byte_order_mark;

/// The whole body without its byte order mark, which must not be empty.
pub(super) async fn read(body: Body) -> Result<Bytes, ApiError> {
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
pub(super) fn media_type(headers: &HeaderMap) -> Result<&str, UnsupportedMediaType> {
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

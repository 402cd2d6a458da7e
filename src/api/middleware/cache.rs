//! What others may make of an answer: caches on its way, and browsers that guess.

use axum::http::header::{CACHE_CONTROL, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The headers that may have a credential, whichever the guard reads.
const CREDENTIALS: HeaderValue = HeaderValue::from_static("authorization, x-api-key");

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Has caches ask before they give an answer to somebody else, since each can be another one a
/// moment later. What a guard has let through, and what it has refused, only the caller's own
/// browser may keep: a cache that follows RFC 9111 would know that of `Authorization`, but not of
/// an API key, and Varnish knows neither.
pub(super) fn limit_caching(headers: &mut HeaderMap, is_guarded: bool) {
    if is_guarded {
        headers.insert(CACHE_CONTROL, PRIVATE);
        headers.append(VARY, CREDENTIALS);
    } else {
        headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
    }
}

/// Has browsers take an answer for what its media type says: a document may have HTML in it.
pub(super) fn forbid_sniffing(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

//! The paths of the function's own, which begin with `/_`.

use axum::http::header::ALLOW;
use axum::http::{HeaderValue, StatusCode};
use axum::routing::MethodRouter;

use crate::api::error::ApiError;

/// The methods of each path of the function's own.
const OWN: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// A path of the function's own: GET and HEAD, and OPTIONS, which says so.
pub(crate) fn only<S>(get: MethodRouter<S>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    get.options(async || (StatusCode::NO_CONTENT, [(ALLOW, OWN)]))
        .fallback(async || ApiError::MethodNotAllowed { allow: OWN })
}

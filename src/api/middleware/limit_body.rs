//! What is limited of a request's body: its size, and the pauses within it.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body_util::Limited;
use tower_http::timeout::TimeoutBody;

use super::around::{Inner, Next};
use crate::api::error::ApiError;
use crate::api::invocation::Invocation;

/// The greatest request body in bytes: what Lambda takes.
pub(super) const MAX_BODY_BYTES: usize = 6 * 1_024 * 1_024;

/// The longest pause within a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

pub(super) async fn limit_body(request: Request, next: Next<impl Inner>) -> Response {
    let size = request.body().size_hint().exact();
    if size.is_some_and(|size| size > MAX_BODY_BYTES as u64) {
        return ApiError::BodyTooLarge {
            size,
            limit: MAX_BODY_BYTES,
        }
        .into_response();
    }
    // An event brings its body whole.
    let is_whole = request.extensions().get::<Invocation>().is_some();
    if is_whole || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let limited = |body| {
        Body::new(Limited::new(
            TimeoutBody::new(BODY_PAUSE, body),
            MAX_BODY_BYTES,
        ))
    };
    next.run(request.map(limited)).await
}

//! What is limited before a request's body is read: its head, and the time it takes.

use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use super::around::{Inner, Next};
use crate::api::error::ApiError;
use crate::api::invocation::Invocation;

/// The greatest size of a request's headers, names and values, in bytes: three times what API
/// Gateway takes.
pub(crate) const MAX_HEADER_BYTES: usize = 32_768;

/// The longest query in bytes: a cursor after an id of escapes, with the keys of an index, fits.
const MAX_QUERY_BYTES: usize = 32_768;

/// The longest a request may take where Lambda sets no deadline: what API Gateway waits for.
const TIME_LIMIT: Duration = Duration::from_secs(29);

/// Has a timer end each second, so before those of any request: of a timer that ends before all
/// others tokio tells itself by a system call, and of a request's time limits each ends before the
/// one around it.
pub async fn keep_time() {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

pub(super) async fn limit_head_and_time(request: Request, next: Next<impl Inner>) -> Response {
    if let Err(error) = limit_head(&request) {
        return error.into_response();
    }
    let deadline = match request.extensions().get::<Invocation>() {
        Some(invocation) => invocation.deadline.into(),
        None => tokio::time::Instant::now() + TIME_LIMIT,
    };
    tokio::time::timeout_at(deadline, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::OutOfTime.into_response())
}

fn limit_head(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers().iter();
    let size = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if size > MAX_HEADER_BYTES {
        return Err(ApiError::HeadersTooLarge {
            size,
            limit: MAX_HEADER_BYTES,
        });
    }
    let size = request.uri().query().map_or(0, str::len);
    if size > MAX_QUERY_BYTES {
        return Err(ApiError::QueryTooLong {
            size,
            limit: MAX_QUERY_BYTES,
        });
    }
    Ok(())
}

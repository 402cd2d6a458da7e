//! A panic is answered, and the function goes on.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::around::{Inner, Next};
use crate::api::error::{ApiError, Panic};
use crate::telemetry;

/// A panic is the end of one request, not of the function.
pub(super) async fn catch_panic(request: Request, next: Next<impl Inner>) -> Response {
    // What a panic has left half done ends with the request.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|payload| ApiError::Panic(panic_of(&*payload)).into_response())
}

fn panic_of(payload: &(dyn Any + Send)) -> Panic {
    Panic(telemetry::words_of_panic(payload))
}

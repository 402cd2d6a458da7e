//! One line for each request, with its cause where it failed.
//!
//! Ids' values, bodies and credentials are no part of it.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::RequestId;
use tracing::field::display;
use tracing::{Level, event};

use crate::error::Cause;
use crate::router::Mount;

/// Logs the request once it is answered: failures of ours as errors, all else as information.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mount = request.extensions().get::<Mount>().cloned();
    let mut response = next.run(request).await;

    let cause = response.extensions_mut().remove::<Cause>();
    let status = response.status();
    let request_id = request_id
        .as_ref()
        .and_then(|id| id.header_value().to_str().ok());
    let module = mount.as_ref().map(|mount| mount.module.name().as_str());
    let route = || mount.as_ref().map(|mount| mount.route().to_string());
    let elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let error = cause.map(display);
    macro_rules! line {
        ($level:expr) => {
            event!(
                target: "modulo::request",
                $level,
                http.method = method.as_str(),
                http.route = route().as_deref(),
                http.status_code = status.as_u16(),
                module.name = module,
                duration_us = elapsed_us,
                request.id = request_id,
                error,
            )
        };
    }
    if status.is_server_error() {
        line!(Level::ERROR);
    } else {
        line!(Level::INFO);
    }
    response
}

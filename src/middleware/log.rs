//! One line for each request, with its cause where it failed.
//!
//! Ids' values, bodies and credentials are no part of it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::RequestId;
use tracing::{Level, event};

use crate::error::Cause;
use crate::router::Mount;

/// Which of a module's routes a request took, as a response extension.
#[derive(Debug, Clone)]
pub(super) struct Routed {
    pub(super) mount: Arc<Mount>,
    pub(super) is_item: bool,
}

/// Logs the request once it is answered: failures of ours as errors, all else as information.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;

    let routed = response.extensions_mut().remove::<Routed>();
    let cause = response.extensions_mut().remove::<Cause>();
    let status = response.status();
    let request_id = request_id
        .as_ref()
        .and_then(|id| id.header_value().to_str().ok());
    let module = routed
        .as_ref()
        .map(|routed| routed.mount.module.name().as_str());
    let route = routed.as_ref().map(|Routed { mount, is_item }| {
        let resource = if *is_item {
            &mount.item
        } else {
            &mount.collection
        };
        resource.route.as_str()
    });
    let elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let error = cause.map(tracing::field::display);
    macro_rules! line {
        ($level:expr) => {
            event!(
                target: "modulo::request",
                $level,
                http.method = method.as_str(),
                http.route = route,
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

//! The CORS layer: around all that can refuse a request, so that a page can read why.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use tower::{Layer, ServiceExt, service_fn};

use super::around::{Inner, Next};
use crate::api::mount::Mount;
use crate::module::cors::Cors;

/// Answers a browser's preflight, and lets pages of the named origins read what is answered: those
/// that the module names, or on the function's own paths `service`.
pub(super) async fn share(
    service: Option<Arc<Cors>>,
    request: Request,
    next: Next<impl Inner>,
) -> Response {
    let mount = request.extensions().get::<Mount>();
    let cors = match mount {
        Some(mount) => mount.module.cors(),
        None => service.as_deref(),
    };
    let Some(layer) = cors.map(|cors| cors.layer().clone()) else {
        return next.run(request).await;
    };
    let is_preflight = request.method() == Method::OPTIONS;
    let headers = request.headers();
    if is_preflight
        && !(headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))
    {
        return next.run(request).await;
    }
    let allow = mount.filter(|_| is_preflight).map(Mount::allow);
    let inner = service_fn(|request| {
        let next = next.clone();
        async { Ok::<_, Infallible>(next.run(request).await) }
    });
    let answered = layer.layer(inner).oneshot(request).await;
    let mut response = answered.unwrap_or_else(|never| match never {});
    if is_preflight {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if let Some(allow) = allow {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        headers.insert(ALLOW, allow);
    }
    response
}

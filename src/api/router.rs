//! Every path and verb, on one page.

use std::sync::Arc;

use axum::Router;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};

use crate::api::error::ApiError;
use crate::api::handler;
use crate::api::health;
use crate::api::middleware::{around, validate};
use crate::config::Config;
use crate::store::Store;

/// The routes, the same for all modules: which verbs one serves is the validation layer's to say.
pub fn router(config: &Arc<Config>, store: &Store) -> Router {
    let items: MethodRouter = get(handler::get)
        .post(handler::post)
        .put(handler::put)
        .patch(handler::patch)
        .delete(handler::delete)
        .options(handler::options);
    let collections: MethodRouter = get(handler::list)
        .post(handler::create)
        .put(handler::missing_id)
        .patch(handler::missing_id)
        .delete(handler::missing_id)
        .options(handler::options);
    let collections = collections.layer(around(validate::collection));
    let batches: MethodRouter = post(handler::batch)
        .options(handler::options)
        .fallback(handler::not_allowed);

    Router::new()
        .route("/_batch/{module}", batches.layer(around(validate::batch)))
        .route("/{module}", collections.clone())
        .route("/{module}/", collections)
        .route("/{module}/{*id}", items.layer(around(validate::item)))
        .merge(health::router(config, store))
        .fallback(unrouted)
}

/// `OPTIONS *`, which asks what the server can do at all (RFC 9110, section 9.3.7); anything else
/// is not found.
async fn unrouted(method: Method, uri: Uri) -> Result<impl IntoResponse, ApiError> {
    if method == Method::OPTIONS && uri.path() == "*" {
        return Ok((StatusCode::NO_CONTENT, [(ALLOW, ALL)]));
    }
    Err(ApiError::NotFound)
}

/// Every method that some path serves.
const ALL: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

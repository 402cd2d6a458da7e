//! Every path and call, on one page.

use std::convert::Infallible;
use std::future::ready;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::api::error::ApiError;
use crate::api::handler;
use crate::api::middleware::validate::{self, ParsedCall};
use crate::api::mount::{Mount, allow};
use crate::module::call::METHODS;

/// All paths. Boxed, since the compiler takes minutes where all layers and handlers are one type.
pub(crate) type Routes = BoxCloneSyncService<Request, Response, Infallible>;

/// The modules' paths, which the mount has found, and the function's `own`, which are found here.
pub(crate) fn router(own: Router) -> Routes {
    let own = own.fallback(unrouted);
    let calls = ServiceBuilder::new()
        .layer(validate::layer())
        .service_fn(handle);
    Routes::new(service_fn(move |mut request: Request| {
        match request.extensions_mut().remove::<Mount>() {
            Some(mount) => Either::Left(calls.clone().oneshot((mount, request))),
            None => Either::Right(own.clone().oneshot(request)),
        }
    }))
}

/// The handler of each call.
fn handle((mount, call): (Mount, ParsedCall)) -> BoxFuture<'static, Result<Response, ApiError>> {
    match call {
        ParsedCall::Options => Box::pin(ready(Ok(handler::options(&mount)))),
        ParsedCall::Batch(batch) => Box::pin(handler::batch(mount, batch)),
        ParsedCall::List(page) => Box::pin(handler::list(mount, page)),
        ParsedCall::Create { id, document, once } => {
            Box::pin(handler::create(mount, id, once, document))
        }
        ParsedCall::Post {
            id,
            preconditions,
            document,
            once,
        } => Box::pin(handler::post(mount, id, preconditions, once, document)),
        ParsedCall::Put {
            id,
            preconditions,
            document,
        } => Box::pin(handler::put(mount, id, preconditions, document)),
        ParsedCall::Get {
            id,
            preconditions,
            consistent,
            at,
        } => Box::pin(handler::get(mount, id, preconditions, consistent, at)),
        ParsedCall::History { id, page } => Box::pin(handler::history(mount, id, page)),
        ParsedCall::Patch {
            id,
            preconditions,
            patch,
            caller,
        } => Box::pin(handler::patch(mount, id, preconditions, caller, patch)),
        ParsedCall::Delete { id, preconditions } => {
            Box::pin(handler::delete(mount, id, preconditions))
        }
    }
}

/// `OPTIONS *`, which asks what the server can do at all (RFC 9110, section 9.3.7); anything else
/// is not found.
async fn unrouted(method: Method, uri: Uri) -> Result<impl IntoResponse, ApiError> {
    if method == Method::OPTIONS && uri.path() == "*" {
        return Ok((
            StatusCode::NO_CONTENT,
            [(ALLOW, allow(METHODS.iter().copied()))],
        ));
    }
    Err(ApiError::NotFound)
}

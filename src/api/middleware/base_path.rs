//! The layer that takes `service.base_path` off, so that nothing further in knows of it.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::response::Response;

use super::around::{Inner, Next};
use crate::api::invocation::Invocation;
use crate::api::location::locate;
use crate::module::base_path::BasePath;

/// Answers paths with the base path and without it: a front door may have taken it off already.
/// `Location` has it, unless the front door says what the client's URL has in its place.
pub(super) async fn take_off(
    base_path: BasePath,
    mut request: Request,
    next: Next<impl Inner>,
) -> Response {
    let uri = request.uri();
    let stripped = uri.path_and_query().and_then(|path| {
        let stripped = base_path.strip(path.as_str())?;
        stripped.parse::<PathAndQuery>().ok()
    });
    let invocation = request.extensions().get::<Invocation>();
    let is_reported = invocation.is_some_and(|invocation| invocation.has_base_path);
    let is_located = stripped.is_some() || !is_reported;
    if let Some(stripped) = stripped {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(stripped);
        *request.uri_mut() = Uri::from_parts(parts).expect("only its path has changed");
    }
    let mut answer = next.run(request).await;
    if is_located {
        locate(answer.headers_mut(), base_path.as_str());
    }
    answer
}

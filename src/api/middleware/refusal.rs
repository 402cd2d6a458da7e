//! The body of an error, in the envelope of the module that was asked.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::around::{Inner, Next};
use super::cache;
use crate::api::envelope;
use crate::api::invocation::Invocation;
use crate::api::mount::Mount;
use crate::module::Envelope;

/// Gives an error its body, in the envelope of the module that was asked. An answer that the event's
/// front door would not take is an error too.
pub(super) async fn render(request: Request, next: Next<impl Inner>) -> Response {
    let mount = request.extensions().get::<Mount>();
    let envelope = mount.map_or(Envelope::default(), |mount| mount.module().envelope());
    let is_guarded = mount.is_some_and(|mount| mount.module().access().is_some());
    let invocation = request.extensions().get::<Invocation>();
    let limit = invocation.map(|invocation| invocation.answer_limit);
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if let Some(limit) = limit {
        let checked = envelope::within(limit, response).await;
        response = checked.unwrap_or_else(IntoResponse::into_response);
    }
    let mut rendered = envelope::rendered(response, envelope);
    cache::limit_caching(rendered.headers_mut(), is_guarded);
    let length = rendered.body().size_hint().exact();
    let has_no_content = matches!(
        rendered.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    let headers = rendered.headers_mut();
    if has_no_content {
        // RFC 9110, section 8.6, forbids it for 204, and for 304 it would be the length of the 200.
        headers.remove(CONTENT_LENGTH);
    } else if let Some(length) = length {
        headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    if is_head {
        rendered.map(|_| Body::empty())
    } else {
        rendered
    }
}

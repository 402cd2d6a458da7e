//! The request's id: the client's own, Lambda's, or a new one.

use std::time::SystemTime;

use axum::extract::Request;
use axum::http::HeaderValue;
use tower_http::request_id::{MakeRequestId, RequestId};
use uuid::Uuid;

use crate::api::invocation::Invocation;

pub(super) const X_REQUEST_ID: &str = "x-request-id";

/// The longest id that is taken from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Lambda's id where there is one, else a new one; a client's own is taken before either.
#[derive(Debug, Clone, Copy)]
pub(super) struct MakeId;

impl MakeRequestId for MakeId {
    fn make_request_id<B>(&mut self, request: &Request<B>) -> Option<RequestId> {
        let id = match request.extensions().get::<Invocation>() {
            Some(invocation) => invocation.request_id.clone(),
            None => new_id()?,
        };
        Some(RequestId::new(id))
    }
}

/// As [`Uuid::now_v7`] makes one, which asks the kernel twice and has a lock: this one need not be
/// hard to guess.
fn new_id() -> Option<HeaderValue> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    let id = uuid::Builder::from_unix_timestamp_millis(now.as_millis().try_into().ok()?, &random);
    let mut text = Uuid::encode_buffer();
    HeaderValue::from_str(id.as_uuid().hyphenated().encode_lower(&mut text)).ok()
}

/// A client's id goes into its answer and into the log, so it has to be short and readable.
pub(super) fn drop_strange(mut request: Request) -> Request {
    let is_strange = |id: &HeaderValue| {
        !(1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
            || !id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if request.headers().get(X_REQUEST_ID).is_some_and(is_strange) {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_a_uuid_that_tells_the_time() {
        let (one, other) = (new_id().unwrap(), new_id().unwrap());
        assert_ne!(one, other);
        let id: Uuid = one.to_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
        let (seconds, _) = id.get_timestamp().unwrap().to_unix();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!(now.abs_diff(seconds) < 60, "{id}");
    }
}

//! The layers around the router, from the outside in, on one page.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body_util::Limited;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::timeout::TimeoutBody;
use uuid::Uuid;

use self::log::Observer;
use crate::api::envelope;
use crate::api::error::{ApiError, Panic};
use crate::api::invocation::Invocation;
use crate::api::mount::Mount;
use crate::config::Config;
use crate::module::Envelope;
use crate::telemetry;

pub(crate) use self::around::{Inner, Next, around};

mod access;
mod around;
mod base_path;
mod cache;
mod cors;
mod log;
pub mod validate;

const X_REQUEST_ID: &str = "x-request-id";

/// The whole function as one service.
pub type App = BoxCloneSyncService<Request, Response, Infallible>;

/// The greatest request body in bytes: what Lambda takes.
const MAX_BODY_BYTES: usize = 6 * 1_024 * 1_024;

/// The greatest size of a request's headers, names and values, in bytes: three times what API
/// Gateway takes.
pub(crate) const MAX_HEADER_BYTES: usize = 32_768;

/// The longest query in bytes: a cursor after an id of escapes, with the keys of an index, fits.
const MAX_QUERY_BYTES: usize = 32_768;

/// The longest pause within a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// The longest id that is taken from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

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

/// Puts the layers around `router`; `mount` finds the module of a request.
pub fn stack<M>(mount: M, config: &Config, router: Router) -> App
where
    M: Fn(Request) -> Request + Clone + Send + Sync + 'static,
{
    let base_path = config.service.base_path.clone().map(|base_path| {
        around(move |request, next| base_path::take_off(base_path.clone(), request, next))
    });
    let cors = config.has_cors().then(|| {
        let layers = Arc::new(cors::Layers::new(config));
        around(move |request, next| cors::share(Arc::clone(&layers), request, next))
    });
    let observer = Observer::new(&config.service);
    let layers = ServiceBuilder::new()
        .option_layer(base_path)
        .map_response(cache::forbid_sniffing)
        .map_request(drop_strange_request_id)
        // So far out, so that everything inside, the log above all, has the id.
        .layer(SetRequestIdLayer::x_request_id(MakeId))
        .map_request(mount)
        // Sees every answer, that to a panic included.
        .layer(around(move |request, next| {
            log::log(Arc::clone(&observer), request, next)
        }))
        .layer(PropagateRequestIdLayer::x_request_id())
        // Around all that can refuse a request, so that a page can read why.
        .option_layer(cors)
        // Around all that can refuse a request, since the module says how a refusal looks.
        .layer(around(tell_refusal))
        .layer(around(answer_panic))
        .layer(around(limit_head_and_time))
        // Within the time limit, since an issuer's keys may have to be fetched.
        .layer(around(access::guard))
        .layer(around(limit_body))
        // The validation layer is inside: each kind of route has its own.
        .service(router);
    App::new(layers)
}

/// Lambda's id where there is one, else a new one; a client's own is taken before either.
#[derive(Debug, Clone, Copy)]
struct MakeId;

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
fn drop_strange_request_id(mut request: Request) -> Request {
    let is_strange = |id: &HeaderValue| {
        !(1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
            || !id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if request.headers().get(X_REQUEST_ID).is_some_and(is_strange) {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    request
}

/// A panic is the end of one request, not of the function.
async fn answer_panic(request: Request, next: Next<impl Inner>) -> Response {
    // What a panic has left half done ends with the request.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|payload| ApiError::Panic(panic_of(&*payload)).into_response())
}

fn panic_of(payload: &(dyn Any + Send)) -> Panic {
    Panic(telemetry::words_of_panic(payload))
}

/// Gives an error its body, in the envelope of the module that was asked. An answer that the event's
/// front door would not take is an error too.
async fn tell_refusal(request: Request, next: Next<impl Inner>) -> Response {
    let mount = request.extensions().get::<Mount>();
    let envelope = mount.map_or(Envelope::default(), |mount| mount.module.envelope());
    let is_guarded = mount.is_some_and(|mount| mount.module.access().is_some());
    let invocation = request.extensions().get::<Invocation>();
    let limit = invocation.map(|invocation| invocation.answer_limit);
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if let Some(limit) = limit {
        let checked = envelope::within(limit, response).await;
        response = checked.unwrap_or_else(IntoResponse::into_response);
    }
    let mut told = envelope::told(response, envelope);
    cache::limit_caching(told.headers_mut(), is_guarded);
    // axum gives them the length of an empty body; RFC 9110, section 8.6, forbids it for 204, and for
    // 304 it would be the length of the 200.
    if matches!(
        told.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) {
        told.headers_mut().remove(CONTENT_LENGTH);
    }
    if is_head {
        told.map(|_| Body::empty())
    } else {
        told
    }
}

/// Bounds what can be told of a request before its body is read, and the time it takes.
async fn limit_head_and_time(request: Request, next: Next<impl Inner>) -> Response {
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

async fn limit_body(request: Request, next: Next<impl Inner>) -> Response {
    let size = request.body().size_hint().exact();
    if size.is_some_and(|size| size > MAX_BODY_BYTES as u64) {
        return ApiError::BodyTooLarge {
            size,
            limit: MAX_BODY_BYTES,
        }
        .into_response();
    }
    // An event brings its body whole.
    let is_whole = request.extensions().get::<Invocation>().is_some();
    if is_whole || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let limited = |body| {
        Body::new(Limited::new(
            TimeoutBody::new(BODY_PAUSE, body),
            MAX_BODY_BYTES,
        ))
    };
    next.run(request.map(limited)).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::config;
    use crate::module::name::Stage;

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

    #[tokio::test]
    async fn a_panic_is_answered_as_every_error_is() {
        async fn broken() -> &'static str {
            panic!("of {}", "a bug")
        }
        let text = "[modules.rooms]\nkey = 'roomId'";
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let app = stack(
            |request: Request| request,
            &config.unwrap(),
            Router::new().route("/", get(broken)),
        );
        let request = Request::get("/").header(X_REQUEST_ID, "known");
        let answer = app
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[X_REQUEST_ID], "known");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"ERROR":{"message":"Internal error"}}"#);
    }
}

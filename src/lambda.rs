//! The Lambda edge: events of every kind of HTTP become the requests that the routes expect.
//!
//! Function URL, HTTP API (payload 2.0), REST API (payload 1.0) and load balancer differ in whether
//! the path is still percent-encoded and whether it begins with the stage. Behind this module no
//! difference is left.

use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use lambda_http::request::RequestContext;
use lambda_http::{Context, RequestExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tower::util::MapFutureLayer;

use crate::error::ApiError;
use crate::middleware::{App, Invocation};

/// What is kept of Lambda's time for the answer's way back, so that the caller gets a 504 rather
/// than a killed function.
const DEADLINE_MARGIN: Duration = Duration::from_millis(250);

/// What can't stand in a URI's path, whether or not it is still percent-encoded.
const ILLEGAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What has to be encoded in a path that was decoded on its way.
const DECODED: &AsciiSet = &ILLEGAL.add(b'%');

type Answer = lambda_http::Response<lambda_http::Body>;

/// Answers Lambda's invocations with `app`, until SIGTERM: then the invocation in flight is
/// finished first.
///
/// # Errors
/// Lambda's runtime API can't be reached, or the signal can't be listened to.
pub async fn run(app: App) -> Result<(), lambda_http::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let in_flight = TaskTracker::new();
    let tracked = in_flight.clone();
    let service = tower::service_fn(move |event| answer(app.clone(), event));
    let runtime = lambda_http::runtime(service)
        // Around all that an invocation needs, the posting of its answer included.
        .layer(MapFutureLayer::new(move |invocation| {
            tracked.track_future(invocation)
        }));
    let finished = async {
        terminate.recv().await;
        in_flight.close();
        in_flight.wait().await;
    };
    tokio::select! {
        result = runtime.run() => result,
        () = finished => Ok(()),
    }
}

async fn answer(app: App, event: lambda_http::Request) -> Result<Answer, lambda_http::Error> {
    let response = match request(event) {
        Some(request) => app
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {}),
        None => ApiError::NotFound.into_response(),
    };
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    // Every answer is JSON, and so text.
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) => lambda_http::Body::Text(text),
        Err(error) => lambda_http::Body::Binary(error.into_bytes()),
    };
    Ok(Answer::from_parts(parts, body))
}

/// The event's request, as a server on a socket would have seen it. `None` where its path can't
/// be one.
fn request(event: lambda_http::Request) -> Option<Request> {
    let target = target(&event)?;
    let invocation = event.lambda_context_ref().map(invocation);
    let (mut parts, body) = event.into_parts();
    parts.uri = Uri::from(target);
    // What is left in it is lambda_http's own, which nothing behind this reads.
    parts.extensions.clear();
    if let Some(invocation) = invocation {
        parts.extensions.insert(invocation);
    }
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Some(Request::from_parts(parts, body))
}

fn invocation(context: &Context) -> Invocation {
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(context.deadline);
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Invocation {
        request_id: HeaderValue::from_str(&context.request_id)
            .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
        deadline: Instant::now() + left.saturating_sub(DEADLINE_MARGIN),
    }
}

/// Path and query of the event, the path percent-encoded once and without the stage.
///
/// The path is the event's own, since the request's URI was normalised on the way and may hold the
/// stage in any case.
fn target(event: &lambda_http::Request) -> Option<PathAndQuery> {
    let raw = event.raw_http_path();
    let path = match event.request_context_ref() {
        // A function URL has the path as it was sent, an HTTP API has it decoded.
        Some(RequestContext::ApiGatewayV2(context)) => {
            let domain = context.domain_name.as_deref().unwrap_or_default();
            if domain.contains(".lambda-url.") {
                utf8_percent_encode(raw, ILLEGAL)
            } else {
                let stage = context
                    .stage
                    .as_deref()
                    .filter(|&stage| stage != "$default");
                // On a domain of its own an API's stage is no part of the path.
                let stage = stage.filter(|_| domain.contains(".execute-api."));
                utf8_percent_encode(without_stage(raw, stage), DECODED)
            }
        }
        // REST APIs and load balancers have it as it was sent, and never with a stage.
        _ => utf8_percent_encode(raw, ILLEGAL),
    };
    let query = event.uri().query();
    let separator = if query.is_some() { "?" } else { "" };
    format!("{path}{separator}{}", query.unwrap_or_default())
        .parse()
        .ok()
}

fn without_stage<'p>(path: &'p str, stage: Option<&str>) -> &'p str {
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match rest {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

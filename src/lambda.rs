//! The Lambda edge: events of every kind of HTTP become the requests that the routes expect.
//!
//! Function URL, HTTP API (payload 2.0), REST API (payload 1.0) and load balancer differ in whether
//! the path is still percent-encoded and whether it begins with the stage. Behind this module no
//! difference is left.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Uri};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, BoxFuture, Context, IntoResponse, LambdaEvent, RequestExt, Response};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::util::MapFutureLayer;
use tower::{Service, ServiceExt, service_fn};
use tracing::warn;

use self::event::Edge;
use crate::chain::Chain;
use crate::config::Config;
use crate::middleware::{App, Invocation, keep_time};
use crate::module::{Module, Verb};
use crate::store::Store;
use crate::telemetry;
use crate::trace::TraceContext;

mod event;

/// What is kept of Lambda's time for the answer's way back, so that the caller gets a 504 rather
/// than a killed function.
const DEADLINE_MARGIN: Duration = Duration::from_millis(250);

/// How long the first poll is put off for the sake of the first request.
const WARM_UP_LIMIT: Duration = Duration::from_secs(2);

/// An answer whose body is text or bytes already. What `lambda_http` would make of any other body
/// knows all character sets, which are a twentieth of the package.
struct Answer(Response<lambda_http::Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> BoxFuture<'static, Response<lambda_http::Body>> {
        Box::pin(ready(self.0))
    }
}

/// Connects `store` to DynamoDB while Lambda waits for the function's first poll, which it gives
/// more of the processor than a request. A failure is the first request's to meet again.
pub async fn warm_up(config: &Config, store: &Store) {
    let mut modules = config.modules.iter();
    let gets_item = |module: &&Arc<Module>| module.verbs().iter().any(Verb::gets_item);
    let Some(module) = modules.find(gets_item).filter(|_| config.service.warm_up) else {
        return;
    };
    match timeout(WARM_UP_LIMIT, store.warm_up(module)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(error = %Chain(&error), "DynamoDB is not warmed up"),
        Err(_) => warn!(limit = ?WARM_UP_LIMIT, "DynamoDB is not warmed up in time"),
    }
}

/// Answers Lambda's invocations with `app`, several at a time where Lambda sends so many, until
/// SIGTERM: then those in flight are finished first.
///
/// # Errors
/// Lambda's runtime API can't be reached, or the signal can't be listened to.
pub async fn run(app: App) -> Result<(), lambda_http::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let in_flight = TaskTracker::new();
    let tracked = in_flight.clone();
    let runtime = Runtime::new(service(app))
        // Around all that an invocation needs, the posting of its answer included.
        .layer(MapFutureLayer::new(move |invocation| {
            // Before the next poll, from which on Lambda may stop the clock.
            let told = telemetry::lines_after(invocation).then(async |posted| {
                telemetry::send_spans().await;
                posted
            });
            tracked.track_future(told)
        }));
    let finished = async {
        terminate.recv().await;
        in_flight.close();
        in_flight.wait().await;
    };
    tokio::spawn(keep_time());
    tokio::select! {
        result = runtime.run_concurrent() => result,
        () = finished => Ok(()),
    }
}

/// Answers events with `app`.
#[must_use]
pub fn service(
    app: App,
) -> impl Service<
    LambdaEvent<LambdaRequest>,
    Response: Serialize + Send,
    Error = lambda_http::Error,
    Future: Send,
> + Clone
+ Send
+ 'static {
    service_fn(move |mut event: LambdaEvent<LambdaRequest>| {
        let edge = event::take_edge(&mut event.payload);
        let app = app.clone();
        let answer = move |request| answer(app.clone(), edge.clone(), request);
        Adapter::from(service_fn(answer)).call(event)
    })
}

async fn answer(
    app: App,
    edge: Edge,
    event: lambda_http::Request,
) -> Result<Answer, lambda_http::Error> {
    let base_path = edge.base_path.clone();
    let response = app
        .oneshot(request(edge, event))
        .await
        .unwrap_or_else(|never| match never {});
    let (mut parts, body) = response.into_parts();
    locate(&mut parts.headers, &base_path);
    let bytes = body.collect().await?.to_bytes();
    // Every answer is JSON, and so text.
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) => lambda_http::Body::Text(text),
        Err(error) => lambda_http::Body::Binary(error.into_bytes()),
    };
    Ok(Answer(Response::from_parts(parts, body)))
}

/// The event's request, as a server on a socket would have seen it.
fn request(edge: Edge, event: lambda_http::Request) -> Request {
    let invocation = event.lambda_context_ref().map(invocation);
    let (mut parts, body) = event.into_parts();
    parts.uri = Uri::from(edge.target);
    if let Some(host) = edge.host {
        parts.headers.entry(HOST).or_insert(host);
    }
    // What is left in it is lambda_http's own, which nothing behind this reads.
    parts.extensions.clear();
    if let Some(client) = edge.client {
        parts.extensions.insert(client);
    }
    if let Some(invocation) = invocation {
        parts.extensions.insert(invocation);
    }
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Request::from_parts(parts, body)
}

/// A `Location` on this function, as a client has to ask for it: with the stage, if its URL has it.
fn locate(headers: &mut HeaderMap, base_path: &str) {
    if base_path.is_empty() {
        return;
    }
    if let Some(location) = headers.get_mut(LOCATION) {
        let located = location.to_str().map(|path| format!("{base_path}{path}"));
        if let Some(located) = located.ok().and_then(|path| path.parse().ok()) {
            *location = located;
        }
    }
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
        trace: context
            .xray_trace_id
            .as_deref()
            .and_then(TraceContext::of_xray),
    }
}

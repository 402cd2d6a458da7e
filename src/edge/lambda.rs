//! The Lambda edge: events of every kind of HTTP become the requests that the routes expect.
//!
//! Function URL, HTTP API, REST API and load balancer differ in whether the path is still
//! percent-encoded, what it begins with, and how long an answer can be. Behind this module no
//! difference is left but the last, which a request brings along in its [`Invocation`].

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{Context, LambdaEvent};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::util::MapFutureLayer;
use tower::{Service, ServiceExt, service_fn};
use tracing::warn;

use self::event::{Asked, HttpEvent};
use self::returned::{Body, Returned};
use crate::api::answer_limit::AnswerLimit;
use crate::api::invocation::Invocation;
use crate::api::location::locate;
use crate::api::middleware::{App, keep_time};
use crate::api::quoted::Quoted;
use crate::config::Config;
use crate::module::{Module, call};
use crate::store::Store;
use crate::telemetry;
use crate::telemetry::chain::Chain;
use crate::telemetry::trace::TraceContext;

pub use self::event::Event;

mod event;
mod returned;
mod sent;

/// What is kept of Lambda's time for the answer's way back, so that the caller gets a 504 rather
/// than a killed function.
const DEADLINE_MARGIN: Duration = Duration::from_millis(250);

/// How long the first poll is put off for the sake of the first request.
const WARM_UP_LIMIT: Duration = Duration::from_secs(2);

/// Connects `store` to DynamoDB while Lambda waits for the function's first poll, which it gives
/// more of the processor than a request. A failure is the first request's to meet again.
pub async fn warm_up(config: &Config, store: &Store) {
    let mut modules = config.modules.iter();
    let gets_item =
        |module: &&Arc<Module>| call::actions(module.verbs()).any(|action| action == call::GET);
    let Some(module) = modules.find(gets_item).filter(|_| config.service.warm_up) else {
        return;
    };
    match timeout(WARM_UP_LIMIT, store.warm_up(module.table())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(error = %Chain(&error), "DynamoDB is not warmed up"),
        Err(_) => warn!(limit = ?WARM_UP_LIMIT, "DynamoDB is not warmed up in time"),
    }
}

/// Answers Lambda's invocations with `app`, made of `config`, several at a time where Lambda sends so many, until
/// SIGTERM: then those in flight are finished first.
///
/// # Errors
/// Lambda's runtime API can't be reached, or the signal can't be listened to.
pub async fn run(app: App, config: Arc<Config>) -> Result<(), lambda_http::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let in_flight = TaskTracker::new();
    let tracked = in_flight.clone();
    let runtime = Runtime::new(service(app, config))
        // Around all that an invocation needs, the posting of its answer included.
        .layer(MapFutureLayer::new(move |invocation| {
            // Before the next poll, from which on Lambda may stop the clock.
            let written = telemetry::lines_after(invocation).then(async |posted| {
                telemetry::send_spans().await;
                posted
            });
            tracked.track_future(written)
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

/// Answers events with `app`, made of `config`.
#[must_use]
pub fn service(
    app: App,
    config: Arc<Config>,
) -> impl Service<
    LambdaEvent<Event>,
    Response: Serialize + Send,
    Error = lambda_http::Error,
    Future: Send,
> + Clone
+ Send
+ 'static {
    service_fn(move |event: LambdaEvent<Event>| {
        let (app, config) = (app.clone(), Arc::clone(&config));
        async move {
            let LambdaEvent { payload, context } = event;
            match payload {
                Event(None) => Ok(Returned::nothing()),
                Event(Some(event)) => answer(app, event, &context, &config).await,
            }
        }
    })
}

async fn answer(
    app: App,
    event: HttpEvent,
    context: &Context,
    config: &Config,
) -> Result<Returned, lambda_http::Error> {
    let kind = event.kind;
    let mut asked = event.asked(&config.modules)?;
    let base_path = std::mem::take(&mut asked.base_path);
    let mut response = app
        .oneshot(request(asked, !base_path.is_empty(), context))
        .await
        .unwrap_or_else(|never| match never {});
    locate(response.headers_mut(), &base_path);
    join_repeated(response.headers_mut());
    let quoted = Quoted::of(&response);
    let (parts, body) = response.into_parts();
    let bytes;
    let body = if let Some(quoted) = &quoted {
        Body::Quoted(quoted)
    } else {
        bytes = body.collect().await?.to_bytes();
        Body::Text(&bytes)
    };
    Ok(Returned::answer(kind, parts.status, &parts.headers, body))
}

/// Makes one header of those of one name: of most kinds of answer there is one of each name only.
fn join_repeated(headers: &mut HeaderMap) {
    if headers.len() == headers.keys_len() {
        return;
    }
    let names: Vec<HeaderName> = headers.keys().cloned().collect();
    for name in names {
        let values = headers.get_all(&name).iter().map(HeaderValue::as_bytes);
        let joined = values.collect::<Vec<_>>().join(&b", "[..]);
        if let Ok(joined) = HeaderValue::try_from(joined) {
            headers.insert(name, joined);
        }
    }
}

/// The event's request, as a server on a socket would have seen it.
fn request(asked: Asked, has_base_path: bool, context: &Context) -> Request {
    let mut request = Request::new(asked.body);
    *request.method_mut() = asked.method;
    *request.uri_mut() = Uri::from(asked.target);
    *request.headers_mut() = asked.headers;
    let extensions = request.extensions_mut();
    if let Some(client) = asked.client {
        extensions.insert(client);
    }
    extensions.insert(invocation(context, asked.answer_limit, has_base_path));
    request
}

fn invocation(context: &Context, answer_limit: AnswerLimit, has_base_path: bool) -> Invocation {
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
        has_base_path,
        answer_limit,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{VARY, WWW_AUTHENTICATE};

    use super::*;

    #[test]
    fn repeated_headers_become_one() {
        let mut headers = HeaderMap::new();
        headers.append(VARY, HeaderValue::from_static("origin"));
        headers.append(VARY, HeaderValue::from_static("authorization"));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        join_repeated(&mut headers);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[VARY], "origin, authorization");
        assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
    }
}

//! The engine as DynamoDB's HTTP API, for other programs of this machine.

use std::net::IpAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use dynoxide::auth_material::{self, AuthMaterial};
use uuid::Uuid;

use super::operation::{Answer, Operation};
use super::runner::Runner;

/// What DynamoDB takes of a body.
const BODY_LIMIT_BYTES: usize = 16 * 1024 * 1024;

const AMZ_JSON: &str = "application/x-amz-json-1.0";

/// DynamoDB's answer where there is no operation.
const NOT_FOUND: (StatusCode, &str) = (StatusCode::NOT_FOUND, "<UnknownOperationException/>\n");

/// For a Unix socket, which only this user's programs can open.
pub(super) fn router(runner: Runner) -> Router {
    Router::new()
        .route("/", any(answer))
        .fallback(async || NOT_FOUND)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(runner)
}

/// For a TCP port, which each page of a browser on this machine can send requests to.
pub(super) fn router_of_port(runner: Runner) -> Router {
    router(runner).layer(middleware::from_fn(refuse_pages))
}

/// Refuses what a browser sends for a page. One of another origin can send no `X-Amz-Target`
/// unless the engine allows it, which it never does: it answers no preflight. One whose name was
/// rebound to this machine by DNS counts as of the same origin, but its `Host` is still its own.
async fn refuse_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !headers
        .get(HOST)
        .is_some_and(|host| is_loopback(host.as_bytes()))
    {
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "the `Host` must be localhost, or a loopback address",
        );
    }
    if headers.contains_key(ORIGIN) {
        return refusal(
            StatusCode::FORBIDDEN,
            "requests of web pages, which have an `Origin`, are refused",
        );
    }
    next.run(request).await
}

fn is_loopback(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#AccessDeniedException",
        "message": message,
    });
    (status, [(CONTENT_TYPE, AMZ_JSON)], body.to_string()).into_response()
}

async fn answer(
    State(runner): State<Runner>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match method {
        Method::GET => "healthy: dynamodb.us-east-1.amazonaws.com ".into_response(),
        Method::POST => post(&runner, &uri, &headers, body).await,
        _ => NOT_FOUND.into_response(),
    }
}

async fn post(runner: &Runner, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name)?.to_str().ok();
    let media_type = header(&CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let content_type = if media_type.eq_ignore_ascii_case(AMZ_JSON) {
        AMZ_JSON
    } else if media_type.eq_ignore_ascii_case("application/json")
        || !headers.contains_key(CONTENT_TYPE) && body.is_empty()
    {
        "application/json"
    } else {
        return NOT_FOUND.into_response();
    };
    let target = header(&HeaderName::from_static("x-amz-target"));
    let answer = match target.and_then(Operation::of_target) {
        None => Answer::unknown_operation(),
        Some(operation) => match unsigned(uri, headers) {
            Some(answer) => answer,
            None => match runner.run(operation, body).await {
                Ok(answer) => answer,
                Err(error) => {
                    return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response();
                }
            },
        },
    };
    let Answer { status, body } = answer;
    let status = StatusCode::from_u16(status).expect("the engine's statuses are HTTP's");
    let id = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
    let headers = [("content-type", content_type), ("x-amzn-requestid", &id)];
    (status, headers, body).into_response()
}

/// As DynamoDB answers a request that is not signed; nobody holds a signature against a key.
fn unsigned(uri: &Uri, headers: &HeaderMap) -> Option<Answer> {
    let authorization = headers.get(AUTHORIZATION);
    let refusal = auth_material::validate(AuthMaterial {
        authorization: authorization.and_then(|value| value.to_str().ok()),
        query: uri.query().unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(DATE),
    })?;
    Some(Answer {
        status: 400,
        body: refusal.into_bytes(),
    })
}

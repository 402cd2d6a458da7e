//! What passes the page's calls on to the API, and its answers back.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, SET_COOKIE, TRANSFER_ENCODING, USER_AGENT,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::refusal;
use crate::access::X_API_KEY;
use crate::telemetry::chain::Chain;
use crate::tool::service_url::ServiceUrl;

/// How long an answer may take. No front door of Lambda waits longer than 30 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(35);

/// How long a request can be, and an answer; Lambda takes and gives 6 MB at the most, but
/// `modulo serve` describes any number of modules.
const REQUEST_BYTES: usize = 8 << 20;
const ANSWER_BYTES: usize = 128 << 20;

/// What of a request's headers is passed on. What the browser adds, cookies above all, is not.
const PASSED: [HeaderName; 8] = [
    ACCEPT,
    AUTHORIZATION,
    X_API_KEY,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-request-id"),
];

/// What of an answer's headers belongs to its connection, or would stay in the browser.
const KEPT_BACK: [HeaderName; 5] = [
    CONNECTION,
    CONTENT_LENGTH,
    SET_COOKIE,
    TRANSFER_ENCODING,
    HeaderName::from_static("keep-alive"),
];

/// The way to one API.
pub(super) struct Passage {
    url: ServiceUrl,
    connector: Connector,
}

impl Passage {
    pub(super) fn new(url: ServiceUrl) -> Self {
        let connector = url.connector();
        Self { url, connector }
    }

    /// Has the API answer this request.
    pub(super) async fn pass(&self, request: Request) -> Response {
        // Of a target that names a host, the rest alone counts.
        let path = request.uri().path_and_query().map(ToString::to_string);
        match path.filter(|path| path.starts_with('/')) {
            Some(path) => self.pass_to(&path, request).await,
            None => refusal(StatusCode::BAD_REQUEST, "Please provide a path"),
        }
    }

    /// The same, as if it were for another path and query.
    pub(super) async fn pass_to(&self, path: &str, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, REQUEST_BYTES).collect().await else {
            let message = format!("the body is over {REQUEST_BYTES} bytes");
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, &message);
        };
        let sent = self.send(&parts.method, path, &parts.headers, body.to_bytes());
        match timeout(TIME_LIMIT, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(reason)) => self.unanswered(&reason),
            Err(_) => {
                let seconds = TIME_LIMIT.as_secs();
                self.unanswered(&format!("no answer in {seconds} seconds"))
            }
        }
    }

    fn unanswered(&self, reason: &str) -> Response {
        let message = format!(
            "{} gives no answer: {reason}. Check the --url of `modulo console`",
            self.url
        );
        refusal(StatusCode::BAD_GATEWAY, &message)
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response, String> {
        const AGENT: &str = concat!("modulo/", env!("CARGO_PKG_VERSION"));
        let mut request = axum::http::Request::builder()
            .method(method)
            // The host is in the URL: no path can name another.
            .uri(format!("{}{path}", self.url))
            .header(USER_AGENT, AGENT);
        for name in &PASSED {
            for value in headers.get_all(name) {
                request = request.header(name, value);
            }
        }
        let request = request.body(SdkBody::from(body));
        let request = request.map_err(|error| Chain(&error).to_string())?;
        let request = HttpRequest::try_from(request).map_err(|error| Chain(&error).to_string())?;
        let answered = self.connector.call(request).await;
        let answered = answered.map_err(|error| Chain(&error).to_string())?;
        let answered = answered.try_into_http1x();
        let answered = answered.map_err(|error| Chain(&error).to_string())?;
        let (parts, body) = answered.into_parts();
        if parts.status.is_redirection() && parts.status != StatusCode::NOT_MODIFIED {
            let target = parts.headers.get(LOCATION);
            let target = target.and_then(|target| target.to_str().ok());
            return Err(format!(
                "it redirects to {}, which is not followed",
                target.unwrap_or("another address")
            ));
        }
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| Chain(&*error).to_string())?;
        let mut response = Response::new(Body::from(body.to_bytes()));
        *response.status_mut() = parts.status;
        *response.headers_mut() = passed_back(parts.headers);
        Ok(response)
    }
}

/// The answer's headers for a browser that takes it for the console's own: nothing in it may run.
fn passed_back(mut headers: HeaderMap) -> HeaderMap {
    for name in &KEPT_BACK {
        headers.remove(name);
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
}

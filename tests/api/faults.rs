//! What a client is told when DynamoDB fails it: the status, when to try again, and nothing else.
//!
//! The store talks over a socket to an endpoint that misbehaves.

use std::time::Duration;

use modulo::local::{Data, Engine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::app::{Answer, MODULES, TestApp, parse};

/// How an endpoint misbehaves.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It answers every request with this status and body.
    Answers(&'static str, &'static str),
    /// It reads a request and resets the connection.
    Resets,
    /// It reads a request and closes the connection in the middle of the answer.
    Breaks,
    /// It reads requests and says nothing.
    IsSilent,
}

impl Fault {
    async fn meet(self, mut socket: TcpStream) {
        let mut request = [0; 8_192];
        while matches!(socket.read(&mut request).await, Ok(1..)) {
            match self {
                Self::Answers(status, body) => {
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\n\
                         content-length: {length}\r\n\r\n{body}"
                    );
                    let _ = socket.write_all(answer.as_bytes()).await;
                }
                Self::Resets => {
                    socket.set_zero_linger().unwrap();
                    return;
                }
                Self::Breaks => {
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"Item\":";
                    let _ = socket.write_all(answer.as_bytes()).await;
                    return;
                }
                Self::IsSilent => {}
            }
        }
    }

    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(self.meet(socket));
            }
        });
        endpoint
    }

    async fn app(self) -> TestApp {
        TestApp::over(&parse(MODULES), &self.start().await).await
    }
}

#[track_caller]
fn assert_refusal(answer: &Answer, status: u16, message: &str, of: &str) {
    let body = format!(r#"{{"ERROR":{{"message":"{message}"}}}}"#);
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (status, body.as_str()),
        "of {of}"
    );
    let retry_after = if status == 503 { "1" } else { "" };
    assert_eq!(answer.header("retry-after"), retry_after, "of {of}");
    assert_eq!(answer.header("content-type"), "application/json", "of {of}");
}

/// Every verb against one fault: none may tell more than the contract does.
async fn assert_refusals(app: &TestApp, status: u16, message: &str) {
    let calls = [
        ("GET", "/modulo1/x", ""),
        ("POST", "/modulo1/x", "1"),
        ("PUT", "/modulo1/x", "1"),
        ("DELETE", "/modulo1/x", ""),
        ("GET", "/modulo1", ""),
        ("POST", "/modulo1", "1"),
        (
            "POST",
            "/_batch/modulo1",
            r#"{"atomic":true,"operations":[{"op":"delete","id":"x"}]}"#,
        ),
    ];
    let mut answers = JoinSet::new();
    for (method, path, body) in calls {
        let app = app.clone();
        answers.spawn(async move {
            (
                app.send(method, path, body).await,
                format!("{method} {path}"),
            )
        });
    }
    for (answer, of) in answers.join_all().await {
        assert_refusal(&answer, status, message, &of);
    }
}

#[tokio::test]
async fn throttling_is_503() {
    for kind in [
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    ] {
        let body = format!(
            r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"table modulo1-local is too busy"}}"#
        );
        let app = Fault::Answers("400 Bad Request", body.leak()).app().await;
        assert_refusals(&app, 503, "Try again later").await;
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_503() {
    let body =
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ServiceUnavailable","message":"down"}"#;
    let app = Fault::Answers("503 Service Unavailable", body).app().await;
    assert_refusals(&app, 503, "Try again later").await;
    let app = Fault::Answers("503 Service Unavailable", "").app().await;
    assert_refusals(&app, 503, "Try again later").await;
}

#[tokio::test]
async fn an_internal_failure_is_500() {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"arn:aws:dynamodb:x"}"#;
    let app = Fault::Answers("500 Internal Server Error", body)
        .app()
        .await;
    assert_refusals(&app, 500, "Internal error").await;
}

#[tokio::test]
async fn a_refused_permission_is_500() {
    let body = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:sts::1:x is not authorized"}"#;
    let app = Fault::Answers("400 Bad Request", body).app().await;
    assert_refusals(&app, 500, "Internal error").await;
}

#[tokio::test]
async fn garbage_is_500() {
    let app = Fault::Answers("200 OK", "<html>not DynamoDB</html>")
        .app()
        .await;
    assert_refusals_of_reads(&app).await;
    let app = Fault::Answers("400 Bad Request", "<html>not DynamoDB</html>")
        .app()
        .await;
    assert_refusals(&app, 500, "Internal error").await;
}

/// What is written has no answer to be misread.
async fn assert_refusals_of_reads(app: &TestApp) {
    for path in ["/modulo1/x", "/modulo1"] {
        assert_refusal(&app.get(path).await, 500, "Internal error", path);
    }
}

#[tokio::test]
async fn a_missing_table_is_500() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let app = TestApp::over(&parse(MODULES), &engine.endpoint()).await;
    assert_refusals(&app, 500, "Internal error").await;
}

#[tokio::test]
async fn a_reset_connection_is_503() {
    assert_refusals(&Fault::Resets.app().await, 503, "Try again later").await;
}

#[tokio::test]
async fn a_broken_answer_is_503() {
    assert_refusals(&Fault::Breaks.app().await, 503, "Try again later").await;
}

#[tokio::test]
async fn nobody_listening_is_503() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_refusals(
        &TestApp::over(&parse(MODULES), &endpoint).await,
        503,
        "Try again later",
    )
    .await;
}

#[tokio::test]
async fn silence_is_504() {
    assert_refusals(&Fault::IsSilent.app().await, 504, "Try again later").await;
}

#[tokio::test]
async fn a_deadline_is_kept_however_long_the_store_would_wait() {
    use modulo::api::invocation::Invocation;
    use tower::ServiceExt;

    let endpoint = Fault::IsSilent.start().await;
    let store = modulo::store::Store::new(&modulo::local::settings(&endpoint).await);
    let app = modulo::app(&parse(MODULES), &store);
    let mut request = axum::extract::Request::get("/modulo1/x")
        .body(axum::body::Body::empty())
        .unwrap();
    request.extensions_mut().insert(Invocation {
        request_id: "from-lambda".parse().unwrap(),
        deadline: std::time::Instant::now() + Duration::from_millis(50),
        trace: None,
        has_base_path: false,
        answer_limit: modulo::api::answer_limit::AnswerLimit::Lambda,
    });
    let answer = app.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.headers()["x-request-id"], "from-lambda");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_coming_is_the_clients_fault() {
    use axum::body::{Body, Bytes};
    use futures_util::stream::{StreamExt, once, pending};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    let store = modulo::store::Store::new(&modulo::local::settings("http://127.0.0.1:9").await);
    let app = modulo::app(&parse(MODULES), &store);
    let begun = std::future::ready(Ok::<_, std::convert::Infallible>(Bytes::from_static(b"[1")));
    let stopping = Body::from_stream(once(begun).chain(pending()));
    let request =
        axum::extract::Request::post("/modulo1/x").header("content-type", "application/json");
    let answer = app.oneshot(request.body(stopping).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 400);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    insta::assert_snapshot!(String::from_utf8_lossy(&body), @r#"{"ERROR":{"message":"Please provide the whole body: data was not received within the designated timeout"}}"#);
}

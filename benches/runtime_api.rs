//! Lambda's runtime API, as one function sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// How long a function is given to answer, as Lambda's default.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// A server for one function, gone when dropped.
pub struct RuntimeApi {
    pub address: SocketAddr,
    polls: UnboundedReceiver<Instant>,
    events: UnboundedSender<&'static str>,
    answers: UnboundedReceiver<(Instant, Result<Bytes>)>,
    server: JoinHandle<std::io::Result<()>>,
}

struct Shared {
    polls: UnboundedSender<Instant>,
    events: Mutex<UnboundedReceiver<&'static str>>,
    answers: UnboundedSender<(Instant, Result<Bytes>)>,
}

impl RuntimeApi {
    pub async fn start() -> Result<Self> {
        let (polls_in, polls) = unbounded_channel();
        let (events, events_out) = unbounded_channel();
        let (answers_in, answers) = unbounded_channel();
        let shared = Shared {
            polls: polls_in,
            events: Mutex::new(events_out),
            answers: answers_in,
        };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(answer))
            .with_state(Arc::new(shared));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self {
            address: listener.local_addr()?,
            polls,
            events,
            answers,
            server: tokio::spawn(axum::serve(listener, routes).into_future()),
        })
    }

    /// When the function asked for its next event.
    pub async fn polled(&mut self) -> Result<Instant> {
        self.polls.recv().await.context("the server is gone")
    }

    /// Hands `event` to the function, which must have asked for it: its answer, and how long it
    /// took.
    pub async fn invoke(&mut self, event: &'static str) -> Result<(Bytes, Duration)> {
        let began = Instant::now();
        self.events.send(event)?;
        let (ended, answer) = self.answers.recv().await.context("the server is gone")?;
        Ok((answer?, ended - began))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let mut events = shared.events.lock().await;
    // Whether anybody still waits for it is not the function's business.
    let _ = shared.polls.send(Instant::now());
    let Some(event) = events.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = SystemTime::now() + TIME_LIMIT;
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let headers = [
        ("content-type", "application/json".to_owned()),
        (
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        ),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:modulo".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-6553f100-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((_, what)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let ended = Instant::now();
    let answer = check(&what, body);
    let _ = shared.answers.send((ended, answer));
    StatusCode::ACCEPTED
}

fn check(what: &str, body: Bytes) -> Result<Bytes> {
    let text = String::from_utf8_lossy(&body);
    ensure!(what == "response", "the function failed: {text}");
    ensure!(
        text.contains(r#""statusCode":200"#),
        "the function answered {text}"
    );
    Ok(body)
}

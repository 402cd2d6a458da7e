//! Lambda's runtime API, as one function sees it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How long a function is given to answer. Longer than Lambda's default of 3 s, which valgrind, or
/// others at work on the machine, can make of a first request: the function then gives up.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A server for one function, gone when dropped.
pub struct RuntimeApi {
    pub address: SocketAddr,
    polls: UnboundedReceiver<Instant>,
    events: UnboundedSender<Bytes>,
    answers: UnboundedReceiver<(Duration, Result<Bytes>)>,
    server: JoinHandle<std::io::Result<()>>,
}

struct Shared {
    polls: UnboundedSender<Instant>,
    events: Mutex<UnboundedReceiver<Bytes>>,
    answers: UnboundedSender<(Duration, Result<Bytes>)>,
    in_flight: std::sync::Mutex<InFlight>,
    delay: Duration,
    status: u16,
}

/// When each event was handed out that is not answered yet, by its request's id.
#[derive(Default)]
struct InFlight {
    handed_out: usize,
    since: HashMap<String, Instant>,
}

impl RuntimeApi {
    /// Listens on a free port; each event is on its way for so long before it is handed out, and
    /// must be answered with this status.
    pub async fn start(delay: Duration, status: u16) -> Result<Self> {
        let (polls_in, polls) = unbounded_channel();
        let (events, events_out) = unbounded_channel();
        let (answers_in, answers) = unbounded_channel();
        let shared = Shared {
            polls: polls_in,
            events: Mutex::new(events_out),
            answers: answers_in,
            in_flight: std::sync::Mutex::default(),
            delay,
            status,
        };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(answer))
            .layer(DefaultBodyLimit::disable())
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

    /// Hands `event` to the function, which must have asked for it: how long its answer took.
    pub async fn invoke(&mut self, event: &Bytes) -> Result<Duration> {
        self.send(event)?;
        self.answered().await
    }

    /// Hands `event` to whoever asks next.
    pub fn send(&self, event: &Bytes) -> Result<()> {
        Ok(self.events.send(event.clone())?)
    }

    /// How long the next event took that is answered.
    pub async fn answered(&mut self) -> Result<Duration> {
        let (took, answer) = self.answers.recv().await.context("the server is gone")?;
        answer.map(|_| took)
    }
}

impl Shared {
    fn in_flight(&self) -> std::sync::MutexGuard<'_, InFlight> {
        let in_flight = self.in_flight.lock();
        in_flight.unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    fn hand_out(&mut self) -> String {
        self.handed_out += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", self.handed_out);
        self.since.insert(id.clone(), Instant::now());
        id
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
    drop(events);
    if !shared.delay.is_zero() {
        sleep(shared.delay).await;
    }
    let id = shared.in_flight().hand_out();
    let deadline = SystemTime::now() + TIME_LIMIT;
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
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
    Path((id, what)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let ended = Instant::now();
    let Some(began) = shared.in_flight().since.remove(&id) else {
        return StatusCode::BAD_REQUEST;
    };
    let answer = check(&what, body, shared.status);
    let _ = shared.answers.send((ended - began, answer));
    StatusCode::ACCEPTED
}

fn check(what: &str, body: Bytes, status: u16) -> Result<Bytes> {
    let text = String::from_utf8_lossy(&body);
    ensure!(what == "response", "the function failed: {text}");
    // Some runtimes write a space after the colon.
    let told = [":", ": "].map(|colon| format!(r#""statusCode"{colon}{status}"#));
    ensure!(
        told.iter().any(|told| text.contains(told)),
        "the function answered {text}"
    );
    Ok(body)
}

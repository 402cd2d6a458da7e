//! A Lambda service for tests: the Runtime API that a function polls, and the function's process.
//!
//! [`RuntimeApi`] speaks the protocol of
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> on a port of its own: it hands
//! out one event at a time and takes the answer, the error or the init error that the function
//! posts. [`Function`] is the real `bootstrap` behind it. Neither knows what an event means: that
//! is the front doors' affair.

mod function;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::function::{Exit, Function};

/// The ARN that every invocation names.
const FUNCTION_ARN: &str = "arn:aws:lambda:sa-east-1:123456789012:function:modulo-test";

/// Lambda takes no larger answer, and says 413.
const ANSWER_LIMIT_BYTES: usize = 6 * 1024 * 1024;

/// What the function posted for one event.
#[derive(Debug)]
pub(crate) enum Answer {
    /// `…/response`: the answer, in the shape that the event's front door reads.
    Response(Value),
    /// `…/error`: the invocation failed; a front door makes a 502 of it.
    Error(Value),
}

/// An event that waits for the function's next poll.
struct Delivery {
    request_id: String,
    event: String,
    deadline_ms: u128,
}

/// The server's side of the protocol; the router's state.
struct Shared {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Delivery>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    polls: watch::Sender<usize>,
    init_error: Mutex<Option<Value>>,
}

/// The Runtime API of one function.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Delivery>,
    shared: Arc<Shared>,
    invocations: usize,
}

impl RuntimeApi {
    /// Serves on a free port of 127.0.0.1 until the test's runtime ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: tokio::sync::Mutex::new(receiver),
            answers: Mutex::default(),
            polls: watch::Sender::new(0),
            init_error: Mutex::default(),
        });

        let invocation = "/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/response"), post(response))
            .route(&format!("{invocation}/{{id}}/error"), post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            // Lambda's own limit is looked at where an answer is taken.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });

        Self {
            address,
            events,
            shared,
            invocations: 0,
        }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` holds.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Queues an event, as text so that it may be malformed, and gives its request id and the
    /// place where its answer will arrive.
    pub(crate) fn deliver(
        &mut self,
        event: String,
        time_left: Duration,
    ) -> (String, oneshot::Receiver<Answer>) {
        self.invocations += 1;
        let request_id = format!("{:08}-4b1d-4c5e-9f00-0123456789ab", self.invocations);
        let (sender, receiver) = oneshot::channel();
        lock(&self.shared.answers).insert(request_id.clone(), sender);
        let deadline = SystemTime::now() + time_left;
        self.events
            .send(Delivery {
                request_id: request_id.clone(),
                event,
                deadline_ms: deadline.duration_since(UNIX_EPOCH).unwrap().as_millis(),
            })
            .unwrap();
        (request_id, receiver)
    }

    /// Waits until the function has asked for one event more than there were so far: the first
    /// time ends its init, and any other all that it does for the event before.
    pub(crate) fn polled(&self) -> impl Future<Output = ()> + use<> {
        let mut polls = self.shared.polls.subscribe();
        let invocations = self.invocations;
        async move {
            polls.wait_for(|&polls| polls > invocations).await.unwrap();
        }
    }

    /// How many times the function has asked for an event.
    pub(crate) fn polls(&self) -> usize {
        *self.shared.polls.borrow()
    }

    /// What the function posted to `init/error`, if it did.
    pub(crate) fn init_error(&self) -> Option<Value> {
        lock(&self.shared.init_error).clone()
    }
}

/// `GET /runtime/invocation/next`: held open, as Lambda does, until there is an event.
async fn next(State(shared): State<Arc<Shared>>) -> Response<Body> {
    shared.polls.send_modify(|polls| *polls += 1);
    let Some(delivery) = shared.events.lock().await.recv().await else {
        // The test is over and the function is about to be killed.
        return status(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.Shutdown");
    };
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", delivery.request_id)
        .header(
            "Lambda-Runtime-Deadline-Ms",
            delivery.deadline_ms.to_string(),
        )
        .header("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN)
        .header(
            "Lambda-Runtime-Trace-Id",
            "Root=1-6743d2f0-1b2c3d4e5f60718293a4b5c6;Parent=53995c3f42cd8ad8;Sampled=0",
        )
        .body(Body::from(delivery.event))
        .unwrap()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    if body.len() > ANSWER_LIMIT_BYTES {
        return status(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge");
    }
    let answer = serde_json::from_slice(&body).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&body);
        panic!("the function's answer isn't JSON: {error}\n{text}")
    });
    answered(&shared, &request_id, Answer::Response(answer))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let error = serde_json::from_slice(&body).unwrap_or(Value::Null);
    answered(&shared, &request_id, Answer::Error(error))
}

async fn init_error(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut error: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(kind) = headers.get("Lambda-Runtime-Function-Error-Type") {
        error["header"] = kind.to_str().unwrap().into();
    }
    *lock(&shared.init_error) = Some(error);
    status(StatusCode::ACCEPTED, "OK")
}

/// Hands an answer to the test that waits for it; each event is answered once.
fn answered(shared: &Shared, request_id: &str, answer: Answer) -> Response<Body> {
    match lock(&shared.answers).remove(request_id) {
        Some(waiting) => {
            // A test that stopped waiting has failed already, with its own message.
            let _ = waiting.send(answer);
            status(StatusCode::ACCEPTED, "OK")
        }
        None => status(StatusCode::BAD_REQUEST, "InvalidRequestID"),
    }
}

fn status(status: StatusCode, word: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("Content-Type", "application/json")
        .body(Body::from(format!(r#"{{"status":"{word}"}}"#)))
        .unwrap()
}

/// A test that panicked while holding a lock has said why; the others need not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

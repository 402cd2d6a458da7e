//! The memory that requests hold together: a budget for the bodies that come in, for the work on
//! them, and for the answers that go out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connections::{Connections, Request};
use super::limits::Limits;
use crate::api::error::Crowded;

/// What each request may hold without asking, in bytes: so most requests are answered even while
/// others hold all that there is.
const FREE: usize = 16 * 1_024;

/// What one permit is for, in bytes.
const UNIT: usize = 1_024;

/// How much more a body asks for at a time, in bytes.
const STEP: usize = 64 * 1_024;

type Granted = Result<OwnedSemaphorePermit, Crowded>;

#[derive(Debug)]
pub(super) struct Memory {
    connections: Arc<Connections>,
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    work: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    wait: Duration,
}

impl Memory {
    pub(super) fn new(limits: &Limits, connections: Arc<Connections>) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            connections,
            requests: semaphore(limits.requests),
            bodies: semaphore(limits.bodies / UNIT),
            work: semaphore(limits.work / UNIT),
            answers: semaphore(limits.answers / UNIT),
            wait: limits.wait,
        }
    }

    /// One more request.
    pub(super) async fn request(&self) -> Granted {
        self.take(&self.requests, 1, "requests").await
    }

    /// An answer of so many bytes, unless it needs no permit.
    pub(super) async fn answer(&self, bytes: u64) -> Result<Option<OwnedSemaphorePermit>, Crowded> {
        if bytes <= FREE as u64 {
            return Ok(None);
        }
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.take(&self.answers, units(bytes), "answers")
            .await
            .map(Some)
    }

    async fn take(&self, of: &Arc<Semaphore>, permits: u32, what: &'static str) -> Granted {
        if let Ok(permit) = Arc::clone(of).try_acquire_many_owned(permits) {
            return Ok(permit);
        }
        // Whoever is slow to send or to take goes first.
        self.connections.drop_one_within_a_request();
        let waiting = timeout(self.wait, Arc::clone(of).acquire_many_owned(permits)).await;
        waiting.ok().and_then(Result::ok).ok_or(Crowded(what))
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// A request's body as it comes in.
pub(super) struct Received<B> {
    body: B,
    request: Request,
    memory: Arc<Memory>,
    /// How many bytes have come, and how many there is a permit for.
    bytes: usize,
    granted: usize,
    /// What waits for a permit.
    held_back: Option<Frame<Bytes>>,
    permit: Option<BoxFuture<'static, Granted>>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Receiving,
    /// All is there, and the work on it may have to wait.
    Whole,
    Done,
}

impl<B> Received<B> {
    pub(super) fn new(body: B, request: Request, memory: Arc<Memory>) -> Self {
        Self {
            body,
            request,
            memory,
            bytes: 0,
            granted: FREE,
            held_back: None,
            permit: None,
            stage: Stage::Receiving,
        }
    }

    fn ask(&mut self, take: impl FnOnce(Arc<Memory>) -> BoxFuture<'static, Granted>) {
        self.permit = Some(take(Arc::clone(&self.memory)));
    }
}

impl<B> HttpBody for Received<B>
where
    B: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        loop {
            if let Some(permit) = &mut self.permit {
                let granted = ready!(permit.as_mut().poll(cx));
                self.permit = None;
                match granted {
                    Ok(permit) => self.request.hold(permit),
                    Err(crowded) => return Poll::Ready(Some(Err(crowded.into()))),
                }
            }
            if let Some(frame) = self.held_back.take() {
                return Poll::Ready(Some(Ok(frame)));
            }
            match self.stage {
                Stage::Receiving => {}
                Stage::Whole => {
                    self.stage = Stage::Done;
                    return Poll::Ready(None);
                }
                Stage::Done => return Poll::Ready(None),
            }
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                self.request.await_client();
                return Poll::Pending;
            };
            match frame {
                Some(Ok(frame)) => {
                    self.bytes += frame.data_ref().map_or(0, Bytes::len);
                    if self.bytes <= self.granted {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    let more = (self.bytes - self.granted).next_multiple_of(STEP);
                    self.granted += more;
                    self.held_back = Some(frame);
                    self.request.work();
                    self.ask(|memory| {
                        Box::pin(async move {
                            let of = &memory.bodies;
                            memory.take(of, units(more), "bodies").await
                        })
                    });
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => {
                    self.request.work();
                    self.stage = Stage::Whole;
                    let bytes = self.bytes;
                    if bytes > FREE {
                        self.ask(|memory| {
                            Box::pin(async move {
                                memory.take(&memory.work, units(bytes), "work").await
                            })
                        });
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Done || (self.bytes == 0 && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // What is held back is still to come.
        let mut hint = self.body.size_hint();
        if let Some(frame) = &self.held_back {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            match hint.exact() {
                Some(exact) => hint.set_exact(exact + bytes),
                None => hint.set_lower(hint.lower() + bytes),
            }
        }
        hint
    }
}

/// An answer's body as it goes out.
pub(super) struct Sent {
    body: Body,
    request: Request,
}

impl Sent {
    pub(super) fn new(body: Body, request: Request) -> Self {
        Self { body, request }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.request.made();
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

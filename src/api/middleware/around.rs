//! Layers that are async functions, as axum's `from_fn` has them, but of known types: each costs an
//! allocation a request, and axum's three.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::NeverError;
use tower::{Layer, Service, ServiceExt};

/// What can stand inside of a layer.
pub(crate) trait Inner<R = Request, E = Infallible>:
    Service<R, Response: IntoResponse, Error = E, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<R, E, S> Inner<R, E> for S where
    S: Service<R, Response: IntoResponse, Error = E, Future: Send> + Clone + Send + Sync + 'static
{
}

/// The rest of a request's way.
#[derive(Debug, Clone)]
pub(crate) struct Next<S>(S);

impl<S: Inner> Next<S> {
    /// Has the request answered by what is inside of the layer.
    pub(crate) async fn run(self, request: Request) -> Response {
        let answered = self.0.oneshot(request).await;
        answered
            .unwrap_or_else(|never| match never {})
            .into_response()
    }
}

/// A layer that has `answer` see each request first. `S` and `A` give a closure the types of its parameters.
pub(crate) fn around<S, F, A>(answer: F) -> Around<F>
where
    S: Inner,
    F: Fn(Request, Next<S>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    Around(answer)
}

/// Such a layer. It and its service have types of their own, with the inner service in them once: in those of
/// closures and of `impl Layer` it is several times, so that their names, and what the compiler has to prove
/// of them, would grow severalfold with each layer.
#[derive(Debug, Clone)]
pub(crate) struct Around<F>(F);

impl<S, F: Clone> Layer<S> for Around<F> {
    type Service = Surrounded<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded {
            inner,
            answer: self.0.clone(),
        }
    }
}

/// What such a layer makes of its inner service.
#[derive(Debug, Clone)]
pub(crate) struct Surrounded<S, F> {
    inner: S,
    answer: F,
}

impl<S, F, A> Service<Request> for Surrounded<S, F>
where
    S: Clone,
    F: Fn(Request, Next<S>) -> A,
    A: Future<Output = Response>,
{
    type Response = Response;
    type Error = Infallible;
    // Futures within futures grow twofold with each layer, and are copied as they are made.
    type Future = NeverError<Pin<Box<A>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin((self.answer)(request, Next(self.inner.clone()))).never_error()
    }
}

//! Layers that are async functions, as axum's `from_fn` has them, but of known types: each costs an
//! allocation a request, and axum's three.

use std::convert::Infallible;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt, service_fn};

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

/// A layer that has `answer` see each request first.
pub(crate) fn around<S, F, A>(
    answer: F,
) -> impl Layer<S, Service: Inner + Service<Request, Response = Response>> + Clone + Send + Sync
where
    S: Inner,
    F: Fn(Request, Next<S>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    layer_fn(move |inner: S| {
        let answer = answer.clone();
        service_fn(move |request| {
            // Futures within futures grow twofold with each layer, and are copied as they are made.
            Box::pin(answer(request, Next(inner.clone()))).map(Ok)
        })
    })
}

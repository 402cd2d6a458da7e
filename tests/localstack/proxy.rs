//! A proxy before the emulator, for what AWS or another emulator does otherwise.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::emulator::emulator;

/// What becomes of a request.
pub(crate) enum Passage {
    /// The emulator gets it with this body.
    PassOn(Bytes),
    /// It is answered by the proxy.
    Answer(Response),
}

/// The emulator at another address, where `decide` sees the body of each request first.
pub(crate) fn proxy(decide: impl Fn(Bytes) -> Passage + Clone + Send + Sync + 'static) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("it can be");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let runtime = Runtime::new().expect("a runtime is possible");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("it is non-blocking");
            let router = Router::new().fallback(move |request| pass(request, decide));
            axum::serve(listener, router).await
        })
    });
    format!("http://{address}")
}

async fn pass(request: Request, decide: impl Fn(Bytes) -> Passage) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.expect("it is sent whole").to_bytes();
    let body = match decide(body) {
        Passage::PassOn(body) => body,
        Passage::Answer(answer) => return answer,
    };
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let target = format!("{}{}", emulator().endpoint, parts.uri);
    parts.uri = target.parse().expect("it is a URL");
    let client = Http::builder(TokioExecutor::new()).build_http::<Body>();
    let request = Request::from_parts(parts, Body::from(body));
    let answer = client.request(request).await.expect("the emulator answers");
    answer.map(Body::new)
}

//! How the AWS SDK reaches an embedded engine: by a function call, or through a Unix socket.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::operation::{Answer, Operation};
use super::runner::Runner;
use super::socket::Remote;

/// Calls the engine of this process.
pub(super) fn in_process(runner: Runner) -> SharedHttpClient {
    client(InProcess {
        runner,
        puts_off: false,
    })
}

/// The same, which makes its tables later.
pub(super) fn making_later(runner: Runner) -> SharedHttpClient {
    client(InProcess {
        runner,
        puts_off: true,
    })
}

/// Calls the engine of another process through its socket.
pub(super) fn over_socket(remote: Remote) -> SharedHttpClient {
    let remote = Arc::new(remote);
    let connect = tower::service_fn(move |_: Uri| {
        let remote = Arc::clone(&remote);
        Box::pin(async move { remote.connect().await.map(TokioIo::new) })
    });
    let http = Client::builder(TokioExecutor::new()).build(connect);
    client(OverSocket(http))
}

fn client(connector: impl HttpConnector + 'static) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct InProcess {
    runner: Runner,
    /// Whether it has the making of a table put off.
    puts_off: bool,
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target");
        let Some(operation) = target.and_then(Operation::of_target) else {
            return HttpConnectorFuture::ready(Ok(response(Answer::unknown_operation())));
        };
        if self.puts_off && operation.makes_a_table() {
            let body = InMemory(request.into_body());
            let answer = match self.runner.put_off(body.as_ref()) {
                Ok(()) => Answer::put_off(),
                Err(error) => operation.refused(error),
            };
            return HttpConnectorFuture::ready(Ok(response(answer)));
        }
        let runner = self.runner.clone();
        HttpConnectorFuture::new(async move {
            let answer = runner.run(operation, InMemory(request.into_body())).await;
            let answer = answer.map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(response(answer))
        })
    }
}

/// The body of an SDK's request: none of DynamoDB's operations streams it.
struct InMemory(SdkBody);

impl AsRef<[u8]> for InMemory {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes().unwrap_or_default()
    }
}

fn response(Answer { status, body }: Answer) -> HttpResponse {
    let status = status.try_into().expect("the engine's statuses are HTTP's");
    HttpResponse::new(status, body.into())
}

struct OverSocket<C>(Client<C, SdkBody>);

impl<C> fmt::Debug for OverSocket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverSocket").finish_non_exhaustive()
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HttpConnector for OverSocket<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let response = http
                .request(request)
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

//! The fixture: the whole function on a port of its own, over an engine of its own.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client as DynamoDb;
use axum::body::Body;
use axum::body::HttpBody;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use modulo::config::{self, Config};
use modulo::local::{self, Data, Engine};
use modulo::module::name::Stage;
use modulo::store::Store;
use tokio::net::TcpListener;
use tower::make::Shared;

use crate::watch;

/// What most tests serve: the modules of the contract's examples.
pub(crate) const MODULES: &str = r#"
    [modules.modulo1]
    key = "modulo1Id"

    [modules.modulo2]
    key = "modulo2Id"
"#;

/// A guard whose keys are `first`, of `erp`, and `second`, of `crm`.
pub(crate) const PARTNERS: &str = r#"
    [access.partners]
    keys = [
        { name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" },
        { name = "crm", hash = "sha256:16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4" },
    ]
"#;

pub(crate) fn parse(modules: &str) -> Arc<Config> {
    config::parse(modules, Path::new("modules.toml"), &Stage::default(), [])
        .unwrap_or_else(|error| panic!("the test's modules.toml is wrong:\n{error}"))
        .into()
}

/// A body's JSON.
#[track_caller]
pub(crate) fn document_of(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// A client that sends paths as they are, unlike those that normalise them.
#[derive(Debug, Clone)]
pub(crate) struct Client(Http<HttpConnector, Body>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header's text, empty where the header is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self(Http::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let shown = format!("{} {}", request.method(), request.uri());
        let request = noted(request).await;
        let response = self.0.request(request).await;
        let response = response.unwrap_or_else(|error| panic!("no answer to {shown}: {error:?}"));
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.into()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

/// The request, of which is known what must not be logged; a body that is still being made is
/// left alone.
async fn noted(request: Request<Body>) -> Request<Body> {
    if request.body().size_hint().exact().is_none() {
        return request;
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    watch::sent(parts.uri.path(), &parts.headers, &body);
    Request::from_parts(parts, body.into())
}

/// The function, served.
#[derive(Debug, Clone)]
pub(crate) struct TestApp {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) dynamodb: DynamoDb,
    _engine: Option<Arc<Engine>>,
}

impl TestApp {
    /// Over an engine in memory, with the tables of `modules`.
    pub(crate) async fn start(modules: &str) -> Self {
        Self::serve(&parse(modules)).await
    }

    /// As [`TestApp::start`], of a configuration that is not only a text.
    pub(crate) async fn serve(config: &Arc<Config>) -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let app = Self::over(config, &engine.endpoint()).await;
        local::create_tables(&app.dynamodb, config.modules.tables())
            .await
            .unwrap();
        Self {
            _engine: Some(Arc::new(engine)),
            ..app
        }
    }

    /// Over whatever answers at `endpoint`.
    pub(crate) async fn over(config: &Arc<Config>, endpoint: &str) -> Self {
        watch::watch();
        let store = Store::new(&local::settings(endpoint).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = modulo::app(config, &store);
        tokio::spawn(async { axum::serve(listener, Shared::new(app)).await });
        Self {
            url,
            client: Client::new(),
            dynamodb: store.client().clone(),
            _engine: None,
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.client
            .send(self.request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends `body` as `application/json`.
    pub(crate) async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = self
            .request(method, path)
            .header("content-type", "application/json");
        self.client.send(request.body(body.into()).unwrap()).await
    }
}

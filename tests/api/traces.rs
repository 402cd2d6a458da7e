//! The spans that an OpenTelemetry collector gets, from the real programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::Request;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::app::MODULES;
use crate::command::Folder;
use crate::lambda::{Call, Fixture, FrontDoor};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector: what is exported to it, batch by batch.
struct Collector {
    endpoint: String,
    batches: Mutex<UnboundedReceiver<ExportTraceServiceRequest>>,
}

impl Collector {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, batches) = mpsc::unbounded_channel();
        let take = move |body: Bytes| async move {
            let _ = sender.send(ExportTraceServiceRequest::decode(body).unwrap());
        };
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let batches = Mutex::new(batches);
        Arc::new(Self { endpoint, batches })
    }

    /// The next batch: what its resource says, and its spans.
    async fn batch(&self) -> (BTreeMap<String, String>, Vec<Span>) {
        let batch = self.batches.lock().await.recv().await.unwrap();
        let [batch] = <[_; 1]>::try_from(batch.resource_spans).unwrap();
        let resource = texts(&batch.resource.unwrap().attributes);
        let spans = batch.scope_spans.into_iter().flat_map(|scope| scope.spans);
        (resource, spans.collect())
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match &value.as_ref()?.value {
        Some(Value::StringValue(text)) => Some(text.clone()),
        Some(Value::IntValue(number)) => Some(number.to_string()),
        Some(Value::BoolValue(flag)) => Some(flag.to_string()),
        _ => None,
    };
    let texts = attributes
        .iter()
        .map(|attribute| (attribute.key.clone(), text(&attribute.value).unwrap()));
    texts.collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// A request's spans: its own, which goes on from the caller's, and one for a call of `DynamoDB`.
#[track_caller]
fn assert_spans(spans: &[Span], operation: &str) {
    let [server, client] = spans else {
        panic!("{spans:#?}")
    };
    assert_eq!(
        (hex(&server.trace_id), hex(&server.parent_span_id)),
        (TRACE.into(), PARENT.into())
    );
    assert_eq!(server.kind, SpanKind::Server as i32);
    assert_eq!(server.name, "PUT /modulo1/{id}");
    assert_eq!(client.trace_id, server.trace_id);
    assert_eq!(client.parent_span_id, server.span_id);
    assert_eq!(client.kind, SpanKind::Client as i32);
    assert_eq!(client.name, format!("DynamoDB.{operation}"));
    assert!(server.start_time_unix_nano <= client.start_time_unix_nano);
    assert!(client.start_time_unix_nano < client.end_time_unix_nano);
    let attributes = texts(&server.attributes);
    for (name, value) in [
        ("http.request.method", "PUT"),
        ("http.route", "/modulo1/{id}"),
        ("http.response.status_code", "200"),
        ("module.name", "modulo1"),
        ("module.verb", "PUT"),
        ("request.id", "known"),
    ] {
        assert_eq!(attributes[name], value);
    }
    assert!(!format!("{spans:?}").contains("planted"));
}

#[tokio::test]
async fn the_function_sends_a_request_s_spans_before_it_asks_for_the_next() {
    let collector = Collector::start().await;
    let mut fixture = Fixture::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("MODULO_STAGE", "dev"),
    ])
    .await;
    let put = |flags| {
        Call::new("PUT", "/modulo1/planted-id")
            .header("x-request-id", "known")
            .header("traceparent", &traceparent(flags))
            .json("\"planted-body\"")
    };
    // What the caller does not record, nor a probe, is none of the collector's business.
    for call in [put("00"), Call::new("GET", "/_health"), put("01")] {
        fixture.function.call(FrontDoor::FunctionUrl, &call).await;
    }
    let (resource, spans) = collector.batch().await;
    assert_spans(&spans, "UpdateItem");
    assert_eq!(resource["service.name"], "modulo");
    assert_eq!(resource["deployment.environment.name"], "dev");
}

#[tokio::test]
async fn a_collector_that_is_not_there_fails_no_request() {
    let nowhere = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
    let mut fixture = Fixture::with(&nowhere).await;
    let get = Call::new("GET", "/modulo1/x").header("traceparent", &traceparent("01"));
    for _ in 0..2 {
        let reply = fixture.function.call(FrontDoor::FunctionUrl, &get).await;
        assert_eq!(reply.status, 404);
    }
    assert!(fixture.function.output("stdout").contains("spans are lost"));
}

#[tokio::test]
async fn modulo_serve_sends_spans_too() {
    let collector = Collector::start().await;
    let folder = Folder::with(MODULES);
    let envs = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str())];
    let served = folder.serve_with(&envs, &["--memory"]).await;
    let request = Request::put(format!("{}/modulo1/planted-id", served.url))
        .header("content-type", "application/json")
        .header("x-request-id", "known")
        .header("traceparent", traceparent("01"))
        .body("\"planted-body\"".into());
    assert_eq!(served.client.send(request.unwrap()).await.status, 200);
    assert_spans(&collector.batch().await.1, "UpdateItem");
    // Without a caller's trace, one begins.
    assert_eq!(served.send("GET", "/modulo1/x", "").await.status, 404);
    let (_, spans) = collector.batch().await;
    assert_eq!(
        (spans.len(), hex(&spans[0].parent_span_id).as_str()),
        (2, "")
    );
    assert_ne!(hex(&spans[0].trace_id), TRACE);
}

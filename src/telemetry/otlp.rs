//! Traces for an OpenTelemetry collector: a span for each request, and one for each call of
//! DynamoDB within it.
//!
//! They are made of what is seen of a request anyway, and sent when the program says so: there is
//! no thread and no timer, both of which Lambda would freeze.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use uuid::Uuid;

use super::{RequestLine, Sending, Spans, metric};
use crate::config::Service;
use crate::store::Call;
use crate::telemetry::trace::TraceContext;

/// The variables that name a collector, the first for traces only.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// How many spans may wait for a collector that can't be reached; those after them are lost.
const MAX_WAITING: usize = 2_048;

/// How long the collector may take.
const TIME_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Collector {
    /// Locked while it sends, since it sends one batch at a time.
    exporter: tokio::sync::Mutex<SpanExporter>,
    waiting: Mutex<Vec<SpanData>>,
    scope: InstrumentationScope,
}

/// Has spans sent to the collector that the variables of OpenTelemetry name, if they name one.
///
/// # Errors
/// One of the variables is invalid.
pub fn init(service: &Service) -> Result<(), ExporterBuildError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the exporter reads its variables itself"
    )]
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !ENDPOINTS.into_iter().any(is_set) {
        return Ok(());
    }
    let mut exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder()
        .with_service_name(service.name.to_string())
        .with_attribute(KeyValue::new(
            "deployment.environment.name",
            service.stage.to_string(),
        ))
        .build();
    exporter.set_resource(&resource);
    super::send_spans_to(Box::new(Collector {
        exporter: tokio::sync::Mutex::new(exporter),
        waiting: Mutex::default(),
        scope: InstrumentationScope::builder("modulo").build(),
    }));
    Ok(())
}

impl Spans for Collector {
    fn record(&self, line: &RequestLine<'_>, trace: Option<TraceContext>, calls: Vec<Call>) {
        // What the caller does not record would be a part without a whole.
        if trace.is_some_and(|trace| !trace.is_sampled) {
            return;
        }
        let random = Uuid::new_v4().as_u128();
        let trace_id = TraceId::from(trace.map_or(random, |trace| trace.trace_id.0));
        let parent = trace.and_then(|trace| trace.parent);
        let parent = parent.map_or(SpanId::INVALID, SpanId::from);
        let server = self.server_span(line, trace_id, parent);
        let client_spans = calls.into_iter().map(|call| {
            let parent = server.span_context.span_id();
            self.client_span(call, trace_id, parent)
        });
        let spans: Vec<_> = client_spans.collect();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_WAITING.saturating_sub(waiting.len());
        waiting.extend([server].into_iter().chain(spans).take(room));
    }

    fn send(&self) -> Sending<'_> {
        Box::pin(async {
            let exporter = self.exporter.lock().await;
            let spans = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *waiting)
            };
            if spans.is_empty() {
                return;
            }
            match tokio::time::timeout(TIME_LIMIT, exporter.export(spans)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "spans are lost"),
                Err(_) => tracing::warn!("spans are lost: the collector did not answer in time"),
            }
        })
    }
}

impl Collector {
    fn server_span(&self, line: &RequestLine<'_>, trace: TraceId, parent: SpanId) -> SpanData {
        let name = match line.route {
            Some(route) => format!("{} {route}", line.method),
            None => line.method.to_owned(),
        };
        let attribute = |name, value: Option<&str>| Some(KeyValue::new(name, value?.to_owned()));
        let attributes = [
            attribute("http.request.method", Some(line.method)),
            attribute("http.route", line.route.map(ToString::to_string).as_deref()),
            attribute("request.id", line.request_id),
            attribute(metric::MODULE, line.module),
            attribute(metric::VERB, line.verb),
            Some(KeyValue::new(
                "http.response.status_code",
                i64::from(line.status),
            )),
            line.is_cold_start
                .then(|| KeyValue::new("faas.coldstart", true)),
        ];
        let status = match line.error {
            Some(error) if line.status >= 500 => Status::error(error.to_string()),
            _ => Status::Unset,
        };
        SpanData {
            parent_span_is_remote: parent != SpanId::INVALID,
            span_kind: SpanKind::Server,
            start_time: line.time,
            end_time: line.time + line.duration,
            attributes: attributes.into_iter().flatten().collect(),
            status,
            ..self.span(name.into(), trace, parent)
        }
    }

    fn client_span(&self, call: Call, trace: TraceId, parent: SpanId) -> SpanData {
        let status = if call.has_failed {
            Status::error("")
        } else {
            Status::Unset
        };
        let operation = call.operation;
        let name = format!("DynamoDB.{operation}");
        SpanData {
            span_kind: SpanKind::Client,
            start_time: call.began,
            end_time: call.ended,
            attributes: vec![
                KeyValue::new("db.system.name", "aws.dynamodb"),
                KeyValue::new("db.operation.name", operation),
            ],
            status,
            ..self.span(name.into(), trace, parent)
        }
    }

    /// One of an id of its own, about which nothing is said yet.
    fn span(&self, name: Cow<'static, str>, trace: TraceId, parent: SpanId) -> SpanData {
        let (_, random) = Uuid::new_v4().as_u64_pair();
        let id = SpanId::from(random);
        let now = std::time::SystemTime::now();
        SpanData {
            span_context: SpanContext::new(
                trace,
                id,
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name,
            start_time: now,
            end_time: now,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

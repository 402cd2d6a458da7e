//! What is said of a request, and how it becomes metrics.
//!
//! What there is nothing to say of is left out: a line is paid for by its bytes, and a metric by
//! being there at all.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tracing::Level;

use super::metric::{
    CLIENT_ERRORS, COLD_STARTS, DIMENSIONS, DURATION, DYNAMODB_DURATION, MODULE, READ_UNITS,
    REQUESTS, RETRIES, SERVER_ERRORS, THROTTLES, VERB, WRITE_UNITS,
};
use crate::access::Pseudonym;
use crate::api::error::Logged;
use crate::store::Usage;
use crate::telemetry::trace::TraceId;

/// One request's line. Ids' values, bodies and credentials are no part of it.
pub(crate) struct RequestLine<'r> {
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) request_id: Option<&'r str>,
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) method: &'static str,
    /// The path with `{id}` for the id, unless it leads nowhere.
    pub(crate) route: Option<&'r dyn Display>,
    pub(crate) status: u16,
    pub(crate) module: Option<&'r str>,
    /// What the request does to the module, if that is something it serves.
    pub(crate) verb: Option<&'static str>,
    pub(crate) duration: Duration,
    pub(crate) usage: Usage,
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) tenant: Option<Pseudonym>,
    /// Whether it is the first request of its process, inside Lambda.
    pub(crate) is_cold_start: bool,
    /// Why it failed.
    pub(crate) error: Option<Logged<'r>>,
    /// Where CloudWatch is to count it, if it is.
    pub(crate) namespace: Option<&'r str>,
}

/// A figure of a line, which can be a metric.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Figure {
    name: &'static str,
    /// In CloudWatch's words.
    unit: &'static str,
    #[serde(skip)]
    value: Value,
}

#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Value {
    Whole(u64),
    Broken(f64),
}

impl Figure {
    fn count(name: &'static str, value: impl Into<u64>) -> Self {
        Self {
            name,
            unit: "Count",
            value: Value::Whole(value.into()),
        }
    }

    fn units(name: &'static str, value: f64) -> Self {
        Self {
            name,
            unit: "Count",
            value: Value::Broken(value),
        }
    }

    fn time(name: &'static str, value: Duration) -> Self {
        Self {
            name,
            unit: "Microseconds",
            value: Value::Whole(u64::try_from(value.as_micros()).unwrap_or(u64::MAX)),
        }
    }

    fn is_reported(&self) -> bool {
        match self.value {
            Value::Whole(value) => value > 0,
            Value::Broken(value) => value > 0.0,
        }
    }
}

impl RequestLine<'_> {
    /// The figures that are logged whether or not there are metrics.
    fn figures(&self) -> [Figure; 6] {
        let usage = &self.usage;
        [
            Figure::time(DURATION, self.duration),
            Figure::time(DYNAMODB_DURATION, usage.time),
            Figure::count(RETRIES, usage.retries),
            Figure::count(THROTTLES, usage.throttles),
            Figure::units(READ_UNITS, usage.read_units),
            Figure::units(WRITE_UNITS, usage.write_units),
        ]
    }

    /// The figures that say no more than the rest of the line, but as numbers.
    fn counts(&self) -> [Figure; 4] {
        [
            Figure::count(REQUESTS, true),
            Figure::count(CLIENT_ERRORS, (400..500).contains(&self.status)),
            Figure::count(SERVER_ERRORS, self.status >= 500),
            Figure::count(COLD_STARTS, self.is_cold_start),
        ]
    }
}

impl Serialize for RequestLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figures = self.figures().into_iter().filter(Figure::is_reported);
        let counts = self.counts().into_iter().filter(Figure::is_reported);
        // A metric of a request that is none of a module's verbs would be one of all strays.
        let namespace = self.namespace.filter(|_| self.verb.is_some());

        let mut line = serializer.serialize_map(None)?;
        let time = humantime::format_rfc3339_micros(self.time);
        line.serialize_entry("timestamp", &Shown(time))?;
        line.serialize_entry("level", self.level.as_str())?;
        line.serialize_entry("target", super::REQUEST)?;
        if let Some(id) = self.request_id {
            line.serialize_entry("request.id", id)?;
        }
        if let Some(id) = self.trace_id {
            line.serialize_entry("trace_id", &Shown(id))?;
        }
        line.serialize_entry("http.request.method", self.method)?;
        if let Some(route) = self.route {
            line.serialize_entry("http.route", &Shown(route))?;
        }
        line.serialize_entry("http.response.status_code", &self.status)?;
        if let Some(module) = self.module {
            line.serialize_entry(MODULE, module)?;
        }
        if let Some(verb) = self.verb {
            line.serialize_entry(VERB, verb)?;
        }
        if let Some(caller) = self.caller {
            line.serialize_entry("caller", &Shown(caller))?;
        }
        if let Some(tenant) = self.tenant {
            line.serialize_entry("tenant", &Shown(tenant))?;
        }
        if self.is_cold_start {
            line.serialize_entry("faas.coldstart", &true)?;
        }
        if self.usage.calls > 0 {
            line.serialize_entry("dynamodb.calls", &self.usage.calls)?;
        }
        for figure in figures.clone() {
            line.serialize_entry(figure.name, &figure.value)?;
        }
        if let Some(error) = self.error {
            line.serialize_entry("error", &Shown(error))?;
        }
        if let Some(namespace) = namespace {
            for figure in counts.clone() {
                line.serialize_entry(figure.name, &figure.value)?;
            }
            let metrics = figures.chain(counts).collect();
            line.serialize_entry("_aws", &Metadata::new(self.time, namespace, metrics))?;
        }
        line.end()
    }
}

/// What CloudWatch's embedded metric format asks for: which members of the line are metrics.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'r> {
    timestamp: u64,
    cloud_watch_metrics: [Directive<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'r> {
    namespace: &'r str,
    dimensions: [[&'static str; 2]; 1],
    metrics: Vec<Figure>,
}

impl<'r> Metadata<'r> {
    fn new(time: SystemTime, namespace: &'r str, metrics: Vec<Figure>) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            timestamp: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            cloud_watch_metrics: [Directive {
                namespace,
                dimensions: [DIMENSIONS],
                metrics,
            }],
        }
    }
}

/// Serialized as it is shown.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::telemetry) const LINE: RequestLine<'static> = RequestLine {
        time: UNIX_EPOCH,
        level: Level::INFO,
        request_id: Some("known"),
        trace_id: Some(TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736)),
        method: "PUT",
        route: Some(&"/rooms/{id}"),
        status: 200,
        module: Some("rooms"),
        verb: Some("PUT"),
        duration: Duration::from_micros(8_236),
        usage: Usage {
            calls: 2,
            retries: 1,
            throttles: 1,
            time: Duration::from_micros(7_100),
            read_units: 0.5,
            write_units: 3.0,
        },
        caller: None,
        tenant: None,
        is_cold_start: true,
        error: None,
        namespace: Some("modulo/salas/prod"),
    };

    fn json(line: &RequestLine<'_>) -> String {
        format!(
            "{:#}",
            serde_json::to_value(line).expect("its keys are texts")
        )
    }

    #[test]
    fn all_of_a_line() {
        insta::assert_snapshot!(json(&LINE));
    }

    #[test]
    fn a_line_of_little_is_short() {
        let line = RequestLine {
            status: 404,
            route: None,
            module: None,
            verb: None,
            usage: Usage::default(),
            is_cold_start: false,
            error: Some(Logged::words("no such path")),
            ..LINE
        };
        insta::assert_snapshot!(json(&line), @r#"
        {
          "timestamp": "1970-01-01T00:00:00.000000Z",
          "level": "INFO",
          "target": "modulo::request",
          "request.id": "known",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "http.request.method": "PUT",
          "http.response.status_code": 404,
          "duration_us": 8236,
          "error": "no such path"
        }
        "#);
    }
}

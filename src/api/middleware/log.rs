//! What is seen of a request: its line in the log, with its metrics, and `Server-Timing`.

use std::fmt::{self, Display};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use tower_http::request_id::RequestId;
use tracing::{Level, enabled};

use super::around::{Inner, Next};
use crate::access::{Caller, Pseudonym};
use crate::api::error::Cause;
use crate::api::health;
use crate::api::invocation::Invocation;
use crate::api::mount::Mount;
use crate::config::Service;
use crate::module::call::Call;
use crate::module::guard::Guard;
use crate::module::tenant::Tenant;
use crate::store::{Meter, Usage};
use crate::telemetry::trace::TraceContext;
use crate::telemetry::{self, Format, REQUEST, RequestLine};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What the function looks at, and what it remembers of it.
#[derive(Debug)]
pub(super) struct Observer {
    /// Where CloudWatch counts the requests, unless it is not to.
    namespace: Option<String>,
    tells_time: bool,
    has_served: AtomicBool,
}

impl Observer {
    pub(super) fn new(service: &Service) -> Arc<Self> {
        Arc::new(Self {
            namespace: service.telemetry.metrics.then(|| service.namespace()),
            tells_time: service.telemetry.server_timing,
            has_served: AtomicBool::new(false),
        })
    }

    /// Where CloudWatch counts, which reads JSON only.
    fn namespace(&self) -> Option<&str> {
        let namespace = self.namespace.as_deref();
        namespace.filter(|_| telemetry::format() == Some(Format::Json))
    }
}

/// What a layer further in finds out of a request, as its extension.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<OnceLock<Who>>);

/// Who sends a request, by pseudonyms.
#[derive(Debug, Clone, Copy, Default)]
struct Who {
    caller: Option<Pseudonym>,
    tenant: Option<Pseudonym>,
}

impl Seen {
    /// Notes who sends the request, where that is looked for.
    pub(super) fn note(request: &Parts, guard: &Guard, caller: &Caller) {
        let (Some(seen), Caller::Known(identity)) = (request.extensions.get::<Self>(), caller)
        else {
            return;
        };
        let pseudonym = |name| Pseudonym::new(guard.name().as_str(), name);
        seen.0.get_or_init(|| Who {
            caller: identity.subject().map(pseudonym),
            tenant: identity.tenant().map(Tenant::as_str).map(pseudonym),
        });
    }

    fn who(&self) -> Who {
        self.0.get().copied().unwrap_or_default()
    }
}

/// What is known of a request before it is answered.
struct Asked {
    time: SystemTime,
    began: Instant,
    is_cold_start: bool,
    method: Method,
    request_id: Option<RequestId>,
    trace: Option<TraceContext>,
    mount: Option<Mount>,
    /// The path, if it is one that machines ask again and again.
    probe: Option<&'static str>,
    seen: Option<Seen>,
}

impl Asked {
    fn of(request: &mut Request, observer: &Observer) -> Self {
        let extensions = request.extensions();
        let invocation = extensions.get::<Invocation>();
        let is_cold_start =
            invocation.is_some() && !observer.has_served.swap(true, Ordering::Relaxed);
        let of_lambda = invocation.and_then(|invocation| invocation.trace);
        let mount = extensions.get::<Mount>().cloned();
        let is_guarded = mount
            .as_ref()
            .is_some_and(|mount| mount.module().access().is_some());
        let asked = Self {
            time: SystemTime::now(),
            began: Instant::now(),
            is_cold_start,
            method: request.method().clone(),
            request_id: extensions.get::<RequestId>().cloned(),
            trace: TraceContext::of(request.headers(), of_lambda),
            mount,
            probe: health::probe(request.uri().path()),
            seen: is_guarded.then(Seen::default),
        };
        if let Some(seen) = &asked.seen {
            request.extensions_mut().insert(seen.clone());
        }
        asked
    }

    /// Logs failures of ours as errors, all else as information, and what only probes as less; and
    /// has the request's spans recorded, but for a probe's.
    fn write(&self, answer: &Response, spent: &Spent, meter: &Meter, observer: &Observer) {
        let status = answer.status();
        let (level, is_logged) = if status.is_server_error() {
            (Level::ERROR, enabled!(target: REQUEST, Level::ERROR))
        } else if self.probe.is_some() {
            (Level::DEBUG, enabled!(target: REQUEST, Level::DEBUG))
        } else {
            (Level::INFO, enabled!(target: REQUEST, Level::INFO))
        };
        let is_traced = telemetry::has_spans() && self.probe.is_none();
        if !is_logged && !is_traced {
            return;
        }
        let request_id = self.request_id.as_ref().map(RequestId::header_value);
        let mount = self.mount.as_ref();
        let route = mount.map(Mount::route);
        let route = route.as_ref().map(|route| route as &dyn Display);
        let probe = self.probe.as_ref().map(|probe| probe as &dyn Display);
        let who = self.seen.as_ref().map(Seen::who).unwrap_or_default();
        let cause = answer.extensions().get::<Cause>();
        let line = RequestLine {
            time: self.time,
            level,
            request_id: request_id.and_then(|id| id.to_str().ok()),
            trace_id: self.trace.map(|trace| trace.trace_id),
            method: method_name(&self.method),
            route: route.or(probe),
            status: status.as_u16(),
            module: mount.map(|mount| mount.module().name().as_str()),
            verb: mount.and_then(|mount| mount.call).map(Call::name),
            duration: spent.duration,
            usage: spent.usage,
            caller: who.caller,
            tenant: who.tenant,
            is_cold_start: self.is_cold_start,
            error: cause.map(Cause::logged),
            namespace: observer.namespace(),
        };
        if is_logged {
            telemetry::write(&line);
        }
        if is_traced {
            telemetry::record(&line, self.trace, meter.take_calls());
        }
    }
}

/// A method that HTTP has, else what OpenTelemetry says instead: a client can send any word.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::CONNECT => "CONNECT",
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// Measures the request, and says what was seen of it once it is answered.
pub(super) async fn log(
    observer: Arc<Observer>,
    mut request: Request,
    next: Next<impl Inner>,
) -> Response {
    let is_traced = telemetry::has_spans();
    if !observer.tells_time && !is_traced && !enabled!(target: REQUEST, Level::ERROR) {
        return next.run(request).await;
    }
    let asked = Asked::of(&mut request, &observer);
    let meter = if is_traced {
        Meter::of_calls()
    } else {
        Meter::default()
    };
    let mut response = meter.read(next.run(request)).await;
    let spent = Spent {
        duration: asked.began.elapsed(),
        usage: meter.usage(),
    };
    asked.write(&response, &spent, &meter, &observer);
    if observer.tells_time
        && let Ok(timing) = HeaderValue::try_from(spent.to_string())
    {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    response
}

/// Where the time went; shown as [Server Timing](https://www.w3.org/TR/server-timing/) has it: all
/// of it, what DynamoDB took of it, and in words what that consumed.
struct Spent {
    duration: Duration,
    usage: Usage,
}

impl Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, usage } = self;
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
        write!(f, "app;dur={:.3}", milliseconds(*duration))?;
        if usage.calls == 0 {
            return Ok(());
        }
        write!(f, ", db;dur={:.3}", milliseconds(usage.time))?;
        match (usage.read_units, usage.write_units) {
            (read, 0.0) => write!(f, ", cap;desc=\"{read} RCU\""),
            (0.0, write) => write!(f, ", cap;desc=\"{write} WCU\""),
            (read, write) => write!(f, ", cap;desc=\"{read} RCU, {write} WCU\""),
        }
    }
}

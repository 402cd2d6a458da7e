//! Where log lines go, and how much is logged: JSON inside Lambda, readable lines on a terminal.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::SystemTime;

use futures_util::FutureExt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use self::line::RequestLine;
use crate::store::Call;
use crate::telemetry::trace::TraceContext;

pub(crate) mod chain;
mod line;
pub(crate) mod metric;
#[cfg(feature = "otlp")]
pub mod otlp;
mod text;
pub mod trace;

/// What `RUST_LOG` has to name for the line of each request.
pub const REQUEST: &str = "modulo::request";

/// What most requests' lines need.
const LINE_BYTES: usize = 1_024;

/// The shape of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, for CloudWatch.
    Json,
    /// For people; colours only where somebody sees them.
    Text {
        /// Whether to colour them.
        colour: bool,
    },
}

/// How much is logged: a level, or one for each of some targets, as in `warn,modulo::request=info`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Targets);

impl Eq for Filter {}

impl Default for Filter {
    fn default() -> Self {
        Self(Targets::new().with_default(Level::INFO))
    }
}

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A word alone could be a target, all of whose lines are then logged, and no others: more
        // likely it is a level with a mistake in it.
        let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
        let mut words = text.split(',').map(str::trim);
        if let Some(word) = words.find(|word| !word.contains('=') && !is_level(word)) {
            return Err(InvalidFilter(format!("`{word}` is not a level")));
        }
        let targets = text.parse::<Targets>();
        let targets = targets.map_err(|invalid| InvalidFilter(invalid.to_string()))?;
        Ok(Self(targets))
    }
}

/// The most that is ever logged of each crate, whatever a filter says. At their lower levels the
/// Lambda runtime, hyper and the AWS SDK show events, headers and signatures. The embedded engine
/// warns of each error that it answers, which is in the request's line.
fn ceiling() -> Targets {
    Targets::new()
        .with_default(Level::WARN)
        .with_target("modulo", Level::TRACE)
        .with_target("dynoxide", Level::ERROR)
}

/// Why a text says nothing of how much is to be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; a level is one of `error`, `warn`, `info`, `debug`, `trace` and `off`")]
pub struct InvalidFilter(String);

type Write = dyn Fn(&[u8]) + Send + Sync;

/// Where the lines of requests go, and in which shape.
struct Lines {
    format: Format,
    write: Box<Write>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// As the subscriber of everything else: one for the process, there from [`init`] on.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Sends the process's log lines to standard output.
///
/// `rust_log` is what `RUST_LOG` holds, and wins over `filter`; where it is invalid, the first line
/// says so.
pub fn init(format: Format, rust_log: Option<&str>, filter: &Filter) {
    std::panic::set_hook(Box::new(report_panic));
    init_to(io::stdout, format, rust_log, filter);
}

/// As [`init`], to another place.
pub fn init_to<W>(writer: W, format: Format, rust_log: Option<&str>, filter: &Filter)
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let parsed = rust_log
        .filter(|text| !text.is_empty())
        .map(str::parse::<Targets>);
    let (targets, invalid) = match parsed {
        None => (filter.0.clone(), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (filter.0.clone(), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer.clone());
    let registry = tracing_subscriber::registry().with(targets).with(ceiling());
    match format {
        Format::Json => {
            // No spans are opened, so none are looked for.
            let lines = lines.json().with_current_span(false).with_span_list(false);
            let lines = lines.flatten_event(true).map_event_format(Unquoting);
            registry.with(lines).init();
        }
        Format::Text { colour } => registry.with(lines.with_ansi(colour).compact()).init(),
    }
    let write = Box::new(move |line: &[u8]| {
        // Nobody reading them is no reason to stop.
        let _ = writer.make_writer().write_all(line);
    });
    LINES.get_or_init(|| Lines { format, write });
    if let Some(error) = invalid {
        tracing::warn!(%error, "RUST_LOG is not valid, and taken as if it were not set");
    }
}

/// Says where a panic was, and its message only if that stands in the code: one that is put together
/// as the program panics may quote what it was about.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let words = words_of_panic(panic.payload());
    // Nobody reading it is no reason to panic again.
    let _ = match panic.location() {
        Some(place) => writeln!(io::stderr(), "panic at {place}: {words}"),
        None => writeln!(io::stderr(), "panic: {words}"),
    };
}

/// A panic's message, where it stands in the code.
pub(crate) fn words_of_panic(payload: &(dyn Any + Send)) -> &'static str {
    let words = payload.downcast_ref::<&'static str>().copied();
    words.unwrap_or("its message may quote the request, and is left out")
}

/// The part of the Lambda runtime whose errors quote events.
const QUOTING: &str = "lambda_runtime::layers";

const LEFT_OUT: &str = "an event could not be handled; the message may quote it, and is left out";

/// Writes events as `F` does, but of those that may quote a request only where in the code they are.
struct Unquoting<F>(F);

impl<S, N, F> FormatEvent<S, N> for Unquoting<F>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if !metadata.target().starts_with(QUOTING) {
            return self.0.format_event(context, writer, event);
        }
        writeln!(
            writer,
            r#"{{"timestamp":"{}","level":"{}","target":"{}","line":{},"message":"{LEFT_OUT}"}}"#,
            humantime::format_rfc3339_micros(SystemTime::now()),
            metadata.level(),
            metadata.target(),
            metadata.line().unwrap_or_default(),
        )
    }
}

/// Where spans go.
trait Spans: Send + Sync {
    /// Takes those of one request, to be sent later.
    fn record(&self, line: &RequestLine<'_>, trace: Option<TraceContext>, calls: Vec<Call>);

    /// Sends what was taken.
    fn send(&self) -> Sending<'_>;
}

type Sending<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;

/// As [`LINES`]; there is none unless a collector was named.
static SPANS: OnceLock<Box<dyn Spans>> = OnceLock::new();

#[cfg(feature = "otlp")]
fn send_spans_to(spans: Box<dyn Spans>) {
    SPANS.get_or_init(|| spans);
}

/// Whether anybody collects spans.
#[must_use]
pub fn has_spans() -> bool {
    SPANS.get().is_some()
}

/// Takes the spans of a request, for [`send_spans`].
pub(crate) fn record(line: &RequestLine<'_>, trace: Option<TraceContext>, calls: Vec<Call>) {
    if let Some(spans) = SPANS.get() {
        spans.record(line, trace, calls);
    }
}

/// Sends the spans of the requests that were answered, for a few seconds at the most.
pub async fn send_spans() {
    if let Some(spans) = SPANS.get() {
        spans.send().await;
    }
}

/// The shape of the requests' lines, once there is a place for them.
pub(crate) fn format() -> Option<Format> {
    LINES.get().map(|lines| lines.format)
}

tokio::task_local! {
    /// The lines that are written after what the task does.
    static HELD: RefCell<Vec<u8>>;
}

/// Writes the lines of the requests that are answered in `work` after it, so that whoever waits for
/// their answers does not wait for the log.
pub fn lines_after<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let written = work.inspect(|_| {
        let held = HELD.with(RefCell::take);
        if let Some(lines) = LINES.get() {
            (lines.write)(&held);
        }
    });
    HELD.scope(RefCell::default(), written)
}

/// Writes the line of a request, in one piece: now, or where [`lines_after`] says.
pub(crate) fn write(line: &RequestLine<'_>) {
    let Some(lines) = LINES.get() else { return };
    let held = HELD.try_with(|held| lines.append(line, &mut held.borrow_mut()));
    if held.is_err() {
        let mut text = Vec::new();
        lines.append(line, &mut text);
        (lines.write)(&text);
    }
}

impl Lines {
    fn append(&self, line: &RequestLine<'_>, text: &mut Vec<u8>) {
        text.reserve(LINE_BYTES);
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut *text, line).expect("a line's keys are texts");
                text.push(b'\n');
            }
            Format::Text { colour } => text::write(text, line, colour),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::line::tests::LINE;
    use super::*;

    #[tokio::test]
    async fn a_line_is_written_after_the_work_that_it_is_of() {
        static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let lines = || {
            let written = WRITTEN.lock().unwrap();
            written.split_inclusive(|&byte| byte == b'\n').count()
        };
        LINES.get_or_init(|| Lines {
            format: Format::Json,
            write: Box::new(|text| WRITTEN.lock().unwrap().extend(text)),
        });
        let seen = lines_after(async {
            write(&LINE);
            write(&LINE);
            lines()
        });
        assert_eq!((seen.await, lines()), (0, 2));
        write(&LINE);
        assert_eq!(lines(), 3);
    }

    #[test]
    fn a_filter_is_levels_with_or_without_targets() {
        for valid in [
            "info",
            "off",
            "WARN",
            "warn,modulo::request=info",
            "modulo=debug",
        ] {
            assert!(valid.parse::<Filter>().is_ok(), "{valid}");
        }
        for invalid in ["inof", "", "info,", "modulo=inof", "warn;info"] {
            assert!(invalid.parse::<Filter>().is_err(), "{invalid}");
        }
    }
}

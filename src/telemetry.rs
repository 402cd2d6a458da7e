//! Where log lines go, and how much is logged: JSON inside Lambda, readable lines on a terminal.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::OnceLock;

use futures_util::FutureExt;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use self::line::RequestLine;
use crate::store::Call;
use crate::trace::TraceContext;

mod line;
pub(crate) mod metric;
#[cfg(feature = "otlp")]
pub mod otlp;
mod text;

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
        Self(quieter(Targets::new().with_default(Level::INFO)))
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
            return Err(InvalidFilter(format!("`{word}` is no level")));
        }
        let targets = text.parse::<Targets>();
        let targets = targets.map_err(|invalid| InvalidFilter(invalid.to_string()))?;
        Ok(Self(quieter(targets)))
    }
}

/// Without the embedded engine's warnings of every error it answers with, which the request's line
/// tells.
fn quieter(targets: Targets) -> Targets {
    targets.with_target("dynoxide", Level::ERROR)
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
/// `rust_log` is what `RUST_LOG` holds, and wins over `filter`; where it is illegal, the first line
/// says so.
pub fn init(format: Format, rust_log: Option<&str>, filter: &Filter) {
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
    let (targets, illegal) = match parsed {
        None => (filter.0.clone(), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (filter.0.clone(), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer.clone());
    let registry = tracing_subscriber::registry().with(targets);
    match format {
        Format::Json => {
            // No spans are opened, so none are looked for.
            let lines = lines.json().with_current_span(false).with_span_list(false);
            registry.with(lines.flatten_event(true)).init();
        }
        Format::Text { colour } => registry.with(lines.with_ansi(colour).compact()).init(),
    }
    let write = Box::new(move |line: &[u8]| {
        // Nobody reading them is no reason to stop.
        let _ = writer.make_writer().write_all(line);
    });
    LINES.get_or_init(|| Lines { format, write });
    if let Some(error) = illegal {
        tracing::warn!(%error, "RUST_LOG is illegal, and taken as if it were not set");
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
        for legal in [
            "info",
            "off",
            "WARN",
            "warn,modulo::request=info",
            "modulo=debug",
        ] {
            assert!(legal.parse::<Filter>().is_ok(), "{legal}");
        }
        for illegal in ["inof", "", "info,", "modulo=inof", "warn;info"] {
            assert!(illegal.parse::<Filter>().is_err(), "{illegal}");
        }
    }
}

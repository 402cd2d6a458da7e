//! Where log lines go: JSON inside Lambda, readable lines on a terminal.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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

/// Sends the process's log lines to standard output.
///
/// `filter` is what `RUST_LOG` holds: `info` where it is absent, and also where it is illegal,
/// which the first line then says.
pub fn init(format: Format, filter: Option<&str>) {
    let parsed = filter
        .filter(|text| !text.is_empty())
        .map(str::parse::<Targets>);
    // The embedded engine warns of every error it answers with, which the request's line tells.
    let default = || {
        Targets::new()
            .with_default(Level::INFO)
            .with_target("dynoxide", Level::ERROR)
    };
    let (targets, illegal) = match parsed {
        None => (default(), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (default(), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer();
    let registry = tracing_subscriber::registry().with(targets);
    match format {
        Format::Json => {
            // No spans are opened, so none are looked for.
            let lines = lines.json().with_current_span(false).with_span_list(false);
            registry.with(lines.flatten_event(true)).init();
        }
        Format::Text { colour } => registry.with(lines.with_ansi(colour).compact()).init(),
    }
    if let Some(error) = illegal {
        tracing::warn!(%error, "RUST_LOG is illegal, logging at info");
    }
}

//! A request's line for people: what they look for first stands in columns.

use std::fmt;
use std::io::Write;
use std::time::UNIX_EPOCH;

use super::RequestLine;

const SECONDS_PER_DAY: u64 = 86_400;

/// Appends the line, as in
///
/// ```text
/// 19:02:11  PUT     200     8.2 ms  /rooms/{id}  dynamodb=7.1ms units=3 request.id=0198…
/// ```
pub(super) fn write(text: &mut Vec<u8>, line: &RequestLine<'_>, colour: bool) {
    let paint = |style: &'static str| if colour { style } else { "" };
    let (dim, plain) = (paint("\x1b[2m"), paint("\x1b[0m"));
    let status = paint(match line.status {
        500.. => "\x1b[31m",
        400.. => "\x1b[33m",
        _ => "\x1b[32m",
    });
    let (method, code) = (line.method, line.status);
    let milliseconds = line.duration.as_secs_f64() * 1e3;
    let time = Clock(line);
    // A vector takes all that is written.
    let _ = write!(
        text,
        "{dim}{time}{plain}  {method:<7}  {status}{code}{plain}  {milliseconds:>8.1} ms  "
    );
    let _ = match line.route {
        Some(route) => write!(text, "{route}"),
        None => write!(text, "-"),
    };
    let _ = write!(text, "{dim}{}{plain}", Details(line));
    if let Some(error) = line.error {
        let _ = write!(text, "  {status}error={error}{plain}");
    }
    text.push(b'\n');
}

/// The time of day, UTC.
struct Clock<'l, 'r>(&'l RequestLine<'r>);

impl fmt::Display for Clock<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let second = since.as_secs() % SECONDS_PER_DAY;
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(f, "{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

/// What is looked for later.
struct Details<'l, 'r>(&'l RequestLine<'r>);

impl fmt::Display for Details<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(line) = self;
        let usage = &line.usage;
        if usage.calls > 0 {
            let milliseconds = usage.time.as_secs_f64() * 1e3;
            write!(f, "  dynamodb={milliseconds:.1}ms")?;
        }
        if usage.retries > 0 {
            write!(f, "  retries={}", usage.retries)?;
        }
        if usage.throttles > 0 {
            write!(f, "  throttles={}", usage.throttles)?;
        }
        if usage.read_units > 0.0 {
            write!(f, "  read_units={}", usage.read_units)?;
        }
        if usage.write_units > 0.0 {
            write!(f, "  write_units={}", usage.write_units)?;
        }
        if let Some(caller) = line.caller {
            write!(f, "  caller={caller}")?;
        }
        if let Some(tenant) = line.tenant {
            write!(f, "  tenant={tenant}")?;
        }
        match line.request_id {
            Some(id) => write!(f, "  request.id={id}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::LINE;
    use super::*;
    use crate::api::error::Logged;

    fn text(line: &RequestLine<'_>, colour: bool) -> String {
        let mut text = Vec::new();
        write(&mut text, line, colour);
        String::from_utf8(text).expect("it is text")
    }

    #[test]
    fn a_line_for_people() {
        insta::assert_snapshot!(text(&LINE, false), @"00:00:00Z  PUT      200       8.2 ms  /rooms/{id}  dynamodb=7.1ms  retries=1  throttles=1  read_units=0.5  write_units=3  request.id=known");
    }

    #[test]
    fn the_status_decides_the_colour() {
        let refused = RequestLine {
            status: 503,
            error: Some(Logged::words("out of time")),
            ..LINE
        };
        insta::assert_snapshot!(text(&refused, true).escape_debug(), @r#"\u{1b}[2m00:00:00Z\u{1b}[0m  PUT      \u{1b}[31m503\u{1b}[0m       8.2 ms  /rooms/{id}\u{1b}[2m  dynamodb=7.1ms  retries=1  throttles=1  read_units=0.5  write_units=3  request.id=known\u{1b}[0m  \u{1b}[31merror=out of time\u{1b}[0m\n"#);
    }
}

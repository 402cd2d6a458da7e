//! An error with all its sources, on one line.

use std::error::Error;
use std::fmt::{self, Write};

/// Shows an error, then each of its sources; control characters are shown escaped, so that no
/// text from outside begins a line of its own in a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = OneLine(f);
        let mut last = self.0.to_string();
        line.write_str(&last)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            // A wrapper that says only what its source says is no news.
            let text = error.to_string();
            if text != last {
                write!(line, ": {text}")?;
                last = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

struct OneLine<'f, 'a>(&'f mut fmt::Formatter<'a>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            match part.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    self.0.write_str(&part[..part.len() - last.len_utf8()])?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer\nline")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_is_shown_with_its_sources_on_one_line() {
        let error = Outer(std::io::Error::other("inner\r\nERROR fake é"));
        assert_eq!(
            Chain(&error).to_string(),
            r"outer\nline: inner\r\nERROR fake é"
        );
    }
}

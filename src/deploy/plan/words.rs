//! Lists and times in words.

use std::collections::BTreeSet;
use std::time::Duration;

/// With commas between them.
pub(super) fn list(words: &BTreeSet<String>) -> String {
    words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Each in backticks.
pub(super) fn joined(words: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A time in words.
pub(super) fn time(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

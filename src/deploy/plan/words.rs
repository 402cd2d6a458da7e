//! Lists and times in words.

use std::collections::BTreeSet;
use std::time::Duration;

/// Each in backticks.
pub(super) fn joined(words: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A time in words.
pub(super) fn time(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

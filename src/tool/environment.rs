//! The variables of the process: the only place of the tool that reads them, beside clap's `env`.

#![expect(
    clippy::disallowed_methods,
    reason = "the tool reads the environment here and nowhere else"
)]

use std::ffi::OsString;

/// All variables, for the settings that are layered over the file's. Those of others need not be UTF-8.
pub(super) fn all() -> impl Iterator<Item = (String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// A variable's value; an empty one counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

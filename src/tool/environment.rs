//! The variables of the process: the only place of the tool that reads them, beside clap's `env`.

#![expect(
    clippy::disallowed_methods,
    reason = "the tool reads the environment here and nowhere else"
)]

/// All variables, for the settings that are layered over the file's.
pub(super) fn all() -> impl Iterator<Item = (String, String)> {
    std::env::vars()
}

/// A variable's value; an empty one counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

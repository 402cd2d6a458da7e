//! `modulo schema`: the JSON Schema of `modules.toml`, for editors and linters.

use crate::config::keys;
use crate::edge::serve::say;

/// Prints it.
pub fn run() {
    say(&keys::schema_text());
}

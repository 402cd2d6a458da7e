//! Configurations of any size.

use std::fmt::Write;

/// A `modules.toml` of `count` modules: modulo1, modulo2, …
pub fn toml(count: usize) -> String {
    let mut toml = String::new();
    for n in 1..=count {
        writeln!(toml, "[modules.modulo{n}]\nkey = \"modulo{n}Id\"\n").expect("a String takes all");
    }
    toml
}

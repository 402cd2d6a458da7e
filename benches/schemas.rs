//! Configurations of any size, each module with a schema.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// What a schema in use is like; the events' documents fit it.
const SCHEMA: &str = include_str!("schema.json");

/// Writes into `root` what lies beside a binary: `modules.toml`, and for each of its `count`
/// modules the file of its schema.
pub fn write(root: &Path, count: usize) -> Result<()> {
    fs::create_dir(root.join("schemas"))?;
    let mut toml = String::new();
    for n in 1..=count {
        let schema = format!("schemas/modulo{n}.json");
        fs::write(root.join(&schema), SCHEMA)?;
        writeln!(toml, "[modules.modulo{n}]\nkey = \"modulo{n}Id\"")?;
        writeln!(toml, "schema = \"{schema}\"\n")?;
    }
    fs::write(root.join("modules.toml"), toml)?;
    Ok(())
}

//! `modulo new`: one more module in `modules.toml`, all else in the file as it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::config::{self, Config, ConfigError};
use crate::module::name::{KeyAttribute, ModuleName, Stage};

/// What `modulo new` is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration's file; made if it is not there.
    pub file: PathBuf,
    /// The stage for which the file must be right.
    pub stage: Stage,
    /// The environment, for the settings that it layers over the file's.
    pub environment: Vec<(String, String)>,
    /// The module's name.
    pub name: ModuleName,
    /// Its key attribute; `<name>Id` if not said.
    pub key: Option<KeyAttribute>,
}

/// A module that has been added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The lines that say it.
    pub block: String,
    /// The configuration that it is in now.
    pub config: Config,
}

/// What stands above the first module of a new file.
const HEAD: &str = "\
# The modules of this service. Each is a collection of JSON documents: mounted at /<name>/<id> and
# kept in a DynamoDB table of its own. `modulo new <name>` adds one, `modulo check` tells what is
# wrong, `modulo serve` serves them on this machine.

[service]
name = \"modulo\"               # the name of the stack and of the function

# What every module has that does not say otherwise.
[defaults]
table = \"{module}-{stage}\"    # the table's name; the stage is \"local\" on a laptop
";

/// Adds a module at the file's end.
///
/// # Errors
/// The file is wrong already, has a module of that name, would be wrong with the module, or can't
/// be written. Then it is as it was.
pub fn add(options: &Options) -> anyhow::Result<Added> {
    let Options { file, name, .. } = options;
    let old = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
        Err(error) => {
            // In the words of all other commands.
            config::load(file, &options.stage, [])?;
            return Err(error.into());
        }
    };
    let parse = |text: &str| {
        let environment = options.environment.iter().cloned();
        config::parse(text, file, &options.stage, environment)
    };
    let before = parse(&old);
    if before
        .as_ref()
        .is_ok_and(|config| config.modules.get(name).is_some())
    {
        let file = file.display();
        bail!("{file} has a module `{name}` already; choose another name");
    }
    let block = block(name, options.key.as_ref());
    let new = appended(&old, &block);
    let config = match (parse(&new), before) {
        (Ok(config), _) => config,
        // It was wrong before, and may have the name twice now.
        (Err(ConfigError::Syntax { .. }), Err(error)) | (Err(error), Err(_)) => {
            return Err(error.into());
        }
        (Err(error), Ok(_)) => {
            return Err(error).with_context(|| format!("cannot add module `{name}`"));
        }
    };
    replace(file, &new).with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(Added { block, config })
}

fn block(name: &ModuleName, key: Option<&KeyAttribute>) -> String {
    let key = key.map_or_else(|| format!("{name}Id"), KeyAttribute::to_string);
    // JSON's way to quote is one of TOML's.
    let key = serde_json::Value::from(key);
    let key = format!("key = {key}");
    format!(
        "\
[modules.{name}]
{key:29} # the table's partition key attribute, a string
# Without its `#`, a line below holds.
# methods = [\"GET\", \"LIST\"]   # what is served; all six if not said
# max_bytes = 10_000           # of one document
# envelope = \"plain\"           # answers are the document itself, not {{\"GET\": {{…}}}}
# storage = \"document\"         # documents are kept as native attributes, not as text
# ttl = \"expiresAt\"            # when an item expires: the attribute with the time in epoch seconds
# default_ttl = \"30d\"          # when one expires that does not say so; needs `ttl`
# retain = true                # the table outlives its stack; if not said, in every stage but \"local\"
"
    )
}

/// `text` with `block` below it, in `text`'s own line ends.
fn appended(text: &str, block: &str) -> String {
    let (newline, block) = if text.contains("\r\n") {
        ("\r\n", block.replace('\n', "\r\n"))
    } else {
        ("\n", block.to_owned())
    };
    let gap = match text {
        "" => String::new(),
        _ if text.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    format!("{text}{gap}{block}")
}

/// Puts `text` in the file's place, with its permissions; at any time the file is the old one or
/// the new one, whole. A link stays one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let Ok(old) = fs::metadata(&target) else {
        return fs::write(target, text);
    };
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    new.persist(target)?;
    Ok(())
}

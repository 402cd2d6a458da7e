//! `modulo new`: one more module in `modules.toml`, all else in the file as it was.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::config::keys::{Key, SCHEMA_FILE, Scaffold, rows, schema_text};
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

/// How wide a line is before its comment.
const WIDTH: usize = 29;

/// What stands above the first module of a new file.
fn head() -> String {
    let lines = |keys: &[Key]| {
        let lines = keys.iter().filter_map(|key| match key.scaffold {
            Scaffold::Head(comment) => {
                let value = key.default_value().unwrap_or(key.example);
                Some(line(&format!("{} = {value}", key.name), comment))
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let service = lines(rows::SERVICE.keys);
    let defaults = lines(rows::MODULE.keys);
    format!(
        "\
#:schema ./{SCHEMA_FILE}

# The modules of this service. Each is a collection of JSON documents: mounted at /<name>/<id> and
# kept in a DynamoDB table of its own. `modulo new <name>` adds one, `modulo check` tells what is
# wrong, `modulo serve` serves them on this machine. Editors complete and check the keys with the
# schema of the first line, which `modulo schema` prints.

[service]
{service}

# What every module has that does not say otherwise.
[defaults]
{defaults}
"
    )
}

/// Adds a module at the file's end.
///
/// # Errors
/// The file is wrong already, has a module of that name, would be wrong with the module, or can't
/// be written. Then it is as it was.
pub fn add(options: &Options) -> anyhow::Result<Added> {
    let Options { file, name, .. } = options;
    let old = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => head(),
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
    if !file.exists() {
        write_schema(file)?;
    }
    replace(file, &new).with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(Added { block, config })
}

fn block(name: &ModuleName, key: Option<&KeyAttribute>) -> String {
    let key = key.map_or_else(|| format!("{name}Id"), KeyAttribute::to_string);
    // JSON's way to quote is one of TOML's.
    let key = serde_json::Value::from(key);
    let mut required = Vec::new();
    let mut offered = Vec::new();
    for row in rows::MODULE.keys {
        match row.scaffold {
            Scaffold::Module(comment) => {
                required.push(line(&format!("{} = {key}", row.name), comment));
            }
            Scaffold::Offered(comment) => {
                offered.push(line(&format!("# {} = {}", row.name, row.example), comment));
            }
            Scaffold::Head(_) | Scaffold::Nowhere => {}
        }
    }
    format!(
        "[modules.{name}]\n{}\n# Without its `#`, a line below holds.\n{}\n",
        required.join("\n"),
        offered.join("\n"),
    )
}

fn line(setting: &str, comment: &str) -> String {
    format!("{setting:WIDTH$} # {comment}")
}

/// Writes the schema that a new file names, beside it, unless there is one.
fn write_schema(file: &Path) -> anyhow::Result<()> {
    let schema = file.with_file_name(SCHEMA_FILE);
    match File::create_new(&schema).and_then(|mut file| file.write_all(schema_text().as_bytes())) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write `{}`", schema.display()))
        }
        _ => Ok(()),
    }
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

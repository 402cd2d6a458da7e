//! `modulo new`: adds a module to `modules.toml`, and leaves the rest of the file as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::arguments::FileArgs;
use super::environment;
use crate::config::keys::{Key, SCHEMA_FILE, Scaffold, rows, schema_text};
use crate::config::{self, ConfigError};
use crate::edge::serve::say;
use crate::module::name::{KeyAttribute, ModuleName};

/// Add a module to modules.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module's name, the first part of its paths
    name: ModuleName,
    /// The table's partition key attribute [default: NAME followed by `Id`]
    #[arg(long, value_name = "ATTRIBUTE")]
    key: Option<KeyAttribute>,
    #[command(flatten)]
    file: FileArgs,
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

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let block = self.add()?;
        let (file, name) = (self.file.file.display(), &self.name);
        say(&format!(
            "added to {file}:\n\n{block}\nA running `modulo serve` mounts it at /{name} at once. \
             A deployment creates its table in AWS.\n"
        ));
        Ok(())
    }

    /// Adds the module at the file's end, and returns the lines added. The file stays as it was if
    /// it is wrong already, has a module of that name, or would be wrong with the module.
    fn add(&self) -> anyhow::Result<String> {
        let FileArgs { file, stage } = &self.file;
        let name = &self.name;
        let old = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => head(),
            Err(error) => {
                // So that the message is that of the other commands.
                config::load(file, stage, [])?;
                return Err(error.into());
            }
        };
        let parse = |text: &str| config::parse(text, file, stage, environment::all());
        let before = parse(&old);
        if before
            .as_ref()
            .is_ok_and(|config| config.modules.get(name).is_some())
        {
            let file = file.display();
            bail!("{file} already has a module `{name}`; choose another name");
        }
        let block = block(name, self.key.as_ref());
        let new = appended(&old, &block);
        match (parse(&new), before) {
            (Ok(_), _) => {}
            // The file was wrong before; the name may now be in it twice.
            (Err(ConfigError::Syntax { .. }), Err(error)) | (Err(error), Err(_)) => {
                return Err(error.into());
            }
            (Err(error), Ok(_)) => {
                return Err(error).with_context(|| format!("cannot add module `{name}`"));
            }
        }
        if !file.exists() {
            write_schema(file)?;
        }
        replace(file, &new).with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(block)
    }
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

/// `text` with `block` below it, which gets the line ends of `text`.
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

/// Replaces the file's content atomically, and keeps its permissions. A symbolic link stays one.
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

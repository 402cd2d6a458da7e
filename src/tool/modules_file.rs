//! `modules.toml` as a command extends it: modules are added at its end, and all else stays as it is.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use tempfile::NamedTempFile;

use super::arguments::FileArgs;
use super::environment;
use crate::config::keys::{Key, Language, SCHEMA_FILE, Scaffold, rows, schema_text};
use crate::config::{self, Config, ConfigError};
use crate::module::Modules;
use crate::module::name::{ModuleName, ServiceName};

/// How wide a line is before its comment.
const WIDTH: usize = 29;

/// The file as it was read.
pub(super) struct ModulesFile<'a> {
    args: &'a FileArgs,
    text: String,
    config: Result<Config, ConfigError>,
}

impl<'a> ModulesFile<'a> {
    /// Reads the file. One that does not exist has the lines that stand above the first module.
    pub(super) fn read(args: &'a FileArgs, language: Language) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(&args.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                head(&ServiceName::default(), language)
            }
            Err(error) => {
                // So that the message is that of the other commands.
                config::load(&args.file, &args.stage, [])?;
                return Err(error.into());
            }
        };
        let config = parse(&text, args);
        Ok(Self { args, text, config })
    }

    /// The modules that are in it. A file that is wrong has none: [`ModulesFile::append`] reports
    /// what is wrong.
    pub(super) fn modules(&self) -> Option<&Modules> {
        let config = self.config.as_ref().ok();
        config.map(|config| &config.modules)
    }

    /// Adds lines at the file's end, which are `what`. The file stays as it was if it is wrong
    /// already, or would be wrong with them.
    pub(super) fn append(self, lines: &str, what: impl fmt::Display) -> anyhow::Result<()> {
        let file = &self.args.file;
        let new = appended(&self.text, lines);
        match (parse(&new, self.args), self.config) {
            (Ok(_), _) => {}
            // The file was wrong before; a name may now be in it twice.
            (Err(ConfigError::Syntax { .. }), Err(error)) | (Err(error), Err(_)) => {
                return Err(error.into());
            }
            (Err(error), Ok(_)) => {
                return Err(error).with_context(|| format!("cannot add {what}"));
            }
        }
        if !file.exists() {
            write_schema(file)?;
        }
        replace(file, &new).with_context(|| format!("cannot write `{}`", file.display()))
    }
}

fn parse(text: &str, args: &FileArgs) -> Result<Config, ConfigError> {
    config::parse(text, &args.file, &args.stage, environment::all())
}

/// The lines of one module.
pub(super) struct Block(String);

impl Block {
    pub(super) fn new(name: &ModuleName) -> Self {
        Self(format!("[modules.{name}]\n"))
    }

    /// Adds a line: `key = value`, and what it means, if there is something to say.
    pub(super) fn set(&mut self, key: &str, value: impl fmt::Display, comment: &str) {
        let setting = format!("{key} = {value}");
        let line = if comment.is_empty() {
            setting
        } else {
            commented(&setting, comment)
        };
        self.line(&line);
    }

    /// Adds a line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text as TOML's basic string: what JSON makes of it is one.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn commented(setting: &str, comment: &str) -> String {
    format!("{setting:WIDTH$} # {comment}")
}

/// What stands above the first module of a new file.
pub(super) fn head(name: &ServiceName, language: Language) -> String {
    let name = quoted(name.as_str());
    let lines = |keys: &[Key]| {
        let lines = keys.iter().filter_map(|key| match key.scaffold {
            Scaffold::Head(comment) => {
                let value = match key.name {
                    "name" => name.as_str(),
                    _ => key.default_value().unwrap_or(key.example),
                };
                let setting = format!("{} = {value}", key.name);
                Some(commented(&setting, language.of(comment)))
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let service = lines(rows::SERVICE.keys);
    let defaults = lines(rows::MODULE.keys);
    let [modules, others] = match language {
        Language::English => [
            "\
# The modules of this service. Each is a collection of JSON documents: mounted at /<name>/<id> and
# kept in a DynamoDB table of its own. `modulo new <name>` adds one, `modulo check` tells what is
# wrong, `modulo serve` serves them on this machine. Editors complete and check the keys with the
# schema of the first line, which `modulo schema` prints.",
            "# What every module has that does not say otherwise.",
        ],
        Language::Portuguese => [
            "\
# Os módulos deste serviço. Cada um é uma coleção de documentos JSON: montado em /<nome>/<id> e
# guardado numa tabela própria do DynamoDB. `modulo new <nome>` acrescenta um, `modulo check` diz o
# que está errado, `modulo serve` os serve nesta máquina. Editores completam e conferem as chaves com
# o schema da primeira linha, que `modulo schema` mostra.",
            "# O que vale para todo módulo que não diz outra coisa.",
        ],
    };
    format!(
        "\
#:schema ./{SCHEMA_FILE}

{modules}

[service]
{service}

{others}
[defaults]
{defaults}
"
    )
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

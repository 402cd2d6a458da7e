//! `modulo new`: adds a module to `modules.toml`, and leaves the rest of the file as it is.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::arguments::FileArgs;
use super::environment;
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
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
        replace(file, &new).with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(block)
    }
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

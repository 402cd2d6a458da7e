//! `modulo new`: adds a module to `modules.toml`, and leaves the rest of the file as it is.

use anyhow::bail;

use super::arguments::FileArgs;
use super::modules_file::{Block, ModulesFile, commented, quoted};
use crate::config::keys::{Scaffold, rows};
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

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let (file, name) = (ModulesFile::read(&self.file)?, &self.name);
        let shown = self.file.file.display();
        if file
            .modules()
            .is_some_and(|modules| modules.get(name).is_some())
        {
            bail!("{shown} already has a module `{name}`; choose another name");
        }
        let block = block(name, self.key.as_ref()).to_string();
        file.append(&block, format_args!("module `{name}`"))?;
        say(&format!(
            "added to {shown}:\n\n{block}\nA running `modulo serve` mounts it at /{name} at once. \
             A deployment creates its table in AWS.\n"
        ));
        Ok(())
    }
}

fn block(name: &ModuleName, key: Option<&KeyAttribute>) -> Block {
    let key = quoted(&key.map_or_else(|| format!("{name}Id"), KeyAttribute::to_string));
    let mut block = Block::new(name);
    for row in rows::MODULE.keys {
        if let Scaffold::Module(comment) = row.scaffold {
            block.set(row.name, &key, comment);
        }
    }
    block.line("# Without its `#`, a line below holds.");
    for row in rows::MODULE.keys {
        if let Scaffold::Offered(comment) = row.scaffold {
            block.line(&commented(
                &format!("# {} = {}", row.name, row.example),
                comment,
            ));
        }
    }
    block
}

//! `modulo new`: adds a module to `modules.toml`, and leaves the rest of the file as it is.

use anyhow::bail;

use super::arguments::FileArgs;
use super::modules_file::{Block, ModulesFile, commented, quoted};
use crate::config::keys::{Scaffold, rows};
use crate::edge::serve::say;
use crate::module::guard::Callers;
use crate::module::name::{KeyAttribute, ModuleName, SortAttribute};

/// Add a module to modules.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module's name, the first part of its paths
    name: ModuleName,
    /// The table's partition key attribute [default: NAME followed by `Id`]
    #[arg(long, value_name = "ATTRIBUTE")]
    key: Option<KeyAttribute>,
    /// The table's sort key attribute [default: the table has none]
    #[arg(long, value_name = "ATTRIBUTE")]
    sort_key: Option<SortAttribute>,
    /// Say that the module is open to everybody on purpose, so that any stage can be deployed with it
    #[arg(long)]
    open: bool,
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
        let block = self.block().to_string();
        file.append(&block, format_args!("module `{name}`"))?;
        say(&format!(
            "added to {shown}:\n\n{block}\nA running `modulo serve` mounts it at /{name} at once. \
             A deployment creates its table in AWS.\n"
        ));
        Ok(())
    }

    fn block(&self) -> Block {
        let Self {
            name,
            key,
            sort_key,
            open,
            file: _,
        } = self;
        let key = key.as_ref();
        let partition = quoted(&key.map_or_else(|| format!("{name}Id"), KeyAttribute::to_string));
        let mut block = Block::new(name);
        for row in rows::MODULE.keys {
            if let Scaffold::Module(comment) = row.scaffold {
                match sort_key {
                    None => block.set(row.name, &partition, comment),
                    Some(sort) => {
                        let sort = quoted(sort.as_str());
                        let key = format!("{{ partition = {partition}, sort = {sort} }}");
                        block.set(row.name, key, "the table's partition key and sort key");
                    }
                }
            }
        }
        if *open {
            let comment = "open to everybody on purpose";
            block.set("access", quoted(Callers::OPEN), comment);
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
}

//! `modulo new`: adds a module to `modules.toml`, and leaves the rest of the file as it is.

use anyhow::bail;

use super::arguments::{FileArgs, LanguageArgs};
use super::modules_file::{Block, ModulesFile, commented, quoted};
use crate::config::keys::{Language, Scaffold, rows};
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
    language: LanguageArgs,
    #[command(flatten)]
    file: FileArgs,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let (name, language) = (&self.name, self.language.get());
        let file = ModulesFile::read(&self.file, language)?;
        let shown = self.file.file.display();
        if file
            .modules()
            .is_some_and(|modules| modules.get(name).is_some())
        {
            bail!("{shown} already has a module `{name}`; choose another name");
        }
        let module = NewModule {
            name,
            key: self.key.as_ref(),
            sort_key: self.sort_key.as_ref(),
            schema: None,
            open: self.open,
        };
        let block = module.block(language).to_string();
        file.append(&block, format_args!("module `{name}`"))?;
        say(&format!(
            "added to {shown}:\n\n{block}\nA running `modulo serve` mounts it at /{name} at once. \
             A deployment creates its table in AWS.\n"
        ));
        Ok(())
    }
}

/// A module that is added to a file.
pub(super) struct NewModule<'a> {
    pub(super) name: &'a ModuleName,
    /// If it is not the name followed by `Id`.
    pub(super) key: Option<&'a KeyAttribute>,
    pub(super) sort_key: Option<&'a SortAttribute>,
    /// The path of its documents' JSON Schema.
    pub(super) schema: Option<&'a str>,
    /// Whether it says that it is open to everybody.
    pub(super) open: bool,
}

impl NewModule<'_> {
    /// Its lines, with comments.
    pub(super) fn block(&self, language: Language) -> Block {
        let Self { name, .. } = self;
        let key = self.key.map(KeyAttribute::to_string);
        let partition = quoted(&key.unwrap_or_else(|| format!("{name}Id")));
        let mut block = Block::new(name);
        for row in rows::MODULE.keys {
            if let Scaffold::Module(comment) = row.scaffold {
                match self.sort_key {
                    None => block.set(row.name, &partition, language.of(comment)),
                    Some(sort) => {
                        let sort = quoted(sort.as_str());
                        let key = format!("{{ partition = {partition}, sort = {sort} }}");
                        let comment = language.choose(
                            "the table's partition key and sort key",
                            "a chave de partição e a chave de ordenação da tabela",
                        );
                        block.set(row.name, key, comment);
                    }
                }
            }
        }
        if let Some(schema) = self.schema {
            let comment = language.choose(
                "documents that do not fit this JSON Schema are answered 422",
                "documentos que não obedecem a este JSON Schema recebem 422",
            );
            block.set("schema", quoted(schema), comment);
        }
        if self.open {
            let comment = language.choose(
                "open to everybody on purpose",
                "aberto a todos de propósito",
            );
            block.set("access", quoted(Callers::OPEN), comment);
        }
        block.line(language.choose(
            "# Without its `#`, a line below holds.",
            "# Sem o seu `#`, uma linha abaixo passa a valer.",
        ));
        for row in rows::MODULE.keys {
            if let Scaffold::Offered(comment) = row.scaffold {
                block.line(&commented(
                    &format!("# {} = {}", row.name, row.example),
                    language.of(comment),
                ));
            }
        }
        block
    }
}

//! `modulo adopt`: adds modules for tables that exist to `modules.toml`.

mod block;
mod content;
mod live;
mod table;
mod template;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use tokio::runtime::Runtime;

use self::block::Adopted;
use self::content::Content;
use self::live::Live;
use self::table::ExistingTable;
use self::template::Template;
use super::arguments::{BackendArgs, FileArgs};
use super::modules_file::ModulesFile;
use crate::config::keys::Language;
use crate::edge::serve::say;
use crate::local::backend::Tables;
use crate::module::name::Stage;
use crate::module::{Modules, Purpose};

/// Add modules for existing tables to modules.toml
///
/// A module gets the table's key, its time to live and the indexes that can be served. A look at up
/// to 25 items shows whether documents are JSON text or native attributes. The tables are only read.
/// A module that is in modules.toml already, or one with the same table, stays as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The names of the tables
    #[arg(value_name = "TABLE", conflicts_with = "prefix")]
    tables: Vec<String>,
    /// All tables whose names begin with PREFIX
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// The tables of a CloudFormation template in JSON, as `serverless package` writes it
    ///
    /// Without --aws or --endpoint-url, everything is read from the template, and no item is seen.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print the lines, and do not write them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// A table, and what its items have.
type Found = (ExistingTable, Content);

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let file = ModulesFile::read(&self.file, Language::English)?;
        let found = self.find()?;
        let mut blocks = Vec::new();
        for (table, content) in &found {
            match adopt(table, content, file.modules(), &self.file.stage, &blocks) {
                Ok(adopted) => {
                    for note in &adopted.notes {
                        eprintln!("table `{}`: {note}", table.name);
                    }
                    blocks.push(adopted);
                }
                Err(reason) => eprintln!("table `{}` is left out: {reason}", table.name),
            }
        }
        let texts: Vec<_> = blocks
            .iter()
            .map(|adopted| adopted.block.to_string())
            .collect();
        let text = texts.join("\n");
        if text.is_empty() {
            say("there is nothing to add\n");
            return Ok(());
        }
        if self.dry_run {
            say(&text);
            return Ok(());
        }
        file.append(&text, "these modules")?;
        say(&format!("added to {}:\n\n{text}", self.file.file.display()));
        Ok(())
    }

    /// The tables that are meant, read from where they are described.
    fn find(&self) -> anyhow::Result<Vec<Found>> {
        let template = self.from.as_ref().map(|file| {
            let shown = file.display().to_string();
            let text =
                fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
            Template::parse(&text, &shown)
        });
        let template = template.transpose()?;
        for note in template.iter().flat_map(|template| &template.notes) {
            eprintln!("{note}");
        }
        match template {
            Some(template) if !self.backend.is_given() => self.of_template(&template),
            template => Runtime::new()?.block_on(self.of_dynamodb(template.as_ref())),
        }
    }

    fn of_template(&self, template: &Template) -> anyhow::Result<Vec<Found>> {
        let names = self.names_of(template);
        let found = names.iter().map(|name| match template.table(name) {
            Some(table) => Ok((table.clone(), Content::Unseen)),
            None => bail!("the template has no table `{name}`"),
        });
        found.collect()
    }

    async fn of_dynamodb(&self, template: Option<&Template>) -> anyhow::Result<Vec<Found>> {
        if !self.backend.is_given() {
            bail!("name the DynamoDB that has the tables, with --aws or --endpoint-url");
        }
        let tables = Tables::join(&self.backend.backend()?).await?;
        let live = Live::new(&tables);
        let found = async {
            let names = match (template, &self.prefix) {
                (Some(template), _) => self.names_of(template),
                (None, Some(prefix)) => live.names(prefix).await?,
                (None, None) if self.tables.is_empty() => {
                    bail!("name the tables, or what their names begin with, with --prefix")
                }
                (None, None) => self.tables.clone(),
            };
            let mut found = Vec::new();
            for name in &names {
                let table = live.table(name).await?;
                let table = table
                    .with_context(|| format!("there is no table `{name}` in {}", tables.place))?;
                let content = live.content(&table).await;
                found.push((table, content));
            }
            Ok(found)
        };
        let found = found.await;
        tables.close().await;
        found
    }

    /// The tables that are meant of those of a template.
    fn names_of(&self, template: &Template) -> Vec<String> {
        if !self.tables.is_empty() {
            return self.tables.clone();
        }
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let names = template.names().filter(|name| name.starts_with(prefix));
        names.map(str::to_owned).collect()
    }
}

/// The module for a table, or why there is none.
fn adopt(
    table: &ExistingTable,
    content: &Content,
    modules: Option<&Modules>,
    stage: &Stage,
    before: &[Adopted],
) -> Result<Adopted, String> {
    let adopted = block::adopted(table, content, stage)?;
    let name = &adopted.name;
    let mut others = modules.into_iter().flat_map(Modules::tables);
    if let Some(other) = others.find(|other| other.name().as_str() == table.name) {
        let owner = other.owner();
        return Err(match other.purpose() {
            Purpose::Items => format!("module `{owner}` has it already"),
            Purpose::History => format!("it has the versions of module `{owner}`"),
            Purpose::Idempotency => "it has the idempotency keys of all modules".to_owned(),
        });
    }
    let is_taken = modules.is_some_and(|modules| modules.get(name).is_some());
    if is_taken || before.iter().any(|other| other.name == *name) {
        return Err(format!(
            "there is another module `{name}` already; add this one by hand, under another name"
        ));
    }
    Ok(adopted)
}

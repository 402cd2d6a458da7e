//! `modulo compare`: whether another service answers as the one that it is to replace.

mod difference;
mod ids;
mod pair;
mod report;
mod service;
mod writes;

use std::num::NonZeroUsize;

use anyhow::{Context, bail};
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use self::ids::Ids;
use self::pair::{Outcome, Pair};
use self::report::Report;
use self::service::{Header, Service};
use self::writes::Writes;
use super::arguments::{BackendArgs, FileArgs};
use super::service_url::{ServiceUrl, Unquoted};
use super::transfer::{bar, table};
use crate::local::backend::Tables;
use crate::module::name::ModuleName;
use crate::module::tenant::Tenant;
use crate::module::{Envelope, Module};

/// Ask two services for the same items, and print where their answers differ
///
/// The ids are those of the module's table, and some that are not in it. Status and body are
/// compared, bodies as JSON: the order of members does not count, nor how a number is written. Both
/// services are only read, unless --write-to is given. The exit status is 0 if they answer the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The URL of the service that is to be replaced, without the module's name
    #[arg(value_name = "OLD_URL")]
    old: Unquoted,
    /// The URL of the service that replaces it, without the module's name
    #[arg(value_name = "NEW_URL")]
    new: Unquoted,
    /// The module's name
    #[arg(long, value_name = "NAME")]
    module: ModuleName,
    /// The module's name at the service that is to be replaced, if it is another there
    #[arg(long, value_name = "NAME")]
    old_module: Option<ModuleName>,
    /// Compare only so many items, from a random place of the table on [default: all]
    #[arg(long, value_name = "N")]
    sample: Option<NonZeroUsize>,
    /// Also write items whose ids begin with PREFIX, by one service and the other, and remove them
    ///
    /// Both services must have the same table. The documents are those of items in it.
    #[arg(long, value_name = "PREFIX")]
    write_to: Option<String>,
    /// A header of every request, such as 'authorization: Bearer TOKEN'; repeat it for more
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<Unquoted>,
    /// The tenant that the headers are of, if the module has tenants
    #[arg(long, value_name = "NAME")]
    tenant: Option<Tenant>,
    /// How many items are asked for at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// How many documents are written again.
const DOCUMENTS: usize = 3;

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        Runtime::new()?.block_on(self.compare())
    }

    async fn compare(self) -> anyhow::Result<()> {
        let old_url: ServiceUrl = self.old.parse().context("OLD_URL is not usable")?;
        let new_url: ServiceUrl = self.new.parse().context("NEW_URL is not usable")?;
        let headers: Result<Vec<Header>, _> = self.header.iter().map(Unquoted::parse).collect();
        let headers = headers.context("--header is not usable")?;
        let backend = self.backend.backend()?;
        let module = self.file.module(&self.module)?;
        let name = module.name();
        match (&self.tenant, module.tenant()) {
            (None, Some(_)) => bail!("module `{name}` has tenants; name one with --tenant"),
            (Some(_), None) => bail!("module `{name}` has no tenants; leave --tenant out"),
            _ => {}
        }
        let old_name = self.old_module.as_ref().unwrap_or(name);
        let pair = Pair {
            old: Service::new("old", &old_url, old_name.as_str(), headers.clone()),
            new: Service::new("new", &new_url, name.as_str(), headers),
        };
        let tables = Tables::join(&backend).await?;
        let compared = self.compare_items(&pair, &tables, &module).await;
        tables.close().await;
        compared
    }

    async fn compare_items(
        &self,
        pair: &Pair,
        tables: &Tables,
        module: &Module,
    ) -> anyhow::Result<()> {
        let facts = table(tables, module).await?;
        let ids = Ids::of(tables, module, self.tenant.clone()).await?;
        let prefix = self.write_to.as_deref();
        let writes = prefix.map(|prefix| Writes::new(pair, module, &ids, prefix));
        let writes = writes.transpose()?;
        let count = match self.sample {
            Some(count) => u64::try_from(count.get()).ok(),
            None => facts.items,
        };
        let mut report = Report::new(bar("comparing", count, "{human_pos}/{human_len} items"));
        let ran = async {
            absent(pair, &ids, module, &mut report).await?;
            let documents = self.items(pair, &ids, module, &mut report).await?;
            match writes {
                Some(writes) if !report.is_hopeless() => writes.run(documents, &mut report).await,
                _ => Ok(()),
            }
        };
        let ran = ran.await;
        report.end();
        ran?;
        report.verdict()
    }

    /// Asks for the items of the table; returns some of their documents.
    async fn items(
        &self,
        pair: &Pair,
        ids: &Ids,
        module: &Module,
        report: &mut Report,
    ) -> anyhow::Result<Vec<String>> {
        let ids = match self.sample {
            None => ids.all().left_stream(),
            Some(count) => {
                let sample = ids.sample(count.get()).await?;
                stream::iter(sample.into_iter().map(Ok)).right_stream()
            }
        };
        let asked = ids.map(|id| async move {
            let id = id?;
            let outcome = pair.get(&id).await;
            anyhow::Ok((id, outcome))
        });
        let mut asked = Box::pin(asked.buffer_unordered(self.concurrency.into()));
        let mut documents = Vec::new();
        while let Some(asked) = asked.next().await {
            let (id, outcome) = asked?;
            report.note_item(&format!("GET /{}/{id}", module.name()), &outcome);
            if let Outcome::Equal(answer) = &outcome
                && documents.len() < DOCUMENTS
            {
                documents.extend(document_of(&answer.body, module));
            }
            if report.is_hopeless() {
                break;
            }
        }
        Ok(documents)
    }
}

/// Asks for items that do not exist; before all others, since it shows whether the services answer.
async fn absent(
    pair: &Pair,
    ids: &Ids,
    module: &Module,
    report: &mut Report,
) -> anyhow::Result<()> {
    for service in pair.services() {
        let answer = service.get(&ids.fresh("")?).await;
        answer.with_context(|| format!("no answer of the {} service", service.name))?;
    }
    for id in ids.absent()? {
        let outcome = pair.get(&id).await;
        report.note(&format!("GET /{}/{id}", module.name()), &outcome);
    }
    Ok(())
}

/// The document that an answer to GET shows, if it is an object with members.
fn document_of(body: &str, module: &Module) -> Option<String> {
    #[derive(Deserialize)]
    struct Got {
        #[serde(rename = "GET")]
        item: Stored,
    }
    #[derive(Deserialize)]
    struct Stored {
        data: String,
    }

    let text = match module.envelope() {
        Envelope::Plain => body.to_owned(),
        Envelope::Verb => serde_json::from_str::<Got>(body).ok()?.item.data,
    };
    let mut members: Map<String, Value> = serde_json::from_str(&text).ok()?;
    if module.key_in_document() {
        for part in module.key().parts() {
            members.shift_remove(part.attribute.as_str());
        }
    }
    (!members.is_empty()).then(|| Value::from(members).to_string())
}

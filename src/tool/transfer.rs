//! A module's items out to JSON Lines, and in from there: `modulo export`, `modulo import`.
//!
//! Nothing is lost: an import restores each attribute that an export wrote, and a second export gives
//! the same bytes. After an interruption, the same command continues where its progress file says.

use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use self::progress::{Command, Content, Job};
use super::arguments::{BackendArgs, FileArgs};
use crate::local::Ownership;
use crate::local::backend::Tables;
use crate::module::Module;
use crate::module::name::ModuleName;
use crate::store::TableFacts;

pub(super) mod line;
pub(super) mod progress;

/// The arguments that both commands have.
#[derive(Debug, clap::Args)]
pub(super) struct TransferArgs {
    /// The module's name
    module: ModuleName,
    /// Start from the beginning, even if an earlier run was interrupted
    #[arg(long)]
    pub(super) restart: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    pub(super) backend: BackendArgs,
}

impl TransferArgs {
    pub(super) fn module(&self) -> anyhow::Result<Arc<Module>> {
        self.file.module(&self.module)
    }
}

/// The facts of the module's table, which must exist by now.
pub(super) async fn table(tables: &Tables, module: &Module) -> anyhow::Result<TableFacts> {
    if let Some(facts) = tables.store.table(module.table()).await? {
        return match tables.store.check(module.table()).await {
            Err(unusable) if unusable.is_of_the_key() => bail!(unusable),
            _ => Ok(facts),
        };
    }
    let mend = if tables.ownership == Ownership::Deployed {
        "check --stage, AWS_PROFILE and AWS_REGION, or create the table with a deployment"
    } else {
        "check --stage and the address of DynamoDB, or create the table with `modulo serve`"
    };
    bail!(
        "there is no table `{}` in {}; {mend}",
        module.table().name(),
        tables.place
    );
}

pub(super) fn job(
    command: Command,
    module: &Module,
    tables: &Tables,
    table: TableFacts,
    content: Option<Content>,
) -> Job {
    Job {
        command,
        module: module.name().to_string(),
        table: module.table().name().to_string(),
        place: tables.place.clone(),
        table_created_ms: table.created_ms,
        content,
    }
}

/// Runs to the end, or until Ctrl-C.
pub(super) async fn unless_interrupted<T>(
    run: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        result = run => result,
        interrupt = tokio::signal::ctrl_c() => {
            interrupt?;
            bail!("interrupted");
        }
    }
}

/// A bar on standard error, if that is a terminal.
pub(super) fn bar(doing: &'static str, length: Option<u64>, counts: &str) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = format!("{doing} {{wide_bar}} {counts} {{msg}} {{eta}}");
    let style = ProgressStyle::with_template(&template);
    bar.with_style(style.expect("the template is valid"))
}

/// `10,000 items … in 2 seconds, 5,000 a second`
pub(super) fn pace(items: u64, since: Instant) -> String {
    let elapsed = since.elapsed();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rounded rate, for people"
    )]
    let rate = (items as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    format!(
        "in {}, {} a second",
        HumanDuration(elapsed),
        HumanCount(rate)
    )
}

pub(super) fn count(items: u64) -> String {
    let plural = if items == 1 { "" } else { "s" };
    format!("{} item{plural}", HumanCount(items))
}

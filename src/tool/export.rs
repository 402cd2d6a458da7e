//! `modulo export`: from a table to JSON Lines, page by page.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::transfer::progress::{Command, Job, Progress, beside};
use super::transfer::{TransferArgs, bar, count, job, line, pace, table, unless_interrupted};
use crate::item::collection::Collection;
use crate::local::backend::Tables;
use crate::module::Module;
use crate::store::TableFacts;

/// Write all items of a module as JSON Lines, one item per line
///
/// If an export into a file is interrupted, the same command continues where it stopped. An export
/// is not a snapshot: an item that is written during the export may or may not be in it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    transfer: TransferArgs,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// How far an export has come: the output's first `bytes` are the items up to the one of id
/// `after`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Position {
    after: Option<String>,
    bytes: u64,
    items: u64,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        Runtime::new()?.block_on(self.export())
    }

    /// Writes all items of the module's table, in DynamoDB's order.
    async fn export(self) -> anyhow::Result<()> {
        let backend = self.transfer.backend.backend()?;
        let module = self.transfer.module()?;
        let output = self.output.filter(|path| path != Path::new("-"));
        if let Some(path) = &output
            && !self.force
            && path.exists()
        {
            let path = path.display();
            bail!("`{path}` already exists; name another file, or replace it with --force");
        }
        let tables = Tables::join(&backend).await?;
        let facts = table(&tables, &module).await?;
        match output {
            None => to_stdout(tables, &module, facts).await,
            Some(path) => to_file(&path, self.transfer.restart, tables, &module, facts).await,
        }
    }
}

async fn to_stdout(tables: Tables, module: &Arc<Module>, facts: TableFacts) -> anyhow::Result<()> {
    let start = Instant::now();
    let write = |text: &[u8], _: &_| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text)?;
        Ok(stdout.flush()?)
    };
    let read = read(&tables, module, facts, Position::default(), write).await;
    tables.close().await;
    let ended = match read {
        // The reader of the pipe has closed it (EPIPE), as `head` does: that is not a failure.
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        read => read.context("the export is not complete")?,
    };
    report(module, &ended, 0, start);
    Ok(())
}

/// If it fails halfway, the same call goes on from there, unless it is to `restart`.
async fn to_file(
    path: &Path,
    restart: bool,
    tables: Tables,
    module: &Arc<Module>,
    facts: TableFacts,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let job = job(Command::Export, module, &tables, facts, None);
    let (mut partial, begun) = Partial::open(path, job, restart)?;
    let already = begun.items;
    if already > 0 {
        eprintln!("continuing after {} of an earlier run", count(already));
    }
    let write = |text: &[u8], position: &_| partial.write(text, position);
    let read = unless_interrupted(read(&tables, module, facts, begun, write)).await;
    tables.close().await;
    let ended =
        read.context("the export is not complete; the same command continues where it stopped")?;
    partial.finish(path)?;
    report(module, &ended, already, start);
    Ok(())
}

fn report(module: &Module, ended: &Position, already: u64, start: Instant) {
    eprintln!(
        "{} exported from table `{}` {}; an item written during the export may or may not be among \
         them",
        count(ended.items),
        module.table().name(),
        pace(ended.items - already, start)
    );
}

/// Gives the table's items to `write`, page by page, each page with the position after it.
async fn read(
    tables: &Tables,
    module: &Arc<Module>,
    facts: TableFacts,
    mut position: Position,
    mut write: impl FnMut(&[u8], &Position) -> anyhow::Result<()>,
) -> anyhow::Result<Position> {
    let bar = bar("reading", facts.items, "{human_pos}/{human_len} items");
    let collection = Collection::new(module);
    let mut text = Vec::new();
    loop {
        bar.set_position(position.items);
        let page = tables.store.whole_page(&collection, position.after).await?;
        text.clear();
        for item in &page.items {
            line::write(&mut text, item)?;
        }
        position = Position {
            after: page.last,
            bytes: position.bytes + text.len() as u64,
            items: position.items + page.items.len() as u64,
        };
        write(&text, &position)?;
        if position.after.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(position)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// `FILE.partial`: what becomes the file once it is whole.
struct Partial {
    path: PathBuf,
    file: File,
    progress: Progress,
}

impl Partial {
    /// Opens it where an earlier run stopped.
    fn open(path: &Path, job: Job, restart: bool) -> anyhow::Result<(Self, Position)> {
        let (progress, begun) = Progress::open(path, job, restart)?;
        let begun = begun.unwrap_or_else(Position::default);
        let path = beside(path, ".partial");
        let shown = path.display();
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        let mut file = options
            .open(&path)
            .with_context(|| format!("cannot write `{shown}`"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another export is writing `{shown}`; wait for it, or name another file")
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if file.metadata()?.len() < begun.bytes {
            bail!("`{shown}` is shorter than an earlier run left it; start again with --restart");
        }
        // After the last page that the progress file records there may be half a page.
        file.set_len(begun.bytes)?;
        file.seek(SeekFrom::End(0))?;
        let partial = Self {
            path,
            file,
            progress,
        };
        Ok((partial, begun))
    }

    fn write(&mut self, text: &[u8], position: &Position) -> anyhow::Result<()> {
        let shown = self.path.display();
        self.file
            .write_all(text)
            .and_then(|()| self.file.sync_data())
            .with_context(|| format!("cannot write `{shown}`"))?;
        // Without an `after`, nothing is left to do.
        match position.after {
            Some(_) => self.progress.save(position),
            None => Ok(()),
        }
    }

    fn finish(self, path: &Path) -> anyhow::Result<()> {
        self.progress.remove()?;
        fs::rename(&self.path, path).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

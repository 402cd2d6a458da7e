//! From a table to JSON Lines, page by page.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::progress::{Command, Job, Progress, beside};
use super::{Options, bar, count, job, line, pace, table, unless_interrupted};
use crate::local::backend::Tables;
use crate::module::Module;
use crate::store::TableFacts;

/// Where an export goes.
#[derive(Debug, Clone)]
pub enum Output {
    /// To standard output.
    Stdout,
    /// Into a file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether one that is there may be replaced.
        force: bool,
    },
}

/// How far an export has come: the output's first `bytes` are the items up to the one of id
/// `after`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Position {
    after: Option<String>,
    bytes: u64,
    items: u64,
}

/// Writes all items of the module's table to `output`, in DynamoDB's order.
///
/// # Errors
/// The table can't be had or read, or the output can't be written to: then the same call goes on
/// from there, if the output is a file.
pub async fn export(options: &Options, output: &Output) -> anyhow::Result<()> {
    let module = options.module()?;
    if let Output::File { path, force: false } = output
        && path.exists()
    {
        let path = path.display();
        bail!("`{path}` is there already; name another file, or replace it with --force");
    }
    let tables = Tables::join(&options.backend).await?;
    let facts = table(&tables, &module).await?;
    let start = Instant::now();
    match output {
        Output::Stdout => {
            let to_stdout = |text: &[u8], _: &_| {
                let mut stdout = io::stdout().lock();
                stdout.write_all(text)?;
                Ok(stdout.flush()?)
            };
            let read = read(&tables, &module, facts, Position::default(), to_stdout).await;
            tables.close().await;
            match read {
                // Who reads no more has seen enough.
                Err(error) if is_broken_pipe(&error) => {}
                read => tell(
                    &module,
                    &read.context("the export is not complete")?,
                    0,
                    start,
                ),
            }
        }
        Output::File { path, .. } => {
            let job = job(Command::Export, &module, &tables, facts, None);
            let (mut partial, begun) = Partial::open(path, job, options.restart)?;
            let already = begun.items;
            if already > 0 {
                eprintln!("going on after {} of an earlier run", count(already));
            }
            let to_file = |text: &[u8], position: &_| partial.write(text, position);
            let read = read(&tables, &module, facts, begun, to_file);
            let read = unless_interrupted(read).await;
            tables.close().await;
            let ended = read
                .context("the export is not complete; the same command goes on where it stopped")?;
            partial.finish(path)?;
            tell(&module, &ended, already, start);
        }
    }
    Ok(())
}

fn tell(module: &Module, ended: &Position, already: u64, start: Instant) {
    eprintln!(
        "{} exported from table `{}` {}; what was written meanwhile may be among them or not",
        count(ended.items),
        module.table(),
        pace(ended.items - already, start)
    );
}

/// Gives the table's items to `write`, page by page, each page with the position after it.
async fn read(
    tables: &Tables,
    module: &Module,
    facts: TableFacts,
    mut position: Position,
    mut write: impl FnMut(&[u8], &Position) -> anyhow::Result<()>,
) -> anyhow::Result<Position> {
    let bar = bar("reading", facts.items, "{human_pos}/{human_len} items");
    let mut text = Vec::new();
    loop {
        bar.set_position(position.items);
        let page = tables.store.whole_page(module, position.after).await?;
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
                bail!("another export writes `{shown}`; wait for it, or name another file")
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if file.metadata()?.len() < begun.bytes {
            bail!("`{shown}` has lost what an earlier run had written; begin anew with --restart");
        }
        // What came after the last page that the progress file tells of, may be half a page.
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

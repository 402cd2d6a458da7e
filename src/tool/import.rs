//! `modulo import`: from JSON Lines into a table; the whole file is checked, then it is written.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{mem, panic, thread};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::transfer::line::{self, InvalidLine, MAX_LINE_BYTES, Reader};
use super::transfer::progress::{Command, Content, Progress};
use super::transfer::{TransferArgs, bar, count, job, pace, table, unless_interrupted};
use crate::item::collection::Collection;
use crate::local::backend::Tables;
use crate::module::Key;
use crate::store::{Record, Store, StoreError};

/// How many calls are under way at a time.
const CALLS: usize = 8;

/// A call takes no more lines after this many bytes, however few items they are.
const BATCH_BYTES: u64 = 4 << 20;

/// How many lines are checked at a time, and after how many bytes there are no more of them.
const CHECKED_LINES: usize = 4_096;
const CHECKED_BYTES: usize = 8 << 20;

/// The position is saved so often at the most: each time has the system write a file to the disk, and
/// what is stored again after an interruption changes nothing.
const SAVED_EVERY: Duration = Duration::from_millis(100);

/// How many wrong lines are shown.
const SHOWN: usize = 20;

/// Store the items of a JSON Lines file, such as an export
///
/// An item replaces the stored item with the same id. The whole file is checked first; if a line is
/// wrong, nothing is stored. If the import of a file is interrupted, the same command continues
/// where it stopped.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    transfer: TransferArgs,
    /// Keep the stamps that the lines have, as of an export; else each item gets those of a new one
    #[arg(long)]
    keep_stamps: bool,
    /// The file to read; `-` is standard input
    #[arg(value_name = "LINES")]
    input: PathBuf,
}

/// How far an import has come: all lines before `bytes` are stored.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Position {
    bytes: u64,
    items: u64,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        Runtime::new()?.block_on(self.import())
    }

    /// Writes the items into the module's table, each in the place of the one of its id. Nothing is
    /// written if a line is wrong. If the import of a file fails halfway, the same call goes on
    /// from there.
    async fn import(self) -> anyhow::Result<()> {
        let backend = self.transfer.backend.backend()?;
        let module = self.transfer.module()?;
        let source = Source::open(self.input)?;
        let collection = Collection::new(&module);
        let reader = Reader {
            collection: &collection,
            keeps_stamps: self.keep_stamps,
        };
        let content = source.check(reader)?;
        let bytes = content.bytes;

        let tables = Tables::join(&backend).await?;
        tables.prepare([module.table()]).await?;
        let facts = table(&tables, &module).await?;
        let job = job(Command::Import, &module, &tables, facts, Some(content));
        let (progress, begun) = match &source.path {
            Some(path) => {
                let (progress, begun) = Progress::open(path, job, self.transfer.restart)?;
                (Some(progress), begun)
            }
            None => (None, None),
        };
        let begun = begun.unwrap_or_else(Position::default);
        if begun.items > 0 {
            eprintln!("continuing after {} of an earlier run", count(begun.items));
        }

        let start = Instant::now();
        let run = Run {
            name: &source.name,
            reader,
            store: &tables.store,
            progress: progress.as_ref(),
            bytes,
        };
        let first_line = source.line_number_at(begun.bytes)?;
        let lines = source.lines_from(begun.bytes)?;
        let ended = unless_interrupted(run.write(lines, first_line, begun)).await;
        tables.close().await;
        let ended = ended.context(match progress {
            Some(_) => "the import is not complete; the same command continues where it stopped",
            None => "the import is not complete; import the same lines again to complete it",
        })?;
        if let Some(progress) = progress {
            progress.remove()?;
        }
        eprintln!(
            "{} imported into table `{}` {}",
            count(ended.items),
            module.table().name(),
            pace(ended.items - begun.items, start)
        );
        Ok(())
    }
}

/// The lines, which are read twice: to check them, and to write them.
struct Source {
    name: String,
    file: File,
    /// The file, if a later run can read it again.
    path: Option<PathBuf>,
}

impl Source {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Self::spool("standard input".to_owned(), io::stdin().lock());
        }
        let name = path.display().to_string();
        let file = File::open(&path).with_context(|| format!("cannot read `{name}`"))?;
        if file.metadata()?.is_file() {
            let path = Some(path);
            Ok(Self { name, file, path })
        } else {
            Self::spool(name, file)
        }
    }

    /// A pipe can be read only once, so its content is copied to a file that is deleted with the
    /// process.
    fn spool(name: String, mut pipe: impl Read) -> anyhow::Result<Self> {
        let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
        io::copy(&mut pipe, &mut file).with_context(|| format!("cannot read {name}"))?;
        let path = None;
        Ok(Self { name, file, path })
    }

    fn lines_from(&self, offset: u64) -> io::Result<Lines<'_>> {
        (&self.file).seek(SeekFrom::Start(offset))?;
        Ok(Lines(BufReader::new(&self.file)))
    }

    /// The number of the line that begins at `offset`.
    fn line_number_at(&self, offset: u64) -> io::Result<u64> {
        let mut before = self.lines_from(0)?.0.take(offset);
        let mut number = 1;
        while before.skip_until(b'\n')? > 0 {
            number += 1;
        }
        Ok(number)
    }

    /// Checks that each line is an item, and that no two lines have the same id.
    fn check(&self, reader: Reader<'_>) -> anyhow::Result<Content> {
        let bar = bar(
            "checking",
            Some(self.file.metadata()?.len()),
            "{bytes}/{total_bytes}",
        );
        let module = reader.collection.module();
        let mut wrong = WrongLines::new(&self.name, module.key());
        // Keyed by hashes of the ids, since ids can be long and many.
        let mut first_lines = HashMap::new();
        let mut content = Sha256::new();
        let mut bytes = 0;
        let mut lines = self.lines_from(0)?;
        let mut number = 0;
        loop {
            let some = lines.read_some()?;
            if some.is_empty() {
                break;
            }
            for (line, checked) in some.iter().zip(check(&some, reader)) {
                number += 1;
                content.update(line);
                bytes += line.len() as u64;
                let checked = checked.and_then(|found| {
                    let Some((id, hash)) = found else {
                        return Ok(());
                    };
                    match first_lines.entry(hash) {
                        Entry::Occupied(entry) => {
                            let first = *entry.get();
                            Err(InvalidLine::Repeated { id, first })
                        }
                        Entry::Vacant(entry) => {
                            entry.insert(number);
                            Ok(())
                        }
                    }
                });
                if let Err(invalid) = checked {
                    wrong.add(number, invalid);
                }
            }
            bar.set_position(bytes);
        }
        bar.finish_and_clear();
        if wrong.count > 0 {
            bail!("{wrong}");
        }
        Ok(Content {
            bytes,
            sha256: STANDARD.encode(content.finalize()),
            keeps_stamps: reader.keeps_stamps,
        })
    }
}

/// The id that a line has, and a hash of its key; of a blank line there is none.
type Checked = Result<Option<(String, [u8; 32])>, InvalidLine>;

/// Checks lines, with as many threads as there are processors.
fn check(lines: &[Vec<u8>], reader: Reader<'_>) -> Vec<Checked> {
    let check_line = move |line: &Vec<u8>| {
        if line::is_blank(line) {
            return Ok(None);
        }
        let (id, record) = reader.parse(line)?;
        let key = record.key(reader.collection.module());
        Ok(Some((id, Sha256::digest(key).into())))
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let parts: Vec<_> = lines
            .chunks(lines.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(check_line).collect::<Vec<_>>()))
            .collect();
        let checked = parts.into_iter().map(|part| match part.join() {
            Ok(checked) => checked,
            Err(panic) => panic::resume_unwind(panic),
        });
        checked.flatten().collect()
    })
}

/// The lines of a file.
struct Lines<'f>(BufReader<&'f File>);

impl Lines<'_> {
    /// Reads the next line with its newline; `false` at the end of the file. Of a line that is too
    /// long, only so much is kept that it can be recognised as such.
    fn read(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = self.0.by_ref().take(limit).read_until(b'\n', line)? as u64;
        if read == limit && !line.ends_with(b"\n") {
            self.0.skip_until(b'\n')?;
        }
        Ok(read > 0)
    }

    /// The next lines, as many as are checked at a time; none at the end of the file.
    fn read_some(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        let mut line = Vec::new();
        while lines.len() < CHECKED_LINES && bytes < CHECKED_BYTES && self.read(&mut line)? {
            bytes += line.len();
            lines.push(mem::take(&mut line));
        }
        Ok(lines)
    }
}

/// The wrong lines of a file, each with its error.
struct WrongLines<'n> {
    name: &'n str,
    /// That of the table.
    key: &'n Key,
    /// The first of them.
    shown: Vec<(u64, InvalidLine)>,
    count: usize,
}

impl<'n> WrongLines<'n> {
    fn new(name: &'n str, key: &'n Key) -> Self {
        Self {
            name,
            key,
            shown: Vec::new(),
            count: 0,
        }
    }

    fn add(&mut self, number: u64, invalid: InvalidLine) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push((number, invalid));
        }
    }
}

impl fmt::Display for WrongLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, invalid) in &self.shown {
            writeln!(f, "{}:{number}: {invalid}", self.name)?;
        }
        if self.count > self.shown.len() {
            writeln!(f, "and {} more", self.count - self.shown.len())?;
        }
        let are = if self.count == 1 {
            "line is"
        } else {
            "lines are"
        };
        write!(
            f,
            "{} {are} wrong; nothing was imported. A valid line is {}",
            self.count,
            line::example(self.key)
        )
    }
}

struct Run<'r> {
    /// The source's.
    name: &'r str,
    reader: Reader<'r>,
    store: &'r Store,
    progress: Option<&'r Progress>,
    /// Of all lines.
    bytes: u64,
}

impl Run<'_> {
    async fn write(
        &self,
        lines: Lines<'_>,
        first_line: u64,
        mut position: Position,
    ) -> anyhow::Result<Position> {
        let bar = bar("writing", Some(self.bytes), "{bytes}/{total_bytes}");
        bar.set_position(position.bytes);
        bar.reset_eta();
        let batches = Batches {
            lines,
            next_line: first_line,
            reader: self.reader,
        };
        // `buffered` keeps the file's order, so that everything before a position is stored.
        let mut done = stream::iter(batches)
            .map(|batch| async {
                let batch = batch?;
                self.put(&batch).await?;
                anyhow::Ok((batch.records.len() as u64, batch.bytes))
            })
            .buffered(CALLS);
        let mut saved: Option<Instant> = None;
        loop {
            let next = done.try_next().await;
            if let Ok(Some((items, bytes))) = next {
                position.items += items;
                position.bytes += bytes;
            }
            if let Some(progress) = self.progress
                && (next.is_err() || saved.is_none_or(|saved| saved.elapsed() >= SAVED_EVERY))
            {
                progress.save(&position)?;
                saved = Some(Instant::now());
            }
            if next?.is_none() {
                break;
            }
            bar.set_position(position.bytes);
            bar.set_message(count(position.items));
        }
        bar.finish_and_clear();
        Ok(position)
    }

    async fn put(&self, batch: &Batch) -> anyhow::Result<()> {
        match self
            .store
            .put_records(self.reader.collection.module().table(), &batch.records)
            .await
        {
            // DynamoDB refuses the whole call for one item: sent one by one, they show which it is.
            Err(StoreError::Refused(_) | StoreError::ItemTooLarge { .. }) => {}
            done => return Ok(done?),
        }
        for (record, number) in batch.records.iter().zip(&batch.lines) {
            let done = self.store.put_records(
                self.reader.collection.module().table(),
                std::slice::from_ref(record),
            );
            done.await.with_context(|| {
                format!("{}:{number}: DynamoDB does not take this item", self.name)
            })?;
        }
        Ok(())
    }
}

/// What one call writes.
struct Batch {
    records: Vec<Record>,
    /// The numbers of their lines.
    lines: Vec<u64>,
    /// Of their lines.
    bytes: u64,
}

struct Batches<'b> {
    lines: Lines<'b>,
    /// The number of the one that is read next.
    next_line: u64,
    reader: Reader<'b>,
}

impl Batches<'_> {
    fn read(&mut self) -> anyhow::Result<Batch> {
        let mut batch = Batch {
            records: Vec::with_capacity(Store::MAX_BATCH),
            lines: Vec::with_capacity(Store::MAX_BATCH),
            bytes: 0,
        };
        let mut line = Vec::new();
        while batch.records.len() < Store::MAX_BATCH
            && batch.bytes < BATCH_BYTES
            && self.lines.read(&mut line)?
        {
            batch.bytes += line.len() as u64;
            if !line::is_blank(&line) {
                let parsed = self.reader.parse(&line);
                let (_, record) = parsed.context("the file changed during the import")?;
                batch.records.push(record);
                batch.lines.push(self.next_line);
            }
            self.next_line += 1;
        }
        Ok(batch)
    }
}

impl Iterator for Batches<'_> {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.read();
        let is_end = batch.as_ref().is_ok_and(|batch| batch.bytes == 0);
        (!is_end).then_some(batch)
    }
}

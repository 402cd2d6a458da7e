//! Those who read the streams of the embedded engine as long as `modules.toml` asks for it, each on from
//! where they were.

use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::task::AbortHandle;

use super::positions::Positions;
use crate::change::Record;
use crate::local::{Position, Reader, Stream, StreamError, Streams};
use crate::module::Module;
use crate::telemetry::chain::Chain;

/// Somebody who reads the stream of a module's table.
pub(super) trait Reads: Clone + PartialEq + Send + 'static {
    /// The file in the data folder that says up to where each has read.
    const FILE: &str;
    /// What is said where there are no streams.
    const IDLE: &str;
    /// What is said where records that were not read are gone.
    const LOST: &str;
    /// What is said where the stream can't be read any more.
    const ENDED: &str;

    /// What it goes by in the file, and among all who need records of the stream.
    fn name(&self) -> String;

    fn module(&self) -> &Module;

    /// Says something that is a fault.
    fn warn(&self, what: impl Display);
}

/// All of one kind.
#[derive(Debug)]
pub(super) struct Readers<R> {
    streams: Option<Streams>,
    positions: Arc<Positions>,
    running: HashMap<String, Running<R>>,
}

#[derive(Debug)]
struct Running<R> {
    who: R,
    stream: Stream,
    task: AbortHandle,
}

impl<R: Reads> Readers<R> {
    /// Of `streams`, if there are any; `folder` keeps over a restart where each is.
    pub(super) fn open(streams: Option<Streams>, folder: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            streams,
            positions: Arc::new(Positions::open(folder, R::FILE)?),
            running: HashMap::new(),
        })
    }

    /// Has these read from now on, each by what `read` makes of it, and nobody else. Who did not change goes
    /// on.
    pub(super) async fn run<F>(
        &mut self,
        wanted: Vec<R>,
        read: impl Fn(R, Reading) -> F,
    ) -> Result<(), StreamError>
    where
        F: Future<Output = StreamError> + Send + 'static,
    {
        let Some(streams) = self.streams.clone() else {
            if !wanted.is_empty() {
                eprintln!(
                    "{}: only a `modulo serve` with its own, embedded DynamoDB sees the changes.",
                    R::IDLE
                );
            }
            return Ok(());
        };
        let names: Vec<_> = wanted.iter().map(Reads::name).collect();
        self.positions.forget_others(&names);
        for (name, gone) in self.running.extract_if(|name, _| !names.contains(name)) {
            gone.task.abort();
            gone.stream.release(&name);
        }
        for (name, who) in names.into_iter().zip(wanted) {
            match self.running.get(&name) {
                Some(same) if same.who == who => continue,
                Some(before) => before.task.abort(),
                None => {}
            }
            let reading = self.resume(&streams, name.clone(), &who).await?;
            let stream = reading.stream().clone();
            let (reading, reader) = (read(who.clone(), reading), who.clone());
            let task = tokio::spawn(async move {
                let error = reading.await;
                reader.warn(format_args!("{}: {}", R::ENDED, Chain(&error)));
            });
            let task = task.abort_handle();
            self.running.insert(name, Running { who, stream, task });
        }
        Ok(())
    }

    /// The stream from where somebody was.
    async fn resume(
        &self,
        streams: &Streams,
        name: String,
        who: &R,
    ) -> Result<Reading, StreamError> {
        let stream = streams.of(who.module().table().name()).await?;
        let from = match self.positions.get(&name) {
            None => stream.end().await?,
            Some(known) if stream.has(&known) => known,
            Some(_) => {
                who.warn(R::LOST);
                stream.beginning()
            }
        };
        self.positions.keep(&name, &stream, &from);
        Ok(Reading {
            name,
            reader: stream.read(from)?,
            positions: Arc::clone(&self.positions),
        })
    }
}

impl<R> Drop for Readers<R> {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

/// A stream as somebody reads it.
#[derive(Debug)]
pub(super) struct Reading {
    name: String,
    reader: Reader,
    positions: Arc<Positions>,
}

impl Reading {
    /// The next records, once there are any.
    pub(super) async fn next(&mut self) -> Result<Vec<Record>, StreamError> {
        self.reader.next().await
    }

    /// Behind what has been read.
    pub(super) fn position(&self) -> &Position {
        self.reader.position()
    }

    pub(super) fn stream(&self) -> &Stream {
        self.reader.stream()
    }

    /// Notes that nothing before a position is needed any more.
    pub(super) fn done(&self, position: &Position) {
        self.positions.keep(&self.name, self.stream(), position);
    }
}

//! The streams of the embedded engine's tables: what was written, record by record.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::operation::Operation;
use super::records::Records;
use super::runner::{RunError, Runner};
use crate::change::Record;
use crate::module::name::TableName;

/// How many records are read at a time, each of which has an item twice.
const AT_ONCE: usize = 25;

/// How often old records are deleted.
const TRIM: Duration = Duration::from_secs(10);

/// How many digits the engine's numbers have in public, of which the first is not in its database.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    runner: Runner,
    records: Arc<Mutex<Records>>,
    /// By table, who still needs which records.
    open: Arc<Mutex<HashMap<String, Needs>>>,
}

/// Behind which number somebody still needs the records, by a name for who it is.
type Needs = BTreeMap<String, u128>;

/// Why a stream can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("the embedded DynamoDB does not trim its streams")]
    Records(#[from] rusqlite::Error),
    #[error("the embedded DynamoDB answers `{0}`")]
    Refused(String),
    #[error("the embedded DynamoDB answers with what is not read here")]
    Unread(#[from] serde_json::Error),
    /// The records behind a position are no longer there, or not all of them.
    #[error("the stream of table `{0}` no longer has what follows that position")]
    Gone(String),
}

/// A place in a table's stream, behind a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Of the stream, which is another when it was switched off and on.
    label: String,
    /// The record's number; 0 is before all.
    number: u128,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.label, self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (label, number) = text.rsplit_once('-').ok_or(())?;
        Ok(Self {
            label: label.to_owned(),
            number: number.parse().map_err(|_| ())?,
        })
    }
}

/// The stream of a table.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    streams: Streams,
    table: String,
    arn: String,
    label: String,
}

/// Somebody who reads a stream.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: Stream,
    position: Position,
    iterator: Option<String>,
    written: watch::Receiver<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    table: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    latest_stream_arn: Option<String>,
    latest_stream_label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Updated {
    table_description: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    records: Vec<Record>,
    next_shard_iterator: Option<String>,
}

impl Streams {
    /// Those of the engine behind `runner`, whose database `SQLite` knows by this name.
    pub(super) async fn open(runner: Runner, database: String) -> Result<Self, StreamError> {
        let records = runner.alone(move || Records::open(&database)).await??;
        Ok(Self {
            runner,
            records: Arc::new(Mutex::new(records)),
            open: Arc::default(),
        })
    }

    /// That of a table, which is switched on if it is not.
    pub(crate) async fn of(&self, table: &TableName) -> Result<Stream, StreamError> {
        let name = table.as_str();
        let described: Described = self
            .call("DescribeTable", json!({ "TableName": name }))
            .await?;
        let found = match described.table {
            on @ Table {
                latest_stream_arn: Some(_),
                ..
            } => on,
            _ => self.switch_on(name).await?,
        };
        let lacking = || StreamError::Refused(format!("no stream of table `{name}`"));
        let stream = Stream {
            streams: self.clone(),
            table: name.to_owned(),
            arn: found.latest_stream_arn.ok_or_else(lacking)?,
            label: found.latest_stream_label.ok_or_else(lacking)?,
        };
        lock(&self.open).entry(stream.table.clone()).or_default();
        Ok(stream)
    }

    async fn switch_on(&self, table: &str) -> Result<Table, StreamError> {
        // Those of an earlier stream would be taken for this one's.
        let (records, name) = (Arc::clone(&self.records), table.to_owned());
        let cleared = self
            .runner
            .alone(move || lock(&records).clear(&name))
            .await?;
        cleared?;
        let on = json!({
            "TableName": table,
            "StreamSpecification": {
                "StreamEnabled": true,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        });
        let updated: Updated = self.call("UpdateTable", on).await?;
        Ok(updated.table_description)
    }

    /// Switches the streams off that nobody needs: those of all tables but these.
    pub(crate) async fn keep_only(&self, tables: &[&TableName]) -> Result<(), StreamError> {
        let listed: Value = self.call("ListStreams", json!({})).await?;
        let streams = listed["Streams"].as_array().cloned().unwrap_or_default();
        let names = streams
            .iter()
            .filter_map(|stream| stream["TableName"].as_str());
        for name in names.filter(|name| tables.iter().all(|table| table.as_str() != *name)) {
            let off = json!({
                "TableName": name,
                "StreamSpecification": { "StreamEnabled": false },
            });
            let _: Value = self.call("UpdateTable", off).await?;
        }
        Ok(())
    }

    /// Deletes, once in a while, the records that nobody needs any more.
    pub(crate) async fn keep_trimmed(&self) -> StreamError {
        let mut written = self.runner.written();
        loop {
            // A stream that nobody writes to stays as it is.
            if written.changed().await.is_err() {
                return RunError::Stopped.into();
            }
            sleep(TRIM).await;
            written.mark_unchanged();
            if let Err(error) = self.trim().await {
                return error;
            }
        }
    }

    /// Deletes the records that nobody needs any more.
    async fn trim(&self) -> Result<(), StreamError> {
        let open: Vec<_> = lock(&self.open)
            .iter()
            .map(|(table, needs)| (table.clone(), needs.values().min().copied()))
            .collect();
        for (table, needed) in open {
            let last = needed.map_or(i64::MAX, stored);
            let records = Arc::clone(&self.records);
            let trimmed = self
                .runner
                .alone(move || lock(&records).trim(&table, last))
                .await?;
            trimmed?;
        }
        Ok(())
    }

    async fn call<A: DeserializeOwned>(
        &self,
        operation: &str,
        body: Value,
    ) -> Result<A, StreamError> {
        let target = format!("DynamoDB_20120810.{operation}");
        let operation = Operation::of_target(&target).expect("the engine has it");
        let answer = self.runner.run(operation, body.to_string()).await?;
        if answer.is_done() {
            Ok(serde_json::from_slice(&answer.body)?)
        } else {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            Err(StreamError::Refused(text))
        }
    }
}

impl Stream {
    /// Before all records of it that are there.
    pub(crate) fn beginning(&self) -> Position {
        let trimmed = lock(&self.streams.records).trimmed(&self.table);
        let trimmed = u128::try_from(trimmed).unwrap_or_default();
        Position {
            label: self.label.clone(),
            number: if trimmed == 0 { 0 } else { OFFSET + trimmed },
        }
    }

    /// Behind the last record of it.
    pub(crate) async fn end(&self) -> Result<Position, StreamError> {
        let body = json!({ "StreamArn": self.arn });
        let described: Value = self.streams.call("DescribeStream", body).await?;
        let range = &described["StreamDescription"]["Shards"][0]["SequenceNumberRange"];
        let last = range["EndingSequenceNumber"].as_str();
        Ok(Position {
            label: self.label.clone(),
            number: last.and_then(|last| last.parse().ok()).unwrap_or_default(),
        })
    }

    /// Behind this record of it.
    pub(crate) fn behind(&self, record: &Record) -> Position {
        Position {
            label: self.label.clone(),
            number: record.sequence_number().parse().unwrap_or_default(),
        }
    }

    /// Before this record of it, whatever stands before it.
    pub(crate) fn before(&self, record: &Record) -> Position {
        let mut position = self.behind(record);
        position.number = position.number.saturating_sub(1);
        position
    }

    /// Whether all records behind a position are there.
    pub(crate) fn has(&self, position: &Position) -> bool {
        let trimmed = lock(&self.streams.records).trimmed(&self.table);
        position.label == self.label && stored(position.number) >= trimmed
    }

    /// Reads what follows a position.
    ///
    /// # Errors
    /// It is no longer there.
    pub(crate) fn read(&self, position: Position) -> Result<Reader, StreamError> {
        if !self.has(&position) {
            return Err(StreamError::Gone(self.table.clone()));
        }
        Ok(Reader {
            stream: self.clone(),
            position,
            iterator: None,
            written: self.streams.runner.written(),
        })
    }

    /// Has the records stay that are behind a position, for somebody by this name.
    pub(crate) fn need(&self, who: &str, position: &Position) {
        let mut open = lock(&self.streams.open);
        let needs = open.entry(self.table.clone()).or_default();
        needs.insert(who.to_owned(), position.number);
    }

    /// Lets go of what somebody needed.
    pub(crate) fn release(&self, who: &str) {
        if let Some(needs) = lock(&self.streams.open).get_mut(&self.table) {
            needs.remove(who);
        }
    }
}

impl Reader {
    /// Where it goes on.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// The stream that it reads.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The next records, once there are any. They are on the disk by then.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>, StreamError> {
        loop {
            self.written.mark_unchanged();
            let records = self.read().await?;
            if !records.is_empty() {
                return Ok(records);
            }
            if self.written.changed().await.is_err() {
                return Err(RunError::Stopped.into());
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Record>, StreamError> {
        let streams = &self.stream.streams;
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.first_iterator().await?,
        };
        let body = json!({ "ShardIterator": iterator, "Limit": AT_ONCE });
        let found: Found = streams.call("GetRecords", body).await?;
        if !found.records.is_empty() {
            streams.runner.settled().await?;
        }
        if !self.stream.has(&self.position) {
            return Err(StreamError::Gone(self.stream.table.clone()));
        }
        // No `await` comes after: whoever stops waiting finds them again.
        self.iterator = found.next_shard_iterator;
        if let Some(last) = found.records.last() {
            self.position = self.stream.behind(last);
        }
        Ok(found.records)
    }

    async fn first_iterator(&self) -> Result<String, StreamError> {
        let Stream {
            streams,
            table,
            arn,
            ..
        } = &self.stream;
        let mut body = json!({
            "StreamArn": arn,
            "ShardId": format!("shardId-00000001-{table}"),
            "ShardIteratorType": "TRIM_HORIZON",
        });
        if self.position.number > 0 {
            body["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
            body["SequenceNumber"] = self.position.number.to_string().into();
        }
        let answer: Value = streams.call("GetShardIterator", body).await?;
        let iterator = answer["ShardIterator"].as_str().map(str::to_owned);
        iterator.ok_or_else(|| StreamError::Gone(table.clone()))
    }
}

/// A number as the engine's database has it.
fn stored(number: u128) -> i64 {
    i64::try_from(number.saturating_sub(OFFSET)).unwrap_or(i64::MAX)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::config;
    use crate::local::{Data, Embedded, create_tables};
    use crate::module::Table;
    use crate::module::name::Stage;

    async fn write(client: &Client, count: usize) {
        for number in 0..count {
            let put = client.put_item().table_name("rooms-local");
            let put = put.item("roomId", AttributeValue::S(number.to_string()));
            put.send().await.expect("it is written");
        }
    }

    async fn count(stream: &Stream, from: &Position) -> usize {
        let mut reader = stream.read(from.clone()).expect("it is there");
        let mut count = 0;
        loop {
            match reader.read().await.expect("it can be read").len() {
                0 => return count,
                more => count += more,
            }
        }
    }

    async fn is_trimmed_as_far_as_nobody_needs_it(data: Data) {
        let text = "[modules.rooms]\nkey = 'roomId'";
        let config = config::parse(text, Path::new("modules.toml"), &Stage::default(), []);
        let config = config.expect("valid");
        let engine = Embedded::open(&data).expect("it opens");
        let client = Client::new(&engine.settings().await);
        let tables = || config.modules.tables();
        create_tables(&client, tables())
            .await
            .expect("they are made");
        let table = tables().map(Table::name).next().expect("there is one");
        // What was written before there was a stream is in none.
        write(&client, 10).await;
        let streams = engine.streams().await.expect("it has streams");
        let stream = streams.of(table).await.expect("it has one");
        let kept = usize::try_from(super::super::records::KEPT).expect("it is small");
        write(&client, 10).await;
        let beginning = stream.beginning();
        assert_eq!(count(&stream, &beginning).await, 10);
        let needed = stream.end().await.expect("there is an end");
        stream.need("somebody", &needed);
        write(&client, kept + 10).await;
        assert_eq!(count(&stream, &beginning).await, kept + 20);

        streams.trim().await.expect("it is trimmed");
        assert!(!stream.has(&beginning));
        assert!(matches!(stream.read(beginning), Err(StreamError::Gone(_))));
        assert_eq!(count(&stream, &needed).await, kept + 10);
        assert_eq!(count(&stream, &stream.beginning()).await, kept + 10);

        stream.release("somebody");
        streams.trim().await.expect("it is trimmed");
        assert_eq!(count(&stream, &stream.beginning()).await, kept);

        // Another stream of the same table has none of it.
        streams.keep_only(&[]).await.expect("it is switched off");
        write(&client, 10).await;
        let again = streams.of(table).await.expect("it has one");
        assert!(!again.has(&needed));
        assert_eq!(count(&again, &again.beginning()).await, 0);
        write(&client, 10).await;
        assert_eq!(count(&again, &again.beginning()).await, 10);
        drop((streams, stream, again, client));
        engine.stop().await;
    }

    #[tokio::test]
    async fn a_stream_in_memory_is_trimmed_as_far_as_nobody_needs_it() {
        is_trimmed_as_far_as_nobody_needs_it(Data::Memory).await;
    }

    #[tokio::test]
    async fn a_stream_on_the_disk_is_trimmed_as_far_as_nobody_needs_it() {
        let folder = tempfile::tempdir().expect("a folder");
        is_trimmed_as_far_as_nobody_needs_it(Data::Relaxed(folder.path().to_owned())).await;
    }
}

//! From a stream into the table of a history, and into the queues.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use tracing::{error, warn};

use super::{Answer, Changes, Recipient, Teller};
use crate::aws::queues::{Message, Queues};
use crate::change::{self, Change, Record};
use crate::json::content_tag;
use crate::telemetry::chain::Chain;

/// A message, and the record that it is of, by where that stands.
struct Pending {
    record: usize,
    message: Message,
}

impl Changes {
    /// Keeps what the records of a stream say as versions, and puts it into the queues of those who are to
    /// be told. What follows the first record of which that failed comes again, and is neither kept twice
    /// nor taken twice by a queue.
    pub(super) async fn enqueue(
        &self,
        arn: &str,
        records: &[Box<RawValue>],
    ) -> Result<Answer, lambda_http::Error> {
        let table = table_of(arn).ok_or("the stream of no table")?;
        let mut tellers = self.tellers.iter();
        let teller = tellers.find(|teller| teller.module.table().name().as_str() == table);
        let Some(teller) = teller else {
            // A module that is gone: what is left of its stream is nobody's.
            warn!("the stream of a table that no module has");
            return Ok(Answer::default());
        };
        let records = records
            .iter()
            .map(|record| serde_json::from_str(record.get()));
        let mut records: Vec<Record> = records.collect::<Result<_, _>>()?;
        let numbers = records.iter().map(Record::sequence_number);
        let numbers: Vec<_> = numbers.map(str::to_owned).collect();
        let mut failed = BTreeSet::new();
        if teller.module.history().is_some() {
            let kept = change::keep(&self.store, &teller.module, records.iter().cloned()).await;
            if let Err((at, error)) = kept {
                let module = teller.module.name();
                error!(%module, error = %Chain(&error), "versions can't be kept");
                failed.insert(at);
            }
        }
        // What comes again is told when it comes again, and not each time in vain.
        let told = match failed.first() {
            _ if teller.recipients.is_empty() => 0,
            Some(&failed) => failed,
            None => records.len(),
        };
        records.truncate(told);
        let changes = records.into_iter().map(|record| {
            Change::of(record, &teller.module).unwrap_or_else(|invalid| {
                error!(module = %teller.module.name(), error = %invalid, "a change is left out");
                None
            })
        });
        let changes: Vec<_> = changes.collect();
        for recipient in &teller.recipients {
            let pending = pending(teller, recipient, &changes);
            failed.extend(self.fill(recipient, &pending).await);
        }
        let first = failed.first().map(|&at| numbers[at].clone());
        Ok(Answer::failing(first))
    }

    /// Puts messages into somebody's queue. Gives back where the first record stands of which that
    /// failed.
    async fn fill(&self, recipient: &Recipient, pending: &[Pending]) -> Option<usize> {
        let mut rest = pending;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch(rest));
            rest = later;
            let messages: Vec<_> = now.iter().map(|one| one.message.clone()).collect();
            let failed = match self.queues.send(&recipient.queue, &messages).await {
                Ok(failed) => failed.into_iter().min(),
                Err(failure) => {
                    let module = recipient.module.name();
                    error!(%module, error = %failure, "changes can't be queued");
                    Some(0)
                }
            };
            if let Some(at) = failed {
                return Some(now[at].record);
            }
        }
        None
    }
}

/// What somebody is to be told.
fn pending(teller: &Teller, recipient: &Recipient, changes: &[Option<Change>]) -> Vec<Pending> {
    let changes = changes.iter().enumerate();
    let wanted = changes.filter_map(|(record, change)| {
        let change = recipient.target.wanted(change.as_ref()?)?;
        let message = Message {
            id: change.id().to_owned(),
            group: content_tag::of(&change.of_item()),
            body: change.to_event(&teller.source),
        };
        if message.body.len() > Queues::BYTES {
            let module = recipient.module.name();
            error!(%module, event = message.id, "an event is too long for a queue, and is left out");
            return None;
        }
        Some(Pending { record, message })
    });
    wanted.collect()
}

/// How many of the messages go in one call: no two of one group, of which the second could be taken
/// without the first.
fn batch(pending: &[Pending]) -> usize {
    let mut groups = BTreeSet::new();
    let mut bytes = 0;
    let fitting = pending.iter().take(Queues::AT_ONCE).take_while(|one| {
        bytes += one.message.body.len();
        bytes <= Queues::BYTES && groups.insert(&one.message.group)
    });
    fitting.count()
}

/// The table's name in the ARN of its stream.
fn table_of(arn: &str) -> Option<&str> {
    let (_, table) = arn.split_once(":table/")?;
    let (name, _) = table.split_once('/')?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_one_item_go_one_after_the_other() {
        let pending = |groups: &str| -> Vec<_> {
            let groups = groups.chars().enumerate();
            let message = |(record, group): (usize, char)| Pending {
                record,
                message: Message {
                    id: record.to_string(),
                    group: group.to_string(),
                    body: "{}".to_owned(),
                },
            };
            groups.map(message).collect()
        };
        assert_eq!(batch(&pending("a")), 1);
        assert_eq!(batch(&pending("abca")), 3);
        assert_eq!(batch(&pending("aab")), 1);
        assert_eq!(batch(&pending("abcdefghijkl")), 10);
        let mut long = pending("abc");
        for one in &mut long {
            one.message.body = "x".repeat(Queues::BYTES / 2);
        }
        assert_eq!(batch(&long), 2);
    }

    #[test]
    fn a_streams_arn_names_its_table() {
        let arn =
            "arn:aws:dynamodb:us-east-1:123456789012:table/rooms-prod/stream/2026-11-28T12:00";
        assert_eq!(table_of(arn), Some("rooms-prod"));
        assert_eq!(table_of("arn:aws:sqs:us-east-1:123456789012:rooms"), None);
    }
}

//! From a queue to the one who is told.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::{error, info, warn};

use super::target::NotAccepted;
use super::{Answer, Changes, Recipient};
use crate::aws::outlet::Event;
use crate::aws::queues::Message;
use crate::module::queue;
use crate::webhooks::doubled;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// A message as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    #[serde(rename = "messageId")]
    id: String,
    receipt_handle: String,
    body: String,
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    message_group_id: String,
    approximate_receive_count: String,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Known<'e> {
    id: &'e str,
    r#type: &'e str,
    source: &'e str,
    time: &'e str,
}

impl Changes {
    /// Sends the messages of a queue: those of one item in their order, those of others beside them. What
    /// follows one that was not accepted waits for it.
    pub(super) async fn send(
        &self,
        arn: &str,
        records: &[Box<RawValue>],
    ) -> Result<Answer, lambda_http::Error> {
        let queue = arn.rsplit(':').next().unwrap_or_default();
        let recipient = self.recipients.get(queue);
        let recipient = recipient.ok_or("a queue of nobody whom these modules tell")?;
        let mut groups: IndexMap<String, Vec<Received>> = IndexMap::new();
        for record in records {
            let message: Received = serde_json::from_str(record.get())?;
            let group = message.attributes.message_group_id.clone();
            groups.entry(group).or_default().push(message);
        }
        let groups = groups.into_values();
        let failed = join_all(groups.map(|group| self.send_group(recipient, group))).await;
        Ok(Answer::failing(failed.into_iter().flatten()))
    }

    /// Sends the messages of one item. Gives back those that were not accepted.
    async fn send_group(&self, recipient: &Recipient, group: Vec<Received>) -> Vec<String> {
        let mut sent = 0;
        for message in &group {
            if let Err(pause) = self.send_one(recipient, message).await {
                self.put_off(recipient, &group[sent..], pause).await;
                break;
            }
            sent += 1;
        }
        let rest = group.into_iter().skip(sent);
        rest.map(|message| message.id).collect()
    }

    /// Has messages of one item come again after a pause: all of them, since the first does not come
    /// while a later one is taken to be worked on.
    async fn put_off(&self, recipient: &Recipient, messages: &[Received], pause: Duration) {
        let receipts = messages.iter().map(|message| &*message.receipt_handle);
        let put_off = self.queues.put_off(&recipient.queue, receipts, pause);
        if let Err(failure) = put_off.await {
            let module = recipient.module.name();
            // They come again all the same, once the queue takes this function to have failed.
            warn!(%module, error = %failure, "they are not sent again as soon as they should be");
        }
    }

    /// Sends a message, or says how long it is to wait.
    async fn send_one(&self, recipient: &Recipient, message: &Received) -> Result<(), Duration> {
        let (module, to) = (recipient.module.name(), &recipient.target);
        let Ok(known) = serde_json::from_str::<Known>(&message.body) else {
            error!(%module, "a message that is not an event is left out");
            return Ok(());
        };
        let event = known.id;
        let attempt = message.attributes.approximate_receive_count.parse();
        let attempt = attempt.unwrap_or(1);
        let began = Instant::now();
        let sent = recipient.target.send(Event {
            id: event,
            kind: known.r#type,
            source: known.source,
            time: known.time,
            group: &message.attributes.message_group_id,
            body: &message.body,
        });
        let sent = sent.await;
        let ms = began.elapsed().as_millis();
        let error = match sent {
            Ok(status) => {
                info!(%module, %to, event, status, ms, attempt, "sent");
                return Ok(());
            }
            Err(NotAccepted::Unwanted(error)) => {
                error!(%module, %to, event, error, ms, attempt, "given up");
                return Ok(());
            }
            Err(NotAccepted::Ever(error)) => {
                error!(%module, %to, event, error, ms, attempt, "goes to the dead letters");
                let buried = self.bury(recipient, message).await;
                return buried.then_some(()).ok_or(pause(attempt));
            }
            Err(NotAccepted::Now(error)) => error,
        };
        let pause = pause(attempt);
        let again = pause.as_secs();
        warn!(%module, %to, event, error, ms, attempt, again, "not accepted");
        Err(pause)
    }

    /// Puts a message among the dead letters at once: to send it again would be in vain, and those that
    /// follow it would wait for it.
    async fn bury(&self, recipient: &Recipient, message: &Received) -> bool {
        let letter = Message {
            // Not the event's: one that was put back, and comes here again, is no duplicate.
            id: message.id.clone(),
            group: message.attributes.message_group_id.clone(),
            body: message.body.clone(),
        };
        let queue = queue::dead_letters(&recipient.queue);
        match self.queues.send(&queue, &[letter]).await {
            Ok(failed) => failed.is_empty(),
            Err(failure) => {
                let module = recipient.module.name();
                error!(%module, error = %failure, "the dead letters do not take it");
                false
            }
        }
    }
}

/// The pause after so many attempts.
fn pause(attempts: u32) -> Duration {
    doubled(FIRST_PAUSE, LONGEST_PAUSE, attempts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour_and_are_a_day_in_all() {
        let seconds = [1, 2, 3, 8, 9, 104].map(|attempts| pause(attempts).as_secs());
        assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
        let all: Duration = (1..104).map(pause).sum();
        assert_eq!(all.as_secs() / 3_600, 24);
    }
}

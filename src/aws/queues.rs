//! Queues of Amazon SQS.

use std::collections::HashMap;
#[cfg(feature = "changes")]
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
#[cfg(feature = "changes")]
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry as VisibilityEntry;
#[cfg(feature = "cli")]
use aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry as Entry;
use tokio::sync::Mutex;

use super::failure::Failure;

/// A message for a queue whose messages are in order.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Tells it apart: the same message sent again is not taken twice.
    pub(crate) id: String,
    /// Those of one group come in the order in which they were sent.
    pub(crate) group: String,
    pub(crate) body: String,
}

/// A message that was received.
#[cfg(feature = "cli")]
pub(crate) struct Received {
    pub(crate) message: Message,
    /// By which it is deleted.
    pub(crate) receipt: String,
}

/// The queues of the account, by their names.
#[derive(Debug)]
pub struct Queues {
    client: Client,
    urls: Mutex<HashMap<String, String>>,
}

impl Queues {
    /// As many messages as one call takes.
    #[cfg(feature = "changes")]
    pub(crate) const AT_ONCE: usize = 10;

    /// As many bytes of them, with room for what is around.
    #[cfg(feature = "changes")]
    pub(crate) const BYTES: usize = 1_000_000;

    /// Those of the account or the emulator that `settings` lead to.
    #[must_use]
    pub fn new(settings: &SdkConfig) -> Self {
        Self {
            client: Client::new(settings),
            urls: Mutex::default(),
        }
    }

    /// Sends messages in one call. Gives back where those stand that were not taken.
    pub(crate) async fn send(
        &self,
        queue: &str,
        messages: &[Message],
    ) -> Result<Vec<usize>, Failure> {
        let entries = messages.iter().enumerate().map(|(at, message)| {
            Entry::builder()
                .id(at.to_string())
                .message_deduplication_id(&message.id)
                .message_group_id(&message.group)
                .message_body(&message.body)
                .build()
                .expect("id and body are there")
        });
        let call = self.client.send_message_batch();
        let call = call.queue_url(self.url(queue).await?);
        let sent = call.set_entries(Some(entries.collect())).send().await;
        let sent = sent.map_err(|error| Failure::new(&error))?;
        let failed = sent.failed().iter();
        Ok(failed.filter_map(|entry| entry.id().parse().ok()).collect())
    }

    /// Receives messages, which nobody else gets for a while; none, if there are none for some seconds.
    #[cfg(feature = "cli")]
    pub(crate) async fn receive(&self, queue: &str) -> Result<Vec<Received>, Failure> {
        let call = self.client.receive_message();
        let received = call
            .queue_url(self.url(queue).await?)
            .max_number_of_messages(10)
            .visibility_timeout(60)
            .wait_time_seconds(2)
            .message_system_attribute_names(MessageGroupId)
            .send()
            .await
            .map_err(|error| Failure::new(&error))?;
        let messages = received.messages.unwrap_or_default().into_iter();
        let messages = messages.map(|message| Received {
            receipt: message.receipt_handle.unwrap_or_default(),
            message: Message {
                id: message.message_id.unwrap_or_default(),
                group: (message.attributes.unwrap_or_default())
                    .remove(&MessageGroupId)
                    .unwrap_or_default(),
                body: message.body.unwrap_or_default(),
            },
        });
        Ok(messages.collect())
    }

    /// Deletes a message that was received.
    #[cfg(feature = "cli")]
    pub(crate) async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Failure> {
        let call = self.client.delete_message();
        let call = call
            .queue_url(self.url(queue).await?)
            .receipt_handle(receipt);
        let done = call.send().await;
        done.map_err(|error| Failure::new(&error))?;
        Ok(())
    }

    /// Has messages that were received, as many as one call takes, come again only after a pause.
    #[cfg(feature = "changes")]
    pub(crate) async fn put_off(
        &self,
        queue: &str,
        receipts: impl Iterator<Item = &str>,
        pause: Duration,
    ) -> Result<(), Failure> {
        let seconds = i32::try_from(pause.as_secs()).unwrap_or(i32::MAX);
        let entries = receipts.enumerate().map(|(at, receipt)| {
            VisibilityEntry::builder()
                .id(at.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds)
                .build()
                .expect("id and receipt are there")
        });
        let call = self.client.change_message_visibility_batch();
        let call = call.queue_url(self.url(queue).await?);
        let done = call.set_entries(Some(entries.collect())).send().await;
        let done = done.map_err(|error| Failure::new(&error))?;
        let refused = done.failed().first();
        refused.map_or(Ok(()), |refused| {
            Err(Failure::of(
                refused.code(),
                refused.message().unwrap_or_default(),
            ))
        })
    }

    async fn url(&self, queue: &str) -> Result<String, Failure> {
        let mut urls = self.urls.lock().await;
        if let Some(known) = urls.get(queue) {
            return Ok(known.clone());
        }
        let found = self.client.get_queue_url().queue_name(queue).send().await;
        let found = found.map_err(|error| Failure::new(&error))?;
        let url = found.queue_url.unwrap_or_default();
        urls.insert(queue.to_owned(), url.clone());
        Ok(url)
    }
}

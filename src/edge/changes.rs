//! The second function: changes from the streams of tables into the tables of histories and the queues of
//! those who are told, and from the queues to them.

use std::collections::HashMap;
use std::sync::Arc;

use lambda_http::LambdaEvent;
use lambda_http::lambda_runtime::Runtime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tower::service_fn;

use self::target::Target;
use crate::aws::queues::Queues;
use crate::change::Source;
use crate::config::Config;
use crate::module::{Module, queue};
use crate::store::Store;
use crate::webhooks::Surroundings;

mod enqueue;
mod send;
mod target;

/// Answers Lambda's invocations, one after the other.
///
/// # Errors
/// Lambda's runtime API can't be reached.
pub async fn run(config: &Config, store: Store, queues: Queues) -> Result<(), lambda_http::Error> {
    let changes = Arc::new(Changes::new(config, store, queues));
    let service = service_fn(move |event: LambdaEvent<Event>| {
        let changes = Arc::clone(&changes);
        async move { changes.take(event.payload).await }
    });
    Runtime::new(service).run().await
}

/// What Lambda hands over: records of one stream, or messages of one queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    records: Vec<Box<RawValue>>,
}

/// Where a record is from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    event_source: String,
    #[serde(rename = "eventSourceARN")]
    arn: String,
}

/// What was not done, and is to come again.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl Answer {
    fn failing(identifiers: impl IntoIterator<Item = String>) -> Self {
        let failed = identifiers.into_iter();
        Self {
            batch_item_failures: failed
                .map(|item_identifier| Failed { item_identifier })
                .collect(),
        }
    }
}

/// What it knows.
struct Changes {
    store: Store,
    queues: Queues,
    tellers: Vec<Teller>,
    /// Those who are told, by the names of their queues.
    recipients: HashMap<String, Arc<Recipient>>,
}

/// A module that tells of its changes.
struct Teller {
    module: Arc<Module>,
    source: Source,
    recipients: Vec<Arc<Recipient>>,
}

/// Somebody who is told.
struct Recipient {
    module: Arc<Module>,
    queue: String,
    target: Target,
}

impl Changes {
    fn new(config: &Config, store: Store, queues: Queues) -> Self {
        let (service, stage) = (&config.service.name, &config.service.stage);
        // An emulator is beside those who are told.
        let surroundings = if stage.is_local() {
            Surroundings::Laptop
        } else {
            Surroundings::Function
        };
        let tellers = config.modules.iter().map(|module| {
            let recipients = Target::of(module, surroundings).map(|(whose, target)| {
                Arc::new(Recipient {
                    module: Arc::clone(module),
                    queue: queue::name(service, stage, module.name(), &whose),
                    target,
                })
            });
            Teller {
                module: Arc::clone(module),
                source: Source::new(service, stage, module.name()),
                recipients: recipients.collect(),
            }
        });
        let tellers: Vec<_> = tellers.collect();
        let recipients = tellers.iter().flat_map(|teller| &teller.recipients);
        let recipients =
            recipients.map(|recipient| (recipient.queue.clone(), Arc::clone(recipient)));
        Self {
            store,
            queues,
            recipients: recipients.collect(),
            tellers,
        }
    }

    async fn take(&self, event: Event) -> Result<Answer, lambda_http::Error> {
        let Some(first) = event.records.first() else {
            return Ok(Answer::default());
        };
        let Origin { event_source, arn } = serde_json::from_str(first.get())?;
        match event_source.as_str() {
            "aws:dynamodb" => self.enqueue(&arn, &event.records).await,
            "aws:sqs" => self.send(&arn, &event.records).await,
            other => Err(format!("an event of `{other}`, which is not known here").into()),
        }
    }
}

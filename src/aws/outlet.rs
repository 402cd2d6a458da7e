//! Events on their way to a bus of `EventBridge`, a queue of SQS or a topic of SNS.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::account;
use super::failure::Failure;
use crate::module::arn::Arn;
use crate::module::events::{Bus, Destination};

/// How long a call may take, with what the SDK repeats of it.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What the sources of a bus's events begin with.
const SOURCE: &str = "modulo";

/// What the services say of a message that they can't take however often it is sent.
const TOO_LONG: [&str; 3] = [
    "Message must be shorter than",
    "Message too long",
    "Total size of the entries in the request is over the limit",
];

/// An event, as far as destinations look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'e> {
    pub(crate) id: &'e str,
    pub(crate) kind: &'e str,
    pub(crate) source: &'e str,
    /// As RFC 3339 has it.
    pub(crate) time: &'e str,
    /// Those of one group are in order, where the destination keeps one.
    pub(crate) group: &'e str,
    pub(crate) body: &'e str,
}

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// It can be taken later.
    #[error(transparent)]
    Now(#[from] Failure),
    /// It never will be.
    #[error("it is too long: {0}")]
    Ever(Failure),
}

/// A way to a destination.
#[derive(Debug)]
pub(crate) struct Outlet {
    destination: Destination,
    /// Made on first need: a process is handed the events of some destinations only.
    client: OnceCell<Client>,
}

#[derive(Debug)]
enum Client {
    Bus {
        client: aws_sdk_eventbridge::Client,
        bus: String,
    },
    Queue {
        client: aws_sdk_sqs::Client,
        url: String,
        is_fifo: bool,
    },
    Topic {
        client: aws_sdk_sns::Client,
        arn: String,
        is_fifo: bool,
    },
}

impl Outlet {
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            client: OnceCell::new(),
        }
    }

    pub(crate) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Sends an event once.
    pub(crate) async fn send(&self, event: Event<'_>) -> Result<(), NotTaken> {
        let connect = || Client::of(&self.destination);
        let sent = timeout(TIME_LIMIT, async {
            let client = self.client.get_or_try_init(connect).await?;
            client.send(event).await
        });
        sent.await.unwrap_or_else(|_| {
            let text = format!("there was no answer in {} s", TIME_LIMIT.as_secs());
            Err(NotTaken::Now(Failure(text)))
        })
    }
}

impl Client {
    async fn of(destination: &Destination) -> Result<Self, Failure> {
        Ok(match destination {
            Destination::Bus(bus) => {
                let client = match bus {
                    Bus::Own(_) => aws_sdk_eventbridge::Client::new(account().await),
                    Bus::Of(arn) => aws_sdk_eventbridge::Client::new(&account_for(arn).await),
                };
                make_sure_of(bus, &client).await?;
                let bus = bus.to_string();
                Self::Bus { client, bus }
            }
            Destination::Queue(queue) => {
                let arn = queue.arn();
                let client = aws_sdk_sqs::Client::new(&account_for(arn).await);
                let call = client.get_queue_url().queue_name(arn.resource());
                let call = call.queue_owner_aws_account_id(arn.account());
                let found = call.send().await.map_err(|error| Failure::new(&error))?;
                Self::Queue {
                    client,
                    url: found.queue_url.unwrap_or_default(),
                    is_fifo: arn.is_fifo(),
                }
            }
            Destination::Topic(topic) => {
                let arn = topic.arn();
                Self::Topic {
                    client: aws_sdk_sns::Client::new(&account_for(arn).await),
                    arn: arn.to_string(),
                    is_fifo: arn.is_fifo(),
                }
            }
        })
    }

    async fn send(&self, event: Event<'_>) -> Result<(), NotTaken> {
        let (group, id) = (event.group, event.id);
        let in_order = |is_fifo: bool| {
            let part = |text: &str| is_fifo.then(|| text.to_owned());
            (part(group), part(id))
        };
        match self {
            Self::Bus { client, bus } => put(client, bus, event).await?,
            Self::Queue {
                client,
                url,
                is_fifo,
            } => {
                let (group, id) = in_order(*is_fifo);
                let call = client.send_message().queue_url(url);
                let call = call.message_body(event.body).set_message_group_id(group);
                let call = call.set_message_deduplication_id(id);
                call.send().await.map_err(|error| not_taken(&error))?;
            }
            Self::Topic {
                client,
                arn,
                is_fifo,
            } => {
                let (group, id) = in_order(*is_fifo);
                let call = client.publish().topic_arn(arn).message(event.body);
                let call = call
                    .message_attributes("type", attribute(event.kind))
                    .message_attributes("source", attribute(event.source))
                    .set_message_group_id(group)
                    .set_message_deduplication_id(id);
                call.send().await.map_err(|error| not_taken(&error))?;
            }
        }
        Ok(())
    }
}

/// The function's settings, for calls where the resource is.
async fn account_for(resource: &Arn) -> SdkConfig {
    let region = Region::new(resource.region().to_owned());
    account().await.to_builder().region(region).build()
}

/// `EventBridge` takes events for a bus that is not there, and drops them:
/// <https://github.com/aws/aws-cli/issues/9186>. Of a bus of others it can't be asked whether it is there.
async fn make_sure_of(bus: &Bus, client: &aws_sdk_eventbridge::Client) -> Result<(), Failure> {
    match bus {
        Bus::Own(name) if name != Bus::DEFAULT => {
            let described = client.describe_event_bus().name(name).send().await;
            described.map_err(|error| Failure::new(&error))?;
        }
        Bus::Own(_) | Bus::Of(_) => {}
    }
    Ok(())
}

async fn put(
    client: &aws_sdk_eventbridge::Client,
    bus: &str,
    event: Event<'_>,
) -> Result<(), NotTaken> {
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(format!("{SOURCE}{}", event.source))
        .detail_type(event.kind)
        .detail(event.body)
        .set_time(DateTime::from_str(event.time, Format::DateTime).ok());
    let call = client.put_events().entries(entry.build());
    let put = call.send().await.map_err(|error| not_taken(&error))?;
    let refused = put.entries().iter().find_map(|entry| {
        let message = entry.error_message().unwrap_or_default();
        Some(Failure::of(entry.error_code()?, message))
    });
    refused.map_or(Ok(()), |failure| Err(NotTaken::Now(failure)))
}

/// What subscriptions of a topic can filter by.
fn attribute(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value(value).build();
    attribute.expect("its type is there")
}

fn not_taken<E>(error: &SdkError<E, HttpResponse>) -> NotTaken
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let failure = Failure::new(error);
    let message = error.message().unwrap_or_default();
    if TOO_LONG.iter().any(|words| message.contains(words)) {
        NotTaken::Ever(failure)
    } else {
        NotTaken::Now(failure)
    }
}

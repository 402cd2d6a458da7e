//! Items in DynamoDB: the one user of its client.
//!
//! Knows tables, keys and DynamoDB's errors; knows no HTTP.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{StalledStreamProtectionConfig, http::HttpResponse};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::chain::Chain;
use crate::item::{Document, ItemId};
use crate::list::PageRequest;
use crate::module::Module;

/// The attribute that holds an item's document, as JSON text.
const DATA: &str = "data";

/// The time limits of one operation. They add up to less than an API Gateway's 29 s, and the time
/// limit of the whole request, which knows what Lambda has left, cuts them short.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(3);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(7);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Why the store could not do what it was asked, classed by what the caller can do.
///
/// The sources are for the log: they hold table names and the service's own text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too much at once, for now.
    #[error("DynamoDB throttles")]
    Throttled(#[source] Failure),
    /// No connection, or the service is down.
    #[error("DynamoDB can't be reached")]
    Unreachable(#[source] Failure),
    /// A connection, but no answer in time; a write may or may not have been done.
    #[error("DynamoDB did not answer in time")]
    TimedOut(#[source] Failure),
    /// The item, with its other attributes, would be over DynamoDB's limit.
    #[error("the item is over DynamoDB's limit")]
    ItemTooLarge {
        /// The size of the document that was to be written, in bytes.
        document_bytes: usize,
        /// What DynamoDB says.
        source: Failure,
    },
    /// The item is not as the condition says.
    #[error("the condition does not hold")]
    ConditionFailed(#[source] Failure),
    /// A wrong table, missing permission, a bug: nothing that trying again would mend.
    #[error("DynamoDB failed")]
    Other(#[source] Failure),
}

/// What the SDK says of a failure, with all its causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// Its id.
    pub id: String,
    /// Its document's text, unless it is somebody else's item, without one.
    pub data: Option<String>,
}

/// One page of a table.
#[derive(Debug)]
pub struct StoredPage {
    /// Its items.
    pub items: Vec<StoredItem>,
    /// The id after which the next page begins, if there may be one.
    pub last: Option<String>,
}

/// A change of one item.
#[derive(Debug, Clone)]
pub enum Write {
    /// The document becomes the whole item, whatever was there.
    Put(Document),
    /// The document is set, the item's other attributes stay; it is created if it is not there.
    Update(Document),
    /// It is removed, if it is there.
    Delete,
}

/// What must hold of the item for a write to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
    /// Its document is still this one; `None` stands for that of an item without one.
    Unchanged(Option<String>),
}

/// A condition in DynamoDB's language.
#[derive(Debug, Default)]
struct Expressions {
    condition: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    /// That nothing has happened to what was read.
    #[must_use]
    pub fn unchanged(seen: Option<StoredItem>) -> Self {
        seen.map_or(Self::Absent, |item| Self::Unchanged(item.data))
    }

    fn expressions(self, module: &Module) -> Expressions {
        let key = || [("#key".to_owned(), module.key().to_string())];
        let data = || ("#data".to_owned(), DATA.to_owned());
        let (condition, names, values): (_, HashMap<_, _>, _) = match self {
            Self::None => return Expressions::default(),
            Self::Exists => ("attribute_exists(#key)", key().into(), None),
            Self::Absent => ("attribute_not_exists(#key)", key().into(), None),
            Self::Unchanged(Some(text)) => {
                let seen = (":seen".to_owned(), AttributeValue::S(text));
                ("#data = :seen", [data()].into(), Some([seen].into()))
            }
            Self::Unchanged(None) => {
                let [key] = key();
                let string = (":string".to_owned(), AttributeValue::S("S".to_owned()));
                let condition = "attribute_exists(#key) AND NOT attribute_type(#data, :string)";
                (condition, [key, data()].into(), Some([string].into()))
            }
        };
        Expressions {
            condition: Some(condition.to_owned()),
            names: Some(names),
            values,
        }
    }
}

/// The tables of the modules.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
}

impl Store {
    /// A store in the account or the endpoint that `shared` leads to, with the time limits and
    /// retries that fit a request.
    #[must_use]
    pub fn new(shared: &aws_config::SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        let config = aws_sdk_dynamodb::config::Builder::from(shared)
            .timeout_config(timeouts)
            .retry_config(retries)
            // It watches streamed bodies; DynamoDB has none.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The item of that id; `consistent` sees every write that was acknowledged before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn get(
        &self,
        module: &Module,
        id: ItemId,
        consistent: bool,
    ) -> Result<Option<StoredItem>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(module.table().as_str())
            .key(module.key().as_str(), AttributeValue::S(id.into_string()))
            .set_consistent_read(consistent.then_some(true))
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", module.key().as_str())
            .expression_attribute_names("#data", DATA)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(output
            .item
            .map(|attributes| stored_item(module, attributes)))
    }

    /// Does `write`, if `condition` holds.
    ///
    /// # Errors
    /// See [`StoreError`]; of a condition that does not hold, [`StoreError::ConditionFailed`].
    pub async fn write(
        &self,
        module: &Module,
        id: ItemId,
        write: Write,
        condition: Condition,
    ) -> Result<(), StoreError> {
        match write {
            Write::Put(document) => self.put(module, id, document, condition).await,
            Write::Update(document) => self.update(module, id, document, condition).await,
            Write::Delete => self.delete(module, id, condition).await,
        }
    }

    async fn put(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let document_bytes = document.as_str().len();
        let Expressions {
            condition,
            names,
            values,
        } = condition.expressions(module);
        self.client
            .put_item()
            .table_name(module.table().as_str())
            .item(module.key().as_str(), AttributeValue::S(id.into_string()))
            .item(DATA, AttributeValue::S(document.into_string()))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .send()
            .await
            .map_err(|error| classify(&error, document_bytes))?;
        Ok(())
    }

    async fn update(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let document_bytes = document.as_str().len();
        let Expressions {
            condition,
            names,
            values,
        } = condition.expressions(module);
        self.client
            .update_item()
            .table_name(module.table().as_str())
            .key(module.key().as_str(), AttributeValue::S(id.into_string()))
            .update_expression("SET #data = :data")
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .expression_attribute_names("#data", DATA)
            .expression_attribute_values(":data", AttributeValue::S(document.into_string()))
            .send()
            .await
            .map_err(|error| classify(&error, document_bytes))?;
        Ok(())
    }

    async fn delete(
        &self,
        module: &Module,
        id: ItemId,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let Expressions {
            condition,
            names,
            values,
        } = condition.expressions(module);
        self.client
            .delete_item()
            .table_name(module.table().as_str())
            .key(module.key().as_str(), AttributeValue::S(id.into_string()))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(())
    }

    /// A page of the table, in DynamoDB's own order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list(&self, module: &Module, page: PageRequest) -> Result<StoredPage, StoreError> {
        let mut scan = self
            .client
            .scan()
            .table_name(module.table().as_str())
            .limit(page.limit)
            .consistent_read(page.consistent)
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", module.key().as_str())
            .expression_attribute_names("#data", DATA);
        if let Some(id) = page.after {
            scan = scan.exclusive_start_key(module.key().as_str(), AttributeValue::S(id));
        }
        let output = scan.send().await.map_err(|error| classify(&error, 0))?;
        let last = output
            .last_evaluated_key
            .and_then(|mut key| text(key.remove(module.key().as_str())));
        let items = output.items.unwrap_or_default();
        let items = items
            .into_iter()
            .map(|attributes| stored_item(module, attributes))
            .collect();
        Ok(StoredPage { items, last })
    }
}

type Attributes = HashMap<String, AttributeValue>;

fn stored_item(module: &Module, mut attributes: Attributes) -> StoredItem {
    StoredItem {
        id: text(attributes.remove(module.key().as_str())).unwrap_or_default(),
        data: text(attributes.remove(DATA)),
    }
}

fn text(value: Option<AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

/// The one mapping from the SDK's errors.
fn classify<E>(error: &SdkError<E, HttpResponse>, document_bytes: usize) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = Failure(Chain(error).to_string());
    match error {
        SdkError::TimeoutError(_) => StoreError::TimedOut(failure),
        // The answer broke off; one that is whole, but not DynamoDB's, is a service error.
        SdkError::ResponseError(_) => StoreError::Unreachable(failure),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() && !is_connect(error) => {
            StoreError::TimedOut(failure)
        }
        // The connector's "other" errors with a kind are transient ones, such as a cut answer;
        // those without are not the network's, such as missing credentials.
        SdkError::DispatchFailure(dispatch)
            if dispatch.is_timeout() || dispatch.is_io() || dispatch.as_other().is_some() =>
        {
            StoreError::Unreachable(failure)
        }
        SdkError::ServiceError(service) => match service.err().code() {
            Some(
                "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded",
            ) => StoreError::Throttled(failure),
            Some("ConditionalCheckFailedException") => StoreError::ConditionFailed(failure),
            Some("ServiceUnavailable" | "ServiceUnavailableException") => {
                StoreError::Unreachable(failure)
            }
            Some("ValidationException")
                if service
                    .err()
                    .message()
                    .is_some_and(|text| text.contains("exceeded the maximum allowed size")) =>
            {
                StoreError::ItemTooLarge {
                    document_bytes,
                    source: failure,
                }
            }
            _ if service.raw().status().as_u16() == 503 => StoreError::Unreachable(failure),
            _ => StoreError::Other(failure),
        },
        _ => StoreError::Other(failure),
    }
}

/// Whether a time-out was one of connecting: the connector's error types are private, so their
/// text has to tell.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    error.to_string().contains("connect timeout") || error.source().is_some_and(is_connect)
}

//! Items in DynamoDB: the one user of its client.
//!
//! Knows tables, keys and DynamoDB's errors; knows no HTTP.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

pub(crate) use self::batch::BatchWrite;
use self::batch::stand_back;
pub use self::check::{Misfit, Unusable};
#[cfg(feature = "cli")]
pub(crate) use self::check::{billing_of, check, describe_all, has_index, keys_in_words};
use self::classify::{classify, classify_list, is_empty_range};
use self::doubt::doubting;
pub use self::expressions::Condition;
use self::expressions::{Expressions, Partition, changes, partition};
#[cfg(feature = "cli")]
pub use self::transfer::{
    Binary, InvalidRecord, Number, Owner, Record, TableFacts, Typed, WholeItem, WholePage,
};
use self::trim::Trim;
use self::types::UnclearTypes;
pub use self::unready::Unready;
use self::usage::Watch;
pub use self::usage::{Call, Meter, Usage};
use crate::aws::failure::Failure;
use crate::item::expiry;
use crate::item::idempotency::{Once, Remembered};
use crate::item::list::{self, IndexQuery, PageRequest, Position};
use crate::item::{Document, ItemId, Kept};
use crate::json::content_tag;
use crate::module::limits;
use crate::module::reserved::{self, TAG_ATTRIBUTE, TENANT_INDEX};
use crate::module::tenant::Tenant;
use crate::module::{Envelope, IndexKey, Module, Storage};
use crate::store::storage::Attributes;

mod batch;
mod check;
mod classify;
mod doubt;
mod expressions;
mod limit;
mod once;
pub mod storage;
mod tenancy;
#[cfg(feature = "cli")]
mod transfer;
mod trim;
mod types;
mod unready;
mod usage;

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

/// The id that is asked for where the answer does not matter.
const NOBODY: &str = "\0modulo warms up";

/// How many calls one page of a list may take that expired items would make short.
const LIST_CALLS: u32 = 10;

/// With so many bytes of documents, a page of a list is long enough: as much as one call gets.
const LIST_BYTES: usize = limits::PAGE_BYTES;

/// Why the store could not do what it was asked, classed by what the caller can do.
///
/// The sources are for the log: they hold table names and the service's own text.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// The items of a transaction would be over DynamoDB's limit.
    #[error("the items of the transaction are over DynamoDB's limit")]
    TransactionTooLarge {
        /// Their size in bytes.
        bytes: usize,
    },
    /// DynamoDB takes no such item, or no such key, for a reason that is not checked here.
    #[error("DynamoDB refuses the item or the key")]
    Refused(#[source] Failure),
    /// The item is not as the condition says.
    #[error("the condition does not hold")]
    ConditionFailed(#[source] Failure),
    /// As [`StoreError::ConditionFailed`], after an attempt whose answer was lost: it may be what
    /// has changed the item.
    #[error("the condition does not hold, perhaps because the write is done")]
    InDoubt(#[source] Failure),
    /// What was asked for is more than an answer has room for.
    #[error("an answer has no room for it")]
    AnswerFull,
    /// A list can't begin where it was asked to.
    #[error("the list can't begin there")]
    NoSuchPosition(#[source] Failure),
    /// A wrong table, missing permission, a bug: nothing that trying again would mend.
    #[error("DynamoDB failed")]
    Other(#[source] Failure),
}

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// Its id.
    pub id: String,
    /// Its document's text, unless it is somebody else's item, without one.
    pub data: Option<String>,
    /// All that was read of it.
    attributes: Attributes,
}

impl StoredItem {
    /// Reads it from what DynamoDB has, or the `fields` of its document only; nothing, if it is
    /// another's than the `tenant`'s.
    fn new(
        module: &Module,
        tenant: Option<&Tenant>,
        mut attributes: Attributes,
        fields: Option<&[String]>,
    ) -> Option<Self> {
        let mut id = text(attributes.remove(module.key().as_str())).unwrap_or_default();
        if let Some(tenant) = tenant {
            id = tenant.own(&id)?.to_owned();
            attributes.retain(|name, _| !reserved::is_mark(name));
        }
        let data = match (module.storage(), fields) {
            (Storage::Document, fields) => Some(storage::text_of(&attributes, module, fields)),
            (Storage::Json, None) => text(attributes.remove(DATA)),
            (Storage::Json, Some(fields)) => {
                text(attributes.remove(DATA)).map(|text| list::project(&text, fields))
            }
        };
        Some(Self {
            id,
            data,
            attributes,
        })
    }

    /// The same for those who need no attribute but this one: native attributes take many times
    /// their text.
    fn with_only(mut self, key: Option<&IndexKey>) -> Self {
        let key = key.map(|key| key.attribute.as_str());
        self.attributes.retain(|name, _| Some(name.as_str()) == key);
        self.attributes.shrink_to_fit();
        self
    }

    /// How long its document's text is.
    pub(crate) fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, String::len)
    }

    #[cfg(test)]
    pub(crate) fn of_text(id: &str, data: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            data: data.map(str::to_owned),
            attributes: Attributes::new(),
        }
    }

    /// Where a list goes on after it.
    #[must_use]
    pub fn position(&self, query: Option<&IndexQuery>) -> Position {
        let sort = query.and_then(|query| query.index.sort.as_ref());
        let sort = sort.and_then(|sort| scalar(self.attributes.get(sort.attribute.as_str())));
        Position {
            id: self.id.clone(),
            sort,
        }
    }
}

/// One page of a table.
#[derive(Debug)]
pub struct StoredPage {
    /// Its items.
    pub items: Vec<StoredItem>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Position>,
}

/// A change of one item.
#[derive(Debug, Clone)]
pub enum Write {
    /// The document becomes the whole item, whatever was there.
    Put(Document),
    /// As [`Write::Put`], done once and remembered.
    PutOnce(Document, Once),
    /// The document is set, the item's other attributes stay; it is created if it is not there.
    Update(Document),
    /// It is removed, if it is there.
    Delete,
}

/// What a write has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// There is an item that was not there. Told only of modules whose envelope tells it.
    Created,
    /// What was asked for.
    Done,
    /// Nothing, since it had been done before.
    Before(Remembered),
}

/// The tables of the modules, or one tenant's items in them.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tenant: Option<Tenant>,
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
        Self::with(shared, timeouts, retries)
    }

    fn with(shared: &aws_config::SdkConfig, timeouts: TimeoutConfig, retries: RetryConfig) -> Self {
        let mut config = aws_sdk_dynamodb::config::Builder::from(shared)
            .timeout_config(timeouts)
            .retry_config(retries)
            // It watches streamed bodies; DynamoDB has none.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        // Permanent: it is not asked of each of their steps whether they are disabled.
        config
            .push_interceptor(SharedInterceptor::permanent(Trim))
            .push_interceptor(SharedInterceptor::permanent(Watch));
        Self {
            client: Client::from_conf(config.build()),
            tenant: None,
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The item of that id, unless it has expired; `consistent` sees every write that was
    /// acknowledged before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn get(
        &self,
        module: &Module,
        id: ItemId,
        consistent: bool,
    ) -> Result<Option<StoredItem>, StoreError> {
        let Expressions { text, names, .. } = Expressions::projection(module, None);
        let output = self
            .client
            .get_item()
            .table_name(module.table().name().as_str())
            .set_key(Some(self.key(module, id.into_string())))
            .set_consistent_read(consistent.then_some(true))
            .set_projection_expression(text)
            .set_expression_attribute_names(names)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(output
            .item
            .filter(|attributes| !has_expired(module, attributes))
            .and_then(|attributes| self.read(module, attributes, None)))
    }

    /// Connects, by asking for an item that nobody stores: what the first request need not wait for.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn warm_up(&self, module: &Module) -> Result<(), StoreError> {
        self.client
            .get_item()
            .table_name(module.table().name().as_str())
            .key(module.key().as_str(), AttributeValue::S(NOBODY.to_owned()))
            .projection_expression("#key")
            .expression_attribute_names("#key", module.key().as_str())
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(())
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
    ) -> Result<Written, StoreError> {
        match (write, module.storage(), condition) {
            (Write::PutOnce(document, once), _, condition) => {
                Box::pin(self.put_once(module, id, document, &once, condition)).await
            }
            (Write::Delete, _, condition) => self.delete(module, id, condition).await,
            (Write::Update(document), Storage::Document, Condition::Unchanged(seen)) => {
                Box::pin(self.update_members(module, id, document, *seen)).await
            }
            (
                Write::Update(document),
                Storage::Document,
                condition @ (Condition::None | Condition::Exists),
            ) => Box::pin(self.replace(module, id, document, condition)).await,
            // Of an item that is absent, or has expired, nothing stays.
            (Write::Put(document), _, condition)
            | (Write::Update(document), Storage::Document, condition)
            | (Write::Update(document), _, condition @ Condition::Absent) => {
                self.put(module, id, document, condition).await
            }
            (Write::Update(document), Storage::Json, Condition::None) if module.ttl().is_some() => {
                Box::pin(self.update_or_begin_anew(module, id, document)).await
            }
            (Write::Update(document), Storage::Json, condition) => {
                self.update(module, id, document, condition).await
            }
        }
    }

    async fn put(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let is_new = condition == Condition::Absent;
        let attributes = self.attributes(module, id, document)?;
        let expressions = condition.expressions(module);
        self.send_put(module, attributes, is_new, expressions, document_bytes)
            .await
    }

    async fn send_put(
        &self,
        module: &Module,
        attributes: Attributes,
        is_new: bool,
        expressions: Expressions,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = expressions;
        let put = self
            .client
            .put_item()
            .table_name(module.table().name().as_str())
            .set_item(Some(attributes))
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values(old_values(module, is_new));
        let output = doubting(put.send(), document_bytes).await?;
        Ok(written(module, is_new, output.attributes.as_ref()))
    }

    /// Puts the document as the whole item, unless the item may have values of which JSON can't tell
    /// the types: such an item is read first, and what did not change of it stays as it is.
    async fn replace(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let types = UnclearTypes::of(&document);
        if types == UnclearTypes::None {
            return self.put(module, id, document, condition).await;
        }
        let document_bytes = document.as_str().len();
        for attempt in 0..=ATTEMPTS {
            if let UnclearTypes::Members(members) = &types {
                let attributes = self.attributes(module, id.clone(), document.clone())?;
                let expressions = condition.clone().expressions(module);
                let expressions = expressions.and_clear_types(module, members);
                let done = self
                    .send_put(module, attributes, false, expressions, document_bytes)
                    .await;
                match done {
                    Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                    done => return done,
                }
            }
            let seen = self.get(module, id.clone(), true).await?;
            if seen.is_none() && condition == Condition::Exists {
                let why = Failure("there is no item".to_owned());
                return Err(StoreError::ConditionFailed(why));
            }
            let (id, document) = (id.clone(), document.clone());
            let done = match seen {
                Some(seen) => self.update_members(module, id, document, seen).await,
                None => self.put(module, id, document, Condition::Absent).await,
            };
            match done {
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                done => return done,
            }
            stand_back(attempt).await;
        }
        let why = format!("others have changed the item {} times", ATTEMPTS + 1);
        Err(StoreError::Throttled(Failure(why)))
    }

    async fn update(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let mut expressions = condition.expressions(module);
        let mut update = "SET #data = :data".to_owned();
        expressions.name("#data", DATA);
        if let (Some(attribute), Some(seconds)) = (module.ttl(), document.expires_at()) {
            update.push_str(", #ttl = :ttl");
            expressions.name("#ttl", attribute.as_str());
            expressions.value(":ttl", AttributeValue::N(seconds.to_string()));
        }
        if let Some(tenant) = &self.tenant {
            let (set, _) = expressions.marks(tenant.marks(module, &Attributes::new()));
            update.push_str(&set);
        }
        if let Kept::Text(text) = document.into_kept() {
            expressions.value(":data", AttributeValue::S(text));
        }
        self.send_update(module, id, update, expressions, document_bytes)
            .await
    }

    /// Updates the item, unless it has expired: what is left of it must not come back to life.
    async fn update_or_begin_anew(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
    ) -> Result<Written, StoreError> {
        let mut tries = 0;
        loop {
            let alive = self.update(module, id.clone(), document.clone(), Condition::Alive);
            match alive.await {
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                done => return done,
            }
            let anew = self.put(module, id.clone(), document.clone(), Condition::Absent);
            match anew.await {
                // Another writer began it anew, so now there is something to update.
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_))
                    if tries < ATTEMPTS =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Sets the members that differ from the item as it was seen, and takes those away that it
    /// should no longer have. The others stay as they are, of whatever type.
    async fn update_members(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
        seen: StoredItem,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let changes = changes(module, self.tenant(), &seen.attributes, &document);
        let Some((update, changes)) = changes else {
            let mut attributes = self.attributes(module, id, document)?;
            storage::keep_types(&mut attributes, &seen.attributes);
            let expressions = Condition::Unchanged(Box::new(seen)).expressions(module);
            return self
                .send_put(module, attributes, false, expressions, document_bytes)
                .await;
        };
        let mut expressions = Condition::Unchanged(Box::new(seen)).expressions(module);
        expressions.merge(changes);
        self.send_update(module, id, update, expressions, document_bytes)
            .await
    }

    async fn send_update(
        &self,
        module: &Module,
        id: ItemId,
        update: String,
        expressions: Expressions,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = expressions;
        let update = self
            .client
            .update_item()
            .table_name(module.table().name().as_str())
            .set_key(Some(self.key(module, id.into_string())))
            .update_expression(update)
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values(old_values(module, false));
        let output = doubting(update.send(), document_bytes).await?;
        Ok(written(module, false, output.attributes.as_ref()))
    }

    async fn delete(
        &self,
        module: &Module,
        id: ItemId,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = condition.expressions(module);
        let delete = self
            .client
            .delete_item()
            .table_name(module.table().name().as_str())
            .set_key(Some(self.key(module, id.into_string())))
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        doubting(delete.send(), 0).await?;
        Ok(Written::Done)
    }

    /// A page of the table, of the tenant's items or of an index, in DynamoDB's own order, without what has expired.
    ///
    /// # Errors
    /// See [`StoreError`]; of a page that begins where none can, [`StoreError::NoSuchPosition`].
    pub async fn list(
        &self,
        module: &Module,
        page: &PageRequest,
    ) -> Result<StoredPage, StoreError> {
        let limit = usize::try_from(page.limit).unwrap_or_default();
        let fields = page.fields.as_deref();
        let sort = page
            .query
            .as_ref()
            .and_then(|query| query.index.sort.as_ref());
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut from = page
            .from
            .as_ref()
            .map(|from| self.start(module, page, from));
        let partition = partition(page.query.as_ref(), self.tenant());
        for _ in 0..LIST_CALLS {
            let (found, last) = match &partition {
                None => self.scan(module, page, from.take()).await?,
                Some(partition) => self.query(module, page, partition, from.take()).await?,
            };
            for attributes in found {
                let item = self.read(module, attributes, fields);
                let item = item.map(|item| item.with_only(sort));
                bytes += item.as_ref().map_or(0, StoredItem::bytes);
                items.extend(item);
            }
            from = last;
            // Only where expired items were left out can a page be short and yet go on.
            let is_full = items.len() >= limit || bytes >= LIST_BYTES;
            if from.is_none() || module.ttl().is_none() || is_full {
                break;
            }
        }
        let next = if items.len() > limit {
            items.truncate(limit);
            items.last().map(|item| item.position(page.query.as_ref()))
        } else {
            from.map(|mut key| self.position(&mut key, module, page))
        };
        Ok(StoredPage { items, next })
    }

    async fn scan(
        &self,
        module: &Module,
        page: &PageRequest,
        from: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let mut expressions = Expressions::projection(module, Some(page));
        let projection = expressions.text.take();
        let filter = expressions.filter_expired(module);
        let Expressions { names, values, .. } = expressions;
        let has_start = from.is_some();
        let output = self
            .client
            .scan()
            .table_name(module.table().name().as_str())
            .limit(page.limit)
            .consistent_read(page.consistent)
            .set_projection_expression(projection)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| classify_list(&error, has_start))?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    async fn query(
        &self,
        module: &Module,
        page: &PageRequest,
        partition: &Partition,
        from: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let query = page.query.as_ref();
        let mut expressions = Expressions::projection(module, Some(page));
        let projection = expressions.text.take();
        let filter = expressions.filter_expired(module);
        let key_condition = expressions.key_condition(partition, query);
        let Expressions { names, values, .. } = expressions;
        let has_start = from.is_some();
        let call = self
            .client
            .query()
            .table_name(module.table().name().as_str())
            .index_name(query.map_or(TENANT_INDEX, |query| query.index.name.as_str()))
            .limit(page.limit)
            .scan_index_forward(!query.is_some_and(|query| query.descending))
            .key_condition_expression(key_condition)
            .set_projection_expression(projection)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(from);
        let output = match call.send().await {
            Ok(output) => output,
            Err(error) if is_empty_range(&error) => return Ok((Vec::new(), None)),
            Err(error) => return Err(classify_list(&error, has_start)),
        };
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// What DynamoDB has of an item, if it is within reach.
    fn read(
        &self,
        module: &Module,
        attributes: Attributes,
        fields: Option<&[String]>,
    ) -> Option<StoredItem> {
        StoredItem::new(module, self.tenant(), attributes, fields)
    }

    /// The attributes of a whole item, unless DynamoDB has no room for them.
    fn attributes(
        &self,
        module: &Module,
        id: ItemId,
        document: Document,
    ) -> Result<Attributes, StoreError> {
        let document_bytes = document.as_str().len();
        let mut attributes = attributes_of(module, document);
        if let Some(tenant) = &self.tenant {
            tenant.sign(module, &mut attributes);
        }
        let key = AttributeValue::S(self.key_text(id.into_string()));
        attributes.insert(module.key().to_string(), key);
        match storage::item_bytes(&attributes) {
            bytes if bytes > limits::ITEM_BYTES => Err(StoreError::ItemTooLarge {
                document_bytes,
                source: Failure(format!("not sent, since it has {bytes} bytes")),
            }),
            _ => Ok(attributes),
        }
    }
}

/// The attributes of an item, but for its key.
fn attributes_of(module: &Module, document: Document) -> Attributes {
    let expires_at = document.expires_at();
    let tag = document
        .members()
        .is_some()
        .then(|| content_tag::of(document.as_str()));
    let mut attributes = match document.into_kept() {
        Kept::Members(members) => storage::attributes_of(members),
        Kept::Text(text) => Attributes::from([(DATA.to_owned(), AttributeValue::S(text))]),
    };
    if let (Some(attribute), Some(seconds)) = (module.ttl(), expires_at) {
        let value = AttributeValue::N(seconds.to_string());
        attributes.insert(attribute.to_string(), value);
    }
    if let Some(tag) = tag {
        attributes.insert(TAG_ATTRIBUTE.to_owned(), AttributeValue::S(tag));
    }
    attributes
}

fn has_expired(module: &Module, attributes: &Attributes) -> bool {
    let time = module.ttl().and_then(|ttl| attributes.get(ttl.as_str()));
    let seconds = time.and_then(|time| time.as_n().ok()?.parse::<f64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "the time now has ten digits")]
    seconds.is_some_and(|seconds| seconds <= expiry::now() as f64)
}

/// Asks for what was there, where the envelope tells whether anything was.
fn old_values(module: &Module, is_new: bool) -> Option<ReturnValue> {
    (module.envelope() == Envelope::Plain && !is_new).then_some(ReturnValue::AllOld)
}

fn written(module: &Module, is_new: bool, old: Option<&Attributes>) -> Written {
    // Of a new item an emulator may tell the key.
    let was_there = old.is_some_and(|old| old.len() > 1 && !has_expired(module, old));
    if module.envelope() == Envelope::Plain && (is_new || !was_there) {
        Written::Created
    } else {
        Written::Done
    }
}

fn text(value: Option<AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

/// The text of a value that can be a key.
fn scalar(value: Option<&AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => Some(text.clone()),
        _ => None,
    }
}

impl Store {
    /// Where a list goes on after `position`, as DynamoDB wants to have it.
    fn start(&self, module: &Module, page: &PageRequest, position: &Position) -> Attributes {
        let mut key = self.key(module, position.id.clone());
        let query = page.query.as_ref();
        key.extend(partition(query, self.tenant()));
        if let (Some(query), Some(value)) = (query, &position.sort)
            && let Some(sort) = &query.index.sort
        {
            let value = sort.key_type.value(value.clone());
            key.insert(sort.attribute.to_string(), value);
        }
        key
    }

    /// Where a list goes on, as DynamoDB has said it.
    fn position(&self, key: &mut Attributes, module: &Module, page: &PageRequest) -> Position {
        let query = page.query.as_ref();
        let sort = query.and_then(|query| query.index.sort.as_ref());
        let id = text(key.remove(module.key().as_str()));
        Position {
            id: id.and_then(|id| self.id_of(id)).unwrap_or_default(),
            sort: sort.and_then(|sort| scalar(key.get(sort.attribute.as_str()))),
        }
    }
}

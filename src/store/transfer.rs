//! Whole items, many at a time: what moves a table's content out and in.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, TableDescription, WriteRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::classify::classify;
use super::client::Store;
use super::error::StoreError;
use super::stamps;
use super::stored::{self, key_attributes, take_id};
use super::typed::Typed;
use crate::aws::failure::Failure;
use crate::item::collection::Collection;
use crate::item::{Document, InvalidDocument, InvalidItemId, ItemId, Kept, Partition};
use crate::json::content_tag;
use crate::module::limits;
use crate::module::reserved::{self, TAG_ATTRIBUTE};
use crate::module::tenant::{InvalidTenant, Tenant};
use crate::module::{Key, KeyType, Module, Storage, Table};
use crate::store::storage::{self, Attributes, InvalidAttribute, foreign};

/// Nobody waits for one of these calls as for a request's answer, and they are large.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 8;
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// How items that a batch leaves undone are tried again: soon, then ever later, and no more after
/// so many tries of which none got anything done.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const FRUITLESS_TRIES: u32 = 12;

/// The most items of a page. Without a limit, the embedded engine reads the whole rest of its table to
/// answer a page of it.
const PAGE_ITEMS: i32 = 1_000;

/// An item with all that it carries, as a line of JSON tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeItem {
    /// Whose it is.
    pub owner: Owner,
    /// Its id in its JSON form.
    pub id: Value,
    /// Its document's text, if it has one that its module takes.
    pub document: Option<String>,
    /// What is in neither of them.
    pub attributes: BTreeMap<String, Typed>,
}

/// Whose an item is. Written as the tenant's name, or as null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "Option<String>")]
pub enum Owner {
    /// The module's, which has no tenants.
    #[default]
    Module,
    /// This tenant's.
    Tenant(String),
    /// Nobody's, in a module with tenants: its key is no tenant's.
    Nobody,
}

impl Owner {
    /// Whether there is nothing to tell of it.
    #[must_use]
    pub fn is_module(&self) -> bool {
        *self == Self::Module
    }
}

impl From<Option<String>> for Owner {
    fn from(name: Option<String>) -> Self {
        name.map_or(Self::Nobody, Self::Tenant)
    }
}

impl From<Owner> for Option<String> {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Tenant(name) => Some(name),
            Owner::Module | Owner::Nobody => None,
        }
    }
}

/// One page of a table.
#[derive(Debug)]
pub struct WholePage {
    /// Its items.
    pub items: Vec<WholeItem>,
    /// The id after which the next page begins, if there may be one.
    pub last: Option<ItemId>,
}

/// What DynamoDB says of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// When it was made, in milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// About how many items it has.
    pub items: Option<u64>,
}

fn typed(attributes: Attributes) -> Result<BTreeMap<String, Typed>, StoreError> {
    attributes
        .into_iter()
        .map(|(name, value)| Ok((name, value.try_into()?)))
        .collect()
}

/// What a table holds of an item: ready to be written.
#[derive(Debug)]
pub struct Record(Attributes);

/// Why the module's table can't hold an item.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecord {
    /// Its id is none.
    #[error(transparent)]
    Id(#[from] InvalidItemId),
    /// It does not say whose it is.
    #[error(
        "`tenant` is missing; say whose it is, as in \"tenant\":\"acme\", or null if it is nobody's"
    )]
    TenantMissing,
    /// It says whose it is, where that is nothing.
    #[error("`tenant` is there, but the module has no tenants")]
    TenantNeedless,
    /// It says whose it is, and that can't be.
    #[error("`tenant` can't be `{name}`: {invalid}")]
    Tenant {
        /// What it says.
        name: String,
        /// What is wrong with that.
        invalid: InvalidTenant,
    },
    /// Its document is none.
    #[error(transparent)]
    Document(#[from] InvalidDocument),
    /// An attribute that the id or the document is in already.
    #[error("`attributes` has `{0}`, which the item has already")]
    SaidTwice(String),
    /// An attribute that DynamoDB does not take.
    #[error(transparent)]
    Attribute(#[from] InvalidAttribute),
    /// It is over DynamoDB's limit.
    #[error(
        "it has {bytes} bytes with all its attributes, DynamoDB takes {} at the most",
        limits::ITEM_BYTES
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

impl Record {
    /// What `item` is in the collection's table. A document's text is kept as it is, to the byte. Its
    /// stamps are kept, or it gets those of a new item that is written now, by nobody known.
    ///
    /// # Errors
    /// See [`InvalidRecord`].
    pub fn new(
        collection: &Collection,
        item: WholeItem,
        keeps_stamps: bool,
    ) -> Result<Self, InvalidRecord> {
        let module = &**collection.module();
        let tenant = tenant_of(module, item.owner)?;
        let max_bytes = tenant
            .as_ref()
            .map_or(ItemId::MAX_BYTES, Tenant::max_id_bytes);
        let key = module.key();
        let id = ItemId::from_json(item.id, key).map_err(|(_, invalid)| invalid)?;
        id.check(max_bytes, key)?;
        let stamps = module.stamps();
        let mut stamped = Attributes::new();
        if let (true, Storage::Document, Some(text)) =
            (keeps_stamps, module.storage(), &item.document)
        {
            // Those of a file that was written before they were stamps.
            stamped = storage::attributes_named(text, stamps);
        }
        let mut attributes = match item.document {
            None => Attributes::new(),
            Some(text) => match Document::parse_changed(text.clone(), collection, &id)?.into_kept()
            {
                Kept::Text(_) => {
                    let attribute = module.document_attribute().to_owned();
                    Attributes::from([(attribute, AttributeValue::S(text))])
                }
                Kept::Members(members) => storage::attributes_of(members),
            },
        };
        let id = match &tenant {
            Some(tenant) => {
                let (partition, sort) = id.into_values();
                ItemId::of(Partition::of(tenant.qualify(&partition)), sort)
            }
            None => id,
        };
        attributes.extend(key_attributes(key, id));
        for (name, value) in item.attributes {
            let is_made = tenant.is_some() && reserved::is_mark(&name);
            if is_made || attributes.contains_key(&name) {
                return Err(InvalidRecord::SaidTwice(name));
            }
            if stamps.contains(&name) {
                stamped.insert(name, value.into());
            } else {
                attributes.insert(name, value.into());
            }
        }
        if keeps_stamps {
            attributes.extend(stamped);
        } else {
            stamps::stamp(module, None, &mut attributes);
        }
        if module.storage() == Storage::Document {
            let tag = content_tag::of(&storage::text_of(&attributes, module, None));
            attributes.insert(TAG_ATTRIBUTE.to_owned(), AttributeValue::S(tag));
        }
        if let Some(tenant) = tenant {
            tenant.mark_item(module, &mut attributes);
        }
        foreign::check(&attributes, module)?;
        match storage::item_bytes(&attributes) {
            bytes if bytes > limits::ITEM_BYTES => Err(InvalidRecord::TooLarge { bytes }),
            _ => Ok(Self(attributes)),
        }
    }

    /// A text of its key, which no other item of the module has.
    #[must_use]
    pub fn key(&self, module: &Module) -> String {
        let values = module.key().parts().map(|part| {
            let value = self.0.get(part.attribute.as_str());
            Value::String(stored::scalar(value).unwrap_or_default())
        });
        Value::Array(values.collect()).to_string()
    }

    /// All of it, so that [`Record::new`] gives the same again.
    fn into_whole(self, collection: &Collection) -> Result<WholeItem, StoreError> {
        let module = &**collection.module();
        let Self(mut attributes) = self;
        let key = module.key();
        let id = id_of(key, &mut attributes)?;
        let has_tenants = module.tenant().is_some();
        let of_tenant = has_tenants.then(|| Tenant::split(id.partition())).flatten();
        let (owner, id) = match of_tenant.map(|(name, own)| (name, own.to_owned())) {
            Some((name, own)) => {
                // They are made from the key and the content.
                attributes.retain(|name, _| !reserved::is_mark(name));
                let (_, sort) = id.into_values();
                (Owner::Tenant(name), ItemId::of(Partition::of(own), sort))
            }
            None if has_tenants => (Owner::Nobody, id),
            None => (Owner::Module, id),
        };
        let document = module.document_attribute();
        let (text, others) = match module.storage() {
            Storage::Json => {
                let text = stored::text(attributes.get(document).cloned());
                let others = attributes.iter().filter(|(name, _)| *name != document);
                (text, others.map(cloned).collect())
            }
            Storage::Document => {
                // It is made from the content.
                attributes.remove(TAG_ATTRIBUTE);
                let (members, others) = attributes.iter().map(cloned).partition(|(name, value)| {
                    let is_own = module.reserves(name) || module.stamps().contains(name);
                    is_json(value) && !is_own
                });
                (Some(storage::text_of(&members, module, None)), others)
            }
        };
        let is_document = |text: &String| {
            stands_on_a_line(text) && Document::parse_changed(text.clone(), collection, &id).is_ok()
        };
        let (document, others) = match text.filter(is_document) {
            Some(text) => (Some(text), others),
            None => (None, attributes),
        };
        Ok(WholeItem {
            owner,
            id: serde_json::to_value(id.as_json(key)).expect("texts and numbers are JSON"),
            document,
            attributes: typed(others)?,
        })
    }
}

/// Takes the key of an item out of its attributes.
fn id_of(key: &Key, attributes: &mut Attributes) -> Result<ItemId, StoreError> {
    for part in key.parts() {
        let value = attributes.get(part.attribute.as_str());
        let is_there = matches!(
            (part.key_type, value),
            (KeyType::S, Some(AttributeValue::S(_))) | (KeyType::N, Some(AttributeValue::N(_)))
        );
        if !is_there {
            let what = format!("an item has no `{part}`; the table's key is another");
            return Err(StoreError::Other(Failure(what)));
        }
    }
    Ok(take_id(key, None, attributes).expect("it is of no tenant"))
}

/// The tenant that an item is of, as far as the module has tenants.
fn tenant_of(module: &Module, owner: Owner) -> Result<Option<Tenant>, InvalidRecord> {
    match (module.tenant(), owner) {
        (None, Owner::Module) | (Some(_), Owner::Nobody) => Ok(None),
        (None, _) => Err(InvalidRecord::TenantNeedless),
        (Some(_), Owner::Module) => Err(InvalidRecord::TenantMissing),
        (Some(_), Owner::Tenant(name)) => match name.parse() {
            Ok(tenant) => Ok(Some(tenant)),
            Err(invalid) => Err(InvalidRecord::Tenant { name, invalid }),
        },
    }
}

fn cloned((name, value): (&String, &AttributeValue)) -> (String, AttributeValue) {
    (name.clone(), value.clone())
}

/// Whether a text is the same to the byte after it has been written into a line of JSON.
fn stands_on_a_line(text: &str) -> bool {
    text.trim_ascii().len() == text.len() && !text.contains(['\n', '\r'])
}

/// Whether JSON can say a value without becoming equal to another.
fn is_json(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::Bool(_) => true,
        AttributeValue::Null(is_null) => *is_null,
        AttributeValue::L(values) => values.iter().all(is_json),
        AttributeValue::M(members) => members.values().all(is_json),
        _ => false,
    }
}

impl Store {
    /// How many records [`Store::put_records`] takes.
    pub const MAX_BATCH: usize = limits::BATCH_WRITES;

    /// A store with the time limits and retries that fit the moving of many items.
    #[must_use]
    pub fn patient(shared: &aws_config::SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_max_backoff(LONGEST_BACKOFF);
        Self::with(shared, timeouts, retries)
    }

    /// What is known of a table, if it is there.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn table(&self, table: &Table) -> Result<Option<TableFacts>, StoreError> {
        let call = self
            .client
            .describe_table()
            .table_name(table.name().as_str());
        match call.send().await {
            Ok(output) => {
                let table = output.table.as_ref();
                let created = table.and_then(TableDescription::creation_date_time);
                let items = table.and_then(TableDescription::item_count);
                Ok(Some(TableFacts {
                    created_ms: created.and_then(|time| time.to_millis().ok()),
                    items: items.and_then(|count| count.try_into().ok()),
                }))
            }
            Err(error) => match error.code() {
                Some("ResourceNotFoundException") => Ok(None),
                // Those who may read and write items need not be allowed to ask this.
                Some("AccessDeniedException") => Ok(Some(TableFacts::default())),
                _ => Err(classify(&error, 0)),
            },
        }
    }

    /// The next whole items after the one of id `after`, read with strong consistency: at most
    /// `PAGE_ITEMS`, and as many as one answer of DynamoDB's has room for.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn whole_page(
        &self,
        collection: &Collection,
        after: Option<ItemId>,
    ) -> Result<WholePage, StoreError> {
        let module = collection.module();
        let key = module.key();
        let after = after.map(|id| key_attributes(key, id));
        let output = self
            .client
            .scan()
            .table_name(module.table().name().as_str())
            .consistent_read(true)
            .limit(PAGE_ITEMS)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        let last = output
            .last_evaluated_key
            .and_then(|mut last| take_id(key, None, &mut last));
        let items = output.items.unwrap_or_default();
        let items = items
            .into_iter()
            .map(|attributes| Record(attributes).into_whole(collection));
        Ok(WholePage {
            items: items.collect::<Result<_, _>>()?,
            last,
        })
    }

    /// Puts records, at most [`Store::MAX_BATCH`] of different ids, each in the place of the
    /// one of its id, and comes back when all are stored.
    ///
    /// # Errors
    /// See [`StoreError`]; some of the items may have been stored.
    pub async fn put_records(&self, table: &Table, records: &[Record]) -> Result<(), StoreError> {
        let table = table.name().as_str();
        let mut requests = records
            .iter()
            .map(|Record(attributes)| {
                let item = Some(attributes.clone());
                let put = PutRequest::builder().set_item(item).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            })
            .collect::<Result<Vec<_>, BuildError>>()
            .map_err(|error| StoreError::Other(Failure(error.to_string())))?;
        let mut pause = FIRST_PAUSE;
        let mut fruitless = 0;
        while !requests.is_empty() {
            let asked = requests.len();
            let call = self.client.batch_write_item();
            let output = call.request_items(table, requests).send().await;
            let output = output.map_err(|error| classify(&error, 0))?;
            requests = output
                .unprocessed_items
                .and_then(|mut unprocessed| unprocessed.remove(table))
                .unwrap_or_default();
            if requests.is_empty() {
                break;
            }
            if requests.len() < asked {
                (pause, fruitless) = (FIRST_PAUSE, 0);
            } else {
                (pause, fruitless) = ((pause * 2).min(LONGEST_PAUSE), fruitless + 1);
            }
            if fruitless == FRUITLESS_TRIES {
                let what = format!("it left {asked} items undone {fruitless} times in a row");
                return Err(StoreError::Throttled(Failure(what)));
            }
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

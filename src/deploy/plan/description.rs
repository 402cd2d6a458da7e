//! What a plan compares: the configuration, as far as data and clients depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cors::CorsDescription;
use super::guard::{self, GuardDescription};
use super::service::ServiceDescription;
use super::variables;
use super::verb_access::{self, VerbAccess};
use super::webhook::{self, WebhookDescription};
use crate::config::Config;
use crate::item::schema::InvalidSchema;
use crate::json::content_tag;
use crate::module::rate::Rate;
use crate::module::schema::SchemaSource;
use crate::module::stamps::Stamps;
use crate::module::{Billing, IdempotencyTable, Module, Storage, Table, TableIndex};
use crate::store::keys_in_words;

/// A configuration, as far as data and clients depend on it. Kept in the stack's template, so what
/// is written by one release must be read by the next: add members with a default, take none away;
/// and CloudFormation takes no `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub(super) modules: BTreeMap<String, ModuleDescription>,
    /// The guards that modules name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) guards: BTreeMap<String, GuardDescription>,
    /// Of a deployment by an earlier release it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<ServiceDescription>,
    /// The environment's variables that guards read, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) variables: variables::Readers,
    /// Those by which changes are signed, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) signers: variables::Readers,
}

/// A module. What is left out stands for a module that does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModuleDescription {
    pub(super) key: String,
    pub(super) table: String,
    pub(super) methods: BTreeSet<String>,
    pub(super) envelope: String,
    pub(super) max_bytes: usize,
    pub(super) retain: bool,
    /// Whether the table is the stack's.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub(super) create: bool,
    /// The number of the nested stack that has the table, if one has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stack: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<String>,
    /// In seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default_ttl: Option<u64>,
    #[serde(default = "json")]
    pub(super) storage: String,
    /// The attribute that holds a document's text.
    #[serde(default = "data", skip_serializing_if = "is_data")]
    pub(super) document: String,
    #[serde(default)]
    pub(super) indexes: BTreeMap<String, String>,
    /// The claim that names callers' tenants, if there are tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    /// A hash of the schema, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<String>,
    /// What each verb asks of its callers; nothing of those that are open to everybody.
    #[serde(default)]
    pub(super) access: BTreeMap<String, VerbAccess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cors: Option<CorsDescription>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rate_limit: Option<RateDescription>,
    /// How long idempotency keys are remembered, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) idempotency: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) key_in_document: bool,
    /// The attributes that say who has written an item, and when, by what they say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) stamps: BTreeMap<String, String>,
    /// Who is told of changes, by URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) webhooks: BTreeMap<String, WebhookDescription>,
    /// Where in AWS changes are sent, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<String>,
    /// How long versions are kept, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<u64>,
    /// Of a table that is not paid for by the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) capacity: Option<Capacity>,
}

impl ModuleDescription {
    /// Whether its table has a stream, from which something is done with its changes.
    pub(super) fn has_stream(&self) -> bool {
        !self.webhooks.is_empty() || self.events.is_some() || self.history.is_some()
    }
}

/// How often a caller may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RateDescription {
    pub(super) requests: u32,
    /// In seconds.
    pub(super) per: u64,
}

/// What a table can do in a second, in DynamoDB's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capacity {
    pub(super) read: usize,
    pub(super) write: usize,
}

/// The tables of modules deployed before there could be others' are the stack's.
fn yes() -> bool {
    true
}

/// The storage of modules deployed before there was another.
fn json() -> String {
    Storage::Json.to_string()
}

/// The attribute of modules deployed before it could be another.
fn data() -> String {
    Module::DOCUMENT_ATTRIBUTE.to_owned()
}

fn is_data(attribute: &str) -> bool {
    attribute == Module::DOCUMENT_ATTRIBUTE
}

impl Description {
    /// That of `config`.
    ///
    /// # Errors
    /// A schema can't be read, which one that was checked can.
    pub fn of(config: &Config) -> Result<Self, Arc<InvalidSchema>> {
        let modules = &config.modules;
        let described = modules
            .iter()
            .map(|module| describe(module).map(|described| (module.name().to_string(), described)));
        Ok(Self {
            modules: described.collect::<Result<_, _>>()?,
            guards: guard::of(modules),
            service: Some(ServiceDescription::of(&config.service)),
            variables: variables::of(modules),
            signers: variables::of_webhooks(modules),
        })
    }
}

/// Takes a module apart without `..`: a new key does not compile until it is said here whether a
/// deployment can change something by it.
fn describe(module: &Module) -> Result<ModuleDescription, Arc<InvalidSchema>> {
    let Module {
        name: _,
        table,
        verbs,
        max_bytes,
        envelope,
        default_ttl,
        storage,
        document: _,
        // As the table has them.
        indexes: _,
        schema,
        // Of each verb.
        callers: _,
        cors,
        rate_limit,
        idempotency,
        key_in_document,
        stamps,
        webhooks,
        events,
        history,
    } = module;
    let Table {
        purpose: _,
        owner: _,
        name: table,
        key,
        ttl,
        indexes,
        create,
        stack,
        billing,
        retain,
        // Where there are webhooks, events or a history, which are described.
        stream: _,
    } = table;
    Ok(ModuleDescription {
        key: key.to_string(),
        table: table.to_string(),
        methods: verbs.iter().map(|verb| verb.to_string()).collect(),
        envelope: envelope.to_string(),
        max_bytes: *max_bytes,
        retain: *retain,
        create: *create,
        stack: *stack,
        ttl: ttl.as_ref().map(ToString::to_string),
        default_ttl: default_ttl.map(|time| time.as_secs()),
        storage: storage.to_string(),
        document: module.document_attribute().to_owned(),
        indexes: described(indexes),
        tenant: module.tenant().map(ToString::to_string),
        schema: schema.as_ref().map(hash).transpose()?,
        access: verb_access::of(module),
        cors: cors.as_deref().map(CorsDescription::of),
        rate_limit: rate_limit.map(|Rate { requests, per }| RateDescription {
            requests: requests.get(),
            per: per.as_secs(),
        }),
        idempotency: idempotency.as_ref().map(|table| {
            // The table is the service's, whose name is reported.
            let IdempotencyTable { name: _, keep } = table;
            keep.as_secs()
        }),
        key_in_document: *key_in_document,
        stamps: described_stamps(stamps),
        webhooks: webhooks.iter().map(webhook::describe).collect(),
        events: events.as_ref().map(ToString::to_string),
        // Its table is named after the module's.
        history: history.as_ref().map(|history| history.keep().as_secs()),
        capacity: match *billing {
            Billing::OnDemand => None,
            Billing::Provisioned { read, write } => Some(Capacity { read, write }),
        },
    })
}

/// The same for two schemas that say the same, however they are written.
fn hash(schema: &SchemaSource) -> Result<String, Arc<InvalidSchema>> {
    let mut document = Value::clone(&*schema.to_value()?);
    document.sort_all_objects();
    Ok(content_tag::of(&document.to_string()))
}

/// The names of the stamps that are kept.
fn described_stamps(stamps: &Stamps) -> BTreeMap<String, String> {
    let Stamps {
        created_at,
        updated_at,
        updated_by,
    } = stamps;
    let named = [
        ("created_at", created_at),
        ("updated_at", updated_at),
        ("updated_by", updated_by),
    ];
    named
        .into_iter()
        .filter_map(|(stamp, name)| Some((stamp.to_owned(), name.as_ref()?.to_string())))
        .collect()
}

/// The indexes by name, each with its keys and their types.
fn described(indexes: &[TableIndex]) -> BTreeMap<String, String> {
    let indexes = indexes.iter();
    indexes
        .map(|index| (index.name.clone(), keys_in_words(&index.keys)))
        .collect()
}

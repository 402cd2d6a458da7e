//! What `modules.toml` means: the modules, validated.
//!
//! Whoever holds a [`Modules`] need check nothing again; there is no way to make one but
//! [`config::load`](crate::config::load). Everything modulo puts out is a function of it.

pub(crate) mod address;
pub mod api_key;
pub mod arn;
pub mod base_path;
pub mod call;
pub mod claim_path;
pub mod cors;
pub mod events;
#[cfg(feature = "cli")]
pub(crate) mod few;
pub mod file;
pub mod guard;
pub mod history;
pub mod issuer_url;
pub mod key;
pub mod limits;
pub mod name;
pub(crate) mod path;
pub mod queue;
pub mod rate;
pub mod reserved;
pub mod schema;
pub mod secret_place;
pub mod secure_url;
pub mod stamps;
pub mod table;
pub mod tenant;
pub mod verb;
pub mod webhook;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::module::claim_path::ClaimPath;
use crate::module::cors::Cors;
use crate::module::events::Destination;
use crate::module::file::ConfigFile;
use crate::module::guard::{Access, Callers};
use crate::module::history::History;
pub use crate::module::key::{Key, KeyPart};
use crate::module::name::{
    DocumentAttribute, IndexAttribute, IndexName, KeyAttribute, ModuleName, TableName, TtlAttribute,
};
use crate::module::rate::Rate;
use crate::module::reserved::{TAG_ATTRIBUTE, TENANT_ATTRIBUTE, TENANT_INDEX};
use crate::module::schema::SchemaSource;
use crate::module::secret_place::SecretPlace;
use crate::module::stamps::Stamps;
pub use crate::module::table::{Purpose, Table, TableIndex};
pub use crate::module::verb::{Verb, Verbs};
use crate::module::webhook::Webhook;

/// One collection: a path, a table, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub(crate) name: ModuleName,
    pub(crate) table: Table,
    pub(crate) verbs: Verbs,
    pub(crate) max_bytes: usize,
    pub(crate) envelope: Envelope,
    pub(crate) default_ttl: Option<Duration>,
    pub(crate) storage: Storage,
    pub(crate) document: Option<DocumentAttribute>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) schema: Option<SchemaSource>,
    pub(crate) callers: Callers,
    pub(crate) cors: Option<Arc<Cors>>,
    pub(crate) rate_limit: Option<Rate>,
    pub(crate) idempotency: Option<IdempotencyTable>,
    pub(crate) key_in_document: bool,
    pub(crate) stamps: Stamps,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) events: Option<Destination>,
    pub(crate) history: Option<History>,
}

impl Module {
    /// The default for `max_bytes`: the room is DynamoDB's alone to bound, with the item's key.
    pub const DEFAULT_MAX_BYTES: usize = limits::ITEM_BYTES;

    /// The default for `document`.
    pub const DOCUMENT_ATTRIBUTE: &str = "data";

    /// The first segment of its paths.
    #[must_use]
    pub fn name(&self) -> &ModuleName {
        &self.name
    }

    /// The key of its table.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.table.key
    }

    /// Its table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The verbs it serves.
    #[must_use]
    pub fn verbs(&self) -> Verbs {
        self.verbs
    }

    /// The greatest size of one document's text, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The shape of its answers.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// The attribute after whose time, in seconds since 1970, DynamoDB deletes an item.
    #[must_use]
    pub fn ttl(&self) -> Option<&TtlAttribute> {
        self.table.ttl()
    }

    /// How long after it was written an item expires that does not say so itself.
    #[must_use]
    pub fn default_ttl(&self) -> Option<Duration> {
        self.default_ttl
    }

    /// How its documents are kept.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// The attribute that holds a document's text, with [`Storage::Json`].
    #[must_use]
    pub fn document_attribute(&self) -> &str {
        let named = self.document.as_ref();
        named.map_or(Self::DOCUMENT_ATTRIBUTE, DocumentAttribute::as_str)
    }

    /// The indexes of its table, in the file's order; none where [`Storage::Json`] hides what an
    /// index could be of.
    #[must_use]
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// The longest values that the keys of its indexes can have, in bytes: the partition's and the
    /// sort key's.
    #[must_use]
    pub fn index_key_limits(&self) -> [usize; 2] {
        let partition = match self.tenant() {
            None => limits::PARTITION_KEY_BYTES,
            // A tenant's name stands before it.
            Some(_) => limits::SORT_KEY_BYTES,
        };
        [partition, limits::SORT_KEY_BYTES]
    }

    /// The claim by which callers are confined to their tenants' items, where they are.
    #[must_use]
    pub fn tenant(&self) -> Option<&ClaimPath> {
        self.access()?.tenant()
    }

    /// Whether no member of a document can have this name, since modulo has an attribute of it.
    #[must_use]
    pub fn reserves(&self, name: &str) -> bool {
        name == TAG_ATTRIBUTE || (self.tenant().is_some() && reserved::is_mark(name))
    }

    /// What its documents have to fit.
    #[must_use]
    pub fn schema(&self) -> Option<&SchemaSource> {
        self.schema.as_ref()
    }

    /// What it asks of its callers; nothing of one that is open to everybody.
    #[must_use]
    pub fn access(&self) -> Option<&Access> {
        match &self.callers {
            Callers::Guarded(access) => Some(access),
            Callers::Everybody { .. } => None,
        }
    }

    /// Who may call it.
    #[must_use]
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// Whose pages may call it from a browser, if any but its own may.
    #[must_use]
    pub fn cors(&self) -> Option<&Cors> {
        self.cors.as_deref()
    }

    /// How often one caller may call it, if not as often as they like.
    #[must_use]
    pub fn rate_limit(&self) -> Option<Rate> {
        self.rate_limit
    }

    /// Where and how long its writes are remembered, if they are.
    #[must_use]
    pub fn idempotency(&self) -> Option<&IdempotencyTable> {
        self.idempotency.as_ref()
    }

    /// Whether its documents, as clients send and get them, have the key attribute as a member.
    #[must_use]
    pub fn key_in_document(&self) -> bool {
        self.key_in_document
    }

    /// What its items keep of who has written them, and when.
    #[must_use]
    pub fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// Whom it tells of its changes.
    #[must_use]
    pub fn webhooks(&self) -> &[Webhook] {
        &self.webhooks
    }

    /// Where in AWS its changes are sent, if they are.
    #[must_use]
    pub fn events(&self) -> Option<&Destination> {
        self.events.as_ref()
    }

    /// Where and how long the versions of its items are kept, if they are.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// Whether something is done with each change of its items, which is read from the stream of its
    /// table.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.table.stream()
    }

    /// The verbs it serves to everybody.
    #[must_use]
    pub fn open_verbs(&self) -> Verbs {
        let public = self.access().map_or(Verbs::default(), Access::public);
        let served = self.verbs.iter();
        served.filter(|&verb| public.contains(verb)).collect()
    }
}

/// The modules of one `modules.toml`, ordered by name: at least one, no two on one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    by_name: IndexMap<ModuleName, Arc<Module>>,
    idempotency: Option<Table>,
}

impl Modules {
    /// The caller has made sure of what the type promises, the order too.
    pub(crate) fn new(modules: impl IntoIterator<Item = Arc<Module>>) -> Self {
        let named = modules
            .into_iter()
            .map(|module| (module.name.clone(), module));
        let by_name: IndexMap<_, _> = named.collect();
        debug_assert!(by_name.keys().is_sorted(), "modules out of order");
        // All modules name the same.
        let idempotency = by_name.values().find_map(|module| module.idempotency());
        let idempotency = idempotency.map(IdempotencyTable::table);
        Self {
            by_name,
            idempotency,
        }
    }

    /// The modules in the order of their names.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Module>> {
        self.by_name.values()
    }

    /// Where the secrets of the modules' guards are.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretPlace> {
        let guards = self.iter().filter_map(|module| module.access());
        guards.filter_map(|access| access.guard().secret())
    }

    /// The table in which writes with an idempotency key are remembered, if any module's are.
    #[must_use]
    pub fn idempotency(&self) -> Option<&Table> {
        self.idempotency.as_ref()
    }

    /// All tables: the modules', and the function's own.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        let of_modules = self.iter().flat_map(|module| {
            let history = module.history().map(History::table);
            [module.table()].into_iter().chain(history)
        });
        of_modules.chain(&self.idempotency)
    }

    /// The module of that name.
    #[must_use]
    pub fn get(&self, name: &ModuleName) -> Option<&Arc<Module>> {
        self.by_name.get(name)
    }

    /// The module whose name is this text.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Module>> {
        self.by_name.get(name)
    }

    /// The files that the configuration consists of beside its own: schemas, and the public keys
    /// of issuers. Some modules may share one.
    pub fn files(&self) -> impl Iterator<Item = &ConfigFile> {
        let schemas = self.iter().filter_map(|module| module.schema()?.file());
        let keys = self
            .iter()
            .filter_map(|module| module.access()?.guard().file());
        schemas.chain(keys)
    }
}

/// Declares an enum whose variants are words of `modules.toml`, the first of them the default.
macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident {
            $(#[$first_doc:meta])* $first:ident = $first_word:literal,
            $($(#[$other_doc:meta])* $other:ident = $other_word:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)*
        }

        impl $name {
            /// Every word.
            pub const WORDS: &[&str] = &[$first_word, $($other_word),*];

            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$other => $other_word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $first_word => Ok(Self::$first),
                    $($other_word => Ok(Self::$other),)*
                    _ => Err(()),
                }
            }
        }
    };
}

words! {
    /// The shape of a module's answers.
    Envelope {
        /// The verb around the answer, as the services did that modulo replaces.
        Verb = "verb",
        /// The document itself, with HTTP's own statuses; errors as RFC 9457 has them.
        Plain = "plain",
    }
}

words! {
    /// How a module's documents are kept.
    Storage {
        /// As JSON text in the attribute `data`.
        Json = "json",
        /// Each member as a native attribute of the item.
        Document = "document",
    }
}

words! {
    /// What an index's key can be, in DynamoDB's words.
    KeyType {
        /// A string.
        S = "S",
        /// A number.
        N = "N",
    }
}

/// A global secondary index: another key by which the items of a table can be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: IndexName,
    /// The member whose value a query must name.
    pub partition: IndexKey,
    /// The member that orders the items of one partition, and of which a query can name a range.
    pub sort: Option<IndexKey>,
}

impl Index {
    /// Its one or two keys.
    pub fn keys(&self) -> impl Iterator<Item = &IndexKey> {
        [&self.partition].into_iter().chain(&self.sort)
    }
}

impl Index {
    /// The indexes that a table has for these of its module: where the module has tenants, with
    /// marks as their partitions, so that no two tenants' items are side by side, and one more,
    /// which lists a tenant's items.
    pub(crate) fn of_table(indexes: &[Self], key: &Key, tenants: bool) -> Vec<TableIndex> {
        let own = tenants.then(|| TableIndex {
            name: TENANT_INDEX.to_owned(),
            keys: vec![
                (TENANT_ATTRIBUTE.to_owned(), KeyType::S),
                (key.partition().attribute.to_string(), KeyType::S),
            ],
        });
        let indexes = indexes.iter().map(|index| {
            let keys = index.keys();
            let mut keys: Vec<_> = keys
                .map(|key| (key.attribute.to_string(), key.key_type))
                .collect();
            if tenants {
                keys[0] = (reserved::mark_of(&keys[0].0), KeyType::S);
            }
            TableIndex {
                name: index.name.to_string(),
                keys,
            }
        });
        indexes.chain(own).collect()
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of `{}`", self.name, self.partition.attribute)?;
        self.sort
            .iter()
            .try_for_each(|sort| write!(f, " and `{}`", sort.attribute))
    }
}

/// A member of documents that is a key of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    /// The member's name.
    pub attribute: IndexAttribute,
    /// Its type, in the documents that the index is to have.
    pub key_type: KeyType,
}

/// The table in which writes with an idempotency key are remembered, and for how long a module's are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyTable {
    pub(crate) name: TableName,
    pub(crate) keep: Duration,
}

impl IdempotencyTable {
    /// Its partition key attribute.
    pub(crate) const KEY: &str = "id";
    /// Its attribute with the time after which a write is forgotten.
    pub(crate) const TTL: &str = "expiresAt";

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// How long a write is remembered.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// What it is.
    fn table(&self) -> Table {
        Table {
            purpose: Purpose::Idempotency,
            owner: ModuleName::of_idempotency(),
            name: self.name.clone(),
            key: (Self::KEY.parse::<KeyAttribute>().expect("a valid key")).into(),
            ttl: Some(Self::TTL.parse().expect("a valid attribute")),
            indexes: Vec::new(),
            create: true,
            stack: None,
            billing: Billing::default(),
            retain: false,
            stream: false,
        }
    }
}

/// How a table is paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Billing {
    /// By the request.
    #[default]
    OnDemand,
    /// By the capacity that is kept ready, in DynamoDB's units a second.
    Provisioned {
        /// Strongly consistent reads of 4 KB.
        read: usize,
        /// Writes of 1 KB.
        write: usize,
    },
}

impl Billing {
    /// The word for [`Billing::OnDemand`] in `modules.toml`.
    pub const ON_DEMAND: &str = "on-demand";
}

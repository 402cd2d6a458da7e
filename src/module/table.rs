//! What the tables of DynamoDB are that the function uses.

use std::collections::BTreeMap;

use crate::module::name::{ModuleName, TableName, TtlAttribute};
use crate::module::{Billing, Key, KeyType};

/// What a table is: a module's, or the function's own.
///
/// All that makes, checks, plans or permits a table asks here, and needs to know of no module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub(crate) purpose: Purpose,
    pub(crate) owner: ModuleName,
    pub(crate) name: TableName,
    pub(crate) key: Key,
    pub(crate) ttl: Option<TtlAttribute>,
    pub(crate) indexes: Vec<TableIndex>,
    pub(crate) create: bool,
    pub(crate) stack: Option<usize>,
    pub(crate) billing: Billing,
    pub(crate) retain: bool,
    pub(crate) stream: bool,
}

/// What a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The items of a module.
    Items,
    /// The versions of a module's items.
    History,
    /// The idempotency keys of all modules.
    Idempotency,
}

/// An index as a table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableIndex {
    /// Its name.
    pub name: String,
    /// Its one or two keys and their types, the partition's first.
    pub keys: Vec<(String, KeyType)>,
}

impl Table {
    /// How many nested stacks a service can have for its tables.
    pub const NESTED_STACKS: usize = 20;

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The module that it is of; of the function's own, a name that no module can have.
    #[must_use]
    pub fn owner(&self) -> &ModuleName {
        &self.owner
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The attribute after whose time, in seconds since 1970, DynamoDB deletes an item.
    #[must_use]
    pub fn ttl(&self) -> Option<&TtlAttribute> {
        self.ttl.as_ref()
    }

    /// Its global secondary indexes.
    #[must_use]
    pub fn indexes(&self) -> &[TableIndex] {
        &self.indexes
    }

    /// Whether a deployment makes it. Otherwise it is somebody else's, who makes, changes and removes
    /// it.
    #[must_use]
    pub fn create(&self) -> bool {
        self.create
    }

    /// The number of the nested stack that has it, from 1 on; nothing for one in the service's own
    /// stack, or in none.
    #[must_use]
    pub fn stack(&self) -> Option<usize> {
        self.stack
    }

    /// How it is paid for.
    #[must_use]
    pub fn billing(&self) -> Billing {
        self.billing
    }

    /// Whether it outlives the stack.
    #[must_use]
    pub fn retain(&self) -> bool {
        self.retain
    }

    /// Whether a deployment gives it a stream, from which changes are sent.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// The attributes of its own key and their types, the partition's first.
    pub fn keys(&self) -> impl Iterator<Item = (&str, KeyType)> {
        let parts = self.key.parts();
        parts.map(|part| (part.attribute.as_str(), part.key_type))
    }

    /// Every attribute that is a key of the table or of an index, once, with its type.
    pub fn key_attributes(&self) -> impl Iterator<Item = (&str, KeyType)> {
        let keys = self.indexes.iter().flat_map(|index| &index.keys);
        let mut of_indexes: BTreeMap<_, _> = keys
            .map(|(attribute, key_type)| (attribute.as_str(), *key_type))
            .collect();
        for (attribute, _) in self.keys() {
            of_indexes.remove(attribute);
        }
        self.keys().chain(of_indexes)
    }
}

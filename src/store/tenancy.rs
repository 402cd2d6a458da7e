//! The marks that a tenant's items have, by which lists and indexes find them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::number::plain_number;
use crate::module::reserved::{TENANT_ATTRIBUTE, mark_of};
use crate::module::tenant::Tenant;
use crate::module::{IndexKey, KeyType, Module};
use crate::store::storage::Attributes;

impl Tenant {
    /// The marks of its item that has these `members`: each with its value, or with none where the
    /// item must not have it.
    pub(super) fn marks(
        &self,
        module: &Module,
        members: &Attributes,
    ) -> BTreeMap<String, Option<AttributeValue>> {
        let (name, value) = self.own_mark();
        let partitions = module.indexes().iter().map(|index| {
            let key = &index.partition;
            match (key.key_type, members.get(key.attribute.as_str())) {
                (KeyType::S, Some(AttributeValue::S(value)))
                | (KeyType::N, Some(AttributeValue::N(value))) => {
                    let (name, value) = self.mark(key, value);
                    (name, Some(value))
                }
                _ => (mark_of(key.attribute.as_str()), None),
            }
        });
        // Indexes can have a partition in common.
        partitions.chain([(name, Some(value))]).collect()
    }

    /// The mark that all its items have.
    pub(super) fn own_mark(&self) -> (String, AttributeValue) {
        let value = AttributeValue::S(self.as_str().to_owned());
        (TENANT_ATTRIBUTE.to_owned(), value)
    }

    /// The mark that its items have with this value in an index's partition key.
    pub(super) fn mark(&self, key: &IndexKey, value: &str) -> (String, AttributeValue) {
        // A number has many spellings, and a text one.
        let plain = match key.key_type {
            KeyType::S => None,
            KeyType::N => plain_number(value),
        };
        let value = self.qualify(plain.as_deref().unwrap_or(value));
        let name = mark_of(key.attribute.as_str());
        (name, AttributeValue::S(value))
    }

    /// Adds its marks to an item that has none.
    pub(super) fn mark_item(&self, module: &Module, attributes: &mut Attributes) {
        let marks = self.marks(module, attributes).into_iter();
        attributes.extend(marks.filter_map(|(name, value)| Some((name, value?))));
    }
}

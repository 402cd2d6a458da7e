//! Items as the stream of their table shows them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::storage::Attributes;
use super::stored::{StoredItem, is_over_at};
use super::typed::Typed;
use crate::item::ItemId;
use crate::module::Module;
use crate::module::tenant::Tenant;

/// An item before a write, or after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: ItemId,
    /// Whose it is, where the module has tenants.
    pub tenant: Option<Tenant>,
    /// Its document's text, unless it is somebody else's item, without one.
    pub document: Option<String>,
    /// The same with the stamps that are members of it, as readers see it.
    pub shown: Option<String>,
    /// The stamps that it has, as members of JSON without the braces around them.
    pub stamps: Option<String>,
    /// Who has written it, where that is stamped.
    pub writer: Option<String>,
    /// When its time is over, as it says itself, in seconds since 1970.
    pub until: Option<String>,
    /// Whether its time was over when the stream's record was made, so that no reader saw it any more.
    pub is_over: bool,
}

impl Image {
    /// Reads the `attributes` of an item of `module` in a record that was made so many seconds after
    /// 1970 began. Nothing, if the module has tenants and the item is no tenant's: then nobody can
    /// reach it.
    #[must_use]
    pub fn new(module: &Module, attributes: BTreeMap<String, Typed>, at: f64) -> Option<Self> {
        let attributes = attributes.into_iter();
        let attributes: Attributes = attributes
            .map(|(name, value)| (name, value.into()))
            .collect();
        let is_over = is_over_at(module, &attributes, at);
        let tenant = match module.tenant() {
            Some(_) => Some(tenant_of(module, &attributes)?),
            None => None,
        };
        let ttl = module.ttl().and_then(|ttl| attributes.get(ttl.as_str()));
        let until = ttl.and_then(|time| time.as_n().ok().cloned());
        let updated_by = module.stamps().updated_by.as_ref();
        let writer = updated_by.and_then(|name| attributes.get(name.as_str()));
        let writer = writer.and_then(|writer| writer.as_s().ok().cloned());
        let item = StoredItem::new(module, tenant.as_ref(), attributes, None)?;
        let shown = item.shown(module).text.map(Cow::into_owned);
        Some(Self {
            shown,
            id: item.id,
            tenant,
            document: item.data,
            stamps: item.stamps,
            writer,
            until,
            is_over,
        })
    }
}

/// The tenant whose name the item's key begins with.
fn tenant_of(module: &Module, attributes: &Attributes) -> Option<Tenant> {
    let attribute = &module.key().partition().attribute;
    let AttributeValue::S(key) = attributes.get(attribute.as_str())? else {
        return None;
    };
    let (name, _) = Tenant::split(key)?;
    name.parse().ok()
}

//! Items as they are read.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;

use super::storage::{self, Attributes};
use crate::item::expiry;
use crate::item::list::{self, Position, Query};
use crate::item::number::plain_number;
use crate::item::{ItemId, Partition};
use crate::module::reserved;
use crate::module::tenant::Tenant;
use crate::module::{IndexKey, Key, KeyPart, Module, Storage};

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// Its id.
    pub id: ItemId,
    /// Its document's text, unless it is somebody else's item, without one.
    pub data: Option<String>,
    /// Its stamps as members of JSON, without the braces around them, if it has any.
    pub stamps: Option<String>,
    /// All that was read of it.
    pub(super) attributes: Attributes,
}

impl StoredItem {
    /// Reads it from what DynamoDB has, or the `fields` of its document only; nothing, if it is
    /// another's than the `tenant`'s.
    pub(super) fn new(
        module: &Module,
        tenant: Option<&Tenant>,
        mut attributes: Attributes,
        fields: Option<&[String]>,
    ) -> Option<Self> {
        let id = take_id(module.key(), tenant, &mut attributes)?;
        if tenant.is_some() {
            attributes.retain(|name, _| !reserved::is_mark(name));
        }
        let document = module.document_attribute();
        let stamps = match module.storage() {
            Storage::Document => storage::stamps_of(&attributes, module, fields),
            Storage::Json => storage::stamps_of(&attributes, module, None),
        };
        let data = match (module.storage(), fields) {
            (Storage::Document, fields) => Some(storage::text_of(&attributes, module, fields)),
            (Storage::Json, None) => text(attributes.remove(document)),
            (Storage::Json, Some(fields)) => {
                text(attributes.remove(document)).map(|text| list::project(&text, fields))
            }
        };
        Some(Self {
            id,
            data,
            stamps,
            attributes,
        })
    }

    /// The same for those who need no attribute but this one: native attributes take many times
    /// their text.
    pub(super) fn with_only(mut self, key: Option<&IndexKey>) -> Self {
        let key = key.map(|key| key.attribute.as_str());
        self.attributes.retain(|name, _| Some(name.as_str()) == key);
        self.attributes.shrink_to_fit();
        self
    }

    /// What an answer shows of it. The entity tag is of [`StoredItem::data`], without stamps.
    #[must_use]
    pub fn shown(&self, module: &Module) -> Shown<'_> {
        let text = self.data.as_deref().map(Cow::Borrowed);
        Shown::of(module, &self.id, text, self.stamps.as_deref())
    }

    /// The same without a copy of its text; nothing but the text of it is left.
    #[must_use]
    pub fn take_shown(&mut self, module: &Module) -> Shown<'_> {
        let text = self.data.take().map(Cow::Owned);
        Shown::of(module, &self.id, text, self.stamps.as_deref())
    }

    /// How long its document's text is.
    pub(crate) fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, String::len)
    }

    #[cfg(test)]
    pub(crate) fn of_text(id: &str, data: Option<&str>) -> Self {
        Self {
            id: ItemId::of(Partition::of(id.to_owned()), None),
            data: data.map(str::to_owned),
            stamps: None,
            attributes: Attributes::new(),
        }
    }

    /// Where a list goes on after it.
    #[must_use]
    pub fn position(&self, query: Option<&Query>) -> Position {
        let sort = query.and_then(Query::index_sort);
        let sort = sort.and_then(|sort| scalar(self.attributes.get(sort.attribute.as_str())));
        Position {
            id: self.id.clone(),
            sort,
        }
    }
}

/// What an answer shows of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Its id.
    pub id: &'a ItemId,
    /// Its document's text, if it has one; with [`Storage::Document`], its stamps are the last
    /// members of it.
    pub text: Option<Cow<'a, str>>,
    /// The stamps that stand beside the document, as members of JSON without the braces around them.
    pub stamps: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(
        module: &Module,
        id: &'a ItemId,
        text: Option<Cow<'a, str>>,
        stamps: Option<&'a str>,
    ) -> Self {
        match (module.storage(), text, stamps) {
            (Storage::Document, Some(text), Some(stamps)) => Self {
                id,
                text: Some(with_members(text.into_owned(), stamps).into()),
                stamps: None,
            },
            (_, text, stamps) => Self { id, text, stamps },
        }
    }
}

/// An object with more members.
fn with_members(mut object: String, members: &str) -> String {
    object.pop();
    if object.len() > 1 {
        object.push(',');
    }
    object.reserve_exact(members.len() + 1);
    object.push_str(members);
    object.push('}');
    object
}

/// One page of a table.
#[derive(Debug)]
pub struct StoredPage {
    /// Its items.
    pub items: Vec<StoredItem>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Position>,
}

/// Whether an item's time is over, as its module says it.
pub(super) fn has_expired(module: &Module, attributes: &Attributes) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "the time now has ten digits")]
    let now = expiry::now() as f64;
    is_over_at(module, attributes, now)
}

/// Whether an item's time is over so many seconds after 1970 began.
pub(super) fn is_over_at(module: &Module, attributes: &Attributes, at: f64) -> bool {
    let time = module.ttl().and_then(|ttl| attributes.get(ttl.as_str()));
    let seconds = time.and_then(|time| time.as_n().ok()?.parse::<f64>().ok());
    seconds.is_some_and(|seconds| seconds <= at)
}

/// The key that an item of this id has in its table.
pub(super) fn key_attributes(key: &Key, id: ItemId) -> Attributes {
    let (partition, sort) = id.into_values();
    let attribute = |part: &KeyPart, text: String| {
        let value = part.key_type.value(text);
        (part.attribute.to_string(), value)
    };
    let mut attributes = Attributes::from([attribute(key.partition(), partition)]);
    attributes.extend(
        key.sort()
            .zip(sort)
            .map(|(part, text)| attribute(part, text)),
    );
    attributes
}

/// Takes an item's id out of its attributes, if the item is the `tenant`'s.
pub(super) fn take_id(
    key: &Key,
    tenant: Option<&Tenant>,
    attributes: &mut Attributes,
) -> Option<ItemId> {
    let mut take = |part: &KeyPart| match attributes.remove(part.attribute.as_str()) {
        Some(AttributeValue::S(text)) => text,
        // DynamoDB writes large numbers out.
        Some(AttributeValue::N(number)) => plain_number(&number).unwrap_or(number),
        _ => String::new(),
    };
    let stored = take(key.partition());
    let partition = match tenant {
        Some(tenant) => tenant.own(&stored)?.to_owned(),
        None => stored,
    };
    Some(ItemId::of(Partition::of(partition), key.sort().map(take)))
}

/// The text of a value that is one.
pub(super) fn text(value: Option<AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

/// The text of a value that can be a key.
pub(super) fn scalar(value: Option<&AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => Some(text.clone()),
        _ => None,
    }
}

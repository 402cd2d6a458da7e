//! Documents as native DynamoDB attributes: [`Storage::Document`](crate::module::Storage).
//!
//! Each member of the document is an attribute of the item; the key attribute holds the id and is
//! no member. Read back, members are sorted and numbers plain, as in
//! [`Members`]: whoever wrote the item, and however, the same content
//! has the same text, and so the same entity tag.
//!
//! `serde_dynamo` is not used for it: through its number types, a number with more digits than they
//! have would be changed.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::{Map, Number, Value};

use crate::item::members::Members;
use crate::item::number::plain_number;
use crate::module::Module;
use crate::module::reserved::TAG_ATTRIBUTE;
#[cfg(feature = "cli")]
use crate::module::stamps::Stamps;

#[cfg(feature = "cli")]
pub use self::foreign::InvalidAttribute;
pub(crate) use self::size::item_bytes;

#[cfg(feature = "cli")]
pub(crate) mod foreign;
mod size;

/// An item's attributes.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// The attributes that `members` are kept as, without the key and the tag.
pub(crate) fn attributes_of(members: Members) -> Attributes {
    attributes_in(members.into_object())
}

/// The stamps among the members of a document's text, as attributes.
#[cfg(feature = "cli")]
pub(crate) fn attributes_named(text: &str, stamps: &Stamps) -> Attributes {
    let members: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let members = members.into_iter();
    attributes_in(members.filter(|(name, _)| stamps.contains(name)).collect())
}

fn attributes_in(object: Map<String, Value>) -> Attributes {
    let members = object.into_iter();
    members
        .map(|(name, value)| (name, attribute_of(value)))
        .collect()
}

fn attribute_of(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(attribute_of).collect()),
        Value::Object(members) => AttributeValue::M(attributes_in(members)),
    }
}

/// The text of the document that an item is, whoever wrote it: sorted, its numbers in plain form,
/// without the key and the tag. Sets are rendered as arrays, binary values in base64.
///
/// With `fields`, of these members only.
pub(crate) fn text_of(
    attributes: &Attributes,
    module: &Module,
    fields: Option<&[String]>,
) -> String {
    let is_member = |name: &str| {
        !module.key().contains(name)
            && name != TAG_ATTRIBUTE
            && !module.stamps().contains(name)
            && fields.is_none_or(|fields| fields.iter().any(|field| field == name))
    };
    let mut members: Vec<_> = attributes
        .iter()
        .filter(|(name, _)| is_member(name))
        .collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    serde_json::to_string(&Rendered(&members)).expect("attributes are JSON")
}

/// The stamps among an item's attributes as members of JSON, without the braces around them; with
/// `fields`, of these members only.
pub(crate) fn stamps_of(
    attributes: &Attributes,
    module: &Module,
    fields: Option<&[String]>,
) -> Option<String> {
    let names = module.stamps().names();
    let names =
        names.filter(|name| fields.is_none_or(|fields| fields.iter().any(|field| field == name)));
    let mut text = String::new();
    for name in names {
        let Some(value) = attributes.get(name) else {
            continue;
        };
        if !text.is_empty() {
            text.push(',');
        }
        text += &serde_json::to_string(name).expect("a text is JSON");
        text.push(':');
        text += &serde_json::to_string(&RenderedValue(value)).expect("attributes are JSON");
    }
    (!text.is_empty()).then_some(text)
}

/// Whether two values are rendered alike.
pub(crate) fn is_same(a: &AttributeValue, b: &AttributeValue) -> bool {
    let rendered = |value| serde_json::to_string(&RenderedValue(value)).ok();
    a == b || rendered(a) == rendered(b)
}

/// Leaves the attributes that are rendered like those `seen` as they were seen, of whatever type.
pub(crate) fn keep_types(attributes: &mut Attributes, seen: &Attributes) {
    for (name, value) in attributes {
        if let Some(seen) = seen.get(name)
            && is_same(seen, value)
        {
            value.clone_from(seen);
        }
    }
}

/// Sorted members, as JSON.
struct Rendered<'a>(&'a [(&'a String, &'a AttributeValue)]);

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &RenderedValue(value))?;
        }
        map.end()
    }
}

/// One value, as JSON.
struct RenderedValue<'a>(&'a AttributeValue);

impl Serialize for RenderedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::S(text) => serializer.serialize_str(text),
            AttributeValue::N(number) => rendered_number(number)?.serialize(serializer),
            AttributeValue::Bool(value) => serializer.serialize_bool(*value),
            AttributeValue::Null(_) => serializer.serialize_unit(),
            AttributeValue::B(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            AttributeValue::L(values) => serializer.collect_seq(values.iter().map(RenderedValue)),
            AttributeValue::M(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                Rendered(&members).serialize(serializer)
            }
            AttributeValue::Ss(texts) => serializer.collect_seq(sorted(texts)),
            AttributeValue::Ns(numbers) => {
                let numbers: Result<Vec<_>, S::Error> = sorted(numbers)
                    .map(|number| rendered_number(number))
                    .collect();
                serializer.collect_seq(numbers?)
            }
            AttributeValue::Bs(values) => {
                let mut values: Vec<_> =
                    values.iter().map(|bytes| STANDARD.encode(bytes)).collect();
                values.sort_unstable();
                serializer.collect_seq(values)
            }
            _ => Err(S::Error::custom("a type of attribute that there was not")),
        }
    }
}

/// A set has no order of its own.
fn sorted(texts: &[String]) -> impl Iterator<Item = &String> {
    let mut texts: Vec<_> = texts.iter().collect();
    texts.sort_unstable();
    texts.into_iter()
}

fn rendered_number<E: Error>(text: &str) -> Result<Number, E> {
    let plain = plain_number(text).map_or(Cow::Borrowed(text), Cow::Owned);
    plain.parse().map_err(E::custom)
}

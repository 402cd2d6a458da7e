//! Documents as native DynamoDB attributes: [`Storage::Document`](crate::module::Storage).
//!
//! Each member of the document is an attribute of the item; the key attribute holds the id and is
//! no member. DynamoDB keeps neither the order of members nor the spelling of numbers, so that both
//! have one form here, sorted and plain, from which entity tags are made: whoever wrote the item,
//! and however, the same content has the same text.
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

use crate::item::ItemId;
use crate::module::limits;
use crate::module::name::TAG_ATTRIBUTE;
use crate::module::{KeyType, Module};

#[cfg(feature = "cli")]
pub use self::foreign::InvalidAttribute;
pub(crate) use self::size::item_bytes;

#[cfg(feature = "cli")]
pub(crate) mod foreign;
mod size;

/// An item's attributes.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A document that DynamoDB can keep as native attributes: sorted, its numbers in plain form.
#[derive(Debug, Clone)]
pub struct Members(Map<String, Value>);

/// Why a document can't be kept as native attributes. Each tells the JSON pointer of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unstorable {
    /// It has no members.
    #[error("it is no object, so it has no members to store")]
    NoObject,
    /// It says another id than the path.
    #[error("`/{key}` is not the id of the path; leave it out")]
    OtherId {
        /// The key attribute.
        key: String,
    },
    /// It has a member of modulo's own.
    #[error("`/{name}` is reserved; name the member otherwise")]
    Reserved {
        /// The member.
        name: String,
    },
    /// A member without a name.
    #[error("a member of `{pointer}` has an empty name")]
    EmptyName {
        /// The object's place.
        pointer: String,
    },
    /// A number that would lose digits, or is out of range.
    #[error(
        "the number at `{pointer}` can't be stored: DynamoDB keeps {} digits, from 1e-130 to 9.9e125",
        limits::NUMBER_DIGITS
    )]
    Number {
        /// The number's place.
        pointer: String,
    },
    /// A name that is longer than DynamoDB takes.
    #[error(
        "a member of `{pointer}` has a name of {bytes} bytes: DynamoDB takes {}",
        limits::ATTRIBUTE_NAME_BYTES
    )]
    LongName {
        /// The object's place.
        pointer: String,
        /// The length of the name in bytes.
        bytes: usize,
    },
    /// A value within too many objects and arrays.
    #[error("`{pointer}` nests too deep: DynamoDB takes {} levels", limits::LEVELS)]
    TooDeep {
        /// The value's place.
        pointer: String,
    },
    /// A member that an index is of, and that can't be its key.
    #[error("`/{attribute}` is a key of an index and must be {expected}")]
    IndexKey {
        /// The member.
        attribute: String,
        /// What it must be.
        expected: String,
    },
}

impl Members {
    /// Takes a document apart.
    ///
    /// # Errors
    /// DynamoDB could not keep it, or only with a loss.
    pub(crate) fn parse(
        document: Value,
        module: &Module,
        id: Option<&ItemId>,
    ) -> Result<Self, Unstorable> {
        let Value::Object(mut members) = document else {
            return Err(Unstorable::NoObject);
        };
        let key = module.key().as_str();
        if let Some(value) = members.shift_remove(key)
            && id.is_none_or(|id| value.as_str() != Some(id.as_str()))
        {
            let key = key.to_owned();
            return Err(Unstorable::OtherId { key });
        }
        if let Some(name) = members.keys().find(|name| module.reserves(name)) {
            let name = name.clone();
            return Err(Unstorable::Reserved { name });
        }
        normalise(&mut members, &mut Place::default())?;
        let members = Self(members);
        members.check_index_keys(module)?;
        Ok(members)
    }

    fn check_index_keys(&self, module: &Module) -> Result<(), Unstorable> {
        for index in module.indexes() {
            for (index_key, limit) in index.keys().zip(module.index_key_limits()) {
                let attribute = index_key.attribute.as_str();
                let Some(value) = self.0.get(attribute) else {
                    continue;
                };
                let expected = match (index_key.key_type, value) {
                    (KeyType::N, Value::Number(_)) => continue,
                    (KeyType::N, _) => "a number".to_owned(),
                    (KeyType::S, Value::String(text)) if (1..=limit).contains(&text.len()) => {
                        continue;
                    }
                    (KeyType::S, _) => format!("a string of 1 to {limit} bytes"),
                };
                return Err(Unstorable::IndexKey {
                    attribute: attribute.to_owned(),
                    expected,
                });
            }
        }
        Ok(())
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }

    /// Sets a member to a whole number.
    pub(crate) fn set(&mut self, name: &str, number: u64) {
        self.0.insert(name.to_owned(), number.into());
        self.0.sort_keys();
    }

    /// The document's text, as [`text_of`] the stored attributes has it.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("JSON values are JSON")
    }

    /// The members in DynamoDB's own notation, as `{"chairs": {"N": "90"}}`.
    pub(crate) fn notation(&self) -> impl Serialize {
        Notation(&self.0)
    }

    /// The attributes, without the key and the tag.
    pub(crate) fn into_attributes(self) -> Attributes {
        let members = self.0.into_iter();
        members
            .map(|(name, value)| (name, attribute_of(value)))
            .collect()
    }
}

struct Notation<'a>(&'a Map<String, Value>);

impl Serialize for Notation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, NotedValue(value))))
    }
}

struct NotedValue<'a>(&'a Value);

impl Serialize for NotedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.0 {
            Value::Null => map.serialize_entry("NULL", &true)?,
            Value::Bool(value) => map.serialize_entry("BOOL", value)?,
            Value::Number(number) => map.serialize_entry("N", number.as_str())?,
            Value::String(text) => map.serialize_entry("S", text)?,
            Value::Array(values) => {
                let values: Vec<_> = values.iter().map(NotedValue).collect();
                map.serialize_entry("L", &values)?;
            }
            Value::Object(members) => map.serialize_entry("M", &Notation(members))?,
        }
        map.end()
    }
}

/// Where in a document a value is: the way to it, from the outside in.
#[derive(Default)]
struct Place(Vec<String>);

impl Place {
    fn pointer(&self) -> String {
        let escaped = |segment: &String| segment.replace('~', "~0").replace('/', "~1");
        self.0
            .iter()
            .flat_map(|segment| ["/".to_owned(), escaped(segment)])
            .collect()
    }

    fn within<T>(&mut self, segment: String, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(segment);
        let visited = visit(self);
        self.0.pop();
        visited
    }
}

fn normalise(members: &mut Map<String, Value>, place: &mut Place) -> Result<(), Unstorable> {
    members.sort_keys();
    for (name, value) in members {
        if name.is_empty() {
            let pointer = place.pointer();
            return Err(Unstorable::EmptyName { pointer });
        }
        if name.len() > limits::ATTRIBUTE_NAME_BYTES {
            let (pointer, bytes) = (place.pointer(), name.len());
            return Err(Unstorable::LongName { pointer, bytes });
        }
        place.within(name.clone(), |place| normalise_value(value, place))?;
    }
    Ok(())
}

fn normalise_value(value: &mut Value, place: &mut Place) -> Result<(), Unstorable> {
    if place.0.len() > limits::LEVELS {
        let pointer = place.pointer();
        return Err(Unstorable::TooDeep { pointer });
    }
    match value {
        Value::Object(members) => normalise(members, place)?,
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                place.within(at.to_string(), |place| normalise_value(value, place))?;
            }
        }
        Value::Number(number) => {
            let plain = plain_number(number.as_str()).and_then(|text| text.parse().ok());
            *number = plain.ok_or_else(|| Unstorable::Number {
                pointer: place.pointer(),
            })?;
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
    Ok(())
}

fn attribute_of(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(attribute_of).collect()),
        Value::Object(members) => AttributeValue::M(Members(members).into_attributes()),
    }
}

/// As [`plain_number`], of a text that may not be a JSON number.
pub(crate) fn parse_number(text: &str) -> Option<String> {
    // Unlike `from_str`, this takes no white space around it.
    text.parse::<Number>().ok()?;
    plain_number(text)
}

/// A number as DynamoDB may keep it: the digits that count, without exponent where that is not
/// longer than they are; nothing, if digits would be lost.
pub(crate) fn plain_number(text: &str) -> Option<String> {
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (significand, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let all_digits = format!("{whole}{fraction}");
    let leading = all_digits.trim_start_matches('0');
    let digits = leading.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let length = i64::try_from(digits.len()).ok()?;
    let cut = i64::try_from(leading.len()).ok()? - length;
    // What the last digit is worth, and the first.
    let last = exponent.parse::<i64>().ok()?;
    let last = last.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let last = last.checked_add(cut)?;
    let first = last.checked_add(length - 1)?;
    if length > limits::NUMBER_DIGITS || !limits::NUMBER_EXPONENTS.contains(&first) {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let plain = if last >= 0 && first < limits::NUMBER_DIGITS {
        format!("{sign}{digits}{}", zeros(last))
    } else if last < 0 && first >= 0 {
        let (whole, fraction) = digits.split_at(usize::try_from(first).ok()? + 1);
        format!("{sign}{whole}.{fraction}")
    } else if first < 0 && -last <= limits::NUMBER_DIGITS {
        format!("{sign}0.{}{digits}", zeros(-first - 1))
    } else {
        let (whole, fraction) = digits.split_at(1);
        let point = if fraction.is_empty() { "" } else { "." };
        let plus = if first > 0 { "+" } else { "" };
        format!("{sign}{whole}{point}{fraction}e{plus}{first}")
    };
    Some(plain)
}

/// The text of the document that an item is, whoever wrote it: sorted, its numbers in plain form,
/// without the key and the tag. Sets are told as arrays, binary values in base64.
///
/// With `fields`, of these members only.
pub(crate) fn text_of(
    attributes: &Attributes,
    module: &Module,
    fields: Option<&[String]>,
) -> String {
    let is_member = |name: &str| {
        name != module.key().as_str()
            && name != TAG_ATTRIBUTE
            && fields.is_none_or(|fields| fields.iter().any(|field| field == name))
    };
    let mut members: Vec<_> = attributes
        .iter()
        .filter(|(name, _)| is_member(name))
        .collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    serde_json::to_string(&Told(&members)).expect("attributes are JSON")
}

/// Whether two values are told alike.
pub(crate) fn is_same(a: &AttributeValue, b: &AttributeValue) -> bool {
    let told = |value| serde_json::to_string(&ToldValue(value)).ok();
    a == b || told(a) == told(b)
}

/// Leaves the attributes that are told as those `seen` as they were seen, of whatever type.
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
struct Told<'a>(&'a [(&'a String, &'a AttributeValue)]);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &ToldValue(value))?;
        }
        map.end()
    }
}

/// One value, as JSON.
struct ToldValue<'a>(&'a AttributeValue);

impl Serialize for ToldValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::S(text) => serializer.serialize_str(text),
            AttributeValue::N(number) => told_number(number)?.serialize(serializer),
            AttributeValue::Bool(value) => serializer.serialize_bool(*value),
            AttributeValue::Null(_) => serializer.serialize_unit(),
            AttributeValue::B(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            AttributeValue::L(values) => serializer.collect_seq(values.iter().map(ToldValue)),
            AttributeValue::M(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                Told(&members).serialize(serializer)
            }
            AttributeValue::Ss(texts) => serializer.collect_seq(sorted(texts)),
            AttributeValue::Ns(numbers) => {
                let numbers: Result<Vec<_>, S::Error> =
                    sorted(numbers).map(|number| told_number(number)).collect();
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

fn told_number<E: Error>(text: &str) -> Result<Number, E> {
    let plain = plain_number(text).map_or(Cow::Borrowed(text), Cow::Owned);
    plain.parse().map_err(E::custom)
}

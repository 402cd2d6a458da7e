//! Documents as members: what [`Storage::Document`](crate::module::Storage) can keep of them.
//!
//! DynamoDB keeps neither the order of members nor the spelling of numbers, so that both have one
//! form here, sorted and plain, from which entity tags are made.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::item::id::ItemId;
use crate::item::number::plain_number;
use crate::json::place::Place;
use crate::module::limits;
use crate::module::{KeyType, Module};

/// A document that DynamoDB can keep as native attributes: sorted, its numbers in plain form.
#[derive(Debug, Clone)]
pub struct Members(Map<String, Value>);

/// Why a document can't be kept as native attributes. Each tells the JSON pointer of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unstorable {
    /// It has no members.
    #[error("it is not an object, so it has no members to store")]
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
        let key = module.key();
        for part in key.parts() {
            let attribute = part.attribute.as_str();
            let Some(said) = members.shift_remove(attribute) else {
                continue;
            };
            let known = id.and_then(|id| id.values(key).find(|value| value.part == part));
            if !known.is_some_and(|known| known.is_said_by(&said.to_string())) {
                let key = attribute.to_owned();
                return Err(Unstorable::OtherId { key });
            }
        }
        // Those that a GET has shown may be sent back.
        for stamp in module.stamps().names() {
            members.shift_remove(stamp);
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

    /// Whether the document says nothing but its key.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// The document's text, sorted, its numbers in plain form.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("JSON values are JSON")
    }

    /// The members in DynamoDB's own notation, as `{"chairs": {"N": "90"}}`.
    pub(crate) fn notation(&self) -> impl Serialize {
        Notation(&self.0)
    }

    /// The object that they are the members of.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        self.0
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
    if place.depth() > limits::LEVELS {
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

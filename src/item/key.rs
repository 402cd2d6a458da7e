//! The key attributes as members of the documents that clients send and get, where a module has
//! them so. They are never stored in the document: the item has them already.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};

use super::{InvalidDocument, ItemId, is_empty};
use crate::item::members::Unstorable;
use crate::module::{Key, Module};

/// What is shown of a document: where `module` has the key in its documents, with the item's id as
/// their first members. What is not an object is left as it is.
pub(crate) fn shown<'t>(
    module: &Module,
    id: &ItemId,
    json: Cow<'t, RawValue>,
) -> Cow<'t, RawValue> {
    if !module.key_in_document() {
        return json;
    }
    let Some(members) = Members::of(&json) else {
        return json;
    };
    let key = module.key();
    let mut object = Object::new();
    for value in id.values(key) {
        let name = rendered(&value.part.attribute.as_str());
        object.push(&name, &rendered(&value));
    }
    members
        .without(key)
        .for_each(|(name, value)| object.push(name, value));
    Cow::Owned(object.into_json())
}

/// What is kept of a document as text: all but the members that say its id.
///
/// # Errors
/// It is not an object, says another id, or says nothing else.
pub(super) fn kept(
    json: Box<RawValue>,
    module: &Module,
    id: Option<&ItemId>,
) -> Result<Box<RawValue>, InvalidDocument> {
    let key = module.key();
    let members = Members::of(&json).ok_or(Unstorable::NoObject)?;
    let mut is_said = false;
    for part in key.parts() {
        let attribute = part.attribute.as_str();
        let known = id.and_then(|id| id.values(key).find(|value| value.part == part));
        for said in members.values(attribute) {
            is_said = true;
            if !known.is_some_and(|known| known.is_said_by(said.get())) {
                let key = attribute.to_owned();
                return Err(Unstorable::OtherId { key }.into());
            }
        }
    }
    if !is_said {
        return Ok(json);
    }
    let mut object = Object::new();
    members
        .without(key)
        .for_each(|(name, value)| object.push(name, value));
    let kept = object.into_json();
    if is_empty(kept.get()) {
        return Err(InvalidDocument::Empty);
    }
    Ok(kept)
}

/// The members of an object in their order, names and values as they are written.
struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Members<'t> {
    fn of(json: &'t RawValue) -> Option<Self> {
        // What is not an object need not be read for that.
        json.get().starts_with('{').then_some(())?;
        serde_json::from_str(json.get()).ok()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'t RawValue> {
        let named = self
            .0
            .iter()
            .filter(move |(written, _)| says(written, name));
        named.map(|(_, value)| *value)
    }

    fn without(&self, key: &Key) -> impl Iterator<Item = (&'t RawValue, &'t RawValue)> {
        let is_of_key = |written: &RawValue| {
            let mut parts = key.parts();
            parts.any(|part| says(written, part.attribute.as_str()))
        };
        let others = self
            .0
            .iter()
            .filter(move |(written, _)| !is_of_key(written));
        others.copied()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

fn says(written: &RawValue, name: &str) -> bool {
    let text = written.get();
    text[1..text.len() - 1] == *name
        || text.contains('\\')
            && serde_json::from_str::<String>(text).is_ok_and(|read| read == name)
}

fn rendered(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("texts and numbers are JSON")
}

/// An object that is being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn push(&mut self, name: &RawValue, value: &RawValue) {
        let Self(json) = self;
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(name.get());
        json.push(':');
        json.push_str(value.get());
    }

    fn into_json(self) -> Box<RawValue> {
        let Self(mut json) = self;
        json.push('}');
        RawValue::from_string(json).expect("members of an object make an object")
    }
}

//! The key attribute as a member of the documents that clients send and get, where a module has it
//! so. It is never stored: the item has the id already.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};

use super::{InvalidDocument, ItemId, is_empty};
use crate::item::members::Unstorable;
use crate::module::Module;

/// What is shown of a document: where `module` has the key in its documents, with the item's id as
/// their first member. What is not an object is left as it is.
pub(crate) fn shown<'t>(module: &Module, id: &str, json: Cow<'t, RawValue>) -> Cow<'t, RawValue> {
    if !module.key_in_document() {
        return json;
    }
    let Some(members) = Members::of(&json) else {
        return json;
    };
    let key = module.key().as_str();
    let own = (quoted(key), quoted(id));
    let own = (&*own.0, &*own.1);
    Cow::Owned(object([own].into_iter().chain(members.without(key))))
}

/// What is kept of a document as text: all but the member that says its id.
///
/// # Errors
/// It is not an object, says another id, or says nothing else.
pub(super) fn kept(
    json: Box<RawValue>,
    module: &Module,
    id: Option<&ItemId>,
) -> Result<Box<RawValue>, InvalidDocument> {
    let key = module.key().as_str();
    let members = Members::of(&json).ok_or(Unstorable::NoObject)?;
    let mut said = members.values(key).peekable();
    if said.peek().is_none() {
        drop(said);
        return Ok(json);
    }
    let is_id = |value: &RawValue| {
        let said = serde_json::from_str::<String>(value.get());
        id.is_some_and(|id| said.is_ok_and(|said| said == id.as_str()))
    };
    if !said.all(is_id) {
        let key = key.to_owned();
        return Err(Unstorable::OtherId { key }.into());
    }
    let kept = object(members.without(key));
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

    fn without(&self, name: &str) -> impl Iterator<Item = (&'t RawValue, &'t RawValue)> {
        let others = self
            .0
            .iter()
            .filter(move |(written, _)| !says(written, name));
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

fn quoted(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a text is JSON")
}

fn object<'t>(members: impl Iterator<Item = (&'t RawValue, &'t RawValue)>) -> Box<RawValue> {
    let mut json = "{".to_owned();
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(name.get());
        json.push(':');
        json.push_str(value.get());
    }
    json.push('}');
    RawValue::from_string(json).expect("members of an object make an object")
}

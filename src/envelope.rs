//! The answers of the contract, as types that serialise to it.
//!
//! An answer borrows what it tells, since the store is still to be handed it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::item::Document;
use crate::module::Module;

/// `{"<VERB>": …}`
#[derive(Debug)]
pub struct Verbed<T>(pub &'static str, pub T);

impl<T: Serialize> Serialize for Verbed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

/// `{"<key attribute>": "<id>", …}`
#[derive(Debug)]
pub struct Item<'a> {
    /// The module, for its key attribute.
    pub module: &'a Module,
    /// The item's id.
    pub id: &'a str,
    /// What stands beside the id.
    pub content: Content<'a>,
}

/// What an answer tells of an item beside its id.
#[derive(Debug)]
pub enum Content<'a> {
    /// Nothing: of DELETE.
    Nothing,
    /// `"data": "<the stored text>"`, `null` where there is none: of GET and LIST.
    Stored(Option<&'a str>),
    /// `"data": <the document>`: of POST.
    Sent(&'a Document),
    /// `"item": {"data": {"S": "<the document's text>"}}`, in DynamoDB's own notation: of PUT.
    Updated(&'a Document),
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Attributes<'a> {
            data: Text<'a>,
        }
        #[derive(Serialize)]
        struct Text<'a> {
            #[serde(rename = "S")]
            text: &'a str,
        }

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.module.key().as_str(), self.id)?;
        match self.content {
            Content::Nothing => {}
            Content::Stored(text) => map.serialize_entry("data", &text)?,
            Content::Sent(document) => map.serialize_entry("data", document)?,
            Content::Updated(document) => {
                let data = Text {
                    text: document.as_str(),
                };
                map.serialize_entry("item", &Attributes { data })?;
            }
        }
        map.end()
    }
}

/// `{"items": […], "next": "<cursor>" | null}`: of LIST.
#[derive(Debug, Serialize)]
pub struct Page<'a> {
    /// The page's items.
    pub items: Vec<Item<'a>>,
    /// What gets the next page, if there is one.
    pub next: Option<String>,
}

/// `{"message": "<sentence>"}`: of every error.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// What was wrong.
    pub message: String,
}

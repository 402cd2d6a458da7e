//! One item as one line of JSON: `{"id":"sala90","item":{"chairs":90}}`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::collection::Collection;
use crate::json::byte_order_mark;
use crate::module::{Key, KeyType, limits};
use crate::store::{InvalidRecord, Owner, Record, Typed, WholeItem};

/// Why a line is no item of the module.
#[derive(Debug, thiserror::Error)]
pub(in crate::tool) enum InvalidLine {
    #[error("longer than {} bytes, more than any item can have", MAX_LINE_BYTES)]
    TooLong,
    #[error("not UTF-8 from byte {0} on")]
    NotUtf8(usize),
    #[error("column {column}: {message}")]
    NotAnItem { column: usize, message: String },
    #[error("`item` and `attributes` are both missing")]
    Bare,
    #[error("item `{id}`: {reason}")]
    Illegal { id: String, reason: InvalidRecord },
    #[error("item `{id}`: line {first} has the same id")]
    Repeated { id: String, first: u64 },
}

/// What no line is longer than: the greatest item with each of its bytes escaped.
pub(in crate::tool) const MAX_LINE_BYTES: usize = 8 * limits::ITEM_BYTES;

/// What a line looks like where the table has this key.
pub(in crate::tool) fn example(key: &Key) -> String {
    let values = key.parts().zip([(r#""sala90""#, "90"), (r#""b1""#, "1")]);
    let values = values.map(|(part, (text, number))| match part.key_type {
        KeyType::S => text,
        KeyType::N => number,
    });
    let id = values.collect::<Vec<_>>().join(",");
    let (open, close) = match key.sort() {
        Some(_) => ("[", "]"),
        None => ("", ""),
    };
    format!(r#"{{"id":{open}{id}{close},"item":{{"chairs":90}}}}"#)
}

/// A line as it is read. Whatever is no document of modulo's stands in `attributes`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<'l> {
    id: Value,
    #[serde(default, rename = "tenant")]
    owner: Owner,
    #[serde(borrow, default, deserialize_with = "present")]
    item: Option<&'l RawValue>,
    attributes: Option<BTreeMap<String, Typed>>,
}

/// A `null` that was written is a document, and no valid one.
fn present<'l, D: Deserializer<'l>>(deserializer: D) -> Result<Option<&'l RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A line as it is written.
#[derive(Serialize)]
struct Written<'i> {
    id: &'i Value,
    #[serde(rename = "tenant", skip_serializing_if = "Owner::is_module")]
    owner: &'i Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'i RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'i BTreeMap<String, Typed>>,
}

/// Whether nothing stands in a line.
pub(in crate::tool) fn is_blank(line: &[u8]) -> bool {
    byte_order_mark::skip(line).trim_ascii().is_empty()
}

/// How lines are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::tool) struct Reader<'c> {
    /// Whose items they are.
    pub(in crate::tool) collection: &'c Collection,
    /// Whether items keep the stamps that their lines have.
    pub(in crate::tool) keeps_stamps: bool,
}

impl Reader<'_> {
    /// The id that a line has, and what the item is in the collection's table.
    pub(in crate::tool) fn parse(self, line: &[u8]) -> Result<(String, Record), InvalidLine> {
        if line.len() > MAX_LINE_BYTES {
            return Err(InvalidLine::TooLong);
        }
        // Files that begin with one may be put together.
        let line = byte_order_mark::skip(line);
        let line =
            str::from_utf8(line).map_err(|error| InvalidLine::NotUtf8(error.valid_up_to()))?;
        let Read {
            id,
            owner,
            item,
            attributes,
        } = serde_json::from_str(line).map_err(|error| not_an_item(&error))?;
        if item.is_none() && attributes.is_none() {
            return Err(InvalidLine::Bare);
        }
        let item = WholeItem {
            owner,
            id: id.clone(),
            document: item.map(|raw| raw.get().to_owned()),
            attributes: attributes.unwrap_or_default(),
        };
        // A text without its quotes.
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        match Record::new(self.collection, item, self.keeps_stamps) {
            Ok(record) => Ok((id, record)),
            Err(reason) => Err(InvalidLine::Illegal { id, reason }),
        }
    }
}

fn not_an_item(error: &serde_json::Error) -> InvalidLine {
    let column = error.column();
    let text = error.to_string();
    let place = format!(" at line {} column {column}", error.line());
    let message = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    InvalidLine::NotAnItem { column, message }
}

/// Writes `item` as a line.
pub(in crate::tool) fn write(to: &mut impl Write, item: &WholeItem) -> io::Result<()> {
    let document = item.document.as_deref();
    let document = document.map(serde_json::from_str).transpose()?;
    let says_all = document.is_some() && item.attributes.is_empty();
    let line = Written {
        owner: &item.owner,
        id: &item.id,
        item: document,
        attributes: (!says_all).then_some(&item.attributes),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

//! What a request is about: an item's id and its document, parsed.
//!
//! Knows no HTTP beyond a path's percent-encoding, and no DynamoDB beyond its limits.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::collection::Collection;
pub use crate::item::id::{InvalidItemId, InvalidKeyValue, ItemId, Partition};
use crate::item::members::{Members, Unstorable};
use crate::item::schema::Unfit;
use crate::json;
use crate::json::layout::Layout;
use crate::module::name::TtlAttribute;
use crate::module::{Module, Storage};

pub mod batch;
pub mod collection;
pub(crate) mod expiry;
pub mod history;
pub mod id;
pub mod idempotency;
pub(crate) mod key;
pub mod list;
pub mod members;
pub(crate) mod number;
pub mod patch;
pub mod schema;

/// A document: JSON that is not empty, as its module keeps it.
///
/// Its text has no insignificant white space and is never printed anew through a number type, so
/// that member order, big numbers, escapes and duplicate members survive.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    native: Option<Native>,
    expires_at: Option<u64>,
}

/// A document of [`Storage::Document`].
#[derive(Debug, Clone)]
struct Native {
    members: Members,
    text: String,
}

/// Why a body is no document.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDocument {
    /// Absent, or one of JSON's empty values.
    #[error("there is no data")]
    Empty,
    /// No UTF-8.
    #[error("the body is not JSON: byte {at} is not UTF-8")]
    NotUtf8 {
        /// The offset of the first wrong byte, from 0.
        at: usize,
    },
    /// No JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// Arrays and objects in one another, too many of them.
    #[error(
        "the body nests too deep: more than {} levels at byte {at}",
        Document::MAX_DEPTH
    )]
    TooDeep {
        /// The offset of the bracket that is one too many, from 0.
        at: usize,
    },
    /// An object whose members have the same name.
    #[error("an object in it has a member twice")]
    RepeatedMember,
    /// A name that is taken.
    #[error("a member's name in it begins with `{RESERVED}`, which is reserved")]
    ReservedMember,
    /// Larger than the module takes.
    #[error("the document has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size in bytes, without insignificant white space.
        size: usize,
        /// The module's limit in bytes.
        limit: usize,
    },
    /// JSON that the module's table can't hold as native attributes.
    #[error("{0}")]
    Unstorable(#[from] Unstorable),
    /// JSON that does not fit the module's schema.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A time of expiry that is none.
    #[error(
        "`/{attribute}` says when the item expires and must be a whole number of seconds since 1970"
    )]
    Expiry {
        /// The member that says it.
        attribute: String,
    },
    /// A time of expiry after the year 9999.
    #[error(
        "`/{attribute}` says that the item expires after the year 9999; write it in seconds since \
         1970, not in milliseconds"
    )]
    ExpiryTooLate {
        /// The member that says it.
        attribute: String,
    },
}

impl Document {
    /// How many arrays and objects may stand in one another, so that no reader's stack overflows.
    pub const MAX_DEPTH: usize = json::MAX_DEPTH;

    /// Parses a request's body, the whole document of an item of `collection`; its id is not known
    /// yet where it is still to be made.
    ///
    /// # Errors
    /// It is empty, no JSON, nested too deep, too large, nothing that the module can keep, or
    /// breaks the module's schema.
    pub fn parse(
        body: Vec<u8>,
        collection: &Collection,
        id: Option<&ItemId>,
    ) -> Result<Self, InvalidDocument> {
        let default = collection.module().default_ttl();
        let default = default.map(|ttl| expiry::now() + ttl.as_secs());
        Self::read(body, collection, id, default)
    }

    /// Whether the documents of `collection` are kept as they are sent, so that nothing is made of
    /// them but a text.
    pub(crate) fn is_kept_as_sent(collection: &Collection) -> bool {
        let module = collection.module();
        module.storage() == Storage::Json
            && !module.key_in_document()
            && module.ttl().is_none()
            && collection.schema().is_none()
    }

    /// As [`Document::parse`], of one that was changed: it expires when it would have.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_changed(
        text: String,
        collection: &Collection,
        id: &ItemId,
    ) -> Result<Self, InvalidDocument> {
        Self::read(text.into_bytes(), collection, Some(id), None)
    }

    fn read(
        body: Vec<u8>,
        collection: &Collection,
        id: Option<&ItemId>,
        default_expiry: Option<u64>,
    ) -> Result<Self, InvalidDocument> {
        let module = &**collection.module();
        let mut text = read_text(body, module.max_bytes())?;
        if module.key_in_document() && module.storage() == Storage::Json {
            let json = RawValue::from_string(text).map_err(InvalidDocument::NotJson)?;
            text = Box::<str>::from(key::kept(json, module, id)?).into_string();
        }
        let mut members = match module.storage() {
            Storage::Json => None,
            Storage::Document => {
                let value = value_of(&text)?;
                let has_stamps = module
                    .stamps()
                    .names()
                    .any(|name| value.get(name).is_some());
                let members = Members::parse(value, module, id)?;
                if has_stamps {
                    // What is not stored is not answered either.
                    text = members.to_text();
                }
                Some(members)
            }
        };
        // Its key is no data of its own.
        if members.as_ref().is_some_and(Members::is_empty) {
            return Err(InvalidDocument::Empty);
        }
        let mut expires_at = None;
        if let Some(attribute) = module.ttl().map(TtlAttribute::as_str) {
            let said = match &members {
                Some(members) => members.get(attribute).map(ToString::to_string),
                None => member_of(&text, attribute),
            };
            let said = said.map(|value| match expiry::seconds_of(&value) {
                Some(seconds @ ..=expiry::LATEST) => Ok(seconds),
                Some(_) => Err(InvalidDocument::ExpiryTooLate {
                    attribute: attribute.to_owned(),
                }),
                None => Err(InvalidDocument::Expiry {
                    attribute: attribute.to_owned(),
                }),
            });
            expires_at = said.transpose()?.or(default_expiry);
            if let (Some(members), Some(seconds)) = (&mut members, expires_at) {
                members.set(attribute, seconds);
            }
        }
        let native = members.map(|members| Native {
            text: members.to_text(),
            members,
        });
        let document = Self {
            text,
            native,
            expires_at,
        };
        if let Some(schema) = collection.schema() {
            schema.check(&value_of(document.as_str())?)?;
        }
        Ok(document)
    }

    /// The text that was sent, without insignificant white space.
    #[must_use]
    pub fn sent(&self) -> &str {
        &self.text
    }

    /// The text that a read of the item will tell.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.native
            .as_ref()
            .map_or(&self.text, |native| &native.text)
    }

    /// When an item with this document expires, in seconds since 1970, if that is known.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// As it was when it was first sent, which says when an item expires that does not say so.
    pub(crate) fn expiring_at(mut self, module: &Module, seconds: Option<u64>) -> Self {
        self.expires_at = seconds;
        if let (Some(native), Some(ttl), Some(seconds)) = (&mut self.native, module.ttl(), seconds)
        {
            native.members.set(ttl.as_str(), seconds);
            native.text = native.members.to_text();
        }
        self
    }

    /// Its members, where they are kept as native attributes.
    pub(crate) fn members(&self) -> Option<&Members> {
        self.native.as_ref().map(|native| &native.members)
    }

    /// What is kept of it.
    pub(crate) fn into_kept(self) -> Kept {
        match self.native {
            Some(native) => Kept::Members(native.members),
            None => Kept::Text(self.text),
        }
    }
}

/// What is kept of a document.
pub(crate) enum Kept {
    Text(String),
    Members(Members),
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The JSON text of a body, checked, without insignificant white space.
fn read_text(body: Vec<u8>, max_bytes: usize) -> Result<String, InvalidDocument> {
    let text = String::from_utf8(body).map_err(|error| InvalidDocument::NotUtf8 {
        at: error.utf8_error().valid_up_to(),
    })?;
    // Neither this nor what follows recurses, whatever the depth.
    let json = match Layout::of(&text) {
        Some(Layout {
            insignificant_bytes: 0,
        }) => text,
        Some(_) => minified(&text),
        None => return Err(why_no_json(text)),
    };
    if is_empty(&json) {
        return Err(InvalidDocument::Empty);
    }
    let size = json.len();
    if size > max_bytes {
        return Err(InvalidDocument::TooLarge {
            size,
            limit: max_bytes,
        });
    }
    Ok(json)
}

/// Why a text has no [`Layout`].
fn why_no_json(text: String) -> InvalidDocument {
    if text.trim_ascii().is_empty() {
        return InvalidDocument::Empty;
    }
    let json = match RawValue::from_string(text) {
        Ok(json) => json,
        Err(error) => return InvalidDocument::NotJson(error),
    };
    let mut depth = 0_usize;
    let mut bytes = Bytes::of(json.get());
    let too_deep = bytes.find(|&(_, byte, in_string)| {
        match byte {
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        depth > Document::MAX_DEPTH
    });
    let at = too_deep.map_or(0, |(at, _, _)| at);
    InvalidDocument::TooDeep { at }
}

/// A JSON text without its insignificant white space.
fn minified(json: &str) -> String {
    let mut significant = vec![0; json.len()];
    let (mut length, mut in_string, mut is_escaped) = (0, false, false);
    // White space may stand beside each value: there is no run of bytes that is worth a branch.
    for &byte in json.as_bytes() {
        significant[length] = byte;
        in_string ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        length += usize::from(in_string || !is_space);
    }
    significant.truncate(length);
    String::from_utf8(significant).expect("only ASCII was left out")
}

/// About how many bytes of memory a document takes on its way to the table, by its text: it is
/// copied and escaped, and a native one becomes trees, in which the shortest object takes a hundred
/// times its text.
pub(crate) fn footprint(json: &str, storage: Storage) -> usize {
    const VALUE_BYTES: usize = 200;
    const OBJECT_BYTES: usize = 800;
    let text = 16 * json.len();
    match storage {
        Storage::Json => text,
        Storage::Document => Bytes::of(json)
            .filter(|&(_, _, in_string)| !in_string)
            .map(|(_, byte, _)| match byte {
                b',' | b'[' => VALUE_BYTES,
                b'{' => OBJECT_BYTES,
                _ => 0,
            })
            .fold(text, usize::saturating_add),
    }
}

/// The text of a member of a document that is an object.
pub(crate) fn member_of(json: &str, name: &str) -> Option<String> {
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json).ok()?;
    members.get(name).map(|value| value.get().to_owned())
}

/// The bytes of a valid JSON text: offset, byte, and whether it belongs to a string.
struct Bytes<'j> {
    json: std::iter::Enumerate<std::str::Bytes<'j>>,
    in_string: bool,
    escaped: bool,
}

impl<'j> Bytes<'j> {
    fn of(json: &'j str) -> Self {
        Self {
            json: json.bytes().enumerate(),
            in_string: false,
            escaped: false,
        }
    }
}

impl Iterator for Bytes<'_> {
    type Item = (usize, u8, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, byte) = self.json.next()?;
        let was_in_string = self.in_string;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'"' => self.in_string = !self.in_string,
            b'\\' => self.escaped = true,
            _ => {}
        }
        Some((at, byte, was_in_string || self.in_string))
    }
}

/// What the names begin with under which `serde_json` hands itself numbers and raw texts: with such
/// a member, it takes an object for one of them.
const RESERVED: &str = "$serde_json::private::";

/// A JSON text, of which is known that it is not deeper than [`Document::MAX_DEPTH`], as a value that
/// says the same, if there is one.
fn value_of(json: &str) -> Result<Value, InvalidDocument> {
    let mut names = 0;
    for name in names_of(json) {
        names += 1;
        if is_reserved(name) {
            return Err(InvalidDocument::ReservedMember);
        }
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader).map_err(InvalidDocument::NotJson)?;
    if count_members(&value) == names {
        Ok(value)
    } else {
        Err(InvalidDocument::RepeatedMember)
    }
}

/// The members' names in a minified JSON text, as they are written there.
fn names_of(json: &str) -> impl Iterator<Item = &str> {
    let (mut begins_at, mut was_in_string) = (0, false);
    Bytes::of(json).filter_map(move |(at, byte, in_string)| {
        if in_string && !was_in_string {
            begins_at = at;
        }
        was_in_string = in_string;
        (byte == b':' && !in_string).then(|| &json[begins_at..at])
    })
}

fn is_reserved(name: &str) -> bool {
    if name.contains('\\') {
        let read = serde_json::from_str::<String>(name);
        return read.is_ok_and(|name| name.starts_with(RESERVED));
    }
    name[1..].starts_with(RESERVED)
}

/// How many members all the objects in a value have.
fn count_members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(count_members).sum::<usize>(),
        Value::Array(values) => values.iter().map(count_members).sum(),
        _ => 0,
    }
}

/// Whether a minified JSON text is one of the values that count as no data.
fn is_empty(json: &str) -> bool {
    matches!(json, "null" | "{}" | "[]" | "\"\"" | "false") || is_zero(json)
}

/// Whether a JSON text is zero in any spelling: only the digits before the exponent count.
fn is_zero(json: &str) -> bool {
    let significand = json.split(['e', 'E']).next().unwrap_or(json);
    significand.contains('0')
        && significand
            .bytes()
            .all(|byte| matches!(byte, b'-' | b'.' | b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn document(body: &str) -> String {
        read_text(body.into(), 1_000).expect("must be a document")
    }

    #[track_caller]
    fn refused(body: impl Into<Vec<u8>>) -> String {
        read_text(body.into(), 1_000)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn a_documents_text_survives_but_for_white_space() {
        for (sent, kept) in [
            (r#" { "b" : 1 , "a" : [ 2 , 3 ] } "#, r#"{"b":1,"a":[2,3]}"#),
            (
                r#"{"a":" \" b\\","a":"\u00e9é\ud800"}"#,
                r#"{"a":" \" b\\","a":"\u00e9é\ud800"}"#,
            ),
            (
                "[12345678901234567890123,1.10,1e400,-0]",
                "[12345678901234567890123,1.10,1e400,-0]",
            ),
            ("true", "true"),
            ("\" \"", "\" \""),
            ("[[]]", "[[]]"),
            ("0.01", "0.01"),
            ("1e0", "1e0"),
        ] {
            assert_eq!(document(sent), kept, "sent {sent}");
        }
    }

    #[test]
    fn the_empty_values_are_no_data() {
        for empty in [
            "", " \n", "null", "{}", "{ }", "[\n]", "\"\"", "false", "0", "-0", "0.0", "-0.00e5",
            "0E-7", " 0 ",
        ] {
            assert_eq!(refused(empty), "there is no data", "of {empty:?}");
        }
    }

    #[test]
    fn what_is_no_document_is_reported_with_its_place() {
        insta::assert_snapshot!(refused("{\"a\":}"), @"the body is not JSON: expected value at line 1 column 6");
        insta::assert_snapshot!(refused("{} {}"), @"the body is not JSON: trailing characters at line 1 column 4");
        insta::assert_snapshot!(refused(b"\"\xff\"".to_vec()), @"the body is not JSON: byte 1 is not UTF-8");
        insta::assert_snapshot!(refused("[".repeat(10_000) + &"]".repeat(10_000)), @"the body nests too deep: more than 128 levels at byte 128");
        insta::assert_snapshot!(refused("[".repeat(10_000)), @"the body is not JSON: EOF while parsing a list at line 1 column 10000");
        insta::assert_snapshot!(refused(format!("\"{}\"", "x".repeat(999))), @"the document has 1001 bytes, the limit is 1000");
    }

    #[test]
    fn a_value_says_what_the_text_says() {
        let value = |text: &str| {
            value_of(text)
                .map(|value| value.to_string())
                .map_err(|error| error.to_string())
        };
        for text in [
            r#"{"b":[{"a:":":"},1.10],"a":12345678901234567890123}"#.to_owned(),
            "[".repeat(128) + &"]".repeat(128),
        ] {
            assert_eq!(value(&text).as_ref(), Ok(&text));
        }
        let refused = |text: &str| value(text).expect_err("must be refused");
        insta::assert_snapshot!(refused(r#"{"a":{"b":1,"\u0062":2}}"#), @"an object in it has a member twice");
        insta::assert_snapshot!(refused(r#"[{"\ud800":1}]"#), @"the body is not JSON: unexpected end of hex escape at line 1 column 10");
        for name in [
            "$serde_json::private::Number",
            "$serde_json::private::RawValue",
            r"\u0024serde_json::private::Number",
        ] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(refused(&format!(r#"[{{"{name}":"1"}}]"#)), @"a member's name in it begins with `$serde_json::private::`, which is reserved");
            }
        }
    }
}

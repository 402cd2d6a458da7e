//! The id of an item.
//!
//! Knows no HTTP beyond a path's percent-encoding, and no DynamoDB beyond its limits.

use std::fmt;

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::ser::{Serialize, Serializer};
use serde_json::{Number, Value};

pub use crate::item::number::InvalidNumber;
use crate::item::number::{parse_number, parse_plain, plain_number};
use crate::module::name::KeyAttribute;
use crate::module::path::RESERVED_IN_PATHS;
use crate::module::{Key, KeyPart, KeyType, limits};

/// An item's id: the values of its table's key, of which DynamoDB takes every one.
///
/// A number is kept as text, in plain form: `42`, and neither `042` nor `4.2e1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemId {
    partition: Partition,
    sort: Option<String>,
}

/// The value of a partition key: what the items of one partition have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partition(String);

/// Why a text, or JSON, is not an id of a table: the first of its values that is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidItemId {
    /// The attribute.
    pub attribute: KeyAttribute,
    /// What is wrong.
    pub reason: InvalidKeyValue,
}

/// Why something is not a value of a key attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyValue {
    /// There is none.
    #[error("the id is empty")]
    Empty,
    /// Its percent-decoded bytes are no UTF-8.
    #[error("the id is not UTF-8: byte {at} of it, percent-decoded, begins no character")]
    NotUtf8 {
        /// The offset of the first wrong byte, from 0, in the decoded id.
        at: usize,
    },
    /// It is longer than the attribute's values can be.
    #[error("the id has {bytes} bytes, at most {limit} are possible")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The greatest length in bytes.
        limit: usize,
    },
    /// It is not a number in plain form.
    #[error(transparent)]
    Number(#[from] InvalidNumber),
    /// It is JSON of another type.
    #[error("{0} is needed")]
    Type(JsonForm),
}

/// What ids of a module are in JSON, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// The value of a string.
    Text,
    /// The value of a number.
    Number,
    /// Both values of a key that has a sort key.
    Pair,
}

impl JsonForm {
    /// That of the ids of tables with this key.
    #[must_use]
    pub fn of(key: &Key) -> Self {
        match key.sort() {
            Some(_) => Self::Pair,
            None => Self::of_type(key.partition().key_type),
        }
    }

    const fn of_type(key_type: KeyType) -> Self {
        match key_type {
            KeyType::S => Self::Text,
            KeyType::N => Self::Number,
        }
    }
}

impl fmt::Display for JsonForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Pair => "an array of the partition key and the sort key",
        })
    }
}

impl ItemId {
    /// The longest value of a partition key, in bytes.
    pub const MAX_BYTES: usize = limits::PARTITION_KEY_BYTES;

    /// Parses the id from the raw end of a path: percent-decoded once, nothing normalised. The first
    /// `/` is between the partition key and the sort key, where there is one; what follows it is all
    /// the sort key's.
    ///
    /// ```
    /// # use modulo::item::ItemId;
    /// # use modulo::module::name::KeyAttribute;
    /// let key = "roomId".parse::<KeyAttribute>()?.into();
    /// let id = ItemId::from_path("a%2Fb/%25/..", &key)?;
    /// assert_eq!(id.partition(), "a/b/%/..");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A part of it is empty, no UTF-8, too long, or a number that is not in plain form.
    pub fn from_path(raw: &str, key: &Key) -> Result<Self, InvalidItemId> {
        let Some(sort) = key.sort() else {
            let partition = Partition::from_path(raw, key)?;
            return Ok(Self::of(partition, None));
        };
        let (before, after) = raw.split_once('/').unwrap_or((raw, ""));
        let partition = Partition::from_path(before, key)?;
        let sort = decode(after, sort, limits::SORT_KEY_BYTES)?;
        Ok(Self::of(partition, Some(sort)))
    }

    /// Parses an id from its JSON form: the value of the partition key, or an array of it and that
    /// of the sort key.
    ///
    /// # Errors
    /// It is of another type, or a part of it is empty, too long, or more than DynamoDB's numbers
    /// are. What was given comes back beside it.
    pub fn from_json(json: Value, key: &Key) -> Result<Self, (Value, InvalidItemId)> {
        let partition = key.partition();
        let wrong = |part: &KeyPart, reason| InvalidItemId {
            attribute: part.attribute.clone(),
            reason,
        };
        let Some(sort) = key.sort() else {
            let value = read_json(json, partition.key_type, limits::PARTITION_KEY_BYTES);
            let value = value.map_err(|(json, reason)| (json, wrong(partition, reason)))?;
            return Ok(Self::of(Partition(value), None));
        };
        let pair = match &json {
            Value::Array(values) => <&[Value; 2]>::try_from(&**values).ok(),
            _ => None,
        };
        let Some([first, second]) = pair else {
            let reason = InvalidKeyValue::Type(JsonForm::Pair);
            return Err((json, wrong(partition, reason)));
        };
        let read = |value: &Value, part: &KeyPart, limit| {
            let value = read_json(value.clone(), part.key_type, limit);
            value.map_err(|(_, reason)| wrong(part, reason))
        };
        let first = read(first, partition, limits::PARTITION_KEY_BYTES);
        let both = first.and_then(|first| {
            let second = read(second, sort, limits::SORT_KEY_BYTES)?;
            Ok(Self::of(Partition(first), Some(second)))
        });
        both.map_err(|invalid| (json, invalid))
    }

    /// Parses the texts of its values, a number's in plain form.
    ///
    /// # Errors
    /// One is empty, too long, or a number in another form.
    pub(crate) fn from_values(
        partition: String,
        sort: Option<String>,
        key: &Key,
    ) -> Result<Self, InvalidItemId> {
        let texts = [Some(&partition), sort.as_ref()];
        for ((part, limit), text) in key.limited_parts().zip(texts) {
            let text = text.map_or("", String::as_str);
            check_text(text, part.key_type, limit).map_err(|reason| InvalidItemId {
                attribute: part.attribute.clone(),
                reason,
            })?;
        }
        Ok(Self::of(Partition(partition), sort))
    }

    /// The id that these values of a table's key are, as DynamoDB has them.
    pub(crate) fn of(partition: Partition, sort: Option<String>) -> Self {
        Self { partition, sort }
    }

    /// Makes sure that the value of its partition key has at most `limit` bytes.
    ///
    /// # Errors
    /// It has more.
    pub fn check(&self, limit: usize, key: &Key) -> Result<(), InvalidItemId> {
        self.partition.check(limit, key)
    }

    /// A new id that sorts by its time, a version 7 UUID: of a table without a sort key, whose ids
    /// are strings.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Partition(new_value()), None)
    }

    /// As [`ItemId::new`], within a partition of a table whose sort key is a string.
    #[must_use]
    pub fn new_in(partition: Partition) -> Self {
        Self::of(partition, Some(new_value()))
    }

    /// The value of the partition key.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition.0
    }

    /// The value of the sort key.
    #[must_use]
    pub fn sort(&self) -> Option<&str> {
        self.sort.as_deref()
    }

    /// Both values.
    #[must_use]
    pub fn into_values(self) -> (String, Option<String>) {
        (self.partition.0, self.sort)
    }

    /// How it stands in a path, behind the module's name and a `/`.
    #[must_use]
    pub fn to_path(&self) -> String {
        let partition = utf8_percent_encode(self.partition(), RESERVED_IN_PATHS);
        match self.sort() {
            None => partition.to_string(),
            Some(sort) => format!(
                "{partition}/{}",
                utf8_percent_encode(sort, RESERVED_IN_PATHS)
            ),
        }
    }

    /// Its JSON form, which [`ItemId::from_json`] reads.
    #[must_use]
    pub fn as_json<'i>(&'i self, key: &'i Key) -> impl Serialize + 'i {
        IdJson { id: self, key }
    }

    /// The values of its key, each with its attribute.
    pub fn values<'i>(&'i self, key: &'i Key) -> impl Iterator<Item = KeyValue<'i>> + Clone {
        let texts = [Some(self.partition()), self.sort()].into_iter().flatten();
        key.parts()
            .zip(texts)
            .map(|(part, text)| KeyValue { part, text })
    }
}

impl Default for ItemId {
    fn default() -> Self {
        Self::new()
    }
}

impl Partition {
    /// Parses the raw segment of a path.
    ///
    /// # Errors
    /// It is empty, no UTF-8, too long, or a number that is not in plain form.
    pub fn from_path(raw: &str, key: &Key) -> Result<Self, InvalidItemId> {
        decode(raw, key.partition(), limits::PARTITION_KEY_BYTES).map(Self)
    }

    /// A value that DynamoDB has.
    pub(crate) fn of(value: String) -> Self {
        Self(value)
    }

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes sure that it has at most `limit` bytes.
    ///
    /// # Errors
    /// It has more.
    pub fn check(&self, limit: usize, key: &Key) -> Result<(), InvalidItemId> {
        check_length(&self.0, limit).map_err(|reason| InvalidItemId {
            attribute: key.partition().attribute.clone(),
            reason,
        })
    }
}

/// The value that an item has in one attribute of its table's key. In JSON it is a string or a
/// number, as in DynamoDB.
#[derive(Debug, Clone, Copy)]
pub struct KeyValue<'i> {
    /// The attribute.
    pub part: &'i KeyPart,
    /// The value's text.
    pub text: &'i str,
}

impl KeyValue<'_> {
    /// Whether JSON says this value, in whatever spelling.
    pub(crate) fn is_said_by(self, json: &str) -> bool {
        match self.part.key_type {
            KeyType::S => serde_json::from_str::<String>(json).is_ok_and(|said| said == self.text),
            KeyType::N => parse_number(json).is_some_and(|said| said == self.text),
        }
    }
}

impl Serialize for KeyValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.part.key_type {
            KeyType::S => serializer.serialize_str(self.text),
            KeyType::N => match self.text.parse::<Number>() {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(self.text),
            },
        }
    }
}

struct IdJson<'i> {
    id: &'i ItemId,
    key: &'i Key,
}

impl Serialize for IdJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.id.values(self.key);
        match (self.key.sort(), values.clone().next()) {
            (None, Some(value)) => value.serialize(serializer),
            _ => serializer.collect_seq(values),
        }
    }
}

fn new_value() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn decode(raw: &str, part: &KeyPart, limit: usize) -> Result<String, InvalidItemId> {
    let decoded = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|error| InvalidKeyValue::NotUtf8 {
            at: error.valid_up_to(),
        });
    let value = decoded.and_then(|text| {
        check_text(&text, part.key_type, limit)?;
        Ok(text.into_owned())
    });
    value.map_err(|reason| InvalidItemId {
        attribute: part.attribute.clone(),
        reason,
    })
}

/// A number in JSON is its value, however it is spelt: clients print it by rules of their own.
fn read_json(
    json: Value,
    key_type: KeyType,
    limit: usize,
) -> Result<String, (Value, InvalidKeyValue)> {
    match (key_type, json) {
        (KeyType::S, Value::String(text)) => match check_length(&text, limit) {
            Ok(()) => Ok(text),
            Err(invalid) => Err((Value::String(text), invalid)),
        },
        (KeyType::N, Value::Number(number)) => plain_number(number.as_str()).ok_or_else(|| {
            let invalid = InvalidNumber::OutOfRange.into();
            (Value::Number(number), invalid)
        }),
        (key_type, json) => {
            let needed = JsonForm::of_type(key_type);
            Err((json, InvalidKeyValue::Type(needed)))
        }
    }
}

fn check_text(text: &str, key_type: KeyType, limit: usize) -> Result<(), InvalidKeyValue> {
    match key_type {
        KeyType::N if !text.is_empty() => Ok(parse_plain(text)?),
        KeyType::S | KeyType::N => check_length(text, limit),
    }
}

fn check_length(text: &str, limit: usize) -> Result<(), InvalidKeyValue> {
    match text.len() {
        0 => Err(InvalidKeyValue::Empty),
        bytes if bytes > limit => Err(InvalidKeyValue::TooLong { bytes, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(attribute: &str, key_type: KeyType) -> KeyPart {
        let attribute = attribute.parse().expect("valid");
        KeyPart {
            attribute,
            key_type,
        }
    }

    fn single(key_type: KeyType) -> Key {
        Key::new(part("roomId", key_type), None)
    }

    fn pair(partition: KeyType, sort: KeyType) -> Key {
        let sort = part("bookingId", sort);
        Key::new(part("roomId", partition), Some(sort))
    }

    #[track_caller]
    fn values(raw: &str, key: &Key) -> (String, Option<String>) {
        ItemId::from_path(raw, key).expect("valid").into_values()
    }

    #[track_caller]
    fn refused(raw: &str, key: &Key) -> String {
        let invalid = ItemId::from_path(raw, key).expect_err("not valid");
        format!("{}: {invalid}", invalid.attribute)
    }

    #[test]
    fn an_id_is_percent_decoded_once_and_never_normalised() {
        let key = single(KeyType::S);
        for (raw, id) in [
            ("sala90", "sala90"),
            ("a%2Fb", "a/b"),
            ("a/b", "a/b"),
            ("%2541", "%41"),
            ("..", ".."),
            ("./x//", "./x//"),
            ("sal%C3%A3o%20%F0%9F%8E%89", "salão 🎉"),
            ("100%", "100%"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(values(raw, &key), (id.to_owned(), None), "of {raw}");
        }
        assert!(ItemId::from_path(&"x".repeat(2_048), &key).is_ok());
        let refused = |raw: &str| {
            let invalid = ItemId::from_path(raw, &key).expect_err("not valid");
            invalid.to_string()
        };
        insta::assert_snapshot!(refused(&"x".repeat(2_049)), @"the id has 2049 bytes, at most 2048 are possible");
        insta::assert_snapshot!(refused("a%ff"), @"the id is not UTF-8: byte 1 of it, percent-decoded, begins no character");
    }

    #[test]
    fn the_first_slash_parts_a_path_before_it_is_decoded() {
        let key = pair(KeyType::S, KeyType::S);
        for (raw, partition, sort) in [
            ("sala90/b1", "sala90", "b1"),
            ("a%2Fb/c", "a/b", "c"),
            ("a/b/c", "a", "b/c"),
            ("a//", "a", "/"),
            ("%25/%25", "%", "%"),
            ("./..", ".", ".."),
        ] {
            let expected = (partition.to_owned(), Some(sort.to_owned()));
            assert_eq!(values(raw, &key), expected, "of {raw}");
        }
        let longest = format!("{}/{}", "x".repeat(2_048), "y".repeat(1_024));
        assert!(ItemId::from_path(&longest, &key).is_ok());
        insta::assert_snapshot!(refused("a", &key), @"bookingId: the id is empty");
        insta::assert_snapshot!(refused("a/", &key), @"bookingId: the id is empty");
        insta::assert_snapshot!(refused("/b", &key), @"roomId: the id is empty");
        insta::assert_snapshot!(refused(&format!("{}/b", "x".repeat(2_049)), &key), @"roomId: the id has 2049 bytes, at most 2048 are possible");
        insta::assert_snapshot!(refused(&format!("a/{}", "x".repeat(1_025)), &key), @"bookingId: the id has 1025 bytes, at most 1024 are possible");
        insta::assert_snapshot!(refused("a/b%ff", &key), @"bookingId: the id is not UTF-8: byte 1 of it, percent-decoded, begins no character");
    }

    #[test]
    fn a_number_in_a_path_is_in_plain_form() {
        let key = single(KeyType::N);
        for raw in ["42", "0", "-1.5", "1e+125", "1e%2B125"] {
            let value = raw.replace("%2B", "+");
            assert_eq!(values(raw, &key), (value, None));
        }
        insta::assert_snapshot!(refused("042", &key), @"roomId: the number is not in plain form; write `42`");
        insta::assert_snapshot!(refused("1e2", &key), @"roomId: the number is not in plain form; write `100`");
        insta::assert_snapshot!(refused("sala90", &key), @"roomId: it is not a number");
        insta::assert_snapshot!(refused("1e126", &key), @"roomId: DynamoDB keeps numbers of at most 38 digits, from 1e-130 to 9.9e125");
        let key = pair(KeyType::N, KeyType::N);
        assert_eq!(values("1/2", &key), ("1".to_owned(), Some("2".to_owned())));
        insta::assert_snapshot!(refused("1/02", &key), @"bookingId: the number is not in plain form; write `2`");
        insta::assert_snapshot!(refused("1/", &key), @"bookingId: the id is empty");
    }

    #[test]
    fn json_has_an_id_as_the_values_of_its_key() {
        let both = pair(KeyType::S, KeyType::S);
        for (key, json, plain) in [
            (single(KeyType::S), json!("a/b"), json!("a/b")),
            (single(KeyType::N), json!(42), json!(42)),
            (single(KeyType::N), json!(42.0), json!(42)),
            (both, json!(["a/b", "c"]), json!(["a/b", "c"])),
            (
                pair(KeyType::S, KeyType::N),
                json!(["a", 1.5]),
                json!(["a", 1.5]),
            ),
        ] {
            let id = ItemId::from_json(json, &key).expect("valid");
            let written = serde_json::to_value(id.as_json(&key)).expect("JSON");
            assert_eq!(written, plain);
        }
        let digits = "1".repeat(38);
        let key = single(KeyType::N);
        let json: Value = serde_json::from_str(&digits).expect("a number");
        let id = ItemId::from_json(json, &key).expect("valid");
        let written = serde_json::to_string(&id.as_json(&key)).expect("JSON");
        assert_eq!(written, digits);
    }

    #[test]
    fn json_of_another_type_is_no_id() {
        let refused = |json: Value, key: &Key| {
            let (given, invalid) = ItemId::from_json(json.clone(), key).expect_err("not valid");
            assert_eq!(given, json);
            format!("{}: {invalid}", invalid.attribute)
        };
        let (text, number) = (single(KeyType::S), single(KeyType::N));
        let both = pair(KeyType::S, KeyType::N);
        insta::assert_snapshot!(refused(json!(42), &text), @"roomId: a string is needed");
        insta::assert_snapshot!(refused(json!(""), &text), @"roomId: the id is empty");
        insta::assert_snapshot!(refused(json!("42"), &number), @"roomId: a number is needed");
        insta::assert_snapshot!(refused(json!("a"), &both), @"roomId: an array of the partition key and the sort key is needed");
        insta::assert_snapshot!(refused(json!(["a"]), &both), @"roomId: an array of the partition key and the sort key is needed");
        insta::assert_snapshot!(refused(json!(["a", 1, 2]), &both), @"roomId: an array of the partition key and the sort key is needed");
        insta::assert_snapshot!(refused(json!([1, 1]), &both), @"roomId: a string is needed");
        insta::assert_snapshot!(refused(json!(["a", "1"]), &both), @"bookingId: a number is needed");
        insta::assert_snapshot!(refused(json!(["", 1]), &both), @"roomId: the id is empty");
    }

    #[test]
    fn a_path_leads_back_to_its_id() {
        for (key, json) in [
            (single(KeyType::S), json!("a/b %2F")),
            (single(KeyType::N), json!(1.5)),
            (pair(KeyType::S, KeyType::S), json!(["a/b", "c/d"])),
            (pair(KeyType::N, KeyType::S), json!([-1, "é"])),
        ] {
            let id = ItemId::from_json(json, &key).expect("valid");
            assert_eq!(ItemId::from_path(&id.to_path(), &key), Ok(id));
        }
    }
}

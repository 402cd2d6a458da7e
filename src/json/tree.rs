//! A JSON text taken apart, so that some of its values can be changed.
//!
//! All others are written as they were, to the byte but for white space between them:
//! `serde_json::Value` prints `1E5` as `1e+5` and `"\u00e9"` as `"é"`.

use std::borrow::{Borrow, Cow};
use std::hash::{Hash, Hasher};

use indexmap::IndexMap;
use jsonptr::index::Index;
use jsonptr::{Pointer, Token};
use serde_json::value::RawValue;

use super::MAX_DEPTH;
use super::decimal::Decimal;

/// A value of a JSON text.
#[derive(Debug, Clone)]
pub(crate) enum Node<'t> {
    /// A string, a number, `true`, `false` or `null`, as it is written.
    Scalar(&'t str),
    Array(Vec<Self>),
    Object(Box<Members<'t>>),
}

/// The members of an object, in the order in which they stand.
#[derive(Debug, Default)]
pub(crate) struct Members<'t>(
    /// A member that was removed is `None`, so that the others need not move up.
    IndexMap<JsonString<'t>, Option<Node<'t>>>,
);

/// A string, such as the name of a member. It is equal to another that reads the same.
#[derive(Debug, Clone)]
pub(crate) struct JsonString<'t> {
    /// As it is written, in quotes.
    written: Cow<'t, str>,
    /// As it reads, where that is not what stands between the quotes.
    read: Option<Box<str>>,
}

/// What keeps a text from being taken apart: what it is or has.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTree {
    /// It is not JSON.
    #[error("is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// Arrays and objects in one another, too many of them.
    #[error("nests too deep: more than {MAX_DEPTH} levels at byte {at}")]
    TooDeep {
        /// The offset of the bracket that is one too many, from 0.
        at: usize,
    },
    /// An object whose members have the same name.
    #[error("has an object with a member twice")]
    RepeatedMember,
}

impl<'t> Node<'t> {
    pub(crate) const NULL: Self = Self::Scalar("null");

    /// Takes a JSON text apart.
    pub(crate) fn parse(text: &'t str) -> Result<Self, InvalidTree> {
        let json: &RawValue = serde_json::from_str(text).map_err(InvalidTree::NotJson)?;
        Self::of(json)
    }

    /// Takes JSON apart.
    pub(crate) fn of(json: &'t RawValue) -> Result<Self, InvalidTree> {
        let text = json.get();
        Reader {
            text,
            at: 0,
            depth: 0,
        }
        .value()
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar("null"))
    }

    /// The value at `pointer`.
    pub(crate) fn find(&self, pointer: &Pointer) -> Option<&Self> {
        pointer.tokens().try_fold(self, |node, token| match node {
            Self::Scalar(_) => None,
            Self::Array(values) => values.get(index_of(&token)?),
            Self::Object(members) => members.get(&token.decoded()),
        })
    }

    /// As [`Node::find`].
    pub(crate) fn find_mut(&mut self, pointer: &Pointer) -> Option<&mut Self> {
        pointer.tokens().try_fold(self, |node, token| match node {
            Self::Scalar(_) => None,
            Self::Array(values) => values.get_mut(index_of(&token)?),
            Self::Object(members) => members.get_mut(&token.decoded()),
        })
    }

    /// Whether it says the same as `other`, as RFC 6902 compares: however strings and numbers are
    /// written, and whatever the order of members.
    pub(crate) fn equals(&self, other: &Node<'_>) -> bool {
        match (self, other) {
            (Self::Scalar(one), Node::Scalar(other)) => is_same_scalar(one, other),
            (Self::Array(some), Node::Array(others)) => {
                some.len() == others.len()
                    && some
                        .iter()
                        .zip(others)
                        .all(|(one, other)| one.equals(other))
            }
            (Self::Object(some), Node::Object(others)) => {
                some.iter().count() == others.iter().count()
                    && some.iter().all(|(name, one)| {
                        let other = others.get(name.as_str());
                        other.is_some_and(|other| one.equals(other))
                    })
            }
            _ => false,
        }
    }

    /// Writes it as JSON.
    pub(crate) fn write(&self, json: &mut String) {
        match self {
            Self::Scalar(text) => json.push_str(text),
            Self::Array(values) => {
                json.push('[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        json.push(',');
                    }
                    value.write(json);
                }
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        json.push(',');
                    }
                    json.push_str(&name.written);
                    json.push(':');
                    value.write(json);
                }
                json.push('}');
            }
        }
    }
}

/// The place of an element. `-` is behind the last one, where there is none.
fn index_of(token: &Token<'_>) -> Option<usize> {
    match token.to_index() {
        Ok(Index::Num(at)) => Some(at),
        Ok(Index::Next) | Err(_) => None,
    }
}

fn is_same_scalar(one: &str, other: &str) -> bool {
    let is_number =
        |text: &str| text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if one == other {
        true
    } else if one.starts_with('"') && other.starts_with('"') {
        JsonString::parse(one) == JsonString::parse(other)
    } else {
        is_number(one) && is_number(other) && Decimal::of(one) == Decimal::of(other)
    }
}

/// A copy has no room for what was removed.
impl Clone for Members<'_> {
    fn clone(&self) -> Self {
        let members = self.iter();
        let members = members.map(|(name, value)| (name.clone(), Some(value.clone())));
        Self(members.collect())
    }
}

impl<'t> Members<'t> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&JsonString<'t>, &Node<'t>)> {
        let members = self.0.iter();
        members.filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (JsonString<'t>, Node<'t>)> {
        let members = self.0.into_iter();
        members.filter_map(|(name, value)| value.map(|value| (name, value)))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'t>> {
        self.0.get(name)?.as_ref()
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Node<'t>> {
        self.0.get_mut(name)?.as_mut()
    }

    /// The value under `name`, which is made `null` if there is none.
    pub(crate) fn entry(&mut self, name: JsonString<'t>) -> &mut Node<'t> {
        self.0.entry(name).or_default().get_or_insert(Node::NULL)
    }

    /// Sets a member, in its place or behind all others.
    pub(crate) fn set(&mut self, name: JsonString<'t>, value: Node<'t>) {
        self.0.insert(name, Some(value));
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Node<'t>> {
        self.0.get_mut(name)?.take()
    }
}

impl<'t> JsonString<'t> {
    /// The string that is written so, in quotes.
    fn parse(written: impl Into<Cow<'t, str>>) -> Self {
        let written = written.into();
        // Half of a surrogate pair, such as `"\ud800"`, is no text: it goes by how it is written.
        let read = written
            .contains('\\')
            .then(|| serde_json::from_str(&written).ok())
            .flatten();
        Self { written, read }
    }

    /// The string that reads so.
    pub(crate) fn new(text: &str) -> Self {
        Self::parse(serde_json::to_string(text).expect("a text is JSON"))
    }

    pub(crate) fn as_str(&self) -> &str {
        let between_quotes = || &self.written[1..self.written.len() - 1];
        self.read.as_deref().unwrap_or_else(between_quotes)
    }

    /// How long it is as it is written.
    pub(crate) fn bytes(&self) -> usize {
        self.written.len()
    }
}

impl Borrow<str> for JsonString<'_> {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for JsonString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonString<'_> {}

impl Hash for JsonString<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// Reads a valid JSON text.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Node<'t>, InvalidTree> {
        self.skip(&[]);
        match self.next() {
            Some(b'[') => self.array(),
            Some(b'{') => self.object(),
            _ => Ok(Node::Scalar(self.scalar())),
        }
    }

    fn array(&mut self) -> Result<Node<'t>, InvalidTree> {
        self.open()?;
        let mut values = Vec::new();
        while !self.closes(b']') {
            values.push(self.value()?);
        }
        Ok(Node::Array(values))
    }

    fn object(&mut self) -> Result<Node<'t>, InvalidTree> {
        self.open()?;
        let mut members = IndexMap::new();
        while !self.closes(b'}') {
            let name = JsonString::parse(self.scalar());
            self.skip(b":");
            let value = self.value()?;
            if members.insert(name, Some(value)).is_some() {
                return Err(InvalidTree::RepeatedMember);
            }
        }
        Ok(Node::Object(Members(members).into()))
    }

    fn open(&mut self) -> Result<(), InvalidTree> {
        if self.depth == MAX_DEPTH {
            return Err(InvalidTree::TooDeep { at: self.at });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Goes on to the next value, or past the bracket that closes the array or object.
    fn closes(&mut self, bracket: u8) -> bool {
        self.skip(b",");
        match self.next() {
            Some(byte) if byte != bracket => false,
            _ => {
                self.depth -= 1;
                self.at += 1;
                true
            }
        }
    }

    /// A string, or what else ends where something else begins.
    fn scalar(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let length = if rest.starts_with('"') {
            length_of_string(rest)
        } else {
            let is_end = |byte| matches!(byte, b',' | b']' | b'}') || is_space(byte);
            rest.bytes().position(is_end).unwrap_or(rest.len())
        };
        self.at += length;
        &rest[..length]
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space, and what stands between values.
    fn skip(&mut self, separators: &[u8]) {
        while let Some(byte) = self.next()
            && (is_space(byte) || separators.contains(&byte))
        {
            self.at += 1;
        }
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How long the string is that a text begins with, in quotes.
fn length_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

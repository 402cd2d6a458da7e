//! Types that DynamoDB has and JSON does not: sets and binary values, of other programs.
//!
//! A PUT of what a GET has shown must not make lists and texts of them, and most PUTs should not
//! cost a read for that. So a PUT has a condition: the item has modulo's tag, which an item that
//! others wrote does not have, and none of its members that could be of such a type is. Where it
//! does not hold, the item is read, and written as by a PATCH. One case is not seen: what others
//! change *within* a member of an item that modulo wrote.

use std::fmt::Write;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::expressions::Expressions;
use crate::item::Document;
use crate::module::Module;
use crate::module::reserved::TAG_ATTRIBUTE;

/// How many types of members one condition compares: three operators each, of
/// [300](crate::module::limits::EXPRESSION_OPERATORS).
pub(super) const MAX_TYPES: usize = 80;

/// A type's placeholder, and its name in DynamoDB.
pub(super) type Type = (&'static str, &'static str);

const BINARY: Type = (":b", "B");
pub(super) const STRING_SET: Type = (":ss", "SS");
const NUMBER_SET: Type = (":ns", "NS");
const BINARY_SET: Type = (":bs", "BS");

/// Of which types a document's members may be in an item that shows the same document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnclearTypes {
    /// Of those of JSON only.
    None,
    /// These members of these, or values within members.
    Members(Vec<(String, Type)>),
    /// More than one condition can compare.
    Many,
}

impl UnclearTypes {
    pub(super) fn of(document: &Document) -> Self {
        let Some(members) = document.members() else {
            return Self::None;
        };
        let mut unclear = Vec::new();
        let mut is_unclear_within = false;
        for (name, value) in members.iter() {
            let types = types_of(value);
            unclear.extend(types.iter().map(|&of_type| (name.clone(), of_type)));
            is_unclear_within |= types.is_empty() && is_unclear(value);
        }
        match unclear.len() {
            0 if !is_unclear_within => Self::None,
            0..=MAX_TYPES => Self::Members(unclear),
            _ => Self::Many,
        }
    }
}

/// The types besides its own that a value may have been shown of.
fn types_of(value: &Value) -> &'static [Type] {
    match value {
        Value::String(text) if is_base64(text) => &[BINARY],
        Value::Array(values) if values.is_empty() => &[],
        Value::Array(values) if values.iter().all(Value::is_number) => &[NUMBER_SET],
        Value::Array(values) => {
            let texts: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
            match texts {
                // As sets are shown.
                Some(texts) if texts.is_sorted_by(|a, b| a < b) => {
                    if texts.into_iter().all(is_base64) {
                        &[STRING_SET, BINARY_SET]
                    } else {
                        &[STRING_SET]
                    }
                }
                _ => &[],
            }
        }
        _ => &[],
    }
}

/// Whether a value, or one within it, may have been shown of another type.
fn is_unclear(value: &Value) -> bool {
    !types_of(value).is_empty()
        || match value {
            Value::Array(values) => values.iter().any(is_unclear),
            Value::Object(members) => members.values().any(is_unclear),
            _ => false,
        }
}

/// Whether binary values can be shown as this.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

impl Expressions {
    /// The same condition, and that an item which is there is known to have these members of types
    /// that JSON has.
    pub(super) fn and_clear_types(mut self, module: &Module, members: &[(String, Type)]) -> Self {
        self.name("#tag", TAG_ATTRIBUTE);
        let mut clear = "attribute_exists(#tag)".to_owned();
        for (at, (member, (placeholder, of_type))) in members.iter().enumerate() {
            self.name(&format!("#t{at}"), member);
            self.value(placeholder, AttributeValue::S((*of_type).to_owned()));
            let _ = write!(clear, " AND NOT attribute_type(#t{at}, {placeholder})");
        }
        self.text = Some(if let Some(condition) = self.text {
            format!("{condition} AND {clear}")
        } else {
            self.name("#key", module.key().partition().attribute.as_str());
            format!("attribute_not_exists(#key) OR {clear}")
        });
        self
    }
}

//! Attributes in DynamoDB's JSON: `{"S": "text"}`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::aws::failure::Failure;
use crate::item::number::parse_number;

/// An attribute's value in DynamoDB's JSON: `{"S": "text"}`. Sets and maps are in order, so that
/// the same value gives the same text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are DynamoDB's")]
pub enum Typed {
    S(String),
    N(Number),
    B(Binary),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    #[serde(rename = "SS")]
    StringSet(BTreeSet<String>),
    #[serde(rename = "NS")]
    NumberSet(BTreeSet<Number>),
    #[serde(rename = "BS")]
    BinarySet(BTreeSet<Binary>),
    L(Vec<Typed>),
    M(BTreeMap<String, Typed>),
}

/// A number as DynamoDB takes it, in plain form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(String);

/// Bytes, as base64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Binary(Vec<u8>);

impl TryFrom<String> for Number {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_number(&text).map(Self).ok_or_else(|| {
            format!("`{text}` is not a number that DynamoDB takes: up to 38 digits, from 1e-130 to 9.9e125")
        })
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl TryFrom<String> for Binary {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match STANDARD.decode(&text) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(format!("`{text}` is not base64")),
        }
    }
}

impl From<Binary> for String {
    fn from(binary: Binary) -> Self {
        STANDARD.encode(binary.0)
    }
}

impl TryFrom<AttributeValue> for Typed {
    type Error = StoreError;

    fn try_from(value: AttributeValue) -> Result<Self, Self::Error> {
        let bytes = |blob: Blob| Binary(blob.into_inner());
        Ok(match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(text) => Self::N(Number(text)),
            AttributeValue::B(blob) => Self::B(bytes(blob)),
            AttributeValue::Bool(value) => Self::Bool(value),
            AttributeValue::Null(value) => Self::Null(value),
            AttributeValue::Ss(texts) => Self::StringSet(texts.into_iter().collect()),
            AttributeValue::Ns(texts) => Self::NumberSet(texts.into_iter().map(Number).collect()),
            AttributeValue::Bs(blobs) => Self::BinarySet(blobs.into_iter().map(bytes).collect()),
            AttributeValue::L(values) => Self::L(
                values
                    .into_iter()
                    .map(Self::try_from)
                    .collect::<Result<_, _>>()?,
            ),
            AttributeValue::M(members) => {
                let members = members.into_iter();
                let typed = members.map(|(name, value)| Ok((name, value.try_into()?)));
                Self::M(typed.collect::<Result<_, StoreError>>()?)
            }
            other => {
                let what = format!("an attribute of a type that is not known here: {other:?}");
                return Err(StoreError::Other(Failure(what)));
            }
        })
    }
}

impl From<Typed> for AttributeValue {
    fn from(value: Typed) -> Self {
        let blob = |binary: Binary| Blob::new(binary.0);
        match value {
            Typed::S(text) => Self::S(text),
            Typed::N(number) => Self::N(number.0),
            Typed::B(binary) => Self::B(blob(binary)),
            Typed::Bool(value) => Self::Bool(value),
            Typed::Null(value) => Self::Null(value),
            Typed::StringSet(texts) => Self::Ss(texts.into_iter().collect()),
            Typed::NumberSet(numbers) => Self::Ns(numbers.into_iter().map(|n| n.0).collect()),
            Typed::BinarySet(binaries) => Self::Bs(binaries.into_iter().map(blob).collect()),
            Typed::L(values) => Self::L(values.into_iter().map(Self::from).collect()),
            Typed::M(members) => {
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name, value.into()));
                Self::M(members.collect())
            }
        }
    }
}

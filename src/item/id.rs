//! The id of an item.
//!
//! Knows no HTTP beyond a path's percent-encoding, and no DynamoDB beyond its limits.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::module::limits;

/// An item's id: 1 to 2,048 bytes of UTF-8, what DynamoDB takes as a partition key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ItemId(String);

/// Why a path holds no valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidItemId {
    /// There is none.
    #[error("the id is empty")]
    Empty,
    /// Its percent-decoded bytes are no UTF-8.
    #[error("the id is not UTF-8: byte {at} of it, percent-decoded, begins no character")]
    NotUtf8 {
        /// The offset of the first wrong byte, from 0, in the decoded id.
        at: usize,
    },
    /// It is longer than a partition key can be.
    #[error("the id has {bytes} bytes, at most {limit} are possible")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The greatest length in bytes.
        limit: usize,
    },
}

impl ItemId {
    /// The longest id, in bytes: what DynamoDB takes as a partition key.
    pub const MAX_BYTES: usize = limits::PARTITION_KEY_BYTES;

    /// Parses the id from the raw end of a path: percent-decoded once, nothing normalised.
    ///
    /// ```
    /// # use modulo::item::ItemId;
    /// let id = ItemId::from_path("a%2Fb/%25/..")?;
    /// assert_eq!(id.as_str(), "a/b/%/..");
    /// # Ok::<_, modulo::item::InvalidItemId>(())
    /// ```
    ///
    /// # Errors
    /// It is empty, no UTF-8, or over [`ItemId::MAX_BYTES`].
    pub fn from_path(raw: &str) -> Result<Self, InvalidItemId> {
        let id = percent_decode_str(raw)
            .decode_utf8()
            .map_err(|error| InvalidItemId::NotUtf8 {
                at: error.valid_up_to(),
            })?;
        Self::parse(id.into_owned())
    }

    /// Parses an id that is not encoded.
    ///
    /// # Errors
    /// It is empty, or over [`ItemId::MAX_BYTES`].
    pub fn parse(id: String) -> Result<Self, InvalidItemId> {
        if id.is_empty() {
            return Err(InvalidItemId::Empty);
        }
        Self(id).within(Self::MAX_BYTES)
    }

    /// The same, if it is no longer than `limit` bytes.
    ///
    /// # Errors
    /// It is.
    pub fn within(self, limit: usize) -> Result<Self, InvalidItemId> {
        match self.0.len() {
            bytes if bytes > limit => Err(InvalidItemId::TooLong { bytes, limit }),
            _ => Ok(self),
        }
    }

    /// A new id that sorts by its time: a version 7 UUID.
    #[must_use]
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id's text, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Default for ItemId {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_percent_decoded_once_and_never_normalised() {
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
            assert_eq!(
                ItemId::from_path(raw).expect("valid").as_str(),
                id,
                "of {raw}"
            );
        }
        assert!(ItemId::from_path(&"x".repeat(2_048)).is_ok());
        let refused = |raw: &str| ItemId::from_path(raw).expect_err("not valid").to_string();
        insta::assert_snapshot!(refused(&"x".repeat(2_049)), @"the id has 2049 bytes, at most 2048 are possible");
        insta::assert_snapshot!(refused("a%ff"), @"the id is not UTF-8: byte 1 of it, percent-decoded, begins no character");
    }
}

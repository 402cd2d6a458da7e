//! Tenants: customers who share a module's table, each confined to its own items.
//!
//! An item of a tenant has the key `<tenant>/<id>`, in which the tenant is percent-encoded: its end
//! is the first `/`, whatever the id. Beside its key it has marks, attributes by which lists and
//! indexes find it among its tenant's.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::module::limits;
use crate::module::path::RESERVED_IN_PATHS;

/// One tenant, as the keys of its items begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant(Arc<str>);

/// Why a text names no tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("1 to {} bytes are needed", Tenant::MAX_BYTES)]
pub struct InvalidTenant;

impl Tenant {
    /// The longest name, in bytes, before it is percent-encoded.
    pub const MAX_BYTES: usize = 255;

    /// What DynamoDB takes as the sort key of an index, which an item's key is in a tenant's list.
    pub const MAX_KEY_BYTES: usize = limits::SORT_KEY_BYTES;

    /// Its name, percent-encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The longest id of its items, in bytes.
    #[must_use]
    pub fn max_id_bytes(&self) -> usize {
        Self::MAX_KEY_BYTES - self.0.len() - "/".len()
    }

    /// A text that is of this tenant alone: the key of its item of an id, or a value in an index.
    #[must_use]
    pub fn qualify(&self, text: &str) -> String {
        format!("{}/{text}", self.0)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        percent_decode_str(&self.0).decode_utf8_lossy()
    }

    /// The name that stands in a key, and the id behind it, if it is the key of a tenant's item.
    pub(crate) fn split(key: &str) -> Option<(String, &str)> {
        let (encoded, _) = key.split_once('/')?;
        let name = percent_decode_str(encoded).decode_utf8().ok()?.into_owned();
        let id = name.parse::<Self>().ok()?.own(key)?;
        (!id.is_empty()).then_some((name, id))
    }

    /// What it has qualified, if it is its own.
    #[must_use]
    pub fn own<'q>(&self, qualified: &'q str) -> Option<&'q str> {
        qualified.strip_prefix(&*self.0)?.strip_prefix('/')
    }
}

impl FromStr for Tenant {
    type Err = InvalidTenant;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if !(1..=Self::MAX_BYTES).contains(&name.len()) {
            return Err(InvalidTenant);
        }
        let encoded = utf8_percent_encode(name, RESERVED_IN_PATHS).to_string();
        Ok(Self(encoded.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn tenant(name: &str) -> Tenant {
        name.parse().expect("a valid name")
    }

    #[test]
    fn a_key_says_whose_it_is_whatever_the_names() {
        let names = ["a", "a/b", "a%2Fb", "a/", "/", "%", "..", "é😀", "A", "a b"];
        let ids = ["a", "b", "/b", "b/a", "%2Fb", "../a", "a/b/c", "😀"];
        let mut seen = std::collections::HashMap::new();
        for name in names {
            for id in ids {
                let key = tenant(name).qualify(id);
                assert_eq!(tenant(name).own(&key), Some(id));
                for other in names.iter().filter(|other| **other != name) {
                    assert_eq!(tenant(other).own(&key), None, "{key} of {other}");
                }
                if let Some(other) = seen.insert(key, (name, id)) {
                    panic!("{other:?} and {:?} have one key", (name, id));
                }
            }
        }
    }

    #[test]
    fn a_tenant_has_a_name_of_some_length_and_room_for_ids() {
        assert_eq!("".parse::<Tenant>(), Err(InvalidTenant));
        let longest = "é".repeat(127) + "%";
        assert_eq!(tenant(&longest).max_id_bytes(), 1_024 - 3 * 255 - 1);
        assert_eq!((longest + "x").parse::<Tenant>(), Err(InvalidTenant));
    }
}

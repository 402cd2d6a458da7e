//! Whether a table's items hold their documents as JSON text or as native attributes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::IgnoredAny;

use super::table::ExistingTable;

/// The attribute that holds the text unless the module names another.
pub(super) const DATA: &str = "data";

type Item = HashMap<String, AttributeValue>;

/// How the items that were seen hold their documents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// As JSON text in this attribute, beside others, which modulo keeps and does not show.
    Text {
        attribute: String,
        others: BTreeSet<String>,
    },
    /// As native attributes. These hold JSON text all the same, in so many of the items.
    Members {
        items: usize,
        texts: BTreeMap<String, usize>,
    },
    /// The table has no items.
    Empty,
    /// No item was looked at.
    Unseen,
    /// Why no item could be looked at.
    Unreadable(String),
}

impl Content {
    /// What is seen by some items of `table`.
    pub(super) fn of(items: &[Item], table: &ExistingTable) -> Self {
        if items.is_empty() {
            return Self::Empty;
        }
        let keys = table.key.iter().map(|attribute| &attribute.name);
        let own: BTreeSet<_> = keys.chain(&table.ttl).collect();
        let mut names = BTreeSet::new();
        let mut texts = BTreeMap::new();
        for (name, value) in items
            .iter()
            .flatten()
            .filter(|(name, _)| !own.contains(name))
        {
            names.insert(name.clone());
            if is_document(name, value) {
                *texts.entry(name.clone()).or_default() += 1;
            }
        }
        let mut whole = texts.iter().filter(|(_, count)| **count == items.len());
        let attribute = match (whole.next(), whole.next()) {
            (Some((only, _)), None) => only.clone(),
            (Some(_), Some(_)) if texts.get(DATA) == Some(&items.len()) => DATA.to_owned(),
            // Nothing tells which of several is the document, so that all are members of it.
            _ => {
                let items = items.len();
                return Self::Members { items, texts };
            }
        };
        names.remove(&attribute);
        Self::Text {
            attribute,
            others: names,
        }
    }
}

/// Whether an attribute may be a document's text. Only in `data` can that be a bare number or string:
/// elsewhere, a text such as `12` is a member.
fn is_document(name: &str, value: &AttributeValue) -> bool {
    let AttributeValue::S(text) = value else {
        return false;
    };
    let is_container = text.trim_start().starts_with(['{', '[']);
    (is_container || name == DATA) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::table::{Attribute, Owner};
    use super::*;

    fn content(items: &[&[(&str, &str)]]) -> Content {
        let key = Attribute {
            name: "id".to_owned(),
            of_type: "S".to_owned(),
        };
        let table = ExistingTable {
            name: "rooms".to_owned(),
            key: vec![key],
            ttl: Some("until".to_owned()),
            indexes: Vec::new(),
            owner: Owner::Nobody,
        };
        let items = items.iter().map(|item| {
            let with_key = item.iter().chain(&[("id", "{}"), ("until", "{}")]);
            with_key
                .map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())))
                .collect()
        });
        Content::of(&items.collect::<Vec<_>>(), &table)
    }

    fn text(attribute: &str, others: &[&str]) -> Content {
        Content::Text {
            attribute: attribute.to_owned(),
            others: others.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn members(items: usize, texts: &[(&str, usize)]) -> Content {
        let texts = texts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        Content::Members {
            items,
            texts: texts.collect(),
        }
    }

    #[test]
    fn a_document_is_text_where_one_attribute_is_json_in_all_items() {
        assert_eq!(content(&[]), Content::Empty);
        assert_eq!(content(&[&[("data", "{}")]]), text("data", &[]));
        assert_eq!(
            content(&[&[("data", "12")], &[("data", "\"x\"")]]),
            text("data", &[])
        );
        assert_eq!(
            content(&[
                &[("payload", "[1]"), ("zip", "12345")],
                &[("payload", "{}")]
            ]),
            text("payload", &["zip"])
        );
        assert_eq!(
            content(&[&[("data", "{}"), ("payload", "{}")]]),
            text("data", &["payload"])
        );
    }

    #[test]
    fn otherwise_its_members_are_attributes() {
        assert_eq!(content(&[&[("zip", "12345")]]), members(1, &[]));
        assert_eq!(content(&[&[]]), members(1, &[]));
        assert_eq!(content(&[&[("data", "{")]]), members(1, &[]));
        assert_eq!(
            content(&[&[("data", "{}")], &[]]),
            members(2, &[("data", 1)])
        );
        assert_eq!(
            content(&[&[("a", "{}"), ("b", "[]")]]),
            members(1, &[("a", 1), ("b", 1)])
        );
    }
}

//! The key of a module's table: the attributes whose values identify its items.

use std::fmt;

use crate::module::KeyType;
use crate::module::limits;
use crate::module::name::KeyAttribute;

/// A table's key: its partition key, and its sort key if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    partition: KeyPart,
    sort: Option<KeyPart>,
}

/// One attribute of a table's key, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// The attribute's name.
    pub attribute: KeyAttribute,
    /// The type of its values.
    pub key_type: KeyType,
}

impl Key {
    /// The caller has made sure that the two attributes differ.
    pub(crate) fn new(partition: KeyPart, sort: Option<KeyPart>) -> Self {
        Self { partition, sort }
    }

    /// The attribute whose value decides where DynamoDB keeps an item.
    #[must_use]
    pub fn partition(&self) -> &KeyPart {
        &self.partition
    }

    /// The attribute that orders the items of one partition.
    #[must_use]
    pub fn sort(&self) -> Option<&KeyPart> {
        self.sort.as_ref()
    }

    /// Whether it is one string, as the keys of most tables are.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.sort.is_none() && self.partition.key_type == KeyType::S
    }

    /// Its one or two attributes, the partition key first.
    pub fn parts(&self) -> impl Iterator<Item = &KeyPart> + Clone {
        [&self.partition].into_iter().chain(&self.sort)
    }

    /// As [`Key::parts`], each with the longest value that DynamoDB takes for it, in bytes.
    pub fn limited_parts(&self) -> impl Iterator<Item = (&KeyPart, usize)> + Clone {
        let limits = [limits::PARTITION_KEY_BYTES, limits::SORT_KEY_BYTES];
        self.parts().zip(limits)
    }

    /// What stands for an id in the path of an item, for programs to fill in.
    #[must_use]
    pub fn placeholders(&self) -> (&'static str, Option<&'static str>) {
        match self.sort {
            None => ("{id}", None),
            Some(_) => ("{partition}", Some("{sort}")),
        }
    }

    /// Whether an attribute belongs to the key.
    #[must_use]
    pub fn contains(&self, attribute: &str) -> bool {
        self.parts()
            .any(|part| part.attribute.as_str() == attribute)
    }
}

/// A key of one string.
impl From<KeyAttribute> for Key {
    fn from(attribute: KeyAttribute) -> Self {
        Self::new(attribute.into(), None)
    }
}

/// A string.
impl From<KeyAttribute> for KeyPart {
    fn from(attribute: KeyAttribute) -> Self {
        Self {
            attribute,
            key_type: KeyType::S,
        }
    }
}

/// The attributes with commas between them; a type is named where it is not a string.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.partition)?;
        self.sort.iter().try_for_each(|sort| write!(f, ", {sort}"))
    }
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key_type {
            KeyType::S => write!(f, "{}", self.attribute),
            KeyType::N => write!(f, "{} (N)", self.attribute),
        }
    }
}

//! Whether DynamoDB takes attributes that another program has written, as an import has them.
//!
//! What modulo writes itself is checked as JSON, by [`Members`](crate::item::members::Members).

use aws_sdk_dynamodb::types::AttributeValue;

use super::Attributes;
use crate::json::place::Place;
use crate::module::limits;
use crate::module::{KeyType, Module};

/// Why DynamoDB does not take an attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` {reason}")]
pub struct InvalidAttribute {
    /// The JSON pointer of the value.
    pub pointer: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Checks all attributes of an item, but for its key and its size.
pub(crate) fn check(attributes: &Attributes, module: &Module) -> Result<(), InvalidAttribute> {
    check_members(attributes, &mut Place::default())?;
    for index in module.table().indexes() {
        let limits = [limits::PARTITION_KEY_BYTES, limits::SORT_KEY_BYTES];
        for ((name, key_type), limit) in index.keys.iter().zip(limits) {
            let value = attributes.get(name);
            let Some(value) = value.filter(|_| name != module.key().as_str()) else {
                continue;
            };
            let needed = match (key_type, value) {
                (KeyType::N, AttributeValue::N(_)) => continue,
                (KeyType::S, AttributeValue::S(text)) if (1..=limit).contains(&text.len()) => {
                    continue;
                }
                (KeyType::N, _) => "a number".to_owned(),
                (KeyType::S, _) => format!("a string of 1 to {limit} bytes"),
            };
            return Err(InvalidAttribute {
                pointer: format!("/{name}"),
                reason: format!("is a key of an index and must be {needed}"),
            });
        }
    }
    Ok(())
}

fn check_members(members: &Attributes, place: &mut Place) -> Result<(), InvalidAttribute> {
    for (name, value) in members {
        if !(1..=limits::ATTRIBUTE_NAME_BYTES).contains(&name.len()) {
            let (bytes, limit) = (name.len(), limits::ATTRIBUTE_NAME_BYTES);
            return place.refuse(format!(
                "has a member with a name of {bytes} bytes: DynamoDB takes 1 to {limit}"
            ));
        }
        place.within(name.clone(), |place| check_value(value, place))?;
    }
    Ok(())
}

fn check_value(value: &AttributeValue, place: &mut Place) -> Result<(), InvalidAttribute> {
    if place.depth() > limits::LEVELS {
        let limit = limits::LEVELS;
        return place.refuse(format!("nests too deep: DynamoDB takes {limit} levels"));
    }
    let is_empty_set = match value {
        AttributeValue::M(members) => return check_members(members, place),
        AttributeValue::L(values) => {
            return values.iter().enumerate().try_for_each(|(at, value)| {
                place.within(at.to_string(), |place| check_value(value, place))
            });
        }
        AttributeValue::Null(false) => return place.refuse("is NULL, which must be true".into()),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.is_empty(),
        AttributeValue::Bs(blobs) => blobs.is_empty(),
        _ => false,
    };
    if is_empty_set {
        return place.refuse("is an empty set, which DynamoDB does not take".into());
    }
    Ok(())
}

impl Place {
    fn refuse(&self, reason: String) -> Result<(), InvalidAttribute> {
        let pointer = self.pointer();
        Err(InvalidAttribute { pointer, reason })
    }
}

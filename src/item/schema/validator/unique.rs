//! `uniqueItems`, in time that grows with the array's text and no faster.
//!
//! `jsonschema` hashes a number as an `f64`, so that all numbers which round to the same one are
//! compared with one another.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

use super::listing;
use crate::json::decimal::Decimal;

/// Takes the place of the library's keyword.
pub(super) struct UniqueItems {
    pub(super) is_asked: bool,
}

impl<'i> Keyword<'i> for UniqueItems {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        // The library copies the array into the error.
        listing::pay_for_copy(instance);
        Err(ValidationError::custom("has non-unique elements"))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let Some(items) = instance.as_array().filter(|_| self.is_asked) else {
            return true;
        };
        let mut seen = HashSet::with_capacity(items.len());
        items.iter().all(|item| seen.insert(Canonical(item)))
    }
}

/// A value that is equal to another if JSON Schema takes them for equal.
struct Canonical<'v>(&'v Value);

impl PartialEq for Canonical<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Value::Number(one), Value::Number(other)) => {
                Decimal::of(one.as_str()) == Decimal::of(other.as_str())
            }
            (Value::Array(some), Value::Array(others)) => {
                some.len() == others.len()
                    && some
                        .iter()
                        .zip(others)
                        .all(|(one, other)| Canonical(one) == Canonical(other))
            }
            (Value::Object(some), Value::Object(others)) => {
                some.len() == others.len()
                    && some.iter().all(|(name, one)| {
                        others
                            .get(name)
                            .is_some_and(|other| Canonical(one) == Canonical(other))
                    })
            }
            (one, other) => one == other,
        }
    }
}

impl Eq for Canonical<'_> {}

impl Hash for Canonical<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self.0).hash(state);
        match self.0 {
            Value::Null => {}
            Value::Bool(value) => value.hash(state),
            Value::Number(number) => Decimal::of(number.as_str()).hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(values) => {
                values.len().hash(state);
                for value in values {
                    Canonical(value).hash(state);
                }
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                members.len().hash(state);
                for (name, value) in members {
                    name.hash(state);
                    Canonical(value).hash(state);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_the_same_as_json_schema_says() {
        let unique = |text: &str| {
            UniqueItems { is_asked: true }.is_valid(&serde_json::from_str(text).unwrap())
        };
        for repeated in [
            "[1,1.0]",
            "[0,-0.0]",
            r#"[{"a":1,"b":[2]},{"b":[20e-1],"a":1}]"#,
            r#"["é","\u00e9"]"#,
        ] {
            assert!(!unique(repeated), "{repeated}");
        }
        for different in [
            r#"[1,true,"1",[1],{"1":1},null,false,0]"#,
            "[[],{}]",
            "[[1,[2]],[[1],2]]",
            r#"[{"a":1},{"a":1,"b":1}]"#,
            "[0.1000000000000000000001,0.1000000000000000000002]",
            r#""text""#,
        ] {
            assert!(unique(different), "{different}");
        }
    }
}

//! What a module's resources are called inside the stack.

use crate::module::name::ModuleName;
use crate::module::{Purpose, Table};

/// The name inside the stack of a module's table.
pub(crate) fn logical_id(module: &ModuleName) -> String {
    logical_name(module) + "Table"
}

/// A table's name inside the stack.
pub(crate) fn table_id(table: &Table) -> String {
    match table.purpose() {
        Purpose::Items | Purpose::Idempotency => logical_id(table.owner()),
        Purpose::History => logical_name(table.owner()) + "History",
    }
}

/// What a module's resources inside the stack are named after. CloudFormation replaces a resource
/// whose logical id changes, so it depends on the module's name alone; and since it takes letters
/// and digits only, `Z` is the escape that keeps `a-b`, `a_b` and `aZb` apart.
pub(super) fn logical_name(module: &ModuleName) -> String {
    let mut id = String::with_capacity(module.as_str().len() + 5);
    for character in module.as_str().chars() {
        match character {
            '-' => id.push_str("Zd"),
            '_' => id.push_str("Zu"),
            'Z' => id.push_str("ZZ"),
            letter_or_digit => id.push(letter_or_digit),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn logical_ids_of_like_names_differ_and_are_legal() {
        let names = [
            "a-b", "a_b", "aZb", "aZdb", "aZub", "ab", "Ab", "a-", "a_", "aZ", "1", "aTable",
        ];
        let mut seen = BTreeMap::new();
        for name in names {
            let id = logical_id(&name.parse().expect("a valid name"));
            assert!(
                id.chars().all(|c| c.is_ascii_alphanumeric()),
                "{name} became {id}"
            );
            if let Some(other) = seen.insert(id.clone(), name) {
                panic!("{name} and {other} both became {id}");
            }
        }
        let longest = "_".repeat(100).replacen('_', "a", 1);
        assert!(logical_id(&longest.parse().expect("a valid name")).len() <= 255);
    }
}

//! Lists in messages, which a thousand modules must not make unreadable.

use std::fmt::Display;

/// As many are named; where there are more, the others are counted.
pub(crate) const MOST_NAMED: usize = 10;

/// The names, or the first of them and how many more there are.
pub(crate) fn few<T: Display>(names: &[T]) -> String {
    few_by(names, ", ")
}

/// As [`few`], with another separator.
pub(crate) fn few_by<T: Display>(names: &[T], separator: &str) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().take(MOST_NAMED).enumerate() {
        if at > 0 {
            text.push_str(separator);
        }
        text.push_str(&name.to_string());
    }
    match names.len().saturating_sub(MOST_NAMED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_named_and_many_are_counted() {
        let names: Vec<_> = (1..=1_430).collect();
        assert_eq!(few(&names[..0]), "");
        assert_eq!(few(&names[..10]), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
        assert_eq!(few(&names), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1420 more");
    }
}

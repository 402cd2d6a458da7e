//! How many digits of a document's numbers a schema is held against.
//!
//! `jsonschema` compares numbers exactly, and writes their exponents out for that: `1e9999` has six
//! bytes, and ten thousand digits whose comparison takes a millisecond. So the digits of a document
//! are counted first. A document that is held against no schema may have any number.

use serde_json::Value;

use crate::item::schema::Violation;
use crate::json::decimal::Decimal;

/// The most digits of one number, with the zeros of its exponent.
const MAX_DIGITS: u64 = 1_000;

/// What is no longer than this is compared in no time, and not counted.
const SHORT: u64 = 40;

/// The most digits of all longer numbers together.
const MAX_LONG_DIGITS: u64 = 20_000;

/// The first number in the document that would cost too much, if there is one.
pub(super) fn check(document: &Value) -> Result<(), Violation> {
    check_value(document, &mut MAX_LONG_DIGITS.clone()).map_err(|mut violation| {
        // It was put together from the inside out.
        let segments = violation
            .pointer
            .rsplit('/')
            .filter(|part| !part.is_empty());
        violation.pointer = segments.flat_map(|segment| ["/", segment]).collect();
        violation
    })
}

fn check_value(value: &Value, left: &mut u64) -> Result<(), Violation> {
    match value {
        Value::Number(number) => check_number(number.as_str(), left),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                check_value(value, left).map_err(|inner| inner.within(&at.to_string()))?;
            }
            Ok(())
        }
        Value::Object(members) => {
            for (name, value) in members {
                check_value(value, left)
                    .map_err(|inner| inner.within(&name.replace('~', "~0").replace('/', "~1")))?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

impl Violation {
    fn within(mut self, segment: &str) -> Self {
        self.pointer.push('/');
        self.pointer.push_str(segment);
        self
    }
}

fn check_number(text: &str, left: &mut u64) -> Result<(), Violation> {
    let digits = Decimal::of(text).written_out();
    if digits <= SHORT {
        return Ok(());
    }
    let message = if digits > MAX_DIGITS {
        format!(
            "a number has {digits} digits when it is written out, at most {MAX_DIGITS} can be compared"
        )
    } else if let Some(rest) = left.checked_sub(digits) {
        *left = rest;
        return Ok(());
    } else {
        format!(
            "with this number, the numbers of more than {SHORT} digits have more than {MAX_LONG_DIGITS} digits together"
        )
    };
    Err(Violation {
        pointer: String::new(),
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_be_long_is_found_at_its_place() {
        let found = |text: &str| check(&serde_json::from_str(text).unwrap());
        for fits in [
            "1e400",
            "[1e-900, 12345678901234567890123]",
            "1234567890123456789.5",
        ] {
            assert_eq!(found(fits), Ok(()));
        }
        let too_long = found(r#"{"a/b":[0,1e9999]}"#).unwrap_err();
        assert_eq!(too_long.pointer, "/a~1b/1");
        insta::assert_snapshot!(too_long.message, @"a number has 10000 digits when it is written out, at most 1000 can be compared");
        let many = format!("[{}]", ["1e999"; 21].join(","));
        assert_eq!(found(&many).unwrap_err().pointer, "/20");
    }
}

//! Numbers as they are written, and how many digits of them a schema is held against.
//!
//! `jsonschema` compares numbers exactly, and writes their exponents out for that: `1e9999` has six
//! bytes, and ten thousand digits whose comparison takes a millisecond. So the digits of a document
//! are counted first. A document that is held against no schema may have any number.

use serde_json::Value;

use crate::schema::Violation;

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

/// A number's value: equal for all spellings of it, as long as its exponent fits.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Decimal<'t> {
    is_negative: bool,
    /// The digits before the point and those after it, without the zeros around all of them.
    digits: Digits<'t>,
    /// What the last of the digits is worth, as a power of ten.
    exponent: i64,
}

/// Digits in two parts, which are compared as one.
struct Digits<'t>(&'t str, &'t str);

impl<'t> Decimal<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let (is_negative, text) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (significand, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        let exponent = exponent.parse().unwrap_or_else(|_| {
            if exponent.starts_with('-') {
                i64::MIN
            } else {
                i64::MAX
            }
        });
        let (mut whole, mut fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let mut exponent = exponent.saturating_sub_unsigned(fraction.len() as u64);
        if whole.is_empty() {
            fraction = fraction.trim_start_matches('0');
        }
        if fraction.is_empty() {
            let trimmed = whole.trim_end_matches('0');
            exponent = exponent.saturating_add_unsigned((whole.len() - trimmed.len()) as u64);
            whole = trimmed;
        }
        let is_zero = whole.is_empty() && fraction.is_empty();
        Self {
            is_negative: is_negative && !is_zero,
            digits: Digits(whole, fraction),
            exponent: if is_zero { 0 } else { exponent },
        }
    }

    /// How many digits it has without an exponent.
    fn written_out(&self) -> u64 {
        let digits = self.digits.len() as u64;
        let zeros = self.exponent.unsigned_abs();
        if self.exponent < 0 {
            digits.max(zeros)
        } else {
            digits.saturating_add(zeros)
        }
    }
}

impl Digits<'_> {
    fn len(&self) -> usize {
        self.0.len() + self.1.len()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().chain(self.1.bytes())
    }
}

impl PartialEq for Digits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.bytes().eq(other.bytes())
    }
}

impl Eq for Digits<'_> {}

impl std::hash::Hash for Digits<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes().for_each(|byte| state.write_u8(byte));
        state.write_usize(self.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_equal() {
        for spellings in [
            &["0", "-0", "0.0", "0e5", "-0.00E-3"][..],
            &["1", "1.0", "10e-1", "0.1e1", "1.00E+0"],
            &["-1200", "-12e2", "-1.2e3", "-1200.00"],
            &["0.05", "5e-2", "0.50e-1"],
            &["10.05", "1005e-2", "0.1005e2"],
        ] {
            for spelling in spellings {
                assert!(
                    Decimal::of(spelling) == Decimal::of(spellings[0]),
                    "{spelling}"
                );
            }
        }
        for (one, other) in [("1", "-1"), ("1", "10"), ("10.5", "1.05"), ("0.1", "0.01")] {
            assert!(Decimal::of(one) != Decimal::of(other), "{one} {other}");
        }
    }

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

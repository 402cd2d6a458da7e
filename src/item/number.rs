//! Numbers as DynamoDB may keep them. No number type is used: it would change those that have more
//! digits than it has.

use serde_json::Number;

use crate::module::limits;

/// As [`plain_number`], of a text that may not be a JSON number.
pub(crate) fn parse_number(text: &str) -> Option<String> {
    // Unlike `from_str`, this takes no white space around it.
    text.parse::<Number>().ok()?;
    plain_number(text)
}

/// A number as DynamoDB may keep it: the digits that count, without exponent where that is not
/// longer than they are; nothing, if digits would be lost.
pub(crate) fn plain_number(text: &str) -> Option<String> {
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (significand, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let all_digits = format!("{whole}{fraction}");
    let leading = all_digits.trim_start_matches('0');
    let digits = leading.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let length = i64::try_from(digits.len()).ok()?;
    let cut = i64::try_from(leading.len()).ok()? - length;
    // What the last digit is worth, and the first.
    let last = exponent.parse::<i64>().ok()?;
    let last = last.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let last = last.checked_add(cut)?;
    let first = last.checked_add(length - 1)?;
    if length > limits::NUMBER_DIGITS || !limits::NUMBER_EXPONENTS.contains(&first) {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let plain = if last >= 0 && first < limits::NUMBER_DIGITS {
        format!("{sign}{digits}{}", zeros(last))
    } else if last < 0 && first >= 0 {
        let (whole, fraction) = digits.split_at(usize::try_from(first).ok()? + 1);
        format!("{sign}{whole}.{fraction}")
    } else if first < 0 && -last <= limits::NUMBER_DIGITS {
        format!("{sign}0.{}{digits}", zeros(-first - 1))
    } else {
        let (whole, fraction) = digits.split_at(1);
        let point = if fraction.is_empty() { "" } else { "." };
        let plus = if first > 0 { "+" } else { "" };
        format!("{sign}{whole}{point}{fraction}e{plus}{first}")
    };
    Some(plain)
}

/// Why a text is not a number in plain form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// It is spelt in another way.
    #[error("the number is not in plain form; write `{plain}`")]
    NotPlain {
        /// The same number in plain form.
        plain: String,
    },
    /// It is something else.
    #[error("it is not a number")]
    NotANumber,
    /// DynamoDB could not keep it, or only with a loss.
    #[error(
        "DynamoDB keeps numbers of at most {} digits, from 1e-130 to 9.9e125",
        limits::NUMBER_DIGITS
    )]
    OutOfRange,
}

/// Makes sure that a text is a number, and in the one spelling that [`plain_number`] gives it.
pub(crate) fn parse_plain(text: &str) -> Result<(), InvalidNumber> {
    if !is_number(text) {
        return Err(InvalidNumber::NotANumber);
    }
    let text_of_value = text.strip_prefix('+').unwrap_or(text);
    match plain_number(text_of_value) {
        None => Err(InvalidNumber::OutOfRange),
        Some(plain) if plain != text => Err(InvalidNumber::NotPlain { plain }),
        Some(_) => Ok(()),
    }
}

/// Whether a text is a number in some spelling that is at home on paper, such as `+1`, `042` or `.5`.
fn is_number(text: &str) -> bool {
    fn unsigned(text: &str) -> &str {
        text.strip_prefix(['+', '-']).unwrap_or(text)
    }
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = unsigned(text);
    let (significand, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = unsigned(exponent);
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && are_digits(exponent)
        && !exponent.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_plain_form() {
        let digits = "1".repeat(38);
        for plain in [
            "0",
            "42",
            "-42",
            "4.2",
            "0.5",
            &digits,
            "1e+125",
            "-1e+125",
            "1e-130",
            "9.9999999999999999999999999999999999999e+125",
        ] {
            assert_eq!(parse_plain(plain), Ok(()), "{plain}");
        }
        for (text, plain) in [
            ("042", "42"),
            ("4.20", "4.2"),
            ("1e2", "100"),
            ("-0", "0"),
            ("+1", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E+2", "100"),
            ("0e99999999999999999999", "0"),
            ("1e125", "1e+125"),
            ("-007.50e-1", "-0.75"),
        ] {
            let plain = plain.to_owned();
            assert_eq!(
                parse_plain(text),
                Err(InvalidNumber::NotPlain { plain }),
                "{text}"
            );
        }
        let long = "1".repeat(39);
        for text in [&*long, "1e126", "1e-131", "1e99999999999999999999"] {
            assert_eq!(parse_plain(text), Err(InvalidNumber::OutOfRange), "{text}");
        }
        for text in [
            "", "a", "-", "+", ".", "e1", "1e", "1e+", "--1", "+-1", "1 ", " 1", "0x1", "1_000",
            "١", "NaN", "1.2.3", "1e1e1",
        ] {
            assert_eq!(parse_plain(text), Err(InvalidNumber::NotANumber), "{text}");
        }
    }
}

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

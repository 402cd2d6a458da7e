//! The size of an item as DynamoDB counts it.
//!
//! Its rules are those of
//! [Item sizes and formats](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
//! That page gives the size of a number only approximately: the rule here is the one that the
//! authors of the embedded engine have measured against DynamoDB, byte by byte.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Attributes;

/// What a list or a map takes beside what is in it, and beside each value in it.
const CONTAINER_BYTES: usize = 3;
const ELEMENT_BYTES: usize = 1;

/// The size of the item that has these attributes.
pub(crate) fn item_bytes(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_bytes(number)).sum(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            let values = values
                .iter()
                .map(|value| ELEMENT_BYTES + value_bytes(value));
            CONTAINER_BYTES + values.sum::<usize>()
        }
        AttributeValue::M(members) => {
            CONTAINER_BYTES + ELEMENT_BYTES * members.len() + item_bytes(members)
        }
        // A boolean, or null.
        _ => 1,
    }
}

/// One byte, one for each two digits before the point and for each two after it, without the zeros
/// at both ends, and one for a minus.
fn number_bytes(text: &str) -> usize {
    let (sign, text) = text.strip_prefix('-').map_or((0, text), |rest| (1, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_zero = |digit: &u8| *digit == b'0';
    let digits = || whole.bytes().chain(fraction.bytes());
    let leading = digits().take_while(is_zero).count();
    let trailing = digits().rev().take_while(is_zero).count();
    let all = whole.len() + fraction.len();
    if leading == all {
        return 1;
    }
    let significant = all - leading - trailing;
    let before_point = i64::try_from(whole.len() - leading.min(whole.len())).unwrap_or(i64::MAX);
    let zeros_after_point = i64::try_from(leading.saturating_sub(whole.len())).unwrap_or(i64::MAX);
    let exponent = exponent.parse::<i64>().unwrap_or_default();
    let before_point = before_point
        .saturating_sub(zeros_after_point)
        .saturating_add(exponent);
    let before_point = usize::try_from(before_point).map_or(0, |count| count.min(significant));
    1 + before_point.div_ceil(2) + (significant - before_point).div_ceil(2) + sign
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_takes_a_byte_for_each_two_digits_on_both_sides_of_the_point() {
        for (number, bytes) in [
            ("0", 1),
            ("-0.0", 1),
            ("7", 2),
            ("42", 2),
            ("-42", 3),
            ("100", 2),
            ("1e+125", 2),
            ("1e-130", 2),
            ("123", 3),
            ("1.5", 3),
            ("-12.5", 4),
            ("12.345", 4),
            ("0.001", 2),
            ("0.00123", 3),
            ("1.23e1", 3),
            ("12345678901234567890123456789012345678", 20),
            ("9.9999999999999999999999999999999999999e125", 20),
            ("1.2345678901234567890123456789012345678", 21),
        ] {
            assert_eq!(number_bytes(number), bytes, "{number}");
        }
    }
}

//! What a number says, however it is written.

/// A number's value: equal for all spellings of it, as long as its exponent fits.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Decimal<'t> {
    is_negative: bool,
    /// The digits before the point and those after it, without the zeros around all of them.
    digits: Digits<'t>,
    /// What the last of the digits is worth, as a power of ten.
    exponent: i64,
}

/// Digits in two parts, which are compared as one.
struct Digits<'t>(&'t str, &'t str);

impl<'t> Decimal<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
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
    #[cfg(feature = "schemas")]
    pub(crate) fn written_out(&self) -> u64 {
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
}

//! The time of an item's end: in seconds since 1970, as DynamoDB's time to live has it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::item::number::plain_number;

/// The last second of the year 9999. A later time was surely meant in milliseconds.
pub(crate) const LATEST: u64 = 253_402_300_799;

/// The time now, in seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The time that a JSON number says, in any spelling, if it is a whole number of seconds.
pub(crate) fn seconds_of(number: &str) -> Option<u64> {
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    plain_number(number)?.parse().ok()
}

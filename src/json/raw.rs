//! Stored texts as JSON.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A stored text as JSON: what is none, since others wrote it, becomes a string.
pub(crate) fn raw(text: Option<&str>) -> Cow<'_, RawValue> {
    match text {
        None => Cow::Borrowed(RawValue::NULL),
        Some(text) => serde_json::from_str(text).map_or_else(
            |_| {
                let string = serde_json::value::to_raw_value(text);
                Cow::Owned(string.expect("a text is JSON"))
            },
            Cow::Borrowed,
        ),
    }
}

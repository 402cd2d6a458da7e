//! A text that is JSON already, as a part of other JSON.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Says to `serde_json` that a text is to be written as it is.
const RAW: &str = "$serde_json::private::RawValue";

/// Is written as it is. `serde_json::value::RawValue` is too, but to make one of a text reads it once
/// more, and whoever has a `Verbatim` knows already that it is JSON.
#[derive(Debug)]
pub(crate) struct Verbatim<T>(pub(crate) T);

impl<T: AsRef<str>> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As `RawValue` does it.
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, self.0.as_ref())?;
        raw.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_string, to_value};

    use super::*;

    #[test]
    fn it_is_written_as_it_is() {
        let text = r#"{"a" : 1.10, "b": "\u00e9"}"#;
        assert_eq!(to_string(&Verbatim(text)).unwrap(), text);
        let within = [Verbatim(text.to_owned())];
        assert_eq!(to_string(&within).unwrap(), format!("[{text}]"));
        let value = to_value(Verbatim(r#"{"a":[1]}"#)).unwrap();
        assert_eq!(value, json!({ "a": [1] }));
    }
}

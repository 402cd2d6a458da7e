//! Changes to a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902).
//!
//! Numbers keep their spelling: `serde_json` is built with `arbitrary_precision`.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::item::{InvalidDocument, read_value};

/// A parsed change.
#[derive(Debug, Clone)]
pub enum Patch {
    /// Members to be set, and those to be taken away as `null`.
    Merge(Value),
    /// Operations, of which all are done or none.
    Operations(json_patch::Patch),
}

/// The media type of a change, which says how its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    /// `application/merge-patch+json`, and `application/json` as well.
    Merge,
    /// `application/json-patch+json`
    Operations,
}

/// Why a body is no change.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPatch {
    /// It is not JSON, or no list of operations where one is expected.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// JSON that says one thing in two ways.
    #[error("{0}")]
    Unclear(InvalidDocument),
}

/// Why a change does not fit the document it is for.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// An operation can't be done.
    #[error("{0}")]
    Operation(#[from] json_patch::PatchError),
    /// What is stored can't be read.
    #[error("what is stored can't be changed in parts: {0}")]
    Stored(InvalidDocument),
}

impl Patch {
    /// The media types, as `Accept-Patch` names them.
    pub const MEDIA_TYPES: &str =
        "application/merge-patch+json, application/json-patch+json, application/json";

    /// Parses a request's body.
    ///
    /// # Errors
    /// It is no JSON, nests too deep, or is no list of operations where one is expected.
    pub fn parse(body: &[u8], patch_type: PatchType) -> Result<Self, InvalidPatch> {
        let text: &RawValue = serde_json::from_slice(body).map_err(InvalidPatch::Shape)?;
        let value = read_value(text).map_err(InvalidPatch::Unclear)?;
        match patch_type {
            PatchType::Merge => Ok(Self::Merge(value)),
            // Read from the text, so that an error has its place.
            PatchType::Operations => serde_json::from_slice(body)
                .map(Self::Operations)
                .map_err(InvalidPatch::Shape),
        }
    }

    /// The text of the changed document; one that is not there counts as `null`.
    ///
    /// # Errors
    /// The change does not fit.
    pub fn apply(&self, text: Option<&str>) -> Result<String, Misfit> {
        let text = text.unwrap_or("null");
        let json: &RawValue = serde_json::from_str(text)
            .map_err(|error| Misfit::Stored(InvalidDocument::NotJson(error)))?;
        let mut document = read_value(json).map_err(Misfit::Stored)?;
        match self {
            Self::Merge(changes) => json_patch::merge(&mut document, changes),
            // Without undoing what was done before a failure, for which the crate can panic: the
            // document is thrown away then. Nothing in it is `unsafe`.
            Self::Operations(operations) => json_patch::patch_unsafe(&mut document, operations)?,
        }
        Ok(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn patched(patch_type: PatchType, document: &str, patch: &str) -> Result<String, String> {
        let patch =
            Patch::parse(patch.as_bytes(), patch_type).map_err(|error| error.to_string())?;
        patch
            .apply(Some(document))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_merge_patch_sets_and_takes_away() {
        for (document, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (
                r#"{"b":1,"a":2}"#,
                r#"{"a":null,"c":3}"#,
                r#"{"b":1,"c":3}"#,
            ),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[1]}"#, r#"{"a":[2,3]}"#, r#"{"a":[2,3]}"#),
            ("[1,2]", r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1}"#, "[1]", "[1]"),
            (
                r#"{"n":1.10,"big":12345678901234567890123,"e":1e400}"#,
                r#"{"m":0.10}"#,
                r#"{"n":1.10,"big":12345678901234567890123,"e":1e+400,"m":0.10}"#,
            ),
        ] {
            assert_eq!(
                patched(PatchType::Merge, document, patch).as_deref(),
                Ok(expected),
                "{patch}"
            );
        }
    }

    #[test]
    fn a_json_patch_is_done_wholly_or_not_at_all() {
        let operations = r#"[{"op":"test","path":"/a","value":1},{"op":"add","path":"/b/-","value":1.10},{"op":"remove","path":"/a"}]"#;
        assert_eq!(
            patched(PatchType::Operations, r#"{"a":1,"b":[]}"#, operations).as_deref(),
            Ok(r#"{"b":[1.10]}"#)
        );
        let refused = |document, patch| {
            patched(PatchType::Operations, document, patch).expect_err("must be refused")
        };
        insta::assert_snapshot!(refused(r#"{"a":2,"b":[]}"#, operations), @"operation '/0' failed at path '/a': value did not match");
        let half_done =
            r#"[{"op":"add","path":"/a/-","value":1},{"op":"move","from":"/a","path":"/b/"}]"#;
        insta::assert_snapshot!(refused(r#"{"a":[]}"#, half_done), @"operation '/1' failed at path '/b/': path is invalid");
        insta::assert_snapshot!(refused("{}", r#"[{"op":"remove","path":"/a"}]"#), @"operation '/0' failed at path '/a': path is invalid");
        insta::assert_snapshot!(refused("{}", r#"[{"op":"tset","path":"/a"}]"#), @"unknown variant `tset`, expected one of `add`, `remove`, `replace`, `move`, `copy`, `test` at line 1 column 13");
        insta::assert_snapshot!(refused("{}", "{}"), @"invalid type: map, expected a sequence at line 1 column 0");
    }
    /// Names under which `serde_json` hands itself numbers, members twice, and any depth.
    #[test]
    fn what_a_value_cannot_say_is_refused() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for unclear in [
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"a":1,"a":2}"#,
            &deep,
        ] {
            for (document, patch) in [(unclear, "{}"), ("{}", unclear)] {
                let refused = patched(PatchType::Merge, document, patch);
                assert!(refused.is_err(), "{refused:?}");
            }
        }
        let operations = format!(r#"[{{"op":"add","path":"/a","value":{deep}}}]"#);
        assert!(patched(PatchType::Operations, "{}", &operations).is_err());
    }
}

//! Changes to a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902).
//!
//! Numbers keep their spelling: `serde_json` is built with `arbitrary_precision`.

use serde_json::Value;
use serde_json::value::RawValue;

use self::budget::Budget;
use crate::item::{Document, InvalidDocument, read_value};

mod budget;

/// A parsed change.
#[derive(Debug, Clone)]
pub struct Patch {
    change: Change,
    /// How long the text was that it was read from.
    bytes: usize,
}

#[derive(Debug, Clone)]
enum Change {
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
    /// More operations than one patch may have.
    #[error("it has {0} operations, at most {max} are possible", max = Patch::MAX_OPERATIONS)]
    Count(usize),
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
    /// An operation would put too many arrays and objects into one another.
    #[error(
        "operation '/{at}' would nest the document deeper than {} levels",
        Document::MAX_DEPTH
    )]
    TooDeep {
        /// Which one, counted from 0.
        at: usize,
    },
    /// An operation would make the document larger than it may be on the way to the last one.
    #[error("operation '/{at}' would make the document larger than {limit} bytes")]
    TooLarge {
        /// Which one, counted from 0.
        at: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// With this operation, the patch would copy or shift too many values.
    #[error("up to operation '/{at}' it copies or shifts too many values; send it in parts")]
    TooCostly {
        /// Which one, counted from 0.
        at: usize,
    },
}

impl Patch {
    /// The media types, as `Accept-Patch` names them.
    pub const MEDIA_TYPES: &str =
        "application/merge-patch+json, application/json-patch+json, application/json";

    /// How many operations one patch may have.
    pub const MAX_OPERATIONS: usize = 10_000;

    /// How many bytes a patch's body may have beyond what a document of the module may have: for
    /// the operations around the values.
    pub const OVERHEAD_BYTES: usize = 65_536;

    /// Parses a request's body.
    ///
    /// # Errors
    /// It is no JSON, nests too deep, is no list of operations where one is expected, or has more
    /// than [`Patch::MAX_OPERATIONS`].
    pub fn parse(body: &[u8], patch_type: PatchType) -> Result<Self, InvalidPatch> {
        let text: &RawValue = serde_json::from_slice(body).map_err(InvalidPatch::Shape)?;
        let value = read_value(text).map_err(InvalidPatch::Unclear)?;
        let change = match patch_type {
            PatchType::Merge => Change::Merge(value),
            PatchType::Operations => {
                drop(value);
                // Read from the text, so that an error has its place.
                let operations: json_patch::Patch =
                    serde_json::from_slice(body).map_err(InvalidPatch::Shape)?;
                if operations.len() > Self::MAX_OPERATIONS {
                    return Err(InvalidPatch::Count(operations.len()));
                }
                Change::Operations(operations)
            }
        };
        let bytes = body.len();
        Ok(Self { change, bytes })
    }

    /// How long the text was that it was read from, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of the changed document, of a module whose documents have at most `max_bytes`; one
    /// that is not there counts as `null`.
    ///
    /// # Errors
    /// The change does not fit, or costs more than a patch may.
    pub fn apply(&self, text: Option<&str>, max_bytes: usize) -> Result<String, Misfit> {
        let text = text.unwrap_or("null");
        let json: &RawValue = serde_json::from_str(text)
            .map_err(|error| Misfit::Stored(InvalidDocument::NotJson(error)))?;
        let mut document = read_value(json).map_err(Misfit::Stored)?;
        match &self.change {
            Change::Merge(changes) => json_patch::merge(&mut document, changes),
            Change::Operations(operations) => {
                let mut budget = Budget::new(text.len(), max_bytes);
                for (at, operation) in operations.iter().enumerate() {
                    budget.pay(at, operation, &document)?;
                    // Without undoing what was done before a failure, for which the crate can
                    // panic: the document is thrown away then. Nothing in it is `unsafe`.
                    json_patch::patch_unsafe(&mut document, std::slice::from_ref(operation))
                        .map_err(|mut error| {
                            error.operation = at;
                            error
                        })?;
                }
            }
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
            .apply(Some(document), 409_600)
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

    /// As CVE-2019-1002100: a few bytes that make a document grow without end.
    #[test]
    fn what_would_grow_without_end_is_refused() {
        let operations = |each: &dyn Fn(usize) -> String, count| {
            let operations: Vec<_> = (0..count).map(each).collect();
            format!("[{}]", operations.join(","))
        };
        let refused = |document: &str, patch: &str| {
            patched(PatchType::Operations, document, patch).expect_err("must be refused")
        };
        let twice_as_deep = |at| {
            format!(
                r#"{{"op":"copy","from":"","path":"{}"}}"#,
                "/a".repeat(1_usize << at)
            )
        };
        let refusal = refused(r#"{"a":1}"#, &operations(&twice_as_deep, 14));
        insta::assert_snapshot!(refusal, @"operation '/7' would nest the document deeper than 128 levels");
        let list = format!(r#"{{"a":["{}"]}}"#, "x".repeat(1_000));
        let twice_as_long = |_| r#"{"op":"copy","from":"/a","path":"/a/-"}"#.to_owned();
        let refusal = refused(&list, &operations(&twice_as_long, 20));
        insta::assert_snapshot!(refusal, @"operation '/9' would make the document larger than 819200 bytes");
        assert_eq!(refused(&list, &operations(&twice_as_long, 24)), refusal);
    }

    #[test]
    fn what_would_copy_or_shift_for_minutes_is_refused() {
        let list = |length| format!(r#"{{"a":[{}],"b":0}}"#, vec!["0"; length].join(","));
        let repeated = |operation, count| format!("[{}]", vec![operation; count].join(","));
        let copy = r#"{"op":"copy","from":"/a","path":"/b"}"#;
        let shift = r#"{"op":"move","from":"/a/0","path":"/a/-"}"#;
        for (operation, length) in [(copy, 170_000), (shift, 170_000), (shift, 1_000)] {
            let patch = repeated(operation, 10_000);
            let refusal = patched(PatchType::Operations, &list(length), &patch);
            let refusal = refusal.expect_err("must be refused");
            assert!(refusal.ends_with("send it in parts"), "{refusal}");
        }
        for (operation, length, count) in [(copy, 170_000, 3), (shift, 1_000, 5_000)] {
            let patch = repeated(operation, count);
            assert!(patched(PatchType::Operations, &list(length), &patch).is_ok());
        }
        let text = format!(r#"{{"a":"{}","b":0}}"#, "x".repeat(340_000));
        let refusal = patched(PatchType::Operations, &text, &repeated(copy, 10_000));
        let refusal = refusal.expect_err("must be refused");
        assert!(refusal.ends_with("send it in parts"), "{refusal}");
        let refusal = patched(PatchType::Operations, &list(10), &repeated(shift, 100_000));
        assert_eq!(
            refusal.expect_err("must be refused"),
            "it has 100000 operations, at most 10000 are possible"
        );
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

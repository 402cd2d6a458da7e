//! Changes to a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902).
//!
//! What a patch does not touch keeps its text, and what it brings has the patch's. The crate
//! `json-patch` changes a `serde_json::Value`, which keeps neither, and puts an object's last member
//! in the place of one that is removed.

use jsonptr::PointerBuf;
use serde_json::value::RawValue;

use self::budget::Budget;
pub use self::operation::Failure;
use self::operation::Operation;
use crate::item::Document;
pub use crate::json::tree::InvalidTree;
use crate::json::tree::Node;

mod budget;
mod operation;

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
    Merge(Box<RawValue>),
    /// Operations, of which all are done or none.
    Operations(Vec<Operation>),
}

/// The media type of a change, which says how its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    /// `application/json`: a merge patch, unless it looks like operations.
    Json,
    /// `application/merge-patch+json`
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
    /// JSON that is not taken apart.
    #[error("it {0}")]
    Tree(InvalidTree),
    /// More operations than one patch may have.
    #[error("it has {0} operations, at most {max} are possible", max = Patch::MAX_OPERATIONS)]
    Count(usize),
    /// Operations that are sent as `application/json`, by which they would replace the document.
    #[error(
        "a list of operations is sent as application/json-patch+json, or as \
         application/merge-patch+json if it is to be the document"
    )]
    Ambiguous,
}

/// Why a change does not fit the document it is for.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// An operation can't be done.
    #[error("operation '/{at}' failed at path '{path}': {failure}")]
    Operation {
        /// Which one, counted from 0.
        at: usize,
        /// Its path.
        path: PointerBuf,
        /// Why.
        failure: Failure,
    },
    /// What is stored can't be taken apart.
    #[error("the stored document {0}")]
    Stored(InvalidTree),
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
        let json: &RawValue = serde_json::from_slice(body).map_err(InvalidPatch::Shape)?;
        let tree = Node::of(json).map_err(InvalidPatch::Tree)?;
        let change = match patch_type {
            PatchType::Json if is_operations(&tree) => return Err(InvalidPatch::Ambiguous),
            PatchType::Json | PatchType::Merge => Change::Merge(json.to_owned()),
            PatchType::Operations => {
                let operations: Vec<Operation> =
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
        let mut document = Node::parse(text).map_err(Misfit::Stored)?;
        match &self.change {
            Change::Merge(changes) => {
                merge(&mut document, node(changes));
            }
            Change::Operations(operations) => {
                let mut budget = Budget::new(text.len(), max_bytes);
                for (at, operation) in operations.iter().enumerate() {
                    operation.apply(at, &mut document, &mut budget)?;
                }
            }
        }
        let mut changed = String::with_capacity(text.len() + self.bytes);
        document.write(&mut changed);
        Ok(changed)
    }
}

/// A part of a patch.
fn node(json: &RawValue) -> Node<'_> {
    Node::of(json).expect("the whole patch was read before")
}

/// Whether all that there is looks like an operation of a JSON Patch.
fn is_operations(tree: &Node<'_>) -> bool {
    let is_operation = |node: &Node<'_>| match node {
        Node::Object(members) => ["op", "path"]
            .iter()
            .all(|name| members.get(name).is_some()),
        Node::Scalar(_) | Node::Array(_) => false,
    };
    match tree {
        Node::Array(values) => !values.is_empty() && values.iter().all(is_operation),
        Node::Scalar(_) | Node::Object(_) => false,
    }
}

/// Section 2 of RFC 7396.
fn merge<'t>(document: &mut Node<'t>, changes: Node<'t>) {
    let Node::Object(changes) = changes else {
        *document = changes;
        return;
    };
    if !matches!(document, Node::Object(_)) {
        *document = Node::Object(Box::default());
    }
    let Node::Object(members) = document else {
        return;
    };
    for (name, change) in changes.into_iter() {
        if change.is_null() {
            members.remove(name.as_str());
        } else {
            merge(members.entry(name), change);
        }
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
                r#"{"n":1.10,"big":12345678901234567890123,"e":1e400,"m":0.10}"#,
            ),
            // What it does not touch, and what it brings, keep their spelling and their order.
            (
                r#"{ "x" : 1E5, "e":"\u00e9", "\u0061": [ 1.0E-2, "\/" ], "z":{"b":1,"c":-0,"d":3}}"#,
                r#"{"b": 2E0, "z": {"b": null, "\u0064": "\u0041"}, "x": null}"#,
                r#"{"e":"\u00e9","\u0061":[1.0E-2,"\/"],"z":{"c":-0,"d":"\u0041"},"b":2E0}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"n":{"m":null,"o":{}}}"#,
                r#"{"a":1,"n":{"o":{}}}"#,
            ),
            // What has no reading, or which `serde_json` has for itself, is text as any other.
            (
                r#"{"\ud800":"\udfff","$serde_json::private::Number":"1"}"#,
                r#"{"a":"\ud801"}"#,
                r#"{"\ud800":"\udfff","$serde_json::private::Number":"1","a":"\ud801"}"#,
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
        let spelled = r#"{"a":1E5,"b":"\u00e9","c":[{"x":1.0},2E1],"d":4}"#;
        for (operations, expected) in [
            (
                r#"[{"op":"remove","path":"/a"},{"op":"add","path":"/c/0","value":"\u0041"}]"#,
                r#"{"b":"\u00e9","c":["\u0041",{"x":1.0},2E1],"d":4}"#,
            ),
            (
                r#"[{"op":"move","from":"/c/0/x","path":"/\u00e9"},{"op":"copy","from":"/b","path":"/c/-"}]"#,
                r#"{"a":1E5,"b":"\u00e9","c":[{},2E1,"\u00e9"],"d":4,"é":1.0}"#,
            ),
            (
                r#"[{"op":"replace","path":"/c","value":[ ]},{"op":"move","from":"/a","path":"/d"}]"#,
                r#"{"b":"\u00e9","c":[],"d":1E5}"#,
            ),
            (
                r#"[{"op":"test","path":"","value":{"d":4.0,"b":"é","a":100000,"c":[{"x":1},0.2e2]}}]"#,
                r#"{"a":1E5,"b":"\u00e9","c":[{"x":1.0},2E1],"d":4}"#,
            ),
        ] {
            assert_eq!(
                patched(PatchType::Operations, spelled, operations).as_deref(),
                Ok(expected),
                "{operations}"
            );
        }
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

    #[test]
    fn operations_are_not_taken_for_a_document() {
        let operations = r#"[{"op":"add","path":"/a","value":1}]"#;
        let refused = patched(PatchType::Json, "{}", operations).expect_err("must be refused");
        insta::assert_snapshot!(refused, @"a list of operations is sent as application/json-patch+json, or as application/merge-patch+json if it is to be the document");
        assert_eq!(
            patched(PatchType::Merge, "{}", operations).as_deref(),
            Ok(operations)
        );
        for document in ["[]", r#"[{"op":"add"}]"#, r#"[{"op":"add","path":"/a"},1]"#] {
            assert_eq!(
                patched(PatchType::Json, "{}", document).as_deref(),
                Ok(document)
            );
        }
    }

    #[test]
    fn what_can_not_be_taken_apart_is_refused() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let refused = |document: &str, patch: &str| {
            patched(PatchType::Merge, document, patch).expect_err("must be refused")
        };
        let twice = r#"{"b":[{"a":1,"\u0061":2}]}"#;
        insta::assert_snapshot!(refused(twice, "{}"), @"the stored document has an object with a member twice");
        insta::assert_snapshot!(refused("{}", twice), @"it has an object with a member twice");
        insta::assert_snapshot!(refused(&deep, "{}"), @"the stored document nests too deep: more than 128 levels at byte 128");
        insta::assert_snapshot!(refused("{}", &deep), @"it nests too deep: more than 128 levels at byte 128");
        insta::assert_snapshot!(refused("{'a':1}", "{}"), @"the stored document is not JSON: key must be a string at line 1 column 2");
        let operations = format!(r#"[{{"op":"add","path":"/a","value":{deep}}}]"#);
        assert!(patched(PatchType::Operations, "{}", &operations).is_err());
    }
}

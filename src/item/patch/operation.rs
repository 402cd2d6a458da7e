//! The operations of a JSON Patch (RFC 6902).

use std::fmt;

use jsonptr::{Pointer, PointerBuf};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::budget::Budget;
use super::{Misfit, node};
use crate::json::tree::{JsonString, Node};

/// One operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub(super) enum Operation {
    Add {
        path: PointerBuf,
        value: Box<RawValue>,
    },
    Remove {
        path: PointerBuf,
    },
    Replace {
        path: PointerBuf,
        value: Box<RawValue>,
    },
    Move {
        from: PointerBuf,
        path: PointerBuf,
    },
    Copy {
        from: PointerBuf,
        path: PointerBuf,
    },
    Test {
        path: PointerBuf,
        value: Box<RawValue>,
    },
}

/// An operation as it is written. Members that RFC 6902 does not define are ignored.
#[derive(Deserialize)]
struct Written {
    op: Op,
    path: PointerBuf,
    from: Option<PointerBuf>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// A member that the operation must have, and has not.
#[derive(Debug, thiserror::Error)]
#[error("missing field `{0}`")]
struct MissingMember(&'static str);

/// A value of `null` is one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

impl TryFrom<Written> for Operation {
    type Error = MissingMember;

    fn try_from(written: Written) -> Result<Self, MissingMember> {
        let Written {
            op,
            path,
            from,
            value,
        } = written;
        let from = from.ok_or(MissingMember("from"));
        let value = value.ok_or(MissingMember("value"));
        Ok(match op {
            Op::Add => Self::Add {
                path,
                value: value?,
            },
            Op::Remove => Self::Remove { path },
            Op::Replace => Self::Replace {
                path,
                value: value?,
            },
            Op::Move => Self::Move { from: from?, path },
            Op::Copy => Self::Copy { from: from?, path },
            Op::Test => Self::Test {
                path,
                value: value?,
            },
        })
    }
}

/// Why an operation can't be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is another value than the expected one.
    Test,
    /// There is nothing to be moved or copied.
    From,
    /// There is nothing at the path, or no place for a value.
    Path,
    /// A value can't be moved into itself.
    IntoItself,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "value did not match",
            Self::From => "\"from\" path is invalid",
            Self::Path => "path is invalid",
            Self::IntoItself => "cannot move the value inside itself",
        })
    }
}

impl Operation {
    /// Does the operation, the one at `at`, if the budget allows it. After a failure a part of it
    /// may be done.
    pub(super) fn apply<'p>(
        &'p self,
        at: usize,
        document: &mut Node<'p>,
        budget: &mut Budget,
    ) -> Result<(), Misfit> {
        let done = match self {
            Self::Add { path, value } => {
                let value = node(value);
                budget.shift(at, document, path)?;
                budget.release(at, overwritten(document, path))?;
                budget.copy(at, path, &value)?;
                add(document, path, value)
            }
            Self::Remove { path } => {
                budget.shift(at, document, path)?;
                budget.release(at, document.find(path))?;
                remove(document, path).map(drop).ok_or(Failure::Path)
            }
            Self::Replace { path, value } => {
                let value = node(value);
                budget.release(at, document.find(path))?;
                budget.copy(at, path, &value)?;
                replace(document, path, value)
            }
            Self::Move { from, path } => {
                budget.shift(at, document, from)?;
                budget.shift(at, document, path)?;
                budget.carry(at, path, document.find(from))?;
                carry(document, from, path)
            }
            Self::Copy { from, path } => match document.find(from) {
                Some(value) => {
                    budget.shift(at, document, path)?;
                    budget.release(at, overwritten(document, path))?;
                    budget.copy(at, path, value)?;
                    let value = value.clone();
                    add(document, path, value)
                }
                None => Err(Failure::From),
            },
            Self::Test { path, value } => match document.find(path) {
                Some(found) if found.equals(&node(value)) => Ok(()),
                Some(_) => Err(Failure::Test),
                None => Err(Failure::Path),
            },
        };
        done.map_err(|failure| {
            let path = self.path().to_owned();
            Misfit::Operation { at, path, failure }
        })
    }

    fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Move { path, .. }
            | Self::Copy { path, .. }
            | Self::Test { path, .. } => path,
        }
    }
}

/// What is no longer in the document when a value is added at `path`: in an array nothing, there it
/// is inserted.
fn overwritten<'d, 't>(document: &'d Node<'t>, path: &Pointer) -> Option<&'d Node<'t>> {
    let parent = path.parent().and_then(|parent| document.find(parent));
    match parent {
        Some(Node::Array(_)) => None,
        _ => document.find(path),
    }
}

fn add<'t>(document: &mut Node<'t>, path: &Pointer, value: Node<'t>) -> Result<(), Failure> {
    let Some((parent, last)) = path.split_back() else {
        *document = value;
        return Ok(());
    };
    match document.find_mut(parent) {
        Some(Node::Object(members)) => members.set(JsonString::new(&last.decoded()), value),
        Some(Node::Array(values)) => {
            let index = last.to_index().map_err(|_| Failure::Path)?;
            let at = index.for_len_incl(values.len());
            values.insert(at.map_err(|_| Failure::Path)?, value);
        }
        Some(Node::Scalar(_)) | None => return Err(Failure::Path),
    }
    Ok(())
}

fn remove<'t>(document: &mut Node<'t>, path: &Pointer) -> Option<Node<'t>> {
    let (parent, last) = path.split_back()?;
    match document.find_mut(parent)? {
        Node::Object(members) => members.remove(&last.decoded()),
        Node::Array(values) => {
            let at = last.to_index().ok()?.for_len(values.len()).ok()?;
            Some(values.remove(at))
        }
        Node::Scalar(_) => None,
    }
}

fn replace<'t>(document: &mut Node<'t>, path: &Pointer, value: Node<'t>) -> Result<(), Failure> {
    *document.find_mut(path).ok_or(Failure::Path)? = value;
    Ok(())
}

fn carry(document: &mut Node<'_>, from: &Pointer, path: &Pointer) -> Result<(), Failure> {
    if path.starts_with(from) && path != from {
        return Err(Failure::IntoItself);
    }
    let value = remove(document, from).ok_or(Failure::From)?;
    add(document, path, value)
}

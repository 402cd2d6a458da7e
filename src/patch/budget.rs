//! What a JSON Patch may cost. Each operation is weighed before it is done.
//!
//! `copy` makes a document grow twofold, in size or in depth, so that thirty operations are enough
//! for a stack overflow or for all memory (CVE-2019-1002100). Copies and shifted array elements are
//! counted too, since an operation of 50 bytes can copy or shift the whole document.

use json_patch::PatchOperation;
use json_patch::jsonptr::Pointer;
use serde_json::Value;

use super::Misfit;
use crate::item::Document;

/// How many values one patch may shift within arrays.
const MAX_SHIFTED: usize = 16_000_000;

/// A copied value costs as much as so many shifted ones.
const COPY_COST: usize = 16;

/// So many copied bytes cost as much as one shifted value.
const BYTES_OF_SHIFT: usize = 16;

/// What the rest of a patch may still cost.
pub(super) struct Budget {
    /// About how long the document's text is.
    bytes: usize,
    max_bytes: usize,
    work: usize,
}

impl Budget {
    /// For a document whose text has so many bytes, in a module with this limit. Between two
    /// operations a document may be twice as large as it may be in the end.
    pub(super) fn new(bytes: usize, limit_bytes: usize) -> Self {
        Self {
            bytes,
            max_bytes: 2 * limit_bytes.max(bytes),
            work: MAX_SHIFTED,
        }
    }

    /// Pays for an operation, the one at `at`. That it can be done at all is not checked here.
    pub(super) fn pay(
        &mut self,
        at: usize,
        operation: &PatchOperation,
        document: &Value,
    ) -> Result<(), Misfit> {
        let (path, value, overwrites) = match operation {
            PatchOperation::Add(add) => (&add.path, Some(&add.value), true),
            PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value), true),
            PatchOperation::Copy(copy) => (&copy.path, document.pointer(copy.from.as_str()), true),
            // What it overwrites is not subtracted: an array's indices are others by then.
            PatchOperation::Move(moved) => {
                self.work(at, shifted_by(document, &moved.from))?;
                (&moved.path, document.pointer(moved.from.as_str()), false)
            }
            PatchOperation::Remove(remove) => (&remove.path, None, true),
            PatchOperation::Test(_) => return Ok(()),
        };
        let is_move = matches!(operation, PatchOperation::Move(_));
        self.work(at, shifted_by(document, path))?;
        if let Some(value) = value {
            let extent = Extent::of(value);
            self.work(
                at,
                if is_move {
                    extent.values
                } else {
                    extent.copy_cost()
                },
            )?;
            if path.count() + extent.depth > Document::MAX_DEPTH {
                return Err(Misfit::TooDeep { at });
            }
            let name = path.last().map_or(0, |token| token.encoded().len());
            self.bytes += name + if is_move { 0 } else { extent.bytes };
        }
        if overwrites && let Some(old) = overwritten(operation, path, document) {
            let extent = Extent::of(old);
            self.work(at, extent.values)?;
            self.bytes = self.bytes.saturating_sub(extent.bytes);
        }
        if self.bytes > self.max_bytes {
            let limit = self.max_bytes;
            return Err(Misfit::TooLarge { at, limit });
        }
        Ok(())
    }

    fn work(&mut self, at: usize, values: usize) -> Result<(), Misfit> {
        let left = self.work.checked_sub(values);
        self.work = left.ok_or(Misfit::TooCostly { at })?;
        Ok(())
    }
}

/// What is no longer in the document after the operation.
fn overwritten<'d>(
    operation: &PatchOperation,
    path: &Pointer,
    document: &'d Value,
) -> Option<&'d Value> {
    let is_inserted = matches!(operation, PatchOperation::Add(_) | PatchOperation::Copy(_))
        && parent_of(document, path).is_some_and(Value::is_array);
    if is_inserted {
        return None;
    }
    document.pointer(path.as_str())
}

/// How many values an insertion or a removal at `path` shifts, at the most.
fn shifted_by(document: &Value, path: &Pointer) -> usize {
    let parent = parent_of(document, path).and_then(Value::as_array);
    parent.map_or(0, Vec::len)
}

fn parent_of<'d>(document: &'d Value, path: &Pointer) -> Option<&'d Value> {
    let (parent, _) = path.split_back()?;
    document.pointer(parent.as_str())
}

/// How much a value is.
struct Extent {
    /// About how long its text is.
    bytes: usize,
    /// It and all values in it.
    values: usize,
    /// How many arrays and objects stand in one another.
    depth: usize,
}

impl Extent {
    fn of(value: &Value) -> Self {
        let mut extent = Self {
            bytes: 1,
            values: 1,
            depth: 0,
        };
        match value {
            Value::Null | Value::Bool(_) => extent.bytes += "null".len(),
            Value::Number(number) => extent.bytes += number.as_str().len(),
            Value::String(text) => extent.bytes += text.len() + "\"\"".len(),
            Value::Array(values) => {
                extent.bytes += "[]".len();
                for value in values {
                    extent.hold(value);
                }
            }
            Value::Object(members) => {
                extent.bytes += "{}".len();
                for (name, value) in members {
                    extent.bytes += name.len() + "\"\":".len();
                    extent.hold(value);
                }
            }
        }
        if value.is_array() || value.is_object() {
            extent.depth += 1;
        }
        extent
    }

    fn copy_cost(&self) -> usize {
        self.values * COPY_COST + self.bytes / BYTES_OF_SHIFT
    }

    fn hold(&mut self, value: &Value) {
        let inner = Self::of(value);
        self.bytes += inner.bytes;
        self.values += inner.values;
        self.depth = self.depth.max(inner.depth);
    }
}

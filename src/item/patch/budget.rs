//! What a JSON Patch may cost. Each operation is weighed before it is done.
//!
//! `copy` makes a document grow twofold, in size or in depth, so that thirty operations are enough
//! for a stack overflow or for all memory (CVE-2019-1002100). Copies and shifted array elements are
//! counted too, since an operation of 50 bytes can copy or shift the whole document.

use jsonptr::Pointer;

use super::Misfit;
use crate::json::MAX_DEPTH;
use crate::json::tree::Node;

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

    /// Pays for what an insertion or a removal at `path` shifts, at the most.
    pub(super) fn shift(
        &mut self,
        at: usize,
        document: &Node<'_>,
        path: &Pointer,
    ) -> Result<(), Misfit> {
        match path.parent().and_then(|parent| document.find(parent)) {
            Some(Node::Array(values)) => self.work(at, values.len()),
            _ => Ok(()),
        }
    }

    /// Pays for another value at `path`.
    pub(super) fn copy(
        &mut self,
        at: usize,
        path: &Pointer,
        value: &Node<'_>,
    ) -> Result<(), Misfit> {
        let extent = Extent::of(value);
        self.work(at, extent.copy_cost())?;
        self.hold(at, path, extent.depth, extent.bytes)
    }

    /// Pays for a value that is moved to `path`.
    pub(super) fn carry(
        &mut self,
        at: usize,
        path: &Pointer,
        value: Option<&Node<'_>>,
    ) -> Result<(), Misfit> {
        let Some(value) = value else {
            return Ok(());
        };
        let extent = Extent::of(value);
        self.work(at, extent.values)?;
        self.hold(at, path, extent.depth, 0)
    }

    /// Has back what a value held that is no longer there.
    pub(super) fn release(&mut self, at: usize, value: Option<&Node<'_>>) -> Result<(), Misfit> {
        let Some(value) = value else {
            return Ok(());
        };
        let extent = Extent::of(value);
        self.work(at, extent.values)?;
        self.bytes = self.bytes.saturating_sub(extent.bytes);
        Ok(())
    }

    fn hold(
        &mut self,
        at: usize,
        path: &Pointer,
        depth: usize,
        bytes: usize,
    ) -> Result<(), Misfit> {
        if path.count() + depth > MAX_DEPTH {
            return Err(Misfit::TooDeep { at });
        }
        let name = path.last().map_or(0, |token| token.encoded().len());
        self.bytes += name + bytes;
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
    fn of(value: &Node<'_>) -> Self {
        let mut extent = Self {
            bytes: 1,
            values: 1,
            depth: 0,
        };
        match value {
            Node::Scalar(text) => extent.bytes += text.len(),
            Node::Array(values) => {
                extent.open();
                for value in values {
                    extent.hold(value);
                }
            }
            Node::Object(members) => {
                extent.open();
                for (name, value) in members.iter() {
                    extent.bytes += name.bytes() + ":".len();
                    extent.hold(value);
                }
            }
        }
        extent
    }

    fn open(&mut self) {
        self.bytes += "[]".len();
        self.depth = 1;
    }

    fn copy_cost(&self) -> usize {
        self.values * COPY_COST + self.bytes / BYTES_OF_SHIFT
    }

    fn hold(&mut self, value: &Node<'_>) {
        let inner = Self::of(value);
        self.bytes += inner.bytes;
        self.values += inner.values;
        self.depth = self.depth.max(1 + inner.depth);
    }
}

//! JSON as text.

pub(crate) mod byte_order_mark;
pub(crate) mod content_tag;
pub(crate) mod decimal;
pub(crate) mod escape;
pub(crate) mod layout;
pub(crate) mod place;
pub(crate) mod raw;
pub(crate) mod tree;
#[cfg(feature = "lambda")]
pub(crate) mod verbatim;

/// How many arrays and objects may stand in one another, so that nothing that recurses overflows
/// its stack.
pub(crate) const MAX_DEPTH: usize = 128;

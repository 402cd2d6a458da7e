//! JSON as text.

#[cfg(feature = "schemas")]
pub(crate) mod decimal;

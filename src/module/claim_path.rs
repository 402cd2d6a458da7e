//! Where in a token something stands.

use std::fmt;

use crate::module::name::Identifier;

/// Where in a token something stands: the name of a claim, or of a member of a claim that is an
/// object, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(Vec<Identifier>);

impl ClaimPath {
    /// The names from the outside in, if there is one.
    #[must_use]
    pub fn new(names: Vec<Identifier>) -> Option<Self> {
        (!names.is_empty()).then_some(Self(names))
    }

    /// The names from the outside in.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Identifier::as_str)
    }

    /// The innermost name, and those around it from the outside in.
    pub(crate) fn split_last(&self) -> (&Identifier, &[Identifier]) {
        self.0.split_last().expect("a path has a name")
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.write_str(&names.join("."))
    }
}

//! Modules that can't be served.

use std::fmt;

use super::check::Unusable;
use crate::module::name::ModuleName;

/// The modules that can't be served, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}", Reasons(.0))]
pub struct Unready(Vec<(ModuleName, Unusable)>);

impl Unready {
    pub(crate) fn new(found: Vec<(ModuleName, Unusable)>) -> Self {
        Self(found)
    }

    /// The modules' names.
    pub fn modules(&self) -> impl Iterator<Item = &ModuleName> {
        self.0.iter().map(|(module, _)| module)
    }
}

struct Reasons<'u>(&'u [(ModuleName, Unusable)]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (module, reason)) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{module}: {reason}")?;
        }
        Ok(())
    }
}

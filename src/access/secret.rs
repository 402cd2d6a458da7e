//! The secret that an issuer shares with the function.

use std::fmt;

use crate::name::Identifier;

/// A secret of HS256 and where it comes from. No debug output, and so no log, shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    variable: Identifier,
    value: Option<Box<[u8]>>,
}

/// The environment lacks a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{0}` is not set")]
pub struct Unset(Identifier);

impl Secret {
    /// What RFC 7518 asks of a key for HS256.
    pub const MIN_BYTES: usize = 32;

    /// That of an environment variable, as far as it is set.
    pub(crate) fn of_variable(variable: Identifier, value: Option<&str>) -> Self {
        let value = value.filter(|value| !value.is_empty());
        Self {
            variable,
            value: value.map(|value| value.as_bytes().into()),
        }
    }

    /// The secret.
    ///
    /// # Errors
    /// Its variable is not set.
    pub fn value(&self) -> Result<&[u8], Unset> {
        self.value
            .as_deref()
            .ok_or_else(|| Unset(self.variable.clone()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

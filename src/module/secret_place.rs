//! Where the secrets are that issuers share with the function.

use std::fmt;

use crate::module::name::{Identifier, ParameterName, SecretName};

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In the function's environment; its value is that of the start.
    Variable(Identifier, Hidden),
    /// In AWS Systems Manager Parameter Store.
    Parameter(ParameterName),
    /// In AWS Secrets Manager.
    Secret(SecretName),
}

/// A value that nothing shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub(crate) Option<Box<[u8]>>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl SecretPlace {
    /// What RFC 7518 asks of a key for HS256.
    pub const MIN_BYTES: usize = 32;

    /// That of an environment variable, as far as it is set.
    pub(crate) fn of_variable(variable: Identifier, value: Option<&str>) -> Self {
        let value = value.filter(|value| !value.is_empty());
        let hidden = Hidden(value.map(|value| value.as_bytes().into()));
        Self::Variable(variable, hidden)
    }

    /// How long it is, if that is known without a fetch.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Variable(_, Hidden(value)) => value.as_ref().map(|value| value.len()),
            Self::Parameter(_) | Self::Secret(_) => None,
        }
    }

    /// What it is, if that is known without a fetch.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Variable(_, Hidden(Some(value))) => str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// Whether AWS is asked for it.
    pub(crate) fn is_fetched(&self) -> bool {
        !matches!(self, Self::Variable(..))
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable, _) => write!(f, "the environment variable `{variable}`"),
            Self::Parameter(name) => write!(f, "the parameter `{name}`"),
            Self::Secret(name) => write!(f, "the secret `{name}`"),
        }
    }
}

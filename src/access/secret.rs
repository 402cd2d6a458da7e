//! The secret that an issuer shares with the function.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cached::{Cached, FRESH, Fetched};
#[cfg(feature = "secrets")]
use crate::aws::secrets;
use crate::module::live::Live;
use crate::module::name::{Identifier, ParameterName, SecretName};

/// How long a fetch may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// A secret of HS256 and where it comes from. No debug output, and so no log, shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret(Live<SecretPlace, Fetching>);

type Fetching = Arc<Cached<Box<[u8]>, NoSecret>>;

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
pub struct Hidden(Option<Box<[u8]>>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    /// The environment lacks it.
    #[error("the environment variable `{0}` is not set")]
    Unset(Identifier),
    /// It could not be fetched.
    #[error("cannot read {place}")]
    Unreadable {
        /// What, and where.
        place: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It is too short to keep anything safe.
    #[error("{place} has {bytes} bytes, HS256 needs {min} at the least", min = Secret::MIN_BYTES)]
    Short {
        /// What, and where.
        place: String,
        /// Its length.
        bytes: usize,
    },
}

impl SecretPlace {
    /// Whether AWS is asked for it.
    pub(crate) fn is_fetched(&self) -> bool {
        !matches!(self, Self::Variable(..))
    }
}

impl Secret {
    /// What RFC 7518 asks of a key for HS256.
    pub const MIN_BYTES: usize = 32;

    /// One that is in `place`.
    #[must_use]
    pub fn new(place: SecretPlace) -> Self {
        Self(Live {
            data: place,
            state: Arc::default(),
        })
    }

    /// That of an environment variable, as far as it is set.
    pub(crate) fn of_variable(variable: Identifier, value: Option<&str>) -> Self {
        let value = value.filter(|value| !value.is_empty());
        let hidden = Hidden(value.map(|value| value.as_bytes().into()));
        Self::new(SecretPlace::Variable(variable, hidden))
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &SecretPlace {
        &self.0.data
    }

    /// How long it is, if that is known without a fetch.
    pub(crate) fn len(&self) -> Option<usize> {
        match self.place() {
            SecretPlace::Variable(_, Hidden(value)) => value.as_ref().map(|value| value.len()),
            SecretPlace::Parameter(_) | SecretPlace::Secret(_) => None,
        }
    }

    /// Hands the secret to `check`. It is fetched when it is first needed, and again after ten
    /// minutes; while it can't be, the one that was fetched last goes on.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn with<R>(&self, check: impl FnOnce(&[u8]) -> R) -> Result<R, Arc<NoSecret>> {
        if let SecretPlace::Variable(variable, Hidden(value)) = self.place() {
            let value = value.as_deref();
            return value
                .map(check)
                .ok_or_else(|| Arc::new(NoSecret::Unset(variable.clone())));
        }
        let Live { data: place, state } = &self.0;
        let before = state.fetched();
        let is_fresh = |fetched: &Fetched<_>| fetched.at.elapsed() <= FRESH;
        if let Some(fetched) = before.as_ref().filter(|fetched| is_fresh(fetched)) {
            return Ok(check(&fetched.value));
        }
        let seen = before.map(|before| before.at);
        let fetched = place.clone();
        let refreshed = state.refresh(seen, move || fetch(fetched)).await;
        match (state.fetched(), refreshed) {
            (Some(fetched), _) => Ok(check(&fetched.value)),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Arc::new(NoSecret::Unreadable {
                place: place.to_string(),
                source: "it was not fetched".into(),
            })),
        }
    }
}

async fn fetch(place: SecretPlace) -> Result<Box<[u8]>, NoSecret> {
    let fetched = tokio::time::timeout(TIME_LIMIT, read(&place)).await;
    let unreadable = |source| NoSecret::Unreadable {
        place: place.to_string(),
        source,
    };
    let value = fetched
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
        .map_err(unreadable)?;
    if value.len() < Secret::MIN_BYTES {
        return Err(NoSecret::Short {
            place: place.to_string(),
            bytes: value.len(),
        });
    }
    Ok(value)
}

type Read = Result<Box<[u8]>, Box<dyn Error + Send + Sync>>;

#[cfg(feature = "secrets")]
async fn read(place: &SecretPlace) -> Read {
    match place {
        SecretPlace::Variable(..) => Err("it is in the environment".into()),
        SecretPlace::Parameter(name) => Ok(secrets::parameter(name).await?),
        SecretPlace::Secret(name) => Ok(secrets::secret(name).await?),
    }
}

#[cfg(not(feature = "secrets"))]
fn read(_: &SecretPlace) -> std::future::Ready<Read> {
    std::future::ready(Err(
        "this program was built without the feature `secrets`".into()
    ))
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

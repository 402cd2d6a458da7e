//! The secret that an issuer shares with the function.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cached::{Cached, FRESH, Fetched};
#[cfg(feature = "secrets")]
use crate::aws::secrets;
use crate::module::name::Identifier;
use crate::module::secret_place::{Hidden, SecretPlace};

/// How long a fetch may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// A secret: of HS256, or of a webhook. No debug output, and so no log, shows it.
pub struct Secret {
    place: SecretPlace,
    fetched: Arc<Cached<Box<[u8]>, NoSecret>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
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
    #[error("{place} has {bytes} bytes, at least {min} are needed", min = SecretPlace::MIN_BYTES)]
    Short {
        /// What, and where.
        place: String,
        /// Its length.
        bytes: usize,
    },
}

impl Secret {
    /// One that is in `place`.
    #[must_use]
    pub fn new(place: SecretPlace) -> Self {
        Self {
            place,
            fetched: Arc::default(),
        }
    }

    /// Hands the secret to `check`. It is fetched when it is first needed, and again after ten
    /// minutes; while it can't be, the one that was fetched last goes on.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn with<R>(&self, check: impl FnOnce(&[u8]) -> R) -> Result<R, Arc<NoSecret>> {
        if let SecretPlace::Variable(variable, Hidden(value)) = &self.place {
            let value = value.as_deref();
            return value
                .map(check)
                .ok_or_else(|| Arc::new(NoSecret::Unset(variable.clone())));
        }
        let Self {
            place,
            fetched: state,
        } = self;
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
    if value.len() < SecretPlace::MIN_BYTES {
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

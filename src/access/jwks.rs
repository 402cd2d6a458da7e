//! An issuer's public keys: RFC 7517, from a file or from the issuer itself.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Unchecked;
use super::cached::{Cached, FRESH, Fetched};
use super::invalid_jwks::{InvalidJwks, InvalidKeySet};
use super::jwk::Key;
use super::signature::Signed;
use super::unverified::{InvalidToken, Unverified};
use crate::json::byte_order_mark;
use crate::module::file::ConfigFile;
use crate::module::guard::KeyPlace;
use crate::module::issuer_url::IssuerUrl;
use crate::module::secure_url::SecureUrl;
use crate::telemetry::chain::Chain;

/// How many keys are tried on one signature, where a token does not say which it is: so many that
/// issuers have fewer, and so few that a wrong token costs little.
const MAX_TRIED: usize = 16;

/// An issuer's public keys.
#[derive(Debug)]
pub struct Jwks(Place);

#[derive(Debug)]
enum Place {
    /// A file, and what was in it when it was read.
    File(ConfigFile, OnceLock<Result<Arc<KeySet>, Arc<InvalidJwks>>>),
    /// A server.
    Remote(Remote),
}

impl Jwks {
    /// Those that are in `place`.
    #[must_use]
    pub fn new(place: &KeyPlace) -> Self {
        let remote = |location| {
            Place::Remote(Remote {
                location,
                keys: Arc::default(),
            })
        };
        Self(match place {
            KeyPlace::File(file) => Place::File(file.clone(), OnceLock::new()),
            KeyPlace::Url(url) => remote(Location::Keys(url.clone())),
            KeyPlace::Issuer(issuer) => remote(Location::Issuer(issuer.clone())),
        })
    }

    /// Makes sure that keys in a file can be used.
    ///
    /// # Errors
    /// See [`InvalidJwks`].
    pub fn check(&self) -> Result<(), Arc<InvalidJwks>> {
        match &self.0 {
            Place::File(file, keys) => read(file, keys).map(drop),
            Place::Remote(_) => Ok(()),
        }
    }

    /// Makes sure that one of the keys has signed a token.
    pub(super) async fn verify(&self, signed: Signed<'_>) -> Result<(), Unverified> {
        let keys = match &self.0 {
            Place::File(file, keys) => read(file, keys).map_err(Unchecked::from)?,
            Place::Remote(remote) => return remote.verify(signed).await,
        };
        Ok(keys.verify(signed)?)
    }
}

fn read(
    file: &ConfigFile,
    keys: &OnceLock<Result<Arc<KeySet>, Arc<InvalidJwks>>>,
) -> Result<Arc<KeySet>, Arc<InvalidJwks>> {
    let read = || {
        let text = file.read().map_err(|source| InvalidJwks::Read {
            file: file.location(),
            source,
        })?;
        let set = KeySet::parse(&text).map_err(|source| InvalidJwks::Set {
            place: file.location().display().to_string(),
            source,
        });
        set.map(Arc::new)
    };
    keys.get_or_init(|| read().map_err(Arc::new)).clone()
}

/// A server's keys.
#[derive(Debug)]
struct Remote {
    location: Location,
    keys: Arc<Cached<KeySet, InvalidJwks>>,
}

/// How they are found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    Keys(SecureUrl),
    /// By its document, which is fetched again with the keys.
    Issuer(IssuerUrl),
}

impl Remote {
    async fn verify(&self, signed: Signed<'_>) -> Result<(), Unverified> {
        let Some(Fetched { value: keys, at }) = self.keys.fetched() else {
            self.refresh(None).await.map_err(Unchecked::from)?;
            let fetched = self.keys.fetched().map(|fetched| fetched.value);
            return Ok(fetched.unwrap_or_default().verify(signed)?);
        };
        let verified = keys.verify(signed);
        let is_stale = at.elapsed() > FRESH;
        match verified {
            Ok(()) if !is_stale => Ok(()),
            // Who comes while another request fetches goes on with what there is.
            Ok(()) if self.keys.is_busy() => Ok(()),
            Err(error) if error != InvalidToken::UnknownKey && !is_stale => Err(error.into()),
            _ => {
                // The keys that are there go on while the server is down.
                let _ = self.refresh(Some(at)).await;
                match self.keys.fetched() {
                    Some(newer) if newer.at != at => Ok(newer.value.verify(signed)?),
                    _ => Ok(verified?),
                }
            }
        }
    }

    async fn refresh(&self, seen: Option<Instant>) -> Result<(), Arc<InvalidJwks>> {
        let location = self.location.clone();
        let fetch = move || async move {
            let fetched = location.fetch().await;
            if let Err(error) = &fetched
                && seen.is_some()
            {
                // No answer says so, since the older keys go on.
                tracing::warn!(error = %Chain(error), "an issuer's keys can't be fetched again");
            }
            fetched
        };
        self.keys.refresh(seen, fetch).await
    }
}

impl Location {
    async fn fetch(&self) -> Result<KeySet, InvalidJwks> {
        let found;
        let url = match self {
            Self::Keys(url) => url,
            Self::Issuer(issuer) => {
                found = issuer.key_url().await?;
                &found
            }
        };
        let text = url.get().await;
        let text = text.map_err(|source| InvalidJwks::Unreachable {
            url: url.clone(),
            source,
        })?;
        KeySet::parse(&text).map_err(|source| InvalidJwks::Set {
            place: url.to_string(),
            source,
        })
    }
}

/// The keys of a set that signatures can be checked with.
#[derive(Debug, Default, PartialEq, Eq)]
struct KeySet(Vec<Key>);

impl KeySet {
    /// Keys of other kinds, or for other purposes, may stand among those that are used.
    fn parse(text: &[u8]) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct Set {
            keys: Option<Vec<Box<RawValue>>>,
            jwks_uri: Option<IgnoredAny>,
        }

        let text = byte_order_mark::skip(text);
        let set: Set = serde_json::from_slice(text).map_err(InvalidKeySet::NotJwks)?;
        let Some(keys) = set.keys else {
            return Err(match set.jwks_uri {
                Some(_) => InvalidKeySet::Discovery,
                None => InvalidKeySet::NoKeys,
            });
        };
        let keys: Vec<_> = keys
            .iter()
            .filter_map(|key| Key::parse(key.get()))
            .collect();
        if keys.is_empty() {
            return Err(InvalidKeySet::NoUsableKey);
        }
        Ok(Self(keys))
    }

    /// Makes sure that one of the keys has signed: one of the name that the token gives it, or where
    /// it gives none, any. Each that may have is tried, as RFC 7515 has it in appendix D.
    fn verify(&self, signed: Signed<'_>) -> Result<(), InvalidToken> {
        let is_named = |key: &&Key| signed.key_id.is_none() || key.id.as_deref() == signed.key_id;
        let mut named = self.0.iter().filter(is_named).peekable();
        if named.peek().is_none() {
            return Err(InvalidToken::UnknownKey);
        }
        let mut tried = named
            .filter(|key| key.public.algorithm() == signed.algorithm)
            .peekable();
        if tried.peek().is_none() {
            return Err(InvalidToken::Algorithm);
        }
        if tried
            .by_ref()
            .take(MAX_TRIED)
            .any(|key| signed.is_by(&key.public))
        {
            return Ok(());
        }
        Err(match (tried.next(), signed.key_id) {
            (Some(_), _) => InvalidToken::AmbiguousKey,
            (None, Some(_)) => InvalidToken::Signature,
            // It may be one that the issuer has had since.
            (None, None) => InvalidToken::UnknownKey,
        })
    }
}

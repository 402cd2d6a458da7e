//! An issuer's public keys: RFC 7517, from a file or from the issuer itself.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use axum::http::Uri;
use http_body_util::{BodyExt, Limited};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Unchecked;
use super::cached::{Cached, FRESH, Fetched};
use super::jwt::{InvalidToken, Unverified};
use crate::byte_order_mark;
use crate::file::{ConfigFile, FilePath, InvalidFilePath};
use crate::trust::TLS;

/// How long a fetch may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How long an issuer's answer may be.
const MAX_BYTES: usize = 262_144;

/// Shared by all issuers. Made on first need, since reading the system's certificates takes time.
static CONNECTOR: LazyLock<Connector> =
    LazyLock::new(|| Connector::builder().tls_provider(TLS).build());

/// Where an issuer's keys are.
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
    pub(crate) fn in_file(file: ConfigFile) -> Self {
        Self(Place::File(file, OnceLock::new()))
    }

    pub(crate) fn at(url: JwksUrl) -> Self {
        Self(Place::Remote(Remote {
            url,
            keys: Arc::default(),
        }))
    }

    /// Its file, if it is in one.
    #[must_use]
    pub fn file(&self) -> Option<&ConfigFile> {
        match &self.0 {
            Place::File(file, _) => Some(file),
            Place::Remote(_) => None,
        }
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

    /// The key of that id which is for `algorithm`; where a token names none, the only one.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<Key>, Unverified> {
        let keys = match &self.0 {
            Place::File(file, keys) => read(file, keys).map_err(Unchecked::Keys)?,
            Place::Remote(remote) => return remote.find(id, algorithm).await,
        };
        Ok(keys.find(id, algorithm)?)
    }
}

/// From the same place; what has been read of it is beside the point, but for a file's content.
impl PartialEq for Jwks {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::File(one, content), Place::File(another, other_content)) => {
                let read = |content: &OnceLock<Result<Arc<KeySet>, _>>| {
                    content.get().and_then(|keys| keys.as_ref().ok().cloned())
                };
                one == another && read(content) == read(other_content)
            }
            (Place::Remote(one), Place::Remote(another)) => one.url == another.url,
            _ => false,
        }
    }
}

impl Eq for Jwks {}

fn read(
    file: &ConfigFile,
    keys: &OnceLock<Result<Arc<KeySet>, Arc<InvalidJwks>>>,
) -> Result<Arc<KeySet>, Arc<InvalidJwks>> {
    let read = || {
        let text = file.read().map_err(|source| InvalidJwks::Read {
            file: file.location(),
            source,
        })?;
        KeySet::parse(&text).map(Arc::new)
    };
    keys.get_or_init(|| read().map_err(Arc::new)).clone()
}

/// A server's keys.
#[derive(Debug)]
struct Remote {
    url: JwksUrl,
    keys: Arc<Cached<KeySet, InvalidJwks>>,
}

impl Remote {
    async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, Unverified> {
        let Some(Fetched { value: keys, at }) = self.keys.fetched() else {
            self.refresh(None).await.map_err(Unchecked::Unreachable)?;
            let fetched = self.keys.fetched().map(|fetched| fetched.value);
            return Ok(fetched.unwrap_or_default().find(id, algorithm)?);
        };
        let found = keys.find(id, algorithm);
        let is_stale = at.elapsed() > FRESH;
        match found {
            Ok(key) if !is_stale => Ok(key),
            // Who comes while another request fetches goes on with what there is.
            Ok(key) if self.keys.is_busy() => Ok(key),
            Err(error) if error != InvalidToken::UnknownKey && !is_stale => Err(error.into()),
            _ => {
                // The keys that are there go on while the server is down.
                let _ = self.refresh(Some(at)).await;
                let keys = self.keys.fetched().map_or(keys, |fetched| fetched.value);
                Ok(keys.find(id, algorithm)?)
            }
        }
    }

    async fn refresh(&self, seen: Option<Instant>) -> Result<(), Arc<InvalidJwks>> {
        let url = self.url.clone();
        let fetch = move || async move { fetch(&url).await };
        self.keys.refresh(seen, fetch).await
    }
}

async fn fetch(url: &JwksUrl) -> Result<KeySet, InvalidJwks> {
    let unreachable = |source| InvalidJwks::Unreachable {
        url: url.clone(),
        source,
    };
    let body = async {
        let request = HttpRequest::get(url.0.to_string())?;
        let response = CONNECTOR.call(request).await?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(format!("it answers with the status {status}").into());
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect();
        Ok(body.await?.to_bytes())
    };
    let body = tokio::time::timeout(TIME_LIMIT, body)
        .await
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
        .map_err(unreachable)?;
    KeySet::parse(&body)
}

/// The keys of a set that signatures can be checked with, perhaps none.
#[derive(Debug, Default, PartialEq, Eq)]
struct KeySet(Vec<Arc<Key>>);

/// A key, which is for one algorithm only.
#[derive(Debug)]
pub(super) struct Key {
    jwk: Jwk,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl Key {
    /// What signatures are checked with.
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// A key of a kind that is used here, and that is not for something else.
    fn parse(text: &str) -> Option<Self> {
        let jwk: Jwk = serde_json::from_str(text).ok()?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        let common = &jwk.common;
        let is_for_signatures = common
            .public_key_use
            .as_ref()
            .is_none_or(|used| *used == PublicKeyUse::Signature);
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let is_for_algorithm = common
            .key_algorithm
            .is_none_or(|named| named == KeyAlgorithm::from(algorithm));
        if !is_for_signatures || !verifies || !is_for_algorithm {
            return None;
        }
        Some(Self {
            decoding: DecodingKey::from_jwk(&jwk).ok()?,
            algorithm,
            jwk,
        })
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.jwk == other.jwk
    }
}

impl Eq for Key {}

impl KeySet {
    /// Keys of other kinds, or for other purposes, may stand among those that are used.
    fn parse(text: &[u8]) -> Result<Self, InvalidJwks> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Box<RawValue>>,
        }

        let text = byte_order_mark::skip(text);
        let set: Set = serde_json::from_slice(text).map_err(InvalidJwks::NotJwks)?;
        let keys = set.keys.iter().filter_map(|key| Key::parse(key.get()));
        let keys: Vec<_> = keys.map(Arc::new).collect();
        if keys.is_empty() {
            return Err(InvalidJwks::NoKey);
        }
        Ok(Self(keys))
    }

    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, InvalidToken> {
        let named = || {
            let is_named = |key: &&Arc<Key>| id.is_none() || key.jwk.common.key_id.as_deref() == id;
            self.0.iter().filter(is_named)
        };
        let mut usable = named().filter(|key| key.algorithm == algorithm);
        match (usable.next(), usable.next()) {
            (Some(key), None) => Ok(Arc::clone(key)),
            (None, _) if named().next().is_some() => Err(InvalidToken::Algorithm),
            _ => Err(InvalidToken::UnknownKey),
        }
    }
}

/// Why an issuer's keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJwks {
    /// Their file can't be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Their server can't be reached, or does not answer as it should.
    #[error("cannot fetch `{url}`")]
    Unreachable {
        /// The server.
        url: JwksUrl,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// They are not the JSON that RFC 7517 describes.
    #[error("it is no JSON Web Key Set")]
    NotJwks(#[source] serde_json::Error),
    /// None of them is of a kind that is used here.
    #[error("none of its keys is for RS256, ES256 or EdDSA")]
    NoKey,
}

/// Where an issuer's keys are, as `modules.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// On a server.
    Url(JwksUrl),
    /// In a file beside `modules.toml`.
    File(FilePath),
}

/// The URL of a JWKS: `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl(Uri);

/// Why a text is no [`KeySource`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySource {
    /// No URL.
    #[error("it is no URL")]
    NotUrl,
    /// Others could change the keys on their way.
    #[error("it must begin with `https://`, but for a server on this machine")]
    Insecure,
    /// A password would be in every log.
    #[error("it must not have a user's name")]
    User,
    /// No path.
    #[error(transparent)]
    Path(#[from] InvalidFilePath),
}

impl FromStr for KeySource {
    type Err = InvalidKeySource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains("://") {
            return Ok(Self::File(text.parse()?));
        }
        let url: Uri = text.parse().map_err(|_| InvalidKeySource::NotUrl)?;
        let authority = url.authority().ok_or(InvalidKeySource::NotUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidKeySource::User);
        }
        let is_here = matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost");
        match url.scheme_str() {
            Some("https") => Ok(Self::Url(JwksUrl(url))),
            Some("http") if is_here => Ok(Self::Url(JwksUrl(url))),
            _ => Err(InvalidKeySource::Insecure),
        }
    }
}

impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

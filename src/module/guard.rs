//! What a module asks of its callers, and the guards that know them: as `modules.toml` has it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::module::api_key::ApiKey;
use crate::module::claim_path::ClaimPath;
use crate::module::file::{ConfigFile, FilePath, InvalidFilePath};
use crate::module::issuer_url::{IssuerUrl, is_document};
use crate::module::name::{GuardName, Identifier, Scope};
use crate::module::secret_place::SecretPlace;
use crate::module::secure_url::{InvalidUrl, SecureUrl};
use crate::module::verb::{Verb, Verbs};

/// What knows one kind of callers: an `[access.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    pub(crate) name: GuardName,
    pub(crate) credential: Credential,
}

/// What callers show to a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A token that an issuer has signed, as `Authorization: Bearer …`.
    Jwt(Jwt),
    /// A key, as `x-api-key: …`.
    Key(Vec<ApiKey>),
}

/// An issuer of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    pub(crate) issuer: Identifier,
    /// Those of which a token must be for one.
    pub(crate) audiences: Vec<Identifier>,
    pub(crate) leeway: Duration,
    /// What has the scopes, where that is not `scope` or `scp`.
    pub(crate) scopes_claim: Option<ClaimPath>,
    pub(crate) keys: Keys,
}

/// What an issuer's signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Public keys: RS256, ES256, `EdDSA`.
    Public(KeyPlace),
    /// A shared secret: HS256.
    Secret(SecretPlace),
}

/// Where an issuer's public keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file beside `modules.toml`.
    File(ConfigFile),
    /// On a server.
    Url(SecureUrl),
    /// Where the issuer's own document says.
    Issuer(IssuerUrl),
}

/// Who may call a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callers {
    /// Those that a guard lets in, and everybody what is public.
    Guarded(Access),
    /// Everybody, since it has no guard.
    Everybody {
        /// Whether the file says so: `access = "open"`.
        is_declared: bool,
    },
}

impl Callers {
    /// The word in `modules.toml` for a module that is open to everybody.
    pub const OPEN: &str = "open";
}

/// What a guarded module asks of its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub(crate) guard: Arc<Guard>,
    pub(crate) public: Verbs,
    pub(crate) scopes: BTreeMap<Verb, Vec<Scope>>,
    pub(crate) tenant: Option<ClaimPath>,
}

impl Guard {
    /// The name, which is also the realm that a refusal names.
    #[must_use]
    pub fn name(&self) -> &GuardName {
        &self.name
    }

    /// What callers have to show.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The file with its issuer's keys, if they are in one.
    #[must_use]
    pub fn file(&self) -> Option<&ConfigFile> {
        match self.keys()? {
            Keys::Public(KeyPlace::File(file)) => Some(file),
            Keys::Public(_) | Keys::Secret(_) => None,
        }
    }

    /// Where the secret is that it checks with, if it does.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretPlace> {
        match self.keys()? {
            Keys::Secret(place) => Some(place),
            Keys::Public(_) => None,
        }
    }

    /// What it checks signatures with, if it does.
    pub(crate) fn keys(&self) -> Option<&Keys> {
        match &self.credential {
            Credential::Jwt(jwt) => Some(&jwt.keys),
            Credential::Key(_) => None,
        }
    }
}

impl Jwt {
    /// What its signatures are checked with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "the file `{}`", file.path.as_str()),
            Self::Url(url) => write!(f, "`{url}`"),
            Self::Issuer(_) => f.write_str("where the issuer's own document says"),
        }
    }
}

impl Access {
    /// Who knows the callers.
    #[must_use]
    pub fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// The verbs that need no credential.
    #[must_use]
    pub fn public(&self) -> Verbs {
        self.public
    }

    /// The scopes that a verb needs, all of them.
    #[must_use]
    pub fn scopes(&self, verb: Verb) -> &[Scope] {
        self.scopes.get(&verb).map_or(&[], Vec::as_slice)
    }

    /// The claim by which callers are confined to their tenants' items, where they are.
    #[must_use]
    pub fn tenant(&self) -> Option<&ClaimPath> {
        self.tenant.as_ref()
    }
}

/// Where an issuer's keys are, as `modules.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// On a server.
    Url(SecureUrl),
    /// In a file beside `modules.toml`.
    File(FilePath),
}

/// Why a text is no [`KeySource`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySource {
    /// Not a URL that can be trusted.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The URL of the issuer's discovery document.
    #[error(
        "it is the issuer's discovery document, and not its keys; leave `jwks` out, and they are \
         found by `issuer`"
    )]
    Discovery,
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
        let url: SecureUrl = text.parse()?;
        if is_document(&url) {
            return Err(InvalidKeySource::Discovery);
        }
        Ok(Self::Url(url))
    }
}

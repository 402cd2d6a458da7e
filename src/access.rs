//! Who may do what: the guards that `modules.toml` defines, and what a module asks of its callers.
//!
//! Knows a request's headers, and no statuses. Nothing of a credential is in an error or a log.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub use self::authenticator::Authenticator;
pub use self::invalid_jwks::{InvalidJwks, InvalidKeySet};
pub use self::jwks::Jwks;
pub(crate) use self::jwt::MAX_LEEWAY;
pub use self::pseudonym::Pseudonym;
pub use self::secret::{NoSecret, Secret};
pub use self::unverified::InvalidToken;
use crate::module::claim_path::ClaimPath;
use crate::module::guard::{Access, Credential, Guard};
use crate::module::name::{GuardName, Scope};
use crate::module::tenant::Tenant;
use crate::module::verb::Verb;

mod authenticator;
mod cached;
mod claims;
mod discovery;
mod fetch;
mod invalid_jwks;
mod jwk;
mod jwks;
mod jwt;
mod key;
mod pseudonym;
pub mod rate_limit;
mod secret;
mod signature;
mod unverified;

/// The header that has an API key.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who sends a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Caller {
    /// Somebody who shows nothing.
    #[default]
    Anonymous,
    /// Somebody whom the guard knows.
    Known(Identity),
}

impl Caller {
    /// Who it is: see [`Identity::subject`].
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.identity()?.subject()
    }

    /// Whose items it may see: see [`Identity::tenant`].
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.identity()?.tenant()
    }

    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Anonymous => None,
            Self::Known(identity) => Some(identity),
        }
    }
}

/// What a credential says of its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    subject: Option<String>,
    scopes: BTreeSet<String>,
    tenant: Option<Tenant>,
}

impl Identity {
    /// Who it is, among those whom the guard knows: the `sub` of a token, or a key's name. A token
    /// need not say it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The tenant that a key names, or a token where a claim of it was asked for.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// Whether all of `scopes` were granted.
    #[must_use]
    pub fn has_scopes(&self, scopes: &[Scope]) -> bool {
        scopes
            .iter()
            .all(|scope| self.scopes.contains(scope.as_str()))
    }
}

impl Guard {
    /// Whether the header is there that has the credential.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(self.header())
    }

    fn header(&self) -> HeaderName {
        match &self.credential {
            Credential::Jwt(_) => AUTHORIZATION,
            Credential::Key(_) => X_API_KEY,
        }
    }

    /// What the answer says to a caller without a credential.
    pub(crate) fn unknown(&self) -> Denied {
        self.denied(Reason::Missing)
    }

    fn denied(&self, reason: Reason) -> Denied {
        Denied {
            scheme: match self.credential {
                Credential::Jwt(_) => Scheme::Bearer,
                Credential::Key(_) => Scheme::ApiKey,
            },
            realm: self.name.clone(),
            reason,
        }
    }
}

/// The token of the one scheme that is read; a header of another one shows nothing to this guard.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

impl Access {
    /// The tenant that a caller is confined to, where callers are confined to tenants.
    ///
    /// # Errors
    /// The caller is of no tenant.
    pub fn tenant_of(&self, identity: &Identity) -> Result<Option<Tenant>, Denied> {
        match (self.tenant(), &identity.tenant) {
            (None, _) => Ok(None),
            (Some(_), Some(tenant)) => Ok(Some(tenant.clone())),
            (Some(claim), None) => Err(self.guard.denied(Reason::Tenant(claim.clone()))),
        }
    }

    /// Makes sure that `caller` may do `verb`.
    ///
    /// # Errors
    /// The verb needs a credential or a scope that the caller has not shown.
    pub fn permit(&self, verb: Verb, caller: &Caller) -> Result<(), Denied> {
        if self.public.contains(verb) {
            return Ok(());
        }
        let Caller::Known(identity) = caller else {
            return Err(self.guard.unknown());
        };
        let needed = self.scopes(verb);
        if identity.has_scopes(needed) {
            Ok(())
        } else {
            Err(self.guard.denied(Reason::Scope(needed.to_vec())))
        }
    }
}

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is the caller's fault.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not.
    #[error(transparent)]
    Unchecked(Unchecked),
}

/// Why a credential can't be checked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unchecked {
    /// The issuer's keys can't be had at the moment.
    #[error("the issuer's keys cannot be fetched")]
    Unreachable(#[source] Arc<InvalidJwks>),
    /// The issuer's keys are not what they must be.
    #[error("the issuer's keys can't be used")]
    Keys(#[source] Arc<InvalidJwks>),
    /// There is no secret.
    #[error("the secret cannot be fetched")]
    Secret(#[source] Arc<NoSecret>),
}

impl From<Arc<InvalidJwks>> for Unchecked {
    fn from(cause: Arc<InvalidJwks>) -> Self {
        if cause.is_temporary() {
            Self::Unreachable(cause)
        } else {
            Self::Keys(cause)
        }
    }
}

impl Unchecked {
    /// Whether it may be mended by waiting.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Secret(cause) => matches!(**cause, NoSecret::Unreadable { .. }),
            Self::Keys(_) => false,
        }
    }
}

/// How a credential is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// RFC 6750's.
    Bearer,
    /// No standard has one for keys; its parameters are RFC 6750's.
    ApiKey,
}

/// A caller's mistake, which a `WWW-Authenticate` header explains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Denied {
    scheme: Scheme,
    realm: GuardName,
    reason: Reason,
}

/// What is wrong with what a caller has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing was shown.
    Missing,
    /// Two credentials were shown.
    Repeated,
    /// The token is not valid.
    Token(InvalidToken),
    /// The key is not one of the guard's.
    Key,
    /// All of these scopes are needed.
    Scope(Vec<Scope>),
    /// This claim says no tenant.
    Tenant(ClaimPath),
}

impl Denied {
    /// What is wrong.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    fn message(&self) -> String {
        match (&self.reason, self.scheme) {
            (Reason::Missing, Scheme::Bearer) => {
                "Please provide a token, as in `Authorization: Bearer …`".to_owned()
            }
            (Reason::Missing, Scheme::ApiKey) => {
                "Please provide an API key, as in `x-api-key: …`".to_owned()
            }
            (Reason::Repeated, _) => "Please provide one credential only".to_owned(),
            (Reason::Token(invalid), _) => format!("Please provide a valid token: {invalid}"),
            (Reason::Key, _) => "Please provide a valid API key: it is unknown".to_owned(),
            (Reason::Scope(scopes), Scheme::Bearer) => {
                format!("Please provide a token with the scope `{}`", spaced(scopes))
            }
            (Reason::Scope(scopes), Scheme::ApiKey) => {
                format!("Please provide a key with the scope `{}`", spaced(scopes))
            }
            (Reason::Tenant(claim), Scheme::Bearer) => format!(
                "Please provide a token of a tenant: its claim `{claim}` must be a text of 1 to {} \
                 bytes",
                Tenant::MAX_BYTES
            ),
            (Reason::Tenant(_), Scheme::ApiKey) => "Please provide a key of a tenant".to_owned(),
        }
    }

    /// The value of `WWW-Authenticate`, as RFC 6750 has it.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "names, scopes and reasons are ASCII"
    )]
    pub fn challenge(&self) -> HeaderValue {
        let scheme = match self.scheme {
            Scheme::Bearer => "Bearer",
            Scheme::ApiKey => "ApiKey",
        };
        let error = match &self.reason {
            // A caller without a credential gets no error code (RFC 6750, section 3.1).
            Reason::Missing => String::new(),
            Reason::Repeated => error("invalid_request", "more than one credential"),
            Reason::Token(invalid) => error("invalid_token", &invalid.to_string()),
            Reason::Key => error("invalid_token", "it is unknown"),
            Reason::Scope(scopes) => {
                format!(
                    r#", error="insufficient_scope", scope="{}""#,
                    spaced(scopes)
                )
            }
            Reason::Tenant(_) => error("insufficient_scope", "it is of no tenant"),
        };
        let challenge = format!(r#"{scheme} realm="{}"{error}"#, self.realm);
        HeaderValue::from_str(&challenge).expect("all of it is ASCII")
    }
}

fn error(code: &str, description: &str) -> String {
    format!(r#", error="{code}", error_description="{description}""#)
}

fn spaced(scopes: &[Scope]) -> String {
    let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
    scopes.join(" ")
}

//! JSON Web Tokens: RFC 7519, signed as RFC 7515 has it.
//!
//! The library reads headers and keys. The claims are read here: with the exact numbers that
//! documents need (`serde_json`'s `arbitrary_precision`), its own check refuses every `exp`.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, decode_header};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::jwks::Jwks;
use super::{Identity, Secret, Unchecked, signature};
use crate::name::Identifier;
use crate::tenant::Tenant;

/// The longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 8_192;

/// How far the clocks of issuer and function may be apart: as much as a clock that somebody looks
/// after is off at the most.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_mins(10);

/// An issuer of tokens, as `modules.toml` names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Jwt {
    pub(crate) issuer: Identifier,
    pub(crate) audience: Identifier,
    pub(crate) leeway: Duration,
    pub(crate) keys: Keys,
}

/// What an issuer's signatures are checked with.
#[derive(Debug, PartialEq, Eq)]
pub enum Keys {
    /// Public keys: RS256, ES256, `EdDSA`.
    Public(Jwks),
    /// A shared secret: HS256.
    Secret(Secret),
}

/// Why a token is not valid, in words for its sender and for the log: they quote nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// More than 8 KB.
    #[error("it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// No token at all, or `alg` is `none` or unheard of.
    #[error("it is no signed JWT")]
    Malformed,
    /// Its header asks for what is not understood.
    #[error("its header has crit")]
    Critical,
    /// Signed for another purpose, such as a logout.
    #[error("its typ is that of another kind of token")]
    Type,
    /// Signed with an algorithm that its key is not for.
    #[error("its algorithm is not that of its key")]
    Algorithm,
    /// The issuer has no such key.
    #[error("its key is unknown")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Without the claims that every token must have, or with claims of other types.
    #[error("its claims are not iss, aud and exp as RFC 7519 has them")]
    Claims,
    /// What one reader takes for the value of a claim, another would not.
    #[error("it has a claim twice")]
    RepeatedClaim,
    /// Of another issuer.
    #[error("its issuer is another")]
    Issuer,
    /// For another audience.
    #[error("its audience is another")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time is still to come.
    #[error("it is not valid yet")]
    NotYetValid,
}

/// Why a token is not taken.
#[derive(Debug)]
pub(super) enum Unverified {
    Invalid(InvalidToken),
    Unchecked(Unchecked),
}

impl From<InvalidToken> for Unverified {
    fn from(invalid: InvalidToken) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Unchecked> for Unverified {
    fn from(cause: Unchecked) -> Self {
        Self::Unchecked(cause)
    }
}

/// The claims that are read of a token.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: OneOrMany,
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    scope: Option<String>,
    scp: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

impl Claims {
    fn into_identity(self, tenant: Option<Tenant>) -> Identity {
        let lists = self.scope.iter();
        let lists = lists.chain(self.scp.iter().flat_map(OneOrMany::as_slice));
        let scopes = lists.flat_map(|list| list.split(' '));
        Identity {
            scopes: scopes.map(str::to_owned).collect(),
            subject: self.sub,
            tenant,
        }
    }
}

/// A token's claims as they were written, each with its name.
struct Written<'t> {
    claims: HashMap<String, &'t RawValue>,
    is_repeated: bool,
}

impl Written<'_> {
    /// The tenant that a claim names, if it is a text that can be one.
    fn tenant(&self, claim: &Identifier) -> Option<Tenant> {
        let text = self.claims.get(claim.as_str())?.get();
        serde_json::from_str::<String>(text).ok()?.parse().ok()
    }
}

impl<'t> Deserialize<'t> for Written<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct WrittenVisitor;

        impl<'t> Visitor<'t> for WrittenVisitor {
            type Value = Written<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut claims, mut is_repeated) = (HashMap::new(), false);
                while let Some((name, value)) = map.next_entry()? {
                    is_repeated |= claims.insert(name, value).is_some();
                }
                Ok(Written {
                    claims,
                    is_repeated,
                })
            }
        }

        deserializer.deserialize_map(WrittenVisitor)
    }
}

/// Whether a token of this `typ` says what its owner may do. RFC 8725 has each kind of token named,
/// so that one can't be shown for another: a `logout+jwt`, `dpop+jwt` or `secevent+jwt` is of the
/// same issuer, and lets nobody in. `application/` may be left out, as RFC 7515 has it.
fn is_access_type(typ: &str) -> bool {
    let (prefix, name) = typ.split_once('/').unwrap_or(("application", typ));
    prefix.eq_ignore_ascii_case("application")
        && ["jwt", "at+jwt"]
            .iter()
            .any(|taken| name.eq_ignore_ascii_case(taken))
}

impl Jwt {
    /// What its signatures are checked with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whose a token is that is in order.
    ///
    /// Which tenant it is of, the claim `tenant` says.
    pub(super) async fn verify(
        &self,
        token: &[u8],
        tenant: Option<&Identifier>,
    ) -> Result<Identity, Unverified> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong.into());
        }
        let token = str::from_utf8(token).map_err(|_| InvalidToken::Malformed)?;
        let (message, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
        let (_, payload) = message.split_once('.').ok_or(InvalidToken::Malformed)?;
        let header = decode_header(token).map_err(|_| InvalidToken::Malformed)?;
        if header.crit.is_some() {
            return Err(InvalidToken::Critical.into());
        }
        if header.typ.is_some_and(|typ| !is_access_type(&typ)) {
            return Err(InvalidToken::Type.into());
        }
        let is_signed = |key: &DecodingKey| signature::is_by(key, message, signature);
        // Whether the key is for the header's algorithm is known before it is used.
        let is_signed = match &self.keys {
            Keys::Public(jwks) => is_signed(
                jwks.find(header.kid.as_deref(), header.alg)
                    .await?
                    .decoding(),
            ),
            Keys::Secret(secret) if header.alg == Algorithm::HS256 => {
                let check = |secret: &[u8]| is_signed(&DecodingKey::from_secret(secret));
                secret.with(check).await.map_err(Unchecked::Secret)?
            }
            Keys::Secret(_) => return Err(InvalidToken::Algorithm.into()),
        };
        if !is_signed {
            return Err(InvalidToken::Signature.into());
        }
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| InvalidToken::Malformed)?;
        // All of it, also the members that nobody reads.
        let payload = String::from_utf8(payload).map_err(|_| InvalidToken::Claims)?;
        let written: Written<'_> =
            serde_json::from_str(&payload).map_err(|_| InvalidToken::Claims)?;
        if written.is_repeated {
            return Err(InvalidToken::RepeatedClaim.into());
        }
        let claims: Claims = serde_json::from_str(&payload).map_err(|_| InvalidToken::Claims)?;
        self.check(&claims)?;
        let tenant = tenant.and_then(|claim| written.tenant(claim));
        Ok(claims.into_identity(tenant))
    }

    fn check(&self, claims: &Claims) -> Result<(), InvalidToken> {
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs_f64();
        let leeway = self.leeway.as_secs_f64();
        if claims.iss != self.issuer.as_str() {
            return Err(InvalidToken::Issuer);
        }
        let audience = self.audience.as_str();
        if !claims.aud.as_slice().iter().any(|aud| aud == audience) {
            return Err(InvalidToken::Audience);
        }
        if claims.exp + leeway <= now {
            return Err(InvalidToken::Expired);
        }
        if claims.nbf.is_some_and(|nbf| now + leeway < nbf) {
            return Err(InvalidToken::NotYetValid);
        }
        Ok(())
    }
}

//! JSON Web Tokens: RFC 7519, signed as RFC 7515 has it.
//!
//! Read by `serde_json` and checked by ring, without a library of their own: with the exact numbers
//! that documents need (`arbitrary_precision`), the check of `jsonwebtoken` 11 refuses every `exp`,
//! and it does not know the names of RFC 9864.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::claims::{Claims, OneOrMany};
use super::jwks::Jwks;
use super::signature::{Algorithm, Signed};
use super::unverified::{InvalidToken, MAX_TOKEN_BYTES, Unverified};
use super::{Identity, Secret, Unchecked};
use crate::module::claim_path::ClaimPath;
use crate::module::guard::{Jwt, Keys};

/// How far the clocks of issuer and function may be apart: as much as a clock that somebody looks
/// after is off at the most.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_mins(10);

/// What checks an issuer's tokens.
#[derive(Debug)]
pub(super) struct Verifier {
    jwt: Jwt,
    keys: FetchedKeys,
}

/// What signatures are checked with, fetched when it is first needed.
#[derive(Debug)]
enum FetchedKeys {
    Public(Jwks),
    Secret(Secret),
}

/// The members of a token's header that are read; all others may be anything.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
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

impl Verifier {
    pub(super) fn new(jwt: Jwt) -> Self {
        let keys = match jwt.keys() {
            Keys::Public(place) => FetchedKeys::Public(Jwks::new(place)),
            Keys::Secret(place) => FetchedKeys::Secret(Secret::new(place.clone())),
        };
        Self { jwt, keys }
    }

    /// Whose a token is that is in order.
    ///
    /// Which tenant it is of, the claim `tenant` says.
    pub(super) async fn verify(
        &self,
        token: &[u8],
        tenant: Option<&ClaimPath>,
    ) -> Result<Identity, Unverified> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong.into());
        }
        let token = str::from_utf8(token).map_err(|_| InvalidToken::Malformed)?;
        let (message, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(InvalidToken::Malformed)?;
        // One that is encrypted has five parts.
        if payload.contains('.') {
            return Err(InvalidToken::Malformed.into());
        }
        let header = Header::parse(header)?;
        let signature = decode(signature).map_err(|_| InvalidToken::Signature)?;
        let signed = Signed {
            algorithm: header.algorithm()?,
            key_id: header.kid.as_deref(),
            message: message.as_bytes(),
            signature: &signature,
        };
        self.verify_signature(signed).await?;
        // All of it is a text, also the members that nobody reads.
        let payload = String::from_utf8(decode(payload)?).map_err(|_| InvalidToken::Claims)?;
        let claims = Claims::parse(&payload)?;
        self.check(&claims)?;
        let tenant = tenant.map(|path| claims.find::<String>(path)).transpose()?;
        Ok(Identity {
            subject: claims.subject(),
            scopes: claims.scopes(self.jwt.scopes_claim.as_ref())?,
            tenant: tenant.flatten().and_then(|name| name.parse().ok()),
        })
    }

    /// Whether the key is for the header's algorithm is known before it is used.
    async fn verify_signature(&self, signed: Signed<'_>) -> Result<(), Unverified> {
        let secret = match &self.keys {
            FetchedKeys::Public(jwks) => return jwks.verify(signed).await,
            FetchedKeys::Secret(_) if signed.algorithm != Algorithm::Hs256 => {
                return Err(InvalidToken::Algorithm.into());
            }
            FetchedKeys::Secret(secret) => secret,
        };
        let checked = secret.with(|secret| signed.is_by_secret(secret)).await;
        if checked.map_err(Unchecked::Secret)? {
            Ok(())
        } else {
            Err(InvalidToken::Signature.into())
        }
    }

    fn check(&self, claims: &Claims<'_>) -> Result<(), InvalidToken> {
        const NUMBER: &str = "a number";
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs_f64();
        let leeway = self.jwt.leeway.as_secs_f64();
        let issuer: String = claims.required("iss", "a text")?;
        if issuer != self.jwt.issuer.as_str() {
            return Err(InvalidToken::Issuer);
        }
        let is_meant = |audience: &String| {
            let mut meant = self.jwt.audiences.iter();
            meant.any(|meant| meant.as_str() == audience)
        };
        if !audiences(claims)?.iter().any(is_meant) {
            return Err(InvalidToken::Audience);
        }
        if claims.required::<f64>("exp", NUMBER)? + leeway <= now {
            return Err(InvalidToken::Expired);
        }
        let not_before: Option<f64> = claims.optional("nbf", NUMBER)?;
        if not_before.is_some_and(|time| now + leeway < time) {
            return Err(InvalidToken::NotYetValid);
        }
        Ok(())
    }
}

/// Whom a token is for. An access token of Amazon Cognito has no `aud`: what it is for is the app
/// client that got it, as API Gateway's own authorizer reads it. Where there is an `aud`, nothing
/// else counts.
fn audiences(claims: &Claims<'_>) -> Result<OneOrMany, InvalidToken> {
    if let Some(audiences) = claims.optional("aud", "a text or a list of texts")? {
        return Ok(audiences);
    }
    let client = claims.optional("client_id", "a text")?;
    client
        .map(OneOrMany::One)
        .ok_or(InvalidToken::MissingClaim("aud"))
}

impl Header {
    fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = decode(text)?;
        let header: Self = serde_json::from_slice(&text).map_err(|_| InvalidToken::Malformed)?;
        if header.crit.is_some() {
            return Err(InvalidToken::Critical);
        }
        if header
            .typ
            .as_deref()
            .is_some_and(|typ| !is_access_type(typ))
        {
            return Err(InvalidToken::Type);
        }
        Ok(header)
    }

    fn algorithm(&self) -> Result<Algorithm, InvalidToken> {
        if self.alg == "none" {
            return Err(InvalidToken::Malformed);
        }
        Algorithm::named(&self.alg).ok_or(InvalidToken::Algorithm)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| InvalidToken::Malformed)
}

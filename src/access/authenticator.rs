//! Who sends a request, as far as a guard knows them.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::jwt::Verifier;
use super::unverified::Unverified;
use super::{Caller, Reason, Refused, bearer, key};
use crate::module::api_key::ApiKey;
use crate::module::claim_path::ClaimPath;
use crate::module::guard::{Credential, Guard};

/// A guard together with what it has fetched: the issuer's keys, or the secret.
#[derive(Debug)]
pub struct Authenticator {
    guard: Arc<Guard>,
    check: Check,
}

#[derive(Debug)]
enum Check {
    Token(Box<Verifier>),
    Key(Vec<ApiKey>),
}

impl Authenticator {
    /// That of a guard, which has fetched nothing yet.
    #[must_use]
    pub fn new(guard: &Arc<Guard>) -> Self {
        Self {
            guard: Arc::clone(guard),
            check: match guard.credential() {
                Credential::Jwt(jwt) => Check::Token(Box::new(Verifier::new(jwt.clone()))),
                Credential::Key(keys) => Check::Key(keys.clone()),
            },
        }
    }

    /// The guard.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Finds out who sends a request, and by the claim `tenant` of which tenant they are.
    ///
    /// # Errors
    /// The credential is not one that the guard takes, or can't be checked at the moment.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        tenant: Option<&ClaimPath>,
    ) -> Result<Caller, Refused> {
        let mut values = headers.get_all(self.guard.header()).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(Caller::Anonymous),
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Err(self.guard.denied(Reason::Repeated).into()),
        };
        let identity = match &self.check {
            Check::Token(verifier) => {
                let Some(token) = bearer(value) else {
                    return Ok(Caller::Anonymous);
                };
                verifier
                    .verify(token, tenant)
                    .await
                    .map_err(|error| match error {
                        Unverified::Invalid(invalid) => {
                            Refused::Denied(self.guard.denied(Reason::Token(invalid)))
                        }
                        Unverified::Unchecked(cause) => Refused::Unchecked(cause),
                    })?
            }
            Check::Key(_) if value.is_empty() => return Ok(Caller::Anonymous),
            Check::Key(keys) => {
                key::find(keys, value.as_bytes()).ok_or_else(|| self.guard.denied(Reason::Key))?
            }
        };
        Ok(Caller::Known(identity))
    }
}

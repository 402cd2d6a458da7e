//! Issuers that are URLs, and where their documents are: OIDC Discovery 1.0.

use std::fmt;
use std::str::FromStr;

use crate::module::name::Identifier;
use crate::module::secure_url::{InvalidUrl, SecureUrl};

/// What is appended to an issuer, as section 4.1 of OIDC Discovery has it. RFC 8414 puts such a path
/// before the issuer's own (section 5 tells of both); issuers that have one, such as Cognito, Entra
/// ID and Keycloak, serve the document here.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What RFC 8414 calls such a document where it is not that of OIDC.
const WELL_KNOWN_OAUTH: &str = "/.well-known/oauth-authorization-server";

/// An issuer that is a URL, so that its document can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl {
    /// To the byte as its tokens and its document have it.
    pub(crate) issuer: Identifier,
    pub(crate) document: SecureUrl,
}

/// Why an issuer's document can't be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuerUrl {
    /// It is not a URL that can be trusted.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// There is no room for a path behind it.
    #[error("it must have neither a query nor a fragment")]
    Query,
}

impl IssuerUrl {
    /// That of `issuer`.
    ///
    /// # Errors
    /// See [`InvalidIssuerUrl`].
    pub fn new(issuer: Identifier) -> Result<Self, InvalidIssuerUrl> {
        let text = issuer.as_str();
        if text.contains(['?', '#']) {
            return Err(InvalidIssuerUrl::Query);
        }
        let _: SecureUrl = text.parse()?;
        let text = text.strip_suffix('/').unwrap_or(text);
        let document = SecureUrl::from_str(&format!("{text}{WELL_KNOWN}"))?;
        Ok(Self { issuer, document })
    }
}

/// Whether a URL is that of a document about an issuer, and not of its keys.
pub(crate) fn is_document(url: &SecureUrl) -> bool {
    url.path().ends_with(WELL_KNOWN) || url.path().starts_with(WELL_KNOWN_OAUTH)
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.issuer.fmt(f)
    }
}

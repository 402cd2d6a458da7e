//! Where an issuer's keys are, as the issuer itself says it: OIDC Discovery 1.0.

use serde::Deserialize;

use super::invalid_jwks::InvalidJwks;
use crate::json::byte_order_mark;
use crate::module::issuer_url::IssuerUrl;
use crate::module::secure_url::SecureUrl;

/// The members that are read.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl IssuerUrl {
    /// Asks the issuer where its keys are.
    pub(super) async fn key_url(&self) -> Result<SecureUrl, InvalidJwks> {
        let url = || self.document.clone();
        let text = self.document.get().await;
        let text = text.map_err(|source| InvalidJwks::Unreachable { url: url(), source })?;
        let document: Document = serde_json::from_slice(byte_order_mark::skip(&text))
            .map_err(|source| InvalidJwks::NotDiscovery { url: url(), source })?;
        if document.issuer != self.issuer.as_str() {
            return Err(InvalidJwks::OtherIssuer {
                url: url(),
                issuer: document.issuer.parse().ok(),
            });
        }
        let keys = document.jwks_uri.parse().ok();
        keys.filter(|keys| self.document.may_lead_to(keys))
            .ok_or_else(|| InvalidJwks::InvalidKeyUrl { url: url() })
    }
}

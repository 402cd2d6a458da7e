//! Whose an API key is.

use subtle::{Choice, ConstantTimeEq};

use super::Identity;
use crate::module::api_key::{ApiKey, KeyHash};

impl ApiKey {
    fn identity(&self) -> Identity {
        let scopes = self.scopes.iter();
        Identity {
            subject: Some(self.name.to_string()),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            tenant: self.tenant.clone(),
        }
    }
}

/// Whose key was shown, if it is one of `keys`. How long that takes tells nothing of the hashes:
/// each of them is compared to its end.
pub(super) fn find(keys: &[ApiKey], shown: &[u8]) -> Option<Identity> {
    let shown = KeyHash::of(shown);
    let mut found = None;
    for key in keys {
        let is_same: Choice = key.hash.0.ct_eq(&shown.0);
        if is_same.into() {
            found = Some(key);
        }
    }
    found.map(ApiKey::identity)
}

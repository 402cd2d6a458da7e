//! What each verb of a module asks of its callers, as the template keeps it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::module::Module;
use crate::module::guard::Credential;

/// What a verb asks of its callers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct VerbAccess {
    pub(super) guard: String,
    /// Whom the guard trusts: an issuer and an audience, or the owners of keys.
    pub(super) trusts: BTreeSet<String>,
    pub(super) scopes: BTreeSet<String>,
    /// The claim that has a token's scopes, where that is not a standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scopes_claim: Option<String>,
}

/// That of each verb of `module` that is not open to everybody.
pub(super) fn of(module: &Module) -> BTreeMap<String, VerbAccess> {
    let Some(access) = module.access() else {
        return BTreeMap::new();
    };
    let (trusts, scopes_claim): (BTreeSet<_>, _) = match access.guard().credential() {
        Credential::Jwt(jwt) => {
            let audiences = jwt.audiences.iter();
            let trusts = audiences.map(|audience| format!("{} for {audience}", jwt.issuer));
            let claim = jwt.scopes_claim.as_ref().map(ToString::to_string);
            (trusts.collect(), claim)
        }
        Credential::Key(keys) => (keys.iter().map(|key| key.name.to_string()).collect(), None),
    };
    let guarded = module.verbs().iter();
    let guarded = guarded.filter(|&verb| !access.public().contains(verb));
    let described = guarded.map(|verb| {
        let scopes = access.scopes(verb).iter();
        let access = VerbAccess {
            guard: access.guard().name().to_string(),
            trusts: trusts.clone(),
            scopes: scopes.map(ToString::to_string).collect(),
            scopes_claim: scopes_claim.clone(),
        };
        (verb.to_string(), access)
    });
    described.collect()
}

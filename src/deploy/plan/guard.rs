//! What the edits of a guard mean for its callers, beside whom it trusts: of that, the modules tell
//! that it guards.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Changes;
use super::words::{joined, time};
use crate::json::content_tag;
use crate::module::Modules;
use crate::module::api_key::ApiKey;
use crate::module::guard::{Credential, Guard, Jwt, Keys};

/// A guard. It has tokens or keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GuardDescription {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwt: Option<JwtDescription>,
    /// By the name of whose they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, KeyDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct JwtDescription {
    /// Where the keys are with which signatures are checked, in words.
    key_place: String,
    /// In seconds.
    leeway: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeyDescription {
    /// Of the key's hash, so that not even that stands in the template.
    fingerprint: String,
    #[serde(default)]
    scopes: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
}

/// The guards that `modules` name.
pub(super) fn of(modules: &Modules) -> BTreeMap<String, GuardDescription> {
    let guards = modules.iter().filter_map(|module| module.access());
    guards
        .map(|access| (access.guard().name().to_string(), describe(access.guard())))
        .collect()
}

/// Takes it apart without `..`, as modules are.
fn describe(guard: &Guard) -> GuardDescription {
    let Guard {
        name: _,
        credential,
    } = guard;
    let jwt = match credential {
        Credential::Key(_) => None,
        Credential::Jwt(jwt) => {
            let Jwt {
                // Those are reported for each verb that is guarded.
                issuer: _,
                audiences: _,
                scopes_claim: _,
                leeway,
                keys,
            } = jwt;
            Some(JwtDescription {
                key_place: place_of(keys),
                leeway: leeway.as_secs(),
            })
        }
    };
    let keys = match credential {
        Credential::Jwt(_) => BTreeMap::new(),
        Credential::Key(keys) => keys.iter().map(describe_key).collect(),
    };
    GuardDescription { jwt, keys }
}

fn describe_key(key: &ApiKey) -> (String, KeyDescription) {
    let ApiKey {
        name,
        hash,
        scopes,
        tenant,
    } = key;
    let described = KeyDescription {
        fingerprint: content_tag::of(&hash.to_string()),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        tenant: tenant.as_ref().map(|tenant| tenant.as_str().to_owned()),
    };
    (name.to_string(), described)
}

fn place_of(keys: &Keys) -> String {
    match keys {
        Keys::Public(place) => place.to_string(),
        Keys::Secret(place) => place.to_string(),
    }
}

impl Changes {
    /// Of a guard that is new or gone, the modules tell that name it.
    pub(super) fn edited_guards(
        &mut self,
        before: &BTreeMap<String, GuardDescription>,
        after: &BTreeMap<String, GuardDescription>,
    ) {
        for (name, after) in after {
            let Some(before) = before.get(name) else {
                continue;
            };
            self.of(format!("access.{name}"));
            let GuardDescription { jwt, keys } = after;
            if let (Some(before), Some(after)) = (&before.jwt, jwt) {
                self.edited_jwt(before, after);
            }
            for (owner, after) in keys {
                if let Some(before) = before.keys.get(owner) {
                    self.edited_api_key(owner, before, after);
                }
            }
        }
    }

    fn edited_jwt(&mut self, before: &JwtDescription, after: &JwtDescription) {
        let JwtDescription { key_place, leeway } = after;
        if before.key_place != *key_place {
            let edit = format!(
                "keys come from {key_place}, no longer from {}",
                before.key_place
            );
            let consequence = "tokens that are not signed with one of them are answered 401";
            self.doubt(edit, consequence);
        }
        if before.leeway != *leeway {
            let edit = format!(
                "leeway goes from {} to {}",
                time(before.leeway),
                time(*leeway)
            );
            let consequence = format!("tokens are taken for {} after they expire", time(*leeway));
            self.add(*leeway < before.leeway, edit, consequence);
        }
    }

    fn edited_api_key(&mut self, owner: &str, before: &KeyDescription, after: &KeyDescription) {
        let KeyDescription {
            fingerprint,
            scopes,
            tenant,
        } = after;
        if before.fingerprint != *fingerprint {
            let edit = format!("`{owner}` has another key");
            self.add(
                true,
                edit,
                "requests with the key that it had are answered 401",
            );
        }
        let lost: BTreeSet<_> = before.scopes.difference(scopes).cloned().collect();
        if !lost.is_empty() {
            let edit = format!("`{owner}` no longer has the scope {}", joined(&lost));
            self.add(true, edit, "it is answered 403 where that is asked for");
        }
        let gained: BTreeSet<_> = scopes.difference(&before.scopes).cloned().collect();
        if !gained.is_empty() {
            let edit = format!("`{owner}` has the scope {} too", joined(&gained));
            self.add(false, edit, "it may do what asks for that");
        }
        if before.tenant != *tenant {
            let edit = match tenant {
                Some(tenant) => format!("`{owner}` is now of the tenant `{tenant}`"),
                None => format!("`{owner}` is of no tenant now"),
            };
            let consequence = "where callers are confined to tenants, it no longer reaches the \
                 items that it reached";
            self.add(true, edit, consequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::deploy::plan::Plan;
    use crate::deploy::plan::tests::description;

    #[test]
    fn a_guards_own_keys_are_reported_once_for_all_that_it_guards() {
        let with = |guard: &str| {
            let module =
                |name| format!("[modules.{name}]\nkey = 'id'\naccess = {{ guard = 'main' }}\n");
            description(&format!(
                "[access.main]\n{guard}\n{}{}",
                module("a"),
                module("b")
            ))
        };
        let jwt = |more: &str| with(&format!("jwt = {{ issuer = 'i', audience = 'a', {more} }}"));
        let (server, secret) = (
            jwt("jwks = 'https://issuer.example.com/'"),
            jwt("secret = { ssm = '/x' }, leeway = '10s'"),
        );
        insta::assert_snapshot!(Plan::new(&server, &secret), @"
        ?       access.main: keys come from the parameter `/x`, no longer from `https://issuer.example.com/`
                tokens that are not signed with one of them are answered 401
        BREAKS  access.main: leeway goes from 1m to 10s
                tokens are taken for 10s after they expire
        ");
        let moved = jwt("jwks = 'https://keys.example.com/'");
        insta::assert_snapshot!(Plan::new(&server, &moved), @"
        ?       access.main: keys come from `https://keys.example.com/`, no longer from `https://issuer.example.com/`
                tokens that are not signed with one of them are answered 401
        ");
        let key = |digit: char, more: &str| {
            let hash = String::from(digit).repeat(64);
            with(&format!(
                "keys = [{{ name = 'erp', hash = 'sha256:{hash}', {more} }}]"
            ))
        };
        let before = key('0', "scopes = ['read']");
        insta::assert_snapshot!(Plan::new(&before, &key('1', "scopes = ['write'], tenant = 'acme'")), @"
        BREAKS  access.main: `erp` has another key
                requests with the key that it had are answered 401
        BREAKS  access.main: `erp` no longer has the scope `read`
                it is answered 403 where that is asked for
        ok      access.main: `erp` has the scope `write` too
                it may do what asks for that
        BREAKS  access.main: `erp` is now of the tenant `acme`
                where callers are confined to tenants, it no longer reaches the items that it reached
        ");
        // Not even the hash of a key is in the template.
        let written = serde_json::to_string(&before).expect("serialisable");
        assert!(!written.contains("00000000"), "{written}");
    }
}

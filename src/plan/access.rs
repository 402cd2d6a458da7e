//! Who may do what, as far as a deployment changes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::description::ModuleDescription;
use super::{Changes, list};
use crate::access::Credential;
use crate::module::Module;

/// What a verb asks of its callers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct VerbAccess {
    guard: String,
    /// Whom the guard trusts: an issuer and an audience, or the owners of keys.
    trusts: BTreeSet<String>,
    scopes: BTreeSet<String>,
}

/// That of each verb of `module` that is not open to everybody.
pub(super) fn of(module: &Module) -> BTreeMap<String, VerbAccess> {
    let Some(access) = module.access() else {
        return BTreeMap::new();
    };
    let trusts: BTreeSet<_> = match access.guard().credential() {
        Credential::Jwt(jwt) => [format!("{} for {}", jwt.issuer, jwt.audience)].into(),
        Credential::Key(keys) => keys.iter().map(|key| key.name.to_string()).collect(),
    };
    let guarded = module.verbs().iter();
    let guarded = guarded.filter(|&verb| !access.public().contains(verb));
    let described = guarded.map(|verb| {
        let scopes = access.scopes(verb).iter();
        let access = VerbAccess {
            guard: access.guard().name().to_string(),
            trusts: trusts.clone(),
            scopes: scopes.map(ToString::to_string).collect(),
        };
        (verb.to_string(), access)
    });
    described.collect()
}

/// Who may call a module, in a word.
pub(super) fn summary(module: &ModuleDescription) -> String {
    let open = module.methods.iter();
    let open: BTreeSet<_> = open
        .filter(|verb| !module.access.contains_key(*verb))
        .cloned()
        .collect();
    let guards: BTreeSet<_> = module.access.values().map(|access| &access.guard).collect();
    let guards: Vec<_> = guards.iter().map(|guard| format!("`{guard}`")).collect();
    match (guards.is_empty(), open.is_empty()) {
        (true, _) => "open to everybody".to_owned(),
        (_, true) => format!("guarded by {}", guards.join(", ")),
        _ => format!(
            "guarded by {}, {} open to everybody",
            guards.join(", "),
            list(&open)
        ),
    }
}

impl Changes {
    /// Verbs with the same change are told of together.
    pub(super) fn edited_access(&mut self, before: &ModuleDescription, after: &ModuleDescription) {
        let mut edits: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for verb in before.methods.intersection(&after.methods) {
            let change = (before.access.get(verb), after.access.get(verb));
            if change.0 != change.1 {
                edits.entry(change).or_default().insert(verb.clone());
            }
        }
        for ((before, after), verbs) in edits {
            self.edited_verbs(before, after, &list(&verbs));
        }
    }

    fn edited_verbs(
        &mut self,
        before: Option<&VerbAccess>,
        after: Option<&VerbAccess>,
        verbs: &str,
    ) {
        let Some(after) = after else {
            let edit = format!("opens {verbs} to everybody");
            self.add(
                true,
                edit,
                "whoever finds the URL may do it, without token or key",
            );
            return;
        };
        let guard = &after.guard;
        let Some(before) = before else {
            let edit = format!("guards {verbs} by `{guard}` now");
            self.add(
                true,
                edit,
                "callers without a token or key are answered 401",
            );
            return;
        };
        if before.guard != after.guard || !before.trusts.is_subset(&after.trusts) {
            let (old, new) = (joined(&before.trusts), joined(&after.trusts));
            let edit = format!("guards {verbs} by `{guard}` now, which trusts {new}");
            let consequence = format!(
                "callers that `{}` trusted ({old}) are answered 401 unless they are trusted still",
                before.guard
            );
            self.add(true, edit, consequence);
        } else if before.trusts != after.trusts {
            let gained = after.trusts.difference(&before.trusts).cloned().collect();
            let edit = format!("`{guard}` trusts {} too", joined(&gained));
            self.add(false, edit, format!("they may do {verbs}"));
        }
        let needed: BTreeSet<_> = after.scopes.difference(&before.scopes).cloned().collect();
        if !needed.is_empty() {
            let edit = format!("asks for the scope {} for {verbs}", joined(&needed));
            self.add(true, edit, "callers without it are answered 403");
        }
        let dropped: BTreeSet<_> = before.scopes.difference(&after.scopes).cloned().collect();
        if !dropped.is_empty() {
            let edit = format!(
                "no longer asks for the scope {} for {verbs}",
                joined(&dropped)
            );
            self.add(false, edit, "callers without it may do it now");
        }
    }
}

/// Each in backticks.
pub(super) fn joined(words: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

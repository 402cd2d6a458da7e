//! Who may do what, as far as a deployment changes it.

use std::collections::{BTreeMap, BTreeSet};

use super::Changes;
use super::description::ModuleDescription;
use super::verb_access::VerbAccess;
use super::words::{joined, list};

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
    /// Verbs with the same change are reported together.
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
        self.edited_scopes_claim(before, after, verbs);
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

    /// Only where scopes are asked for does it matter where they stand.
    fn edited_scopes_claim(&mut self, before: &VerbAccess, after: &VerbAccess, verbs: &str) {
        let is_the_same = before.scopes_claim == after.scopes_claim;
        if is_the_same || before.scopes.is_empty() || after.scopes.is_empty() {
            return;
        }
        let claim = |access: &VerbAccess| match &access.scopes_claim {
            Some(claim) => format!("`{claim}`"),
            None => "`scope` or `scp`".to_owned(),
        };
        let edit = format!(
            "reads the scopes for {verbs} from the claim {}, no longer from {}",
            claim(after),
            claim(before)
        );
        let consequence = "tokens without the scopes in that claim are answered 403, and tokens \
             that have them there are let in";
        self.add(true, edit, consequence);
    }
}

#[cfg(test)]
mod tests {
    use crate::config;
    use crate::deploy::plan::{Description, Plan};
    use crate::module::name::Stage;

    #[track_caller]
    fn plan(before: &str, after: &str) -> Plan {
        let description = |jwt: &str| {
            let text = format!(
                "[access.main]\njwt = {{ jwks = 'https://x/keys', {jwt} }}\n\
                 [modules.rooms]\nkey = 'roomId'\nmethods = ['GET', 'PUT']\n\
                 access = {{ guard = 'main', scopes = {{ PUT = ['write'] }} }}"
            );
            let stage = Stage::default();
            let config = config::parse(&text, "modules.toml".as_ref(), &stage, []).expect("valid");
            Description::of(&config).expect("no schema")
        };
        Plan::new(&description(before), &description(after))
    }

    #[test]
    fn an_edit_of_whom_a_guard_trusts_is_reported() {
        let one = "issuer = 'https://x/', audience = 'web'";
        let list = "issuer = 'https://x/', audience = ['web']";
        insta::assert_snapshot!(plan(one, list), @"no module changes");
        let both = "issuer = 'https://x/', audience = ['web', 'app']";
        insta::assert_snapshot!(plan(one, both), @"
        ok      rooms: `main` trusts `https://x/ for app` too
                they may do GET
        ok      rooms: `main` trusts `https://x/ for app` too
                they may do PUT
        ");
        insta::assert_snapshot!(plan(both, one), @"
        BREAKS  rooms: guards GET by `main` now, which trusts `https://x/ for web`
                callers that `main` trusted (`https://x/ for app`, `https://x/ for web`) are answered 401 unless they are trusted still
        BREAKS  rooms: guards PUT by `main` now, which trusts `https://x/ for web`
                callers that `main` trusted (`https://x/ for app`, `https://x/ for web`) are answered 401 unless they are trusted still
        ");
        let other = "issuer = 'https://y/', audience = 'web'";
        insta::assert_snapshot!(plan(one, other), @"
        BREAKS  rooms: guards GET by `main` now, which trusts `https://y/ for web`
                callers that `main` trusted (`https://x/ for web`) are answered 401 unless they are trusted still
        BREAKS  rooms: guards PUT by `main` now, which trusts `https://y/ for web`
                callers that `main` trusted (`https://x/ for web`) are answered 401 unless they are trusted still
        ");
    }

    /// Of the verbs that ask for scopes; the others don't care.
    #[test]
    fn another_claim_for_the_scopes_is_reported() {
        let standard = "issuer = 'https://x/', audience = 'web'";
        let roles = &format!("{standard}, scopes_claim = ['realm_access', 'roles']");
        insta::assert_snapshot!(plan(standard, roles), @"
        BREAKS  rooms: reads the scopes for PUT from the claim `realm_access.roles`, no longer from `scope` or `scp`
                tokens without the scopes in that claim are answered 403, and tokens that have them there are let in
        ");
        insta::assert_snapshot!(plan(roles, standard), @"
        BREAKS  rooms: reads the scopes for PUT from the claim `scope` or `scp`, no longer from `realm_access.roles`
                tokens without the scopes in that claim are answered 403, and tokens that have them there are let in
        ");
        insta::assert_snapshot!(plan(roles, roles), @"no module changes");
    }
}

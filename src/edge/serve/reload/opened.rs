//! What an edit lets more callers do than before.
//!
//! A file that is half written can lack the line that guards a module, and be valid. So an edit that
//! opens something is mounted later than others, and never without a word.

use crate::config::Config;
use crate::module::{Module, Verb};

/// A sentence for each thing that `after` lets callers do and `before` did not.
///
/// A new module counts only where `has_guards`: where nothing is guarded, it is meant to be open.
pub(super) fn opened(before: &Config, after: &Config, has_guards: bool) -> Vec<String> {
    let mut opened = Vec::new();
    for module in after.modules.iter() {
        match before.modules.get(module.name()) {
            Some(before) => compare(before, module, &mut opened),
            None if has_guards => {
                let verbs = verbs(module, |verb| is_open(module, verb));
                if !verbs.is_empty() {
                    opened.push(format!(
                        "`{}` is new and open to everybody: {verbs}",
                        module.name()
                    ));
                }
            }
            None => {}
        }
    }
    opened
}

/// Whether any module is guarded.
pub(super) fn has_guards(config: &Config) -> bool {
    config
        .modules
        .iter()
        .any(|module| module.access().is_some())
}

fn compare(before: &Module, after: &Module, opened: &mut Vec<String>) {
    let name = after.name();
    let open = verbs(after, |verb| is_open(after, verb) && !is_open(before, verb));
    if !open.is_empty() {
        opened.push(format!("`{name}` is open to everybody now: {open}"));
    }
    if before.tenant().is_some() && after.tenant().is_none() {
        opened.push(format!(
            "`{name}` no longer confines callers to the items of their tenant"
        ));
    }
    let unscoped = verbs(after, |verb| match (before.access(), after.access()) {
        (Some(before), Some(after)) => {
            let scopes = after.scopes(verb);
            before
                .scopes(verb)
                .iter()
                .any(|scope| !scopes.contains(scope))
        }
        _ => false,
    });
    if !unscoped.is_empty() {
        opened.push(format!("`{name}` asks for fewer scopes now: {unscoped}"));
    }
}

/// Those of the module's verbs, for people.
fn verbs(module: &Module, is_meant: impl Fn(Verb) -> bool) -> String {
    let verbs = module.verbs().iter().filter(|&verb| is_meant(verb));
    let verbs: Vec<_> = verbs.map(Verb::as_str).collect();
    verbs.join(", ")
}

/// Whether callers without a token or key may do it.
fn is_open(module: &Module, verb: Verb) -> bool {
    module.verbs().contains(verb)
        && module
            .access()
            .is_none_or(|access| access.public().contains(verb))
}

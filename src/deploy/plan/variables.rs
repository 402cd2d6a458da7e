//! The environment's variables that guards read: nothing but `serverless.yml` gives them to a
//! deployed function.

use std::collections::{BTreeMap, BTreeSet};

use super::words::joined;
use super::{Changes, Description, Plan, Verdict};
use crate::module::Modules;
use crate::module::name::Stage;
use crate::module::secret_place::SecretPlace;

/// The guards that read a variable, by the variable's name.
pub(super) type Readers = BTreeMap<String, BTreeSet<String>>;

/// What is known of the variables that the function has.
#[derive(Debug)]
pub(super) enum Known<'v> {
    /// All that a deployment gives it, by name.
    All(&'v [String]),
    /// Those that it has from the last deployment, which the next may change.
    Deployed(&'v BTreeSet<String>),
}

/// The names of the variables that guards and webhooks of `modules` read their secrets from.
pub(crate) fn names(modules: &Modules) -> BTreeSet<String> {
    let of_guards = of(modules).into_keys();
    of_guards.chain(of_webhooks(modules).into_keys()).collect()
}

/// The modules whose changes are signed by a variable, by its name.
pub(super) fn of_webhooks(modules: &Modules) -> Readers {
    let mut readers = Readers::new();
    for module in modules.iter() {
        for webhook in module.webhooks() {
            if let SecretPlace::Variable(variable, _) = webhook.secret() {
                let readers = readers.entry(variable.to_string()).or_default();
                readers.insert(module.name().to_string());
            }
        }
    }
    readers
}

pub(super) fn of(modules: &Modules) -> Readers {
    let mut readers = Readers::new();
    for access in modules.iter().filter_map(|module| module.access()) {
        let guard = access.guard();
        if let Some(SecretPlace::Variable(variable, _)) = guard.secret() {
            let readers = readers.entry(variable.to_string()).or_default();
            readers.insert(guard.name().to_string());
        }
    }
    readers
}

impl Plan {
    /// Adds the variables that guards read, and that the function does not have as far as is known.
    pub(super) fn add_missing_variables(
        &mut self,
        wanted: &Description,
        known: &Known<'_>,
        stage: &Stage,
    ) {
        let verdict = match known {
            Known::Deployed(_) => Verdict::Unknown,
            // Whoever tries a stage on this machine can do without.
            Known::All(_) if stage.is_local() => Verdict::Breaks,
            Known::All(_) => Verdict::Fails,
        };
        let is_there = |variable: &String| match known {
            Known::All(given) => given.contains(variable),
            Known::Deployed(deployed) => deployed.contains(variable),
        };
        self.add_variables(wanted, is_there, verdict);
    }

    /// Adds the variables that no guard read `before`. Whether `serverless.yml` gives them is not
    /// known.
    pub(super) fn add_new_variables(&mut self, before: &Description, after: &Description) {
        let is_there = |variable: &String| {
            before.variables.contains_key(variable) || before.signers.contains_key(variable)
        };
        self.add_variables(after, is_there, Verdict::Unknown);
    }

    fn add_variables(
        &mut self,
        wanted: &Description,
        is_there: impl Fn(&String) -> bool,
        verdict: Verdict,
    ) {
        let mut changes = Changes::default();
        for (variable, guards) in &wanted.variables {
            if !is_there(variable) {
                let what = format!("which {} reads", joined(guards));
                let consequence = "requests with a token are answered 500";
                changes.missing_variable(variable, &what, consequence, verdict);
            }
        }
        for (variable, modules) in &wanted.signers {
            if !is_there(variable) {
                let what = format!("by which the changes of {} are signed", joined(modules));
                changes.missing_variable(variable, &what, "none of them is sent", verdict);
            }
        }
        self.0.extend(changes.found);
    }
}

impl Changes {
    fn missing_variable(
        &mut self,
        variable: &str,
        what: &str,
        consequence: &str,
        verdict: Verdict,
    ) {
        self.of("environment");
        let line = format!("`environment: {{ {variable}: \"${{env:{variable}}}\" }}`");
        if verdict == Verdict::Unknown {
            let edit = format!("the function needs the variable `{variable}`, {what}");
            let consequence = format!(
                "without it, {consequence}; unless it is there, add to functions.api in \
                 serverless.yml: {line}"
            );
            self.doubt(edit, consequence);
        } else {
            let edit = format!("the function has no variable `{variable}`, {what}");
            let consequence =
                format!("{consequence}; in serverless.yml, add to functions.api: {line}");
            self.push(verdict, edit, consequence);
        }
    }
}

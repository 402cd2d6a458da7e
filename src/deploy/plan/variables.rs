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

/// The names of the variables that guards of `modules` read their secrets from.
pub(crate) fn names(modules: &Modules) -> BTreeSet<String> {
    of(modules).into_keys().collect()
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
        let is_there = |variable: &String| before.variables.contains_key(variable);
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
                changes.missing_variable(variable, guards, verdict);
            }
        }
        self.0.extend(changes.found);
    }
}

impl Changes {
    fn missing_variable(&mut self, variable: &str, guards: &BTreeSet<String>, verdict: Verdict) {
        self.of("environment");
        let guards = joined(guards);
        let line = format!("`environment: {{ {variable}: \"${{env:{variable}}}\" }}`");
        if verdict == Verdict::Unknown {
            let edit =
                format!("the function needs the variable `{variable}`, which {guards} reads");
            let consequence = format!(
                "without it, requests with a token are answered 500; unless it is there, add to \
                 functions.api in serverless.yml: {line}"
            );
            self.doubt(edit, consequence);
        } else {
            let edit = format!("the function has no variable `{variable}`, which {guards} reads");
            let consequence = format!(
                "requests with a token are answered 500; in serverless.yml, add to functions.api: \
                 {line}"
            );
            self.push(verdict, edit, consequence);
        }
    }
}

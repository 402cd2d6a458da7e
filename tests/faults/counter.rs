//! Items that all clients change, by conditions only, and what must be in them at the end.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::answer::Outcome;

/// How a client changes a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Reads it, and writes it all with `If-Match`: a number and the tokens of all who have.
    Matched,
    /// As [`Kind::Matched`], but all write the same text, without a token.
    Bare,
    /// A JSON Patch that tests the number and replaces it.
    Tested,
    /// A JSON Patch that adds a token, under no condition that the client knows of.
    Appended,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Matched, Self::Bare, Self::Tested, Self::Appended];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Matched => "counter-matched",
            Self::Bare => "counter-bare",
            Self::Tested => "counter-tested",
            Self::Appended => "counter-appended",
        }
    }

    pub(crate) fn beginning(self) -> Value {
        match self {
            Self::Bare => json!({ "n": 0 }),
            _ => json!({ "n": 0, "tokens": [] }),
        }
    }
}

/// What the clients know of their steps.
#[derive(Debug, Default)]
pub(crate) struct Steps(HashMap<String, Outcome>);

impl Steps {
    pub(crate) fn add(&mut self, token: String, outcome: Outcome) {
        self.0.insert(token, outcome);
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        let others = others.0.iter();
        self.0
            .extend(others.map(|(token, outcome)| (token.clone(), outcome.clone())));
    }

    /// How many are acknowledged, and how many more may have been done.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let count = |wanted: fn(&Outcome) -> bool| {
            self.0.values().filter(|outcome| wanted(outcome)).count() as u64
        };
        (
            count(|outcome| matches!(outcome, Outcome::Done(_))),
            count(|outcome| *outcome == Outcome::Unknown),
        )
    }

    /// Compares them with the counter as it is at the end.
    pub(crate) fn verify(&self, kind: Kind, found: &Value, of: &str) {
        let (done, unknown) = self.counts();
        let number = found["n"].as_u64().unwrap();
        if kind != Kind::Appended {
            assert!(
                (done..=done + unknown).contains(&number),
                "{of} is {number}, {done} steps were acknowledged, {unknown} are unknown"
            );
        }
        if kind == Kind::Bare {
            return;
        }
        let tokens = found["tokens"].as_array().unwrap();
        if kind != Kind::Appended {
            assert_eq!(tokens.len() as u64, number, "{of}: {found}");
        }
        let mut times: HashMap<&str, u32> = HashMap::new();
        for token in tokens {
            *times.entry(token.as_str().unwrap()).or_default() += 1;
        }
        for (token, outcome) in &self.0 {
            let times = times.remove(token.as_str()).unwrap_or_default();
            let valid = match outcome {
                Outcome::Done(_) => times == 1,
                Outcome::Refused(_) => times == 0,
                Outcome::Unknown => times <= 1,
            };
            assert!(
                valid,
                "step {token} of {of} was {outcome:?} and is there {times} times"
            );
        }
        assert_eq!(times, HashMap::new(), "nobody's steps of {of}");
    }
}

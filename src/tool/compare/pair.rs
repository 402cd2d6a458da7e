//! Both services, asked for the same.

use std::time::Duration;

use super::difference::{Difference, between};
use super::service::{Answer, NoAnswerError, Service};

/// How often an item is read again that the services do not agree on: somebody may have written it in
/// between, and a read that is not strongly consistent may not see the last write yet.
const READS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// The service that is replaced, and the one that replaces it.
pub(super) struct Pair {
    pub(super) old: Service,
    pub(super) new: Service,
}

/// What comes of asking both.
pub(super) enum Outcome {
    /// Both answer this.
    Equal(Answer),
    Different(Vec<Difference>),
    /// They can't be compared.
    Failed(String),
}

impl Pair {
    pub(super) fn services(&self) -> [&Service; 2] {
        [&self.old, &self.new]
    }

    /// Reads an item from both.
    pub(super) async fn get(&self, id: &str) -> Outcome {
        self.get_until(id, |outcome| !matches!(outcome, Outcome::Different(_)))
            .await
    }

    /// Reads an item from both, which have to answer this status.
    pub(super) async fn get_as(&self, id: &str, status: u16) -> Outcome {
        let is_expected = |outcome: &Outcome| matches!(outcome, Outcome::Equal(answer) if answer.status == status);
        match self.get_until(id, is_expected).await {
            Outcome::Equal(answer) if answer.status != status => Outcome::Failed(format!(
                "both answer {}, and {status} is right",
                answer.status
            )),
            outcome => outcome,
        }
    }

    async fn get_until(&self, id: &str, is_enough: impl Fn(&Outcome) -> bool) -> Outcome {
        let mut reads = 1;
        loop {
            let (old, new) = tokio::join!(self.old.get(id), self.new.get(id));
            let outcome = Outcome::of(old, new);
            if reads == READS || is_enough(&outcome) || matches!(outcome, Outcome::Failed(_)) {
                return outcome;
            }
            reads += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Outcome {
    pub(super) fn of(
        old: Result<Answer, NoAnswerError>,
        new: Result<Answer, NoAnswerError>,
    ) -> Self {
        let (old, new) = match (old, new) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(error), _) | (_, Err(error)) => return Self::Failed(error.to_string()),
        };
        let differences = between(&old, &new);
        if !differences.is_empty() {
            return Self::Different(differences);
        }
        // Two refusals prove nothing of the items.
        match new.status {
            401 | 403 => Self::Failed(format!(
                "both answer {}; send what they ask for with --header",
                new.status
            )),
            status @ (300..=399 | 500..) => Self::Failed(format!("both answer {status}")),
            _ => Self::Equal(new),
        }
    }
}

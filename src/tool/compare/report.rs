//! What is printed of a comparison.

use std::fmt::Write;

use anyhow::bail;
use indicatif::{HumanCount, ProgressBar};

use super::pair::Outcome;
use crate::edge::serve::say;

/// How many requests are shown whose answers differ, or that fail.
const SHOWN: u64 = 50;

/// How many requests may fail before the others are not sent.
const MOST_FAILURES: u64 = 50;

/// What was asked, and what came of it.
pub(super) struct Report {
    bar: ProgressBar,
    equal: u64,
    different: u64,
    failed: u64,
    items: u64,
    /// Items of the table that both services have.
    there: u64,
    /// With which status the old service refuses PATCH, if it does.
    pub(super) patch_refused: Option<u16>,
}

impl Report {
    pub(super) fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            equal: 0,
            different: 0,
            failed: 0,
            items: 0,
            there: 0,
            patch_refused: None,
        }
    }

    /// Counts an item of the table, and what `request` brought.
    pub(super) fn note_item(&mut self, request: &str, outcome: &Outcome) {
        self.items += 1;
        self.bar.inc(1);
        if let Outcome::Equal(answer) = outcome {
            self.there += u64::from(answer.status == 200);
        }
        self.note(request, outcome);
    }

    pub(super) fn note(&mut self, request: &str, outcome: &Outcome) {
        let text = match outcome {
            Outcome::Equal(_) => {
                self.equal += 1;
                return;
            }
            Outcome::Different(differences) => {
                self.different += 1;
                let mut text = format!("{request} differs\n");
                for difference in differences {
                    let _ = writeln!(text, "  {difference}");
                }
                text
            }
            Outcome::Failed(reason) => {
                self.failed += 1;
                format!("{request} failed\n  {reason}\n")
            }
        };
        if self.different + self.failed <= SHOWN {
            // Above the bar.
            self.bar.suspend(|| say(&text));
        }
    }

    /// Whether it is of no use to go on.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failed >= MOST_FAILURES
    }

    /// Prints the sums.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
        let wrong = self.different + self.failed;
        if wrong > SHOWN {
            say(&format!("{} more are not shown\n", wrong - SHOWN));
        }
        if let Some(status) = self.patch_refused {
            say(&format!(
                "PATCH is not compared: the old service answers it with {status}\n"
            ));
        }
        say(&format!(
            "{} compared, {} of them of items in the table: {} equal, {} different, {} failed\n",
            HumanCount(self.equal + wrong),
            HumanCount(self.items),
            HumanCount(self.equal),
            HumanCount(self.different),
            HumanCount(self.failed)
        ));
    }

    /// Whether the services were found to be the same.
    pub(super) fn verdict(&self) -> anyhow::Result<()> {
        if self.is_hopeless() {
            bail!("too many requests failed; the rest was not compared");
        }
        if self.different > 0 {
            bail!("the services differ");
        }
        if self.failed > 0 {
            bail!("not everything could be compared");
        }
        if self.items > 0 && self.there == 0 {
            bail!(
                "both services answer that none of the items exists; check the URLs, --module and \
                 --stage"
            );
        }
        Ok(())
    }
}

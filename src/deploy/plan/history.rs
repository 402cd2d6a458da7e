//! What the edits of a module's history mean for the versions that are kept.

use super::Changes;
use super::description::ModuleDescription;
use super::words::time;

impl Changes {
    pub(super) fn edited_history(&mut self, before: &ModuleDescription, after: &ModuleDescription) {
        if before.history.and(after.history).is_some() && before.table != after.table {
            let edit = format!(
                "table `{}-history` becomes `{}-history`",
                before.table, after.table
            );
            let consequence = format!("no version moves to the other table, and {}", fate(before));
            self.add(true, edit, consequence);
        }
        match (before.history, after.history) {
            (None, Some(after)) => self.add(
                false,
                format!("keeps versions for {}", days(after)),
                "each version of an item that is written from then on can be read that long after \
                 another has taken its place",
            ),
            (Some(_), None) => self.add(
                true,
                "no longer keeps versions",
                format!(
                    "`/_history` of it answers 404, `at` is not looked at, and {}",
                    fate(before)
                ),
            ),
            (Some(before), Some(after)) if before != after => {
                let edit = format!("history goes from {} to {}", days(before), days(after));
                let consequence = if after < before {
                    "versions whose place is taken from then on go sooner; those whose place is taken \
                     already keep their time"
                } else {
                    "versions whose place is taken from then on stay longer; those whose place is \
                     taken already keep their time"
                };
                self.add(after < before, edit, consequence);
            }
            _ => {}
        }
    }
}

/// Whole days as days, of which the months of other words have 30.44.
fn days(seconds: u64) -> String {
    match seconds % 86_400 {
        0 => format!("{} days", seconds / 86_400),
        _ => time(seconds),
    }
}

/// What becomes of the table of the versions when nothing is kept any more.
pub(super) fn fate(before: &ModuleDescription) -> String {
    if before.retain {
        format!("table `{}-history` stays, outside the stack", before.table)
    } else {
        format!(
            "table `{}-history` is deleted with all versions",
            before.table
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::config;
    use crate::deploy::plan::tests::description;
    use crate::deploy::plan::{Description, Plan};

    #[test]
    fn each_edit_of_a_history_is_reported() {
        let with = |keys: &str| description(&format!("[modules.a]\nkey = 'id'\n{keys}"));
        let plan = |before: &str, after: &str| Plan::new(&with(before), &with(after));
        let (none, month, quarter) = ("", "history = '30d'", "history = '90d'");
        insta::assert_snapshot!(plan(none, quarter), @"
        ok      a: table gets a stream
                its changes are read from it
        ok      a: keeps versions for 90 days
                each version of an item that is written from then on can be read that long after another has taken its place
        ");
        insta::assert_snapshot!(plan(quarter, month), @"
        BREAKS  a: history goes from 90 days to 30 days
                versions whose place is taken from then on go sooner; those whose place is taken already keep their time
        ");
        insta::assert_snapshot!(plan(month, quarter), @"
        ok      a: history goes from 30 days to 90 days
                versions whose place is taken from then on stay longer; those whose place is taken already keep their time
        ");
        insta::assert_snapshot!(plan(month, none), @"
        ok      a: table loses its stream
                one that it gets later is another, with another ARN: who else reads it has to be told, and what is written in between is read by nobody
        BREAKS  a: no longer keeps versions
                `/_history` of it answers 404, `at` is not looked at, and table `a-prod-history` stays, outside the stack
        ");
        insta::assert_snapshot!(plan(&format!("{month}\nretain = false"), "retain = false"), @"
        ok      a: table loses its stream
                one that it gets later is another, with another ARN: who else reads it has to be told, and what is written in between is read by nobody
        BREAKS  a: no longer keeps versions
                `/_history` of it answers 404, `at` is not looked at, and table `a-prod-history` is deleted with all versions
        ");
        insta::assert_snapshot!(plan(month, &format!("{month}\ntable = 'other'")), @"
        BREAKS  a: table `a-prod` becomes `other`
                no item moves to the other table, and table `a-prod` stays, outside the stack
        BREAKS  a: table `a-prod-history` becomes `other-history`
                no version moves to the other table, and table `a-prod-history` stays, outside the stack
        ");
        let deleted = with("history = '30d'\nretain = false");
        let gone = Plan::new(&deleted, &description("[modules.b]\nkey = 'id'"));
        insta::assert_snapshot!(gone, @"
        BREAKS  a: is gone
                `/a` answers 404, and table `a-prod` is deleted with all its items; table `a-prod-history` is deleted with all versions
        ok      b: is new
                `/b` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `b-prod`, open to everybody
        ");
    }

    #[test]
    fn what_no_function_can_keep_is_refused_before_it_is_deployed() {
        let text = "[modules.theirs]\nkey = 'id'\nhistory = '90d'\ncreate = false";
        let stage = "prod".parse().expect("valid");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid");
        let mut plan = Plan::new(&Description::default(), &Description::default());
        plan.add_unsendable(&config, &stage);
        insta::assert_snapshot!(plan, @"
        FAILS   theirs: has `history`, and create = false
                what is kept comes from the table's stream, which is somebody else's; leave `history` out, or `create`
        ");
    }

    #[test]
    fn the_stream_stays_while_somebody_needs_it() {
        let with = |keys: &str| description(&format!("[modules.a]\nkey = 'id'\n{keys}"));
        let hook = "webhooks = [{ url = 'https://a.example.com', secret = { ssm = '/a' } }]";
        insta::assert_snapshot!(Plan::new(&with(hook), &with("history = '30d'")), @"
        BREAKS  a: webhook `https://a.example.com/` is gone
                its queue goes with it, and what has not been sent yet
        ok      a: keeps versions for 30 days
                each version of an item that is written from then on can be read that long after another has taken its place
        ");
    }
}

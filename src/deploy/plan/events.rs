//! What edits of a module's events mean, and what becomes of the stream that all who are told are told
//! from.

use super::Changes;

impl Changes {
    /// One queue is of a module's events, wherever they are sent from it.
    pub(super) fn edited_events(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
            (None, Some(after)) => self.add(
                false,
                format!("sends its events to {after}"),
                "what is written from then on is sent",
            ),
            (Some(before), None) => self.add(
                true,
                format!("no longer sends its events to {before}"),
                "their queue goes with it, and what has not been sent yet",
            ),
            (Some(before), Some(after)) if before != after => self.add(
                true,
                format!("sends its events to {after}, and no longer to {before}"),
                "what is in their queue already is sent there too, and who reads the other gets no \
                 more",
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config;
    use crate::deploy::plan::Plan;
    use crate::deploy::plan::tests::description;

    const WEBHOOKS: &str =
        "webhooks = [{ url = 'https://erp.example.com/', secret = { ssm = '/a' } }]";

    fn plan(before: &str, after: &str) -> Plan {
        let with = |keys: &str| description(&format!("[modules.a]\nkey = 'id'\n{keys}"));
        Plan::new(&with(before), &with(after))
    }

    #[test]
    fn each_edit_of_events_is_reported() {
        let queue = "events = { queue = 'arn:aws:sqs:us-east-1:123456789012:erp' }";
        insta::assert_snapshot!(plan("", "events = true"), @"
        ok      a: table gets a stream
                its changes are read from it
        ok      a: sends its events to the bus `default`
                what is written from then on is sent
        ");
        insta::assert_snapshot!(plan("events = true", queue), @"
        BREAKS  a: sends its events to the queue `arn:aws:sqs:us-east-1:123456789012:erp`, and no longer to the bus `default`
                what is in their queue already is sent there too, and who reads the other gets no more
        ");
        insta::assert_snapshot!(plan(queue, ""), @"
        ok      a: table loses its stream
                one that it gets later is another, with another ARN: who else reads it has to be told, and what is written in between is read by nobody
        BREAKS  a: no longer sends its events to the queue `arn:aws:sqs:us-east-1:123456789012:erp`
                their queue goes with it, and what has not been sent yet
        ");
    }

    #[test]
    fn the_stream_stays_while_anybody_is_told() {
        insta::assert_snapshot!(plan("events = true", WEBHOOKS), @"
        ok      a: webhook `https://erp.example.com/` is new
                it is told of what is written from then on
        BREAKS  a: no longer sends its events to the bus `default`
                their queue goes with it, and what has not been sent yet
        ");
        let both = format!("events = true\n{WEBHOOKS}");
        let lost = plan(&both, WEBHOOKS).to_string();
        assert!(!lost.contains("stream"), "{lost}");
    }

    #[test]
    fn events_of_somebody_elses_table_are_refused_before_they_are_deployed() {
        let text = "[modules.theirs]\nkey = 'id'\ncreate = false\nevents = true";
        let stage = "prod".parse().expect("valid");
        let config = config::parse(text, Path::new("modules.toml"), &stage, []).expect("valid");
        let none = description("[modules.a]\nkey = 'id'");
        let mut plan = Plan::new(&none, &none);
        plan.add_unsendable(&config, &stage);
        insta::assert_snapshot!(plan, @"
        FAILS   theirs: has `events`, and create = false
                what is sent comes from the table's stream, which is somebody else's; leave `events` out, or `create`
        ");
    }
}

//! What the edits of a module's webhooks mean for those who are told of its changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Changes;
use super::words::{joined, list};
use crate::module::webhook::{Reach, Webhook};

/// A webhook, but for its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WebhookDescription {
    on: BTreeSet<String>,
    /// In words.
    secret: String,
    /// The members that are sent, if not all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeSet<String>>,
    /// Whether it may lead to a private network.
    #[serde(default)]
    private: bool,
}

/// Takes it apart without `..`, as modules are.
pub(super) fn describe(webhook: &Webhook) -> (String, WebhookDescription) {
    let Webhook {
        url,
        on,
        secret,
        fields,
        reach,
    } = webhook;
    let described = WebhookDescription {
        on: on.iter().map(ToString::to_string).collect(),
        secret: secret.to_string(),
        fields: (fields.as_ref()).map(|fields| fields.iter().map(ToString::to_string).collect()),
        private: *reach == Reach::Private,
    };
    (url.to_string(), described)
}

impl Changes {
    /// What becomes of those who are told.
    pub(super) fn edited_webhooks(
        &mut self,
        before: &BTreeMap<String, WebhookDescription>,
        after: &BTreeMap<String, WebhookDescription>,
    ) {
        for url in before.keys().filter(|url| !after.contains_key(*url)) {
            let consequence = "its queue goes with it, and what has not been sent yet";
            self.add(true, format!("webhook `{url}` is gone"), consequence);
        }
        for (url, after) in after {
            let WebhookDescription {
                on,
                secret,
                fields,
                private,
            } = after;
            let Some(before) = before.get(url) else {
                let consequence = "it is told of what is written from then on";
                self.add(false, format!("webhook `{url}` is new"), consequence);
                continue;
            };
            if before.on != *on {
                let edit = format!("webhook `{url}` is sent {}", list(on));
                self.add(false, edit, FROM_THEN_ON);
            }
            if before.secret != *secret {
                let edit = format!("webhook `{url}` has its secret in {secret}");
                let consequence = "a receiver that does not know that secret refuses what is sent";
                self.add(true, edit, consequence);
            }
            if before.fields != *fields {
                let edit = match fields {
                    Some(fields) => format!("webhook `{url}` is sent {} only", joined(fields)),
                    None => format!("webhook `{url}` is sent whole documents"),
                };
                self.add(false, edit, FROM_THEN_ON);
            }
            if before.private != *private {
                let (edit, consequence) = if *private {
                    ("may", "what is in its queue already can go there too")
                } else {
                    ("may not", "if it does, nothing is sent any more")
                };
                let edit = format!("webhook `{url}` {edit} lead to a private network");
                self.add(!private, edit, consequence);
            }
        }
    }
}

/// When an edit of what is sent is in force.
const FROM_THEN_ON: &str = "what is in its queue already is sent as it was";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config;
    use crate::deploy::plan::Plan;
    use crate::deploy::plan::tests::description;

    #[test]
    fn each_edit_of_a_webhook_is_reported() {
        let with = |keys: &str| {
            let webhook =
                format!("[[modules.a.webhooks]]\nurl = 'https://erp.example.com/'\n{keys}");
            description(&format!("[modules.a]\nkey = 'id'\n{webhook}"))
        };
        let secret = "secret = { env = 'A' }";
        let before = with(secret);
        let plan = |keys: &str| Plan::new(&before, &with(keys));
        insta::assert_snapshot!(plan("secret = { ssm = '/b' }\non = ['expire']\nfields = ['x']"), @"
        ok      a: webhook `https://erp.example.com/` is sent expire
                what is in its queue already is sent as it was
        BREAKS  a: webhook `https://erp.example.com/` has its secret in the parameter `/b`
                a receiver that does not know that secret refuses what is sent
        ok      a: webhook `https://erp.example.com/` is sent `x` only
                what is in its queue already is sent as it was
        ");
        let private = with(&format!("{secret}\nprivate = true"));
        insta::assert_snapshot!(Plan::new(&before, &private), @"
        ok      a: webhook `https://erp.example.com/` may lead to a private network
                what is in its queue already can go there too
        ");
        insta::assert_snapshot!(Plan::new(&private, &before), @"
        BREAKS  a: webhook `https://erp.example.com/` may not lead to a private network
                if it does, nothing is sent any more
        ");
        let none = description("[modules.a]\nkey = 'id'");
        insta::assert_snapshot!(Plan::new(&none, &before), @r#"
        ok      a: table gets a stream
                its changes are read from it
        ok      a: webhook `https://erp.example.com/` is new
                it is told of what is written from then on
        ?       environment: the function needs the variable `A`, by which the changes of `a` are signed
                without it, none of them is sent; unless it is there, add to functions.api in serverless.yml: `environment: { A: "${env:A}" }`
        "#);
        insta::assert_snapshot!(Plan::new(&before, &none), @"
        ok      a: table loses its stream
                one that it gets later is another, with another ARN: who else reads it has to be told, and what is written in between is read by nobody
        BREAKS  a: webhook `https://erp.example.com/` is gone
                its queue goes with it, and what has not been sent yet
        ");
    }

    #[test]
    fn what_no_function_can_send_is_refused_before_it_is_deployed() {
        let text = "
            [defaults]
            key = 'id'
            webhooks = [{ url = 'https://erp.example.com/', secret = { env = 'A' } }]
            [modules.theirs]
            create = false
            [modules.here]
            webhooks = [{ url = 'http://localhost:9000/', secret = { env = 'A' } }]
            [modules.good]
        ";
        let plan = |stage: &str| {
            let stage = stage.parse().expect("valid");
            let config = config::parse(text, Path::new("modules.toml"), &stage, []);
            let none = description("[modules.a]\nkey = 'id'");
            let mut plan = Plan::new(&none, &none);
            plan.add_unsendable(&config.expect("valid"), &stage);
            plan
        };
        insta::assert_snapshot!(plan("prod"), @"
        FAILS   here: webhook `http://localhost:9000/` leads to the machine that sends
                a function has no other server beside it; name one by `https`
        FAILS   theirs: has `webhooks`, and create = false
                what is sent comes from the table's stream, which is somebody else's; leave `webhooks` out, or `create`
        ");
        insta::assert_snapshot!(plan("local"), @"
        FAILS   theirs: has `webhooks`, and create = false
                what is sent comes from the table's stream, which is somebody else's; leave `webhooks` out, or `create`
        ");
    }
}

//! `[[modules.<name>.webhooks]]`

use std::collections::BTreeSet;

use ::config::ValueKind;

use super::{Section, Setting, Surroundings, describe, suggest, texts};
use crate::config::error::{Faults, KeyPath, Source};
use crate::module::name::Identifier;
use crate::module::secret_place::SecretPlace;
use crate::module::webhook::{Reach, SigningKeys, Trigger, Webhook, WebhookUrl};

const HELP: &str = "write a block [[modules.NAME.webhooks]] with url = \"https://…\" and \
                    secret = { env = \"…\" }";

impl Section {
    /// A list of webhooks, no two of which have the same URL.
    pub(super) fn webhooks(
        &mut self,
        key: &'static str,
        around: Surroundings<'_>,
        faults: &mut Faults,
    ) -> Option<Setting<Vec<Webhook>>> {
        let (value, path, source) = self.take(key)?;
        let ValueKind::Array(values) = value.kind else {
            let found = describe(&value.kind);
            let message = format!("expected a list of webhooks, found {found}");
            faults.add(path, source, message).help(HELP);
            return None;
        };
        let mut urls = BTreeSet::new();
        let mut webhooks = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let path = path.child(at.to_string());
            let section = Self::open(value, path.clone(), faults);
            let Some(webhook) = section.and_then(|section| section.webhook(around, faults)) else {
                continue;
            };
            if !urls.insert(webhook.url.to_string()) {
                let message = format!("there is another webhook to `{}`", webhook.url);
                let found = faults.add(path, source, message);
                found.help("name in one of them all that is to be sent there");
            }
            webhooks.push(webhook);
        }
        Some(Setting {
            value: webhooks,
            path,
            source,
        })
    }

    fn webhook(mut self, around: Surroundings<'_>, faults: &mut Faults) -> Option<Webhook> {
        let path = self.path.clone();
        let url: Option<WebhookUrl> = self.text("url", faults).map(|set| set.value);
        let on = self.triggers("on", faults);
        let secret_path = path.child("secret");
        let secret = self.section("secret", faults);
        let secret = secret.and_then(|section| section.secret_place(around, faults));
        if let Some(secret) = &secret {
            check_secret(secret, &secret_path, faults);
        }
        let fields = self.fields("fields", faults);
        let reach = match self.boolean("private", faults) {
            Some(set) if set.value => Reach::Private,
            _ => Reach::Internet,
        };
        self.close(faults);
        if let Some(address) = url.as_ref().and_then(WebhookUrl::private_address)
            && reach == Reach::Internet
        {
            let message = format!("{address} is an address of a private network");
            let found = faults.add(path.child("url"), Source::File, message);
            found.help("if that is meant, add private = true");
        }
        for (key, is_missing) in [("url", url.is_none()), ("secret", secret.is_none())] {
            if is_missing && !faults.blame(&path.child(key)) {
                faults
                    .add(path.clone(), Source::File, format!("`{key}` is missing"))
                    .help(HELP);
            }
        }
        Some(Webhook {
            url: url?,
            on,
            secret: secret?,
            fields,
            reach,
        })
    }

    fn triggers(&mut self, key: &'static str, faults: &mut Faults) -> BTreeSet<Trigger> {
        let Some(set) = self.words(key, "[\"create\", \"update\"]", faults) else {
            return Trigger::DEFAULT.into();
        };
        let triggers = set.value.iter().filter_map(|word| {
            let trigger = word.parse::<Trigger>().ok();
            if trigger.is_none() {
                let message = format!("`{word}` is not a valid kind of change");
                faults
                    .add(set.path.clone(), set.source, message)
                    .help(suggest(word, Trigger::WORDS));
            }
            trigger
        });
        let triggers: BTreeSet<_> = triggers.collect();
        if set.value.is_empty() {
            faults
                .add(
                    set.path,
                    set.source,
                    "the list is empty, so nothing is sent",
                )
                .help("list what is to be sent, as in on = [\"create\", \"update\"]");
        }
        triggers
    }

    fn fields(&mut self, key: &'static str, faults: &mut Faults) -> Option<Vec<Identifier>> {
        const HELP: &str = "write it as in fields = [\"status\", \"total\"], or leave it out, and \
                            whole documents are sent";
        let (value, path, source) = self.take(key)?;
        let mut fault = |message| {
            faults.add(path.clone(), source, message).help(HELP);
        };
        let names = match texts(value.kind) {
            Ok(names) if names.is_empty() => {
                fault("the list is empty".to_owned());
                return None;
            }
            Ok(names) => names,
            Err(found) => {
                fault(format!("expected a list of members, found {found}"));
                return None;
            }
        };
        let fields = names.iter().filter_map(|name| {
            let invalid = |invalid| fault(format!("`{name}` is not a valid member: {invalid}"));
            name.parse().map_err(invalid).ok()
        });
        Some(fields.collect())
    }
}

/// Of a secret in the environment it is known whether events can be signed with it.
fn check_secret(secret: &SecretPlace, path: &KeyPath, faults: &mut Faults) {
    let Some(Err(invalid)) = secret.text().map(str::parse::<SigningKeys>) else {
        return;
    };
    faults
        .add(
            path.child("env"),
            Source::File,
            format!("the secret there is not valid: {invalid}"),
        )
        .help("make one with: echo \"whsec_$(openssl rand -base64 32)\"");
}

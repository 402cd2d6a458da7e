//! Those who are told of changes.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use super::post::{Answer, PostError, TIME_LIMIT, post};
use super::signature::signatures;
use crate::access::{NoSecret, Secret};
use crate::change::{Change, Kind, MEDIA_TYPE};
use crate::module::webhook::{InvalidSigningKeys, SigningKeys, Trigger, Webhook};

/// Where events are sent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surroundings {
    /// A laptop, whose own servers can be told as well.
    Laptop,
    /// A function.
    Function,
}

/// Somebody who is told of a module's changes.
#[derive(Debug)]
pub struct Receiver {
    webhook: Webhook,
    members: Option<Vec<String>>,
    secret: Secret,
    surroundings: Surroundings,
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// There is no secret to sign it with.
    #[error(transparent)]
    NoSecret(Arc<NoSecret>),
    /// It can't be signed with the secret.
    #[error("the secret is not valid: {0}")]
    Secret(InvalidSigningKeys),
    /// It would be sent to the machine that sends it.
    #[error("the URL leads to this machine, to which only `modulo serve` sends")]
    Here,
    /// It did not arrive, or was not answered.
    #[error("it did not arrive")]
    Unreachable(#[source] PostError),
    /// It was not answered in time.
    #[error("there was no answer in {} s", .0.as_secs())]
    Silent(Duration),
    /// It was answered with another status than those of success.
    #[error("answered {}", .0.status)]
    Refused(Answer),
}

impl Undelivered {
    /// Whether the receiver says that it wants no more (410).
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(answer) if answer.status == 410)
    }
}

impl Receiver {
    /// The one that `webhook` says.
    #[must_use]
    pub fn new(webhook: &Webhook, surroundings: Surroundings) -> Self {
        let members = webhook.fields();
        let members = members.map(|names| names.iter().map(ToString::to_string).collect());
        Self {
            webhook: webhook.clone(),
            members,
            secret: Secret::new(webhook.secret().clone()),
            surroundings,
        }
    }

    /// What modules.toml says of it.
    #[must_use]
    pub fn webhook(&self) -> &Webhook {
        &self.webhook
    }

    /// What it is to be told of a change, if anything.
    #[must_use]
    pub fn wanted<'c>(&self, change: &'c Change) -> Option<Cow<'c, Change>> {
        let on = self.webhook.on();
        let is_wanted = match change.kind() {
            Kind::Created => on.contains(&Trigger::Create),
            Kind::Updated => on.contains(&Trigger::Update),
            Kind::Deleted => on.contains(&Trigger::Delete),
            Kind::Expired => on.contains(&Trigger::Delete) || on.contains(&Trigger::Expire),
        };
        match (&self.members, is_wanted) {
            (_, false) => None,
            (None, true) => Some(Cow::Borrowed(change)),
            (Some(members), true) => change.of_members(members).map(Cow::Owned),
        }
    }

    /// Sends an event once.
    ///
    /// # Errors
    /// It was not accepted.
    pub async fn send(&self, id: &str, event: String) -> Result<Answer, Undelivered> {
        let url = self.webhook.url();
        if url.is_here() && self.surroundings == Surroundings::Function {
            return Err(Undelivered::Here);
        }
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let timestamp = since_1970.unwrap_or_default().as_secs();
        let signed = self.secret.with(|secret| {
            let text = str::from_utf8(secret).map_err(|_| InvalidSigningKeys)?;
            let keys = text.parse::<SigningKeys>()?;
            Ok(signatures(&keys, id, timestamp, &event))
        });
        let signed = signed.await.map_err(Undelivered::NoSecret)?;
        let signed = signed.map_err(Undelivered::Secret)?;
        let timestamp = timestamp.to_string();
        let headers = [
            ("content-type", MEDIA_TYPE),
            ("webhook-id", id),
            ("webhook-timestamp", &*timestamp),
            ("webhook-signature", &*signed),
        ];
        let answer = match timeout(TIME_LIMIT, post(&self.webhook, &headers, event)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Undelivered::Unreachable(error)),
            Err(_) => return Err(Undelivered::Silent(TIME_LIMIT)),
        };
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(Undelivered::Refused(answer))
        }
    }
}

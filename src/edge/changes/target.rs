//! Those who are told of changes: webhooks, and where in AWS a module's events are sent.

use std::borrow::Cow;
use std::fmt;

use crate::aws::outlet::{Event, NotTaken, Outlet};
use crate::change::Change;
use crate::module::{Module, queue};
use crate::telemetry::chain::Chain;
use crate::webhooks::{Receiver, Surroundings};

/// One who is told.
pub(super) enum Target {
    Webhook(Receiver),
    Events(Outlet),
}

/// Why an event was not accepted, in words.
pub(super) enum NotAccepted {
    /// It can be accepted later.
    Now(String),
    /// Nobody wants it.
    Unwanted(String),
    /// It never will be, though it is wanted.
    Ever(String),
}

impl Target {
    /// Those whom a module tells, each with what its queue is named after.
    pub(super) fn of(
        module: &Module,
        surroundings: Surroundings,
    ) -> impl Iterator<Item = (String, Self)> {
        let webhooks = module.webhooks().iter().map(move |webhook| {
            let receiver = Receiver::new(webhook, surroundings);
            (webhook.url().to_string(), Self::Webhook(receiver))
        });
        let events = module.events().map(|destination| {
            let outlet = Outlet::new(destination.clone());
            (queue::EVENTS.to_owned(), Self::Events(outlet))
        });
        webhooks.chain(events)
    }

    /// What it is to be told of a change, if anything.
    pub(super) fn wanted<'c>(&self, change: &'c Change) -> Option<Cow<'c, Change>> {
        match self {
            Self::Webhook(receiver) => receiver.wanted(change),
            Self::Events(_) => Some(Cow::Borrowed(change)),
        }
    }

    /// Sends an event once. Gives back the status of an answer that has one.
    pub(super) async fn send(&self, event: Event<'_>) -> Result<Option<u16>, NotAccepted> {
        match self {
            Self::Webhook(receiver) => {
                let answer = receiver.send(event.id, event.body.to_owned()).await;
                let answer = answer.map_err(|error| {
                    let why = Chain(&error).to_string();
                    if error.is_final() {
                        NotAccepted::Unwanted(why)
                    } else {
                        NotAccepted::Now(why)
                    }
                });
                answer.map(|answer| Some(answer.status))
            }
            Self::Events(outlet) => match outlet.send(event).await {
                Ok(()) => Ok(None),
                Err(NotTaken::Now(why)) => Err(NotAccepted::Now(why.to_string())),
                Err(error @ NotTaken::Ever(_)) => Err(NotAccepted::Ever(error.to_string())),
            },
        }
    }
}

/// Names it; of a URL, whose path may be a secret, only the origin.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(receiver) => f.write_str(&receiver.webhook().url().origin()),
            Self::Events(outlet) => outlet.destination().fmt(f),
        }
    }
}

//! The modules' webhooks, told of what is written to the embedded engine.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use self::delivery::Delivery;
use super::readers::{Readers, Reads};
use super::terminal::say;
use crate::change::Source;
use crate::config::Config;
use crate::local::{StreamError, Streams};
use crate::module::Module;
use crate::module::webhook::Webhook;

mod delivery;

/// What sends to them.
#[derive(Debug)]
pub(super) struct Webhooks(Readers<Recipient>);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
struct Recipient {
    module: Arc<Module>,
    webhook: Webhook,
}

impl Reads for Recipient {
    const FILE: &str = "webhooks.json";
    const IDLE: &str = "Webhooks are not called";
    const LOST: &str = "some changes are no longer there to be sent";
    const ENDED: &str = "it is not called any more";

    fn name(&self) -> String {
        format!("{} {}", self.module.name(), self.webhook.url())
    }

    fn module(&self) -> &Module {
        &self.module
    }

    fn warn(&self, what: impl Display) {
        eprintln!("{}", self.line(what));
    }
}

impl Recipient {
    /// Says something that is no fault.
    fn report(&self, what: impl Display) {
        say(&format!("{}\n", self.line(what)));
    }

    /// Names it; of its URL, whose path may be a secret, only the origin.
    fn line(&self, what: impl Display) -> String {
        let origin = self.webhook.url().origin();
        format!("webhook of {} to {origin}: {what}", self.module.name())
    }
}

impl Webhooks {
    /// For changes that are in `streams`; where it is in them, `folder` keeps over a restart.
    pub(super) fn new(streams: Option<Streams>, folder: Option<&Path>) -> io::Result<Self> {
        Readers::open(streams, folder).map(Self)
    }

    /// Sends to the webhooks of `config` from now on, and to no others. What did not change goes on.
    pub(super) async fn run(&mut self, config: &Config) -> Result<(), StreamError> {
        let recipients = config.modules.iter().flat_map(|module| {
            let webhooks = module.webhooks().iter().cloned();
            webhooks.map(|webhook| Recipient {
                module: Arc::clone(module),
                webhook,
            })
        });
        let service = &config.service;
        let send = |recipient: Recipient, reading| {
            let source = Source::new(&service.name, &service.stage, recipient.module.name());
            Delivery::new(recipient, source, reading).run()
        };
        self.0.run(recipients.collect(), send).await
    }
}

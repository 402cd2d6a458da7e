//! `modulo webhooks send`.

use std::time::Instant;

use anyhow::bail;
use uuid::Uuid;

use crate::change::{Source, test_event};
use crate::edge::serve::say;
use crate::module::name::ModuleName;
use crate::telemetry::chain::Chain;
use crate::tool::arguments::FileArgs;
use crate::webhooks::{Receiver, Surroundings};

/// Send a test event to each webhook of a module, and print what it answers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The module
    #[arg(long, value_name = "NAME")]
    module: ModuleName,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (config, module) = self.file.load_for(&self.module)?;
        let service = config.service;
        let source = Source::new(&service.name, &service.stage, module.name());
        let webhooks = module.webhooks();
        if webhooks.is_empty() {
            bail!("module `{}` has no webhooks", module.name());
        }
        let mut failed = 0;
        for webhook in webhooks {
            let receiver = Receiver::new(webhook, Surroundings::Laptop);
            let id = Uuid::new_v4().simple().to_string();
            let event = test_event(&id, &source, module.name());
            let began = Instant::now();
            let answer = receiver.send(&id, event).await;
            let took = began.elapsed().as_millis();
            let outcome = match answer {
                Ok(answer) => format!("answered {} in {took} ms", answer.status),
                Err(error) => {
                    failed += 1;
                    Chain(&error).to_string()
                }
            };
            say(&format!("{}: {outcome}\n", webhook.url()));
        }
        if failed > 0 {
            bail!(
                "{failed} of {} webhooks did not accept the event",
                webhooks.len()
            );
        }
        Ok(())
    }
}

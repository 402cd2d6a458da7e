//! `modulo webhooks replay`.

use std::collections::HashSet;

use anyhow::{Context, bail};
use futures_util::future::join_all;
use indexmap::IndexMap;

use crate::aws::failure::Failure;
use crate::aws::queues::{Queues, Received};
use crate::edge::serve::say;
use crate::json::content_tag;
use crate::local::account;
use crate::module::name::ModuleName;
use crate::module::queue;
use crate::tool::arguments::{EmulatorArgs, FileArgs};

/// Have the function send again what it has given up
///
/// What could not be sent for a day waits in a queue of dead letters for each webhook, and for the module's
/// events, for 14 days.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    emulator: EmulatorArgs,
    /// The module
    #[arg(long, value_name = "NAME")]
    module: ModuleName,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (config, module) = self.file.load_for(&self.module)?;
        let (service, stage) = (&config.service.name, &config.service.stage);
        if module.webhooks().is_empty() && module.events().is_none() {
            bail!("module `{}` has neither webhooks nor events", module.name());
        }
        let account = account::of(stage, &self.emulator.endpoint_url).await?;
        let queues = Queues::new(&account);
        let webhooks = module.webhooks().iter().map(|webhook| {
            let queue = queue::name(service, stage, module.name(), webhook.url());
            (webhook.url().to_string(), queue)
        });
        let events = module.events().map(|destination| {
            let queue = queue::name(service, stage, module.name(), &queue::EVENTS);
            (destination.to_string(), queue)
        });
        for (to, queue) in webhooks.chain(events) {
            let moved = replay(&queues, &queue).await.with_context(|| {
                format!("{to}: cannot send again; is it deployed in stage `{stage}`?")
            })?;
            let events = if moved == 1 { "event" } else { "events" };
            say(&format!("{to}: {moved} {events} to be sent again\n"));
        }
        Ok(())
    }
}

/// Puts the dead letters of a queue back into it, and says how many there were. Whatever ends this, each of
/// them is in one of the two queues, or in both: then it is sent twice, under one id.
async fn replay(queues: &Queues, queue: &str) -> Result<usize, Failure> {
    let dead = queue::dead_letters(queue);
    let mut moved = HashSet::new();
    loop {
        let mut received = queues.receive(&dead).await?;
        // What is there again was put back, and is once more what can't be sent.
        received.retain(|one| moved.insert(content_tag::of(&one.message.body)));
        if received.is_empty() {
            return Ok(moved.len());
        }
        let mut groups: IndexMap<String, Vec<Received>> = IndexMap::new();
        for one in received {
            groups
                .entry(one.message.group.clone())
                .or_default()
                .push(one);
        }
        let groups = groups.into_values();
        let groups = groups.map(|group| put_back(queues, (&dead, queue), group));
        let results = join_all(groups).await;
        results.into_iter().collect::<Result<(), _>>()?;
    }
}

/// Moves the messages of one item, one after the other, so that they stay in their order.
async fn put_back(
    queues: &Queues,
    (from, to): (&str, &str),
    group: Vec<Received>,
) -> Result<(), Failure> {
    for Received { message, receipt } in group {
        // SQS takes no message for another's duplicate here: the id is not the event's.
        let refused = queues.send(to, &[message]).await?;
        if !refused.is_empty() {
            return Err(Failure(format!("queue `{to}` does not take a message")));
        }
        queues.delete(from, &receipt).await?;
    }
    Ok(())
}

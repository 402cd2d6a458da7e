//! The second Lambda function: it sends the changes of modules to those who are told, and keeps the versions
//! of their items.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a program reads the environment")]

use std::env;
use std::process::ExitCode;

use anyhow::Context;
use modulo::aws::queues::Queues;
use modulo::config::Config;
use modulo::store::Store;
use modulo::{aws, deploy::feature, edge::changes};
use tokio::runtime::Builder;

use self::start::start;

#[path = "function/start.rs"]
mod start;

fn main() -> ExitCode {
    start(feature::check_changes, |config| run(&config))
}

fn run(config: &Config) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(async {
        let settings = aws::of_function(env::vars());
        let (store, queues) = (Store::new(&settings), Queues::new(&settings));
        aws::set_account(settings);
        let running = changes::run(config, store, queues).await;
        running
            .map_err(anyhow::Error::from_boxed)
            .context("cannot serve Lambda's runtime API")
    })
}

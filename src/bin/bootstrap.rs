//! The Lambda function: `modules.toml` from its package, the routes, Lambda's runtime API.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a program reads the environment")]

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use mimalloc::MiMalloc;
use modulo::config::Config;
use modulo::store::Store;
use modulo::{app, aws, deploy::feature, edge::lambda};
use tokio::runtime::{Builder, LocalOptions};

use self::start::{start, variable};

#[path = "function/start.rs"]
mod start;

/// A sixth of a request's time was the C library's allocator: docs/design/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    start(feature::check, run)
}

/// With a thread for each core where Lambda sends several invocations at a time; else with this
/// thread alone, which starts sooner.
fn run(config: Config) -> anyhow::Result<()> {
    #[cfg(feature = "otlp")]
    if let Err(error) = modulo::telemetry::otlp::init(&config.service) {
        tracing::warn!(%error, "there are no traces");
    }
    let concurrency = variable("AWS_LAMBDA_MAX_CONCURRENCY");
    let is_concurrent = concurrency.is_some_and(|number| number.parse().is_ok_and(|n: u32| n > 1));
    let serving = serve(config);
    let served = if is_concurrent {
        let runtime = Builder::new_multi_thread().enable_all().build();
        runtime.context("cannot start")?.block_on(serving)
    } else {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .context("cannot start")?;
        // As a task: what is blocked on costs a poll of the kernel more whenever it is woken.
        runtime.block_on(runtime.spawn_local(serving))?
    };
    served
        .map_err(anyhow::Error::from_boxed)
        .context("cannot serve Lambda's runtime API")
}

async fn serve(config: Config) -> Result<(), lambda_http::Error> {
    let config = Arc::new(config);
    let settings = aws::of_function(env::vars());
    let store = Store::new(&settings);
    aws::set_account(settings);
    lambda::warm_up(&config, &store).await;
    lambda::run(app(&config, &store), config).await
}

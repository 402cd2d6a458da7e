//! The Lambda function: `modules.toml` from its package, the routes, Lambda's runtime API.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use anyhow::Context;
use modulo::config::{self, Config};
use modulo::name::Stage;
use modulo::store::Store;
use modulo::telemetry::{self, Format};
use modulo::{app, aws, feature, lambda};
use tokio::runtime::{Builder, Runtime};

/// How a process ends whose configuration is wrong (`EX_USAGE` of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

fn main() -> ExitCode {
    let config = match load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let rust_log = variable("RUST_LOG");
    telemetry::init(
        Format::Json,
        rust_log.as_deref(),
        &config.service.telemetry.log,
    );
    #[cfg(feature = "otlp")]
    if let Err(error) = telemetry::otlp::init(&config.service) {
        tracing::warn!(%error, "there are no traces");
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(&Arc::new(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve Lambda's runtime API: {error}");
            ExitCode::FAILURE
        }
    }
}

/// With a thread for each core where Lambda sends several invocations at a time; else with this
/// thread alone, which starts sooner.
fn runtime() -> io::Result<Runtime> {
    let concurrency = variable("AWS_LAMBDA_MAX_CONCURRENCY");
    let is_concurrent = concurrency.is_some_and(|number| number.parse().is_ok_and(|n: u32| n > 1));
    let mut builder = if is_concurrent {
        Builder::new_multi_thread()
    } else {
        Builder::new_current_thread()
    };
    builder.enable_all().build()
}

async fn serve(config: &Arc<Config>) -> Result<(), lambda_http::Error> {
    let settings = aws::of_function(env::vars());
    let store = Store::new(&settings);
    aws::set_account(settings);
    lambda::warm_up(config, &store).await;
    lambda::run(app(config, &store)).await
}

fn load() -> anyhow::Result<Config> {
    let stage = match variable("MODULO_STAGE") {
        Some(stage) => stage
            .parse::<Stage>()
            .with_context(|| format!("MODULO_STAGE is `{stage}`"))?,
        None => Stage::default(),
    };
    // An emulator's task root is any folder.
    let root = variable("LAMBDA_TASK_ROOT").map_or_else(PathBuf::new, PathBuf::from);
    let config = config::load(&root.join(config::FILE_NAME), &stage, env::vars())?;
    feature::check(&config)?;
    Ok(config)
}

/// A variable's value; an empty one is as good as none.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

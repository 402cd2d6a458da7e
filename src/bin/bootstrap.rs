//! The Lambda function: `modules.toml` from its package, the routes, Lambda's runtime API.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use modulo::config::{self, Config};
use modulo::name::Stage;
use modulo::store::Store;
use modulo::telemetry::{self, Format};
use modulo::{app, lambda};

/// How a process ends whose configuration is wrong (`EX_USAGE` of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = match load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let rust_log = variable("RUST_LOG");
    telemetry::init(Format::Json, rust_log.as_deref(), &config.service.log);
    let store = Store::new(&aws_config::load_from_env().await);
    match lambda::run(app(&config.into(), &store)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve Lambda's runtime API: {error}");
            ExitCode::FAILURE
        }
    }
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
    Ok(config::load(
        &root.join(config::FILE_NAME),
        &stage,
        std::env::vars(),
    )?)
}

/// A variable's value; an empty one is as good as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

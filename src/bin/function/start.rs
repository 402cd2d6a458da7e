//! How both functions start and end.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use modulo::config::{self, Config};
use modulo::deploy::feature::MissingFeatures;
use modulo::module::name::Stage;
use modulo::telemetry::{self, Format};

/// How a process ends whose configuration is wrong (`EX_USAGE` of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

/// Runs a function by the `modules.toml` of its package, of which `check` makes sure that the program can
/// do what it says.
pub(crate) fn start(
    check: impl FnOnce(&Config) -> Result<(), MissingFeatures>,
    run: impl FnOnce(Config) -> anyhow::Result<()>,
) -> ExitCode {
    let config = match load(check) {
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
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn load(check: impl FnOnce(&Config) -> Result<(), MissingFeatures>) -> anyhow::Result<Config> {
    let stage = match variable("MODULO_STAGE") {
        Some(stage) => stage
            .parse::<Stage>()
            .with_context(|| format!("MODULO_STAGE is `{stage}`"))?,
        None => Stage::default(),
    };
    // An emulator's task root is any folder.
    let root = variable("LAMBDA_TASK_ROOT").map_or_else(PathBuf::new, PathBuf::from);
    let config = config::load(&root.join(config::FILE_NAME), &stage, env::vars())?;
    check(&config)?;
    Ok(config)
}

/// A variable's value; an empty one is as good as none.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

//! `modulo`, the tool for a laptop: its commands are in `modulo::tool`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use modulo::config::ConfigError;
use modulo::tool::{
    adopt, check, compare, console, dashboard, export, import, key, new, openapi, package, plan,
    resources, routes, schema, serve,
};

/// As the function has it, in an older version.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How a process ends whose configuration is wrong (`EX_USAGE` of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

/// REST collections on AWS Lambda and DynamoDB from one file, modules.toml.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

/// In the order in which `--help` lists them.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Console(console::Args),
    Check(check::Args),
    Schema(schema::Args),
    Routes(routes::Args),
    Key(key::Args),
    Resources(resources::Args),
    Dashboard(dashboard::Args),
    Plan(plan::Args),
    Openapi(openapi::Args),
    Package(package::Args),
    New(new::Args),
    Adopt(adopt::Args),
    Compare(compare::Args),
    Export(export::Args),
    Import(import::Args),
}

impl Command {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(args) => args.run(),
            Self::Console(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Schema(args) => args.run(),
            Self::Routes(args) => args.run(),
            Self::Key(args) => args.run(),
            Self::Resources(args) => args.run(),
            Self::Dashboard(args) => args.run(),
            Self::Plan(args) => args.run(),
            Self::Openapi(args) => args.run(),
            Self::Package(args) => args.run(),
            Self::New(args) => args.run(),
            Self::Adopt(args) => args.run(),
            Self::Compare(args) => args.run(),
            Self::Export(args) => args.run(),
            Self::Import(args) => args.run(),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            if error.is::<ConfigError>() {
                ExitCode::from(BAD_CONFIGURATION)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

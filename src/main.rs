//! `modulo`, the tool for a laptop: its commands are in `modulo::tool`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use mimalloc::MiMalloc;
use modulo::aws::credentials;
use modulo::config::ConfigError;
use modulo::tool::{
    adopt, check, compare, completions, console, dashboard, export, health, import, init, key, man,
    new, openapi, package, plan, resources, routes, schema, serve, template, webhooks,
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
    Init(init::Args),
    Serve(serve::Args),
    Console(console::Args),
    Check(check::Args),
    Schema(schema::Args),
    Routes(routes::Args),
    Key(key::Args),
    Resources(resources::Args),
    Dashboard(dashboard::Args),
    Template(template::Args),
    Plan(plan::Args),
    Openapi(openapi::Args),
    Package(package::Args),
    New(new::Args),
    Adopt(adopt::Args),
    Compare(compare::Args),
    Export(export::Args),
    Import(import::Args),
    Webhooks(webhooks::Args),
    Health(health::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Init(args) => args.run(),
            Self::Serve(args) => args.run(),
            Self::Console(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Schema(args) => args.run(),
            Self::Routes(args) => args.run(),
            Self::Key(args) => args.run(),
            Self::Resources(args) => args.run(),
            Self::Dashboard(args) => args.run(),
            Self::Template(args) => args.run(),
            Self::Plan(args) => args.run(),
            Self::Openapi(args) => args.run(),
            Self::Package(args) => args.run(),
            Self::New(args) => args.run(),
            Self::Adopt(args) => args.run(),
            Self::Compare(args) => args.run(),
            Self::Export(args) => args.run(),
            Self::Import(args) => args.run(),
            Self::Webhooks(args) => args.run(),
            Self::Health(args) => args.run(),
            Self::Completions(args) => args.run(Cli::command()),
            Self::Man(args) => args.run(Cli::command()),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("{error:#}");
            eprintln!("{message}");
            if let Some(help) = credentials::help(&message) {
                eprintln!("  help: {help}");
            }
            let Some(error) = error.downcast_ref::<ConfigError>() else {
                return ExitCode::FAILURE;
            };
            if let Some(help) = init::help(error) {
                eprintln!("  help: {help}");
            }
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

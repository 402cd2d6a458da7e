//! `modulo`, the tool: its arguments become calls of the library.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use modulo::config::{self, Config, ConfigError};
use modulo::local::Data;
use modulo::name::Stage;
use modulo::routes;
use modulo::serve::{self, Backend, Options};
use modulo::telemetry::{self, Format};

/// How a process ends whose configuration is wrong (`EX_CONFIG` of sysexits.h).
const BAD_CONFIGURATION: u8 = 78;

/// REST collections on AWS Lambda and DynamoDB from one file, modules.toml.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the modules on this machine (what `modulo` alone does)
    Serve(ServeArgs),
    /// Print everything that is wrong with modules.toml
    Check(FileArgs),
    /// Print the routes that modules.toml mounts
    Routes(FileArgs),
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = config::FILE_NAME)]
    file: PathBuf,
    /// The stage, a part of the tables' names
    #[arg(long, env = "MODULO_STAGE", default_value = Stage::LOCAL)]
    stage: Stage,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: SocketAddr,
    /// The folder of the embedded DynamoDB
    #[arg(long, value_name = "FOLDER", default_value = ".modulo")]
    data_dir: PathBuf,
    /// Keep the embedded DynamoDB in memory only
    #[arg(long, conflicts_with = "data_dir")]
    memory: bool,
    /// Use the DynamoDB at this URL, such as LocalStack's
    #[arg(
        long,
        value_name = "URL",
        env = "AWS_ENDPOINT_URL",
        conflicts_with = "memory"
    )]
    endpoint_url: Option<String>,
    /// Use DynamoDB in AWS, with this machine's credentials
    #[arg(long, conflicts_with_all = ["memory", "data_dir"])]
    aws: bool,
}

impl FileArgs {
    fn load(&self) -> Result<Config, ConfigError> {
        config::load(&self.file, &self.stage, std::env::vars())
    }
}

impl From<ServeArgs> for Options {
    fn from(args: ServeArgs) -> Self {
        let backend = match args {
            ServeArgs { aws: true, .. } => Backend::Aws,
            ServeArgs {
                endpoint_url: Some(url),
                ..
            } => Backend::Endpoint(url),
            ServeArgs { memory: true, .. } => Backend::Embedded(Data::Memory),
            ServeArgs { data_dir, .. } => Backend::Embedded(Data::Folder(data_dir)),
        };
        Self {
            address: args.addr,
            file: args.file.file,
            stage: args.file.stage,
            environment: std::env::vars().collect(),
            backend,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command.unwrap_or(Command::Serve(cli.serve))) {
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

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => {
            let colour = std::io::stdout().is_terminal();
            telemetry::init(
                Format::Text { colour },
                std::env::var("RUST_LOG").ok().as_deref(),
            );
            tokio::runtime::Runtime::new()?.block_on(serve::serve(args.into()))
        }
        Command::Check(args) => {
            let config = args.load()?;
            let modules = config.modules.iter().len();
            let plural = if modules == 1 { "" } else { "s" };
            println!(
                "{}: {modules} module{plural}, no errors",
                args.file.display()
            );
            Ok(())
        }
        Command::Routes(args) => {
            print!("{}", routes::table(&args.load()?.modules));
            Ok(())
        }
    }
}

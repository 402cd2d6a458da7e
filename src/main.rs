//! `modulo`, the tool: its arguments become calls of the library.

#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use axum::http::Uri;
use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;
use modulo::access::NewKey;
use modulo::config::{self, Config, ConfigError};
use modulo::deploy::generate::{Dashboard, Deployment};
use modulo::deploy::package::{self, Written};
use modulo::deploy::plan::{Description, Plan};
use modulo::edge::serve::{self, HostName, InvalidHostName, Limits, Options, say};
use modulo::local::Data;
use modulo::module::base_path::BasePath;
use modulo::module::name::{InvalidName, KeyAttribute, KeyName, ModuleName, Stage};
use modulo::openapi;
use modulo::tool::backend::Backend;
use modulo::tool::routes;
use modulo::tool::scaffold;
use modulo::tool::schema;
use modulo::tool::transfer::{self, Input, Output};

/// As the function has it, in an older version.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How a process ends whose configuration is wrong (`EX_USAGE` of sysexits.h).
const BAD_CONFIGURATION: u8 = 64;

/// How many threads `serve` has for what blocks: two for long work, two for the embedded engine. Each
/// more keeps freed memory of its own.
const BLOCKING_THREADS: usize = 4;

/// Where the embedded DynamoDB keeps its data, where nothing else is said.
const DATA_FOLDER: &str = ".modulo";

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
    /// Print the JSON Schema of modules.toml, for editors
    Schema,
    /// Print the routes that modules.toml mounts
    Routes(FileArgs),
    /// Make a new API key, and print it with the line that modules.toml needs
    Key(KeyArgs),
    /// Print what a deployment needs, as JSON: the service's name, tables, permissions
    Resources(ResourcesArgs),
    /// Print a CloudWatch dashboard, and alarms, as a template of CloudFormation
    Dashboard(DashboardArgs),
    /// Tell what a deployment would change for data and for clients
    Plan(PlanArgs),
    /// Print the API's description, an OpenAPI 3.1 document
    Openapi(OpenapiArgs),
    /// Put the function's binary, modules.toml and the files it names together in a zip
    Package(PackageArgs),
    /// Add a module to modules.toml
    New(NewArgs),
    /// Write all items of a module as JSON Lines, one item a line
    ///
    /// An export into a file that was interrupted goes on where it stopped, when it is asked for
    /// again. It is no snapshot: an item that is written meanwhile may be in it or not.
    Export(ExportArgs),
    /// Store the items of a JSON Lines file, such as an export
    ///
    /// An item takes the place of the one of its id. The whole file is checked first, and nothing
    /// is stored if a line is wrong. An import of a file that was interrupted goes on where it
    /// stopped, when it is asked for again.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// Whose key it will be
    name: KeyName,
}

#[derive(Debug, Args)]
struct ResourcesArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Print nothing, but fail if FILE is not what would be printed
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct DashboardArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The SNS topic that the alarms tell
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
}

#[derive(Debug, Args)]
struct PlanArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Compare with this modules.toml rather than with what is deployed
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// End well although data or clients break
    #[arg(long)]
    accept_breaking: bool,
    /// Count the dashboard that --param dashboard=true deploys
    #[arg(long)]
    dashboard: bool,
    /// The SNS topic that its alarms tell
    #[arg(long, value_name = "ARN", requires = "dashboard")]
    topic: Option<String>,
    /// The variables that the function will have in its environment, by name
    ///
    /// Each that a guard reads and that is not among them is told of as breaking. Without this
    /// option, those of the last deployment are taken for what it will have.
    #[arg(
        long,
        value_name = "NAME,NAME",
        value_delimiter = ',',
        conflicts_with = "against"
    )]
    variables: Option<Vec<String>>,
    /// The emulator of stage `local`
    #[arg(
        long,
        value_name = "URL",
        env = "AWS_ENDPOINT_URL",
        default_value = "http://127.0.0.1:4566"
    )]
    endpoint_url: String,
}

#[derive(Debug, Args)]
struct OpenapiArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The URL that the document gives the API, in place of `service.base_path` or of the folder that the document is in
    #[arg(long, value_name = "URL", value_parser = url)]
    server: Option<String>,
}

#[derive(Debug, Args)]
struct PackageArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The `bootstrap` binary built for Lambda, or a zip that has it
    #[arg(long, value_name = "FILE")]
    bootstrap: PathBuf,
    /// The zip to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct NewArgs {
    /// The module's name, the first part of its paths
    name: ModuleName,
    /// The table's partition key attribute [default: NAME and `Id`]
    #[arg(long, value_name = "ATTRIBUTE")]
    key: Option<KeyAttribute>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    transfer: TransferArgs,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    transfer: TransferArgs,
    /// The file to read; `-` is standard input
    #[arg(value_name = "LINES")]
    input: PathBuf,
}

#[derive(Debug, Args)]
struct TransferArgs {
    /// The module
    module: ModuleName,
    /// Begin anew, even if an earlier run was interrupted
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The configuration
    #[arg(long, visible_alias = "modules", value_name = "FILE", default_value = config::FILE_NAME)]
    file: PathBuf,
    /// The stage, a part of the tables' names
    #[arg(long, env = "MODULO_STAGE", default_value = Stage::LOCAL, value_parser = stage)]
    stage: Stage,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    addr: String,
    /// A name by which clients may ask, beside localhost; repeat it for more, `*` is any
    ///
    /// A request's `Host` has to be localhost, a loopback address, or such a name, so that no web
    /// page can reach this server by a name of its own (DNS rebinding). Where --addr is no loopback
    /// address, any IP address is good, too.
    #[arg(
        long = "host",
        value_name = "NAME",
        env = "MODULO_HOSTS",
        value_delimiter = ',',
        value_parser = host
    )]
    hosts: Vec<Option<HostName>>,
    #[command(flatten)]
    backend: BackendArgs,
    /// Keep the embedded DynamoDB in memory only
    #[arg(long, group = "backend")]
    memory: bool,
    /// Open the embedded DynamoDB to this machine's programs, such as aws-cli, without credentials
    #[arg(
        long,
        value_name = "HOST:PORT",
        conflicts_with_all = ["endpoint_url", "aws"],
        value_parser = loopback
    )]
    dynamodb_addr: Option<SocketAddr>,
}

/// Where the tables are: at most one of these.
#[derive(Debug, Args)]
struct BackendArgs {
    /// The folder of the embedded DynamoDB [default: .modulo]
    #[arg(long, value_name = "FOLDER", group = "backend")]
    data_dir: Option<PathBuf>,
    /// Use the DynamoDB at this URL, such as LocalStack's [default: `AWS_ENDPOINT_URL`, if set]
    #[arg(long, value_name = "URL", group = "backend", value_parser = url)]
    endpoint_url: Option<String>,
    /// Use DynamoDB in AWS, with this machine's region and credentials
    #[arg(long, group = "backend")]
    aws: bool,
}

/// Whether the environment has that variable, and it is not empty.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// As the environment has it, an empty text is none.
fn stage(text: &str) -> Result<Stage, InvalidName> {
    if text.is_empty() {
        Ok(Stage::default())
    } else {
        text.parse()
    }
}

/// As the environment has it, an empty text is none.
fn host(text: &str) -> Result<Option<HostName>, InvalidHostName> {
    if text.is_empty() {
        Ok(None)
    } else {
        text.parse().map(Some)
    }
}

fn url(text: &str) -> Result<String, String> {
    let is_url = text.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
    });
    if is_url {
        Ok(text.to_owned())
    } else {
        Err("it is no URL such as http://127.0.0.1:4566".to_owned())
    }
}

/// An address that only this machine reaches: the embedded DynamoDB asks for no credentials.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .ok()
            .map(|port| (Ipv4Addr::LOCALHOST, port).into()),
        None => text.parse().ok(),
    };
    let address: SocketAddr = address.ok_or("not a valid address, such as 127.0.0.1:8000")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "other machines could read and write all tables at {}, since no credentials are \
             checked; use 127.0.0.1:{}",
            address.ip(),
            address.port()
        ))
    }
}

impl FileArgs {
    fn load(&self) -> Result<Config, ConfigError> {
        config::check(&self.file, &self.stage, std::env::vars())
    }
}

impl BackendArgs {
    fn backend(&self) -> anyhow::Result<Backend> {
        if self.aws {
            return Ok(Backend::Aws);
        }
        if let Some(folder) = &self.data_dir {
            return Ok(Backend::Embedded(Data::Folder(folder.clone())));
        }
        if let Some(endpoint) = &self.endpoint_url {
            return Ok(Backend::Endpoint(endpoint.clone()));
        }
        match std::env::var("AWS_ENDPOINT_URL") {
            Ok(endpoint) if !endpoint.is_empty() => {
                let endpoint = url(&endpoint).map_err(|invalid| {
                    anyhow::anyhow!("AWS_ENDPOINT_URL is `{endpoint}`: {invalid}")
                })?;
                Ok(Backend::Endpoint(endpoint))
            }
            _ => Ok(Backend::Embedded(Data::Folder(PathBuf::from(DATA_FOLDER)))),
        }
    }
}

impl ServeArgs {
    fn into_options(self) -> anyhow::Result<Options> {
        let backend = if self.memory {
            Backend::Embedded(Data::Memory)
        } else {
            self.backend.backend()?
        };
        Ok(Options {
            backend,
            dynamodb_address: self.dynamodb_addr,
            colour: std::io::stdout().is_terminal() && !is_set("NO_COLOR"),
            rust_log: std::env::var("RUST_LOG").ok(),
            address: self.addr,
            hosts: self.hosts.into_iter().flatten().collect(),
            limits: Limits::for_this_process(),
            file: self.file.file,
            stage: self.file.stage,
            environment: std::env::vars().collect(),
        })
    }
}

impl TransferArgs {
    fn into_options(self) -> anyhow::Result<transfer::Options> {
        Ok(transfer::Options {
            module: self.module,
            backend: self.backend.backend()?,
            file: self.file.file,
            stage: self.file.stage,
            environment: std::env::vars().collect(),
            restart: self.restart,
        })
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
            // Each thread keeps memory that it has freed. These do what blocks: the embedded engine's
            // operations, and work on large documents.
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.enable_all().max_blocking_threads(BLOCKING_THREADS);
            runtime
                .build()?
                .block_on(serve::serve(args.into_options()?))
        }
        Command::Check(args) => {
            let config = args.load()?;
            let modules = config.modules.iter().len();
            let plural = if modules == 1 { "" } else { "s" };
            say(&format!(
                "{}: {modules} module{plural}, no errors\n{}",
                args.file.display(),
                routes::notes(&config.modules).unwrap_or_default()
            ));
            Ok(())
        }
        Command::Schema => {
            schema::run();
            Ok(())
        }
        Command::Routes(args) => {
            say(&routes::table(&args.load()?));
            Ok(())
        }
        Command::Key(KeyArgs { name }) => {
            let key = NewKey::random();
            say(&format!(
                "The key, for its owner alone; it is kept nowhere:\n\n  {}\n\n\
                 What [access.NAME] in modules.toml needs, among `keys`:\n\n  \
                 {{ name = \"{name}\", hash = \"{}\", scopes = [] }}\n",
                key.as_str(),
                key.hash()
            ));
            Ok(())
        }
        Command::Resources(args) => resources(&args),
        Command::Dashboard(args) => {
            let dashboard = Dashboard::new(&args.file.load()?, args.topic.as_deref())?;
            say(&dashboard.to_json());
            Ok(())
        }
        Command::Plan(args) => plan(&args),
        Command::Openapi(args) => {
            let config = args.file.load()?;
            let about = &config.service.about;
            let base_path = config.service.base_path.as_ref().map(BasePath::as_str);
            let base_path = base_path.filter(|_| about.servers.is_empty());
            let server = args.server.as_deref().or(base_path);
            let document = openapi::document(&config, server, usize::MAX)?;
            let document: serde_json::Value = serde_json::from_str(&document)?;
            say(&format!("{document:#}\n"));
            Ok(())
        }
        Command::Package(args) => {
            let config = args.file.load()?;
            let written = package::write(&args.bootstrap, &args.file.file, &config, &args.output)?;
            let unchanged = if written == Written::Unchanged {
                ": unchanged"
            } else {
                ""
            };
            say(&format!("{}{unchanged}\n", args.output.display()));
            Ok(())
        }
        Command::New(args) => new(args),
        Command::Export(args) => {
            let output = match args.output {
                Some(path) if path != Path::new("-") => Output::File {
                    path,
                    force: args.force,
                },
                _ => Output::Stdout,
            };
            let options = args.transfer.into_options()?;
            tokio::runtime::Runtime::new()?.block_on(transfer::export(&options, &output))
        }
        Command::Import(args) => {
            let input = if args.input == Path::new("-") {
                Input::Stdin
            } else {
                Input::File(args.input)
            };
            let options = args.transfer.into_options()?;
            tokio::runtime::Runtime::new()?.block_on(transfer::import(&options, &input))
        }
    }
}

fn new(args: NewArgs) -> anyhow::Result<()> {
    let added = scaffold::add(&scaffold::Options {
        name: args.name.clone(),
        key: args.key,
        file: args.file.file.clone(),
        stage: args.file.stage,
        environment: std::env::vars().collect(),
    })?;
    let (file, name) = (args.file.file.display(), args.name);
    say(&format!(
        "added to {file}:\n\n{}\nA running `modulo serve` mounts it at /{name} at once. A \
         deployment makes its table in AWS.\n",
        added.block
    ));
    Ok(())
}

fn resources(args: &ResourcesArgs) -> anyhow::Result<()> {
    let deployment = Deployment::new(&args.file.load()?, &args.file.stage)?;
    let Some(file) = &args.check else {
        say(&deployment.to_json());
        return Ok(());
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    if let Some(drift) = deployment.drift_of(&text) {
        let (file, stage) = (file.display(), &args.file.stage);
        bail!(
            "`{file}` is not what {} asks for; mend it with `modulo resources --stage {stage} > \
             {file}`\n{drift}",
            args.file.file.display()
        );
    }
    Ok(())
}

fn plan(args: &PlanArgs) -> anyhow::Result<()> {
    let FileArgs { file, stage } = &args.file;
    let wanted = args.file.load()?;
    let mut plan = if let Some(file) = &args.against {
        let config = config::check(file, stage, std::env::vars())?;
        Plan::new(&Description::of(&config)?, &Description::of(&wanted)?)
    } else {
        let call = Plan::of_stage(
            &wanted,
            stage,
            &args.endpoint_url,
            args.variables.as_deref(),
        );
        tokio::runtime::Runtime::new()?.block_on(call)?
    };
    let dashboard = args
        .dashboard
        .then(|| Dashboard::new(&wanted, args.topic.as_deref()))
        .transpose()?;
    let deployment = Deployment::new(&wanted, stage)?;
    plan.add_limits(&deployment, dashboard.as_ref(), stage);
    say(&format!("{plan}\n"));
    if plan.is_impossible() {
        bail!("the deployment would fail; mend what is marked FAILS first");
    }
    if plan.is_breaking() && !args.accept_breaking {
        bail!(
            "{} breaks data or clients; take the edits back, or say with --accept-breaking that \
             they are meant",
            file.display()
        );
    }
    Ok(())
}

//! `modulo serve`, and `modulo` alone.

use std::io::IsTerminal;
use std::net::SocketAddr;

use anyhow::bail;
use clap::builder::{StringValueParser, TypedValueParser};

use super::arguments::{BackendArgs, FileArgs, socket_address};
use super::environment;
use crate::edge::serve::{self, HostName, InvalidHostName, Limits, Options};
use crate::local::Data;
use crate::local::backend::Backend;

/// How many threads there are for what blocks: two for work on large documents, two for the
/// embedded engine. Each one more would keep freed memory of its own.
const BLOCKING_THREADS: usize = 4;

/// Where it listens if it is not told, and the variable that tells it.
pub(super) const ADDRESS: &str = "127.0.0.1:3000";
pub(super) const ADDRESS_VARIABLE: &str = "MODULO_ADDR";

/// Serve the modules on this machine (what `modulo` alone does)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// The address to listen on
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = ADDRESS_VARIABLE,
        default_value = ADDRESS,
        value_parser = StringValueParser::new().map(or_default)
    )]
    addr: String,
    /// A host name that clients may use besides localhost; repeat it for more, `*` allows any
    ///
    /// The `Host` of a request must be localhost, a loopback address, or one of these names.
    /// Otherwise a web page could reach this server under a name of its own (DNS rebinding). If
    /// --addr is not a loopback address, any IP address is allowed too.
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
    /// Answer writes before they are on the disk: faster, but a cut of power can lose the last of them
    #[arg(long, conflicts_with_all = ["endpoint_url", "aws", "memory"])]
    relaxed: bool,
    /// Open the embedded DynamoDB to other programs on this machine, such as aws-cli, without credentials
    #[arg(
        long,
        value_name = "HOST:PORT",
        conflicts_with_all = ["endpoint_url", "aws"],
        value_parser = loopback
    )]
    dynamodb_addr: Option<SocketAddr>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.enable_all().max_blocking_threads(BLOCKING_THREADS);
        runtime
            .build()?
            .block_on(serve::serve(self.into_options()?))
    }

    fn into_options(self) -> anyhow::Result<Options> {
        let backend = if self.memory {
            Backend::Embedded(Data::Memory)
        } else {
            self.backend.backend()?
        };
        let backend = match backend {
            Backend::Embedded(Data::Folder(folder)) if self.relaxed => {
                Backend::Embedded(Data::Relaxed(folder))
            }
            Backend::Endpoint(url) if self.relaxed => {
                bail!(
                    "--relaxed is for the embedded DynamoDB, and AWS_ENDPOINT_URL is `{url}`; unset it"
                )
            }
            backend => backend,
        };
        let no_colour = environment::variable("NO_COLOR").is_some();
        Ok(Options {
            backend,
            dynamodb_address: self.dynamodb_addr,
            colour: std::io::stdout().is_terminal() && !no_colour,
            rust_log: environment::variable("RUST_LOG"),
            address: self.addr,
            hosts: self.hosts.into_iter().flatten().collect(),
            limits: Limits::for_this_process(),
            file: self.file.file,
            stage: self.file.stage,
            environment: environment::all().collect(),
        })
    }
}

/// An empty text, which is what an empty variable gives, is the default.
fn or_default(address: String) -> String {
    if address.is_empty() {
        ADDRESS.to_owned()
    } else {
        address
    }
}

/// An empty text, which is what an empty variable gives, is no name.
fn host(text: &str) -> Result<Option<HostName>, InvalidHostName> {
    if text.is_empty() {
        Ok(None)
    } else {
        text.parse().map(Some)
    }
}

/// An address that only this machine reaches: the embedded DynamoDB asks for no credentials.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = socket_address(text).ok_or("not a valid address, such as 127.0.0.1:8000")?;
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

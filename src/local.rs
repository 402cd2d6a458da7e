//! DynamoDB on a laptop: an embedded engine, and the modules' tables in it.

use std::net::SocketAddr;
use std::path::PathBuf;

pub use self::engine::{Data, Embedded, Engine};
pub use self::folder::settings_of_other;
pub use self::settings::settings;
pub(crate) use self::streams::{Position, Reader, Stream, StreamError, Streams};
pub(crate) use self::tables::{Found, Ownership};
pub use self::tables::{TableError, create_tables};

pub(crate) mod account;
pub mod backend;
mod batch;
mod body;
mod connector;
mod engine;
mod folder;
mod http;
mod later;
mod log;
mod operation;
mod records;
mod runner;
mod settings;
mod socket;
mod streams;
mod tables;

/// Why there is no local DynamoDB.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder for the data can't be written to.
    #[error("cannot write to `{}`; choose another folder with --data-dir, or none with --memory", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process uses the folder.
    #[error("`{}` is in use by another `modulo`; stop it, or choose another folder with --data-dir", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder can't have a socket.
    #[error(
        "cannot make a Unix socket in `{}`, by which `modulo export` and `modulo import` would reach a running `modulo serve`; choose a folder of another filesystem with --data-dir, or none with --memory",
        folder.display()
    )]
    Socket {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The other process that uses the folder can't be reached.
    #[error("cannot reach the `modulo` that uses `{}`; stop it, or run this command as the user who started it", folder.display())]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The engine can't open the data.
    #[error("cannot open the database `{}`; move it away to start with empty tables: {reason}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// The engine can't listen on a port.
    #[error(
        "cannot listen on {address}; choose another address with --dynamodb-addr, as in --dynamodb-addr 127.0.0.1:8001"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

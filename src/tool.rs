//! The commands of `modulo`: one file each, with its arguments and what it does.
//!
//! A command's help is the documentation of its `Args`.

pub mod adopt;
mod arguments;
pub mod check;
pub mod compare;
pub mod completions;
pub mod console;
pub mod dashboard;
mod environment;
pub mod export;
pub mod health;
pub mod import;
pub mod init;
pub mod key;
pub mod man;
mod modules_file;
pub mod new;
pub mod openapi;
pub mod package;
pub mod plan;
pub mod resources;
pub mod routes;
pub mod schema;
pub mod serve;
mod service_url;
pub mod template;
mod transfer;
pub mod webhooks;

//! REST collections on AWS Lambda and DynamoDB from one file, `modules.toml`.
//!
//! ```text
//! modules.toml ─► config ─► Modules ─► router ─► middleware ─► handler ─► store ─► DynamoDB
//! ```
//!
//! Data flows one way, and no arrow points back: the store knows no HTTP, nothing after
//! [`config::load`] reads the environment, and only [`error`] turns an error into a status.
//!
//! ```
//! use modulo::{config, name::Stage};
//!
//! let text = r#"
//!     [modules.rooms]
//!     key = "roomId"
//! "#;
//! let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), [])?;
//! let rooms = config.modules.iter().next().expect("there is one");
//! assert_eq!(rooms.table().as_str(), "rooms-local");
//! # Ok::<_, config::ConfigError>(())
//! ```

#![forbid(unsafe_code)]

pub mod access;
pub mod answer_limit;
pub mod aws;
#[cfg(feature = "cli")]
pub mod backend;
pub mod base_path;
pub mod batch;
mod byte_order_mark;
mod chain;
pub mod config;
pub mod cors;
pub mod docs;
pub mod envelope;
pub mod error;
mod expiry;
pub mod feature;
#[cfg(feature = "cli")]
mod few;
pub mod file;
#[cfg(feature = "cli")]
pub mod generate;
pub mod handler;
pub mod health;
pub mod idempotency;
pub mod item;
mod json;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod limits;
pub mod list;
mod live;
#[cfg(feature = "cli")]
pub mod local;
pub mod middleware;
pub mod module;
pub mod name;
pub mod openapi;
#[cfg(feature = "cli")]
pub mod package;
pub mod patch;
#[cfg(feature = "cli")]
pub mod plan;
pub mod precondition;
pub mod rate_limit;
pub mod router;
#[cfg(feature = "cli")]
pub mod routes;
#[cfg(feature = "cli")]
pub mod scaffold;
pub mod schema;
#[cfg(feature = "cli")]
pub mod serve;
pub mod storage;
pub mod store;
pub mod telemetry;
pub mod tenant;
pub mod trace;
#[cfg(feature = "cli")]
pub mod transfer;
pub mod trust;
mod work;

use std::sync::Arc;

use config::Config;
use middleware::App;
use store::Store;

/// The whole function: the routes of `config` inside the layers, over `store`.
#[must_use]
pub fn app(config: &Arc<Config>, store: &Store) -> App {
    middleware::stack(
        router::mount(config, store),
        config,
        router::router(config, store),
    )
}

//! REST collections on AWS Lambda and DynamoDB from one file, `modules.toml`.
//!
//! ```text
//! modules.toml ─► config ─► Modules ─► router ─► middleware ─► handler ─► store ─► DynamoDB
//! ```
//!
//! The rooms, from the lowest to the highest: `json`, [`module`], [`aws`], [`access`], [`item`],
//! [`store`], [`change`], [`webhooks`], [`config`], [`api`], [`openapi`], `console`, `local`, [`deploy`],
//! [`edge`], `tool`. Each takes from those before it, and no arrow points back: the store knows no HTTP, nothing after
//! [`config::load`] reads the environment, and only [`api::error`] turns an error into a status. A
//! test, `tests/api/house.rs`, holds this.
//!
//! ```
//! use modulo::{config, module::name::Stage};
//!
//! let text = r#"
//!     [modules.rooms]
//!     key = "roomId"
//! "#;
//! let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), [])?;
//! let rooms = config.modules.iter().next().expect("there is one");
//! assert_eq!(rooms.table().name().as_str(), "rooms-local");
//! # Ok::<_, config::ConfigError>(())
//! ```

#![forbid(unsafe_code)]

pub mod access;
pub mod api;
mod app;
pub mod aws;
pub mod change;
pub mod config;
#[cfg(feature = "cli")]
mod console;
pub mod deploy;
pub mod edge;
pub mod item;
mod json;
#[cfg(feature = "cli")]
pub mod local;
pub mod module;
pub mod openapi;
pub mod store;
pub mod telemetry;
#[cfg(feature = "cli")]
pub mod tool;
pub mod webhooks;

pub use app::app;

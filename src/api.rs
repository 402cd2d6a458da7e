//! A request becomes an answer: routes, layers, handlers, errors, envelopes.

pub mod answer_limit;
pub mod batch;
pub mod envelope;
pub mod error;
pub mod handler;
pub mod health;
pub(crate) mod idempotency;
pub mod invocation;
#[cfg(feature = "cli")]
pub mod listing;
pub(crate) mod location;
pub mod middleware;
pub mod mount;
pub(crate) mod own_path;
pub mod precondition;
pub(crate) mod quoted;
pub mod router;
mod work;

//! A request becomes an answer: routes, layers, handlers, errors, envelopes.

pub mod answer_limit;
pub mod batch;
pub mod envelope;
pub mod error;
pub mod handler;
pub mod health;
pub mod idempotency;
#[cfg(feature = "cli")]
pub mod listing;
pub mod middleware;
pub mod precondition;
pub mod router;
mod work;

//! Changes sent to webhooks, as [Standard Webhooks 1.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
//! has it.
//!
//! Knows what is sent and to whom it may go, and not where changes come from: whoever has them sends
//! each again until it is accepted.

#[cfg(feature = "changes")]
pub(crate) use self::pause::doubled;
pub use self::pause::pause;
pub use self::post::Answer;
pub use self::receiver::{Receiver, Surroundings, Undelivered};

mod pause;
mod post;
mod receiver;
mod signature;

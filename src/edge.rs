//! How requests arrive: as events of Lambda, or at a socket.

#[cfg(feature = "changes")]
pub mod changes;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "cli")]
pub mod serve;

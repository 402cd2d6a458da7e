//! How often something may be done.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many requests of each caller in so much time, all at once if the caller likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests.
    pub requests: NonZeroU32,
    /// In how much time.
    pub per: Duration,
}

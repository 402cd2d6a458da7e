//! How long is waited before something is tried again.

use std::time::Duration;

/// Waits before the attempt after this one: for a random time, of which the longest is `first` and
/// doubles with each attempt, so that those who met do not meet again.
pub(super) async fn pause(first: Duration, attempt: u32) {
    let longest = first * 2_u32.pow(attempt);
    // A version 4 UUID is the randomness that is at hand.
    let share = uuid::Uuid::new_v4().as_bytes()[0];
    tokio::time::sleep(longest * u32::from(share) / u32::from(u8::MAX)).await;
}

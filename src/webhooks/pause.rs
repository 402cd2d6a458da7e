//! How long a webhook is left alone that has not accepted an event.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(1);

/// The pause after so many attempts in vain: each about twice as long as that before it, and none as
/// long as that of another event.
#[must_use]
pub fn pause(attempts: u32) -> Duration {
    doubled(FIRST, LONGEST, attempts).mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// The pause after so many attempts, the first of which is this long, each twice as long as that before
/// it, and none longer than the longest.
pub(crate) fn doubled(first: Duration, longest: Duration, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    (first * 2_u32.pow(doublings)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute() {
        for (attempts, longest) in [(1, 0.5), (2, 1.0), (4, 4.0), (8, 60.0), (u32::MAX, 60.0)] {
            for _ in 0..100 {
                let pause = pause(attempts).as_secs_f64();
                assert!(
                    (longest / 2.0..=longest).contains(&pause),
                    "{attempts}: {pause}"
                );
            }
        }
    }
}

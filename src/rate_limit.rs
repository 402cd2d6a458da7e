//! How often one caller may call a module, as this process alone counts it.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::access::Caller;

/// How many callers are remembered before those are forgotten that have been quiet.
const REMEMBERED: usize = 10_000;

/// So many requests of each caller in so much time, all at once if the caller likes.
pub struct RateLimit {
    requests: NonZeroU32,
    per: Duration,
    limiter: RateLimiter<Counted, HashMapStateStore<Counted>, DefaultClock>,
    forget_at: AtomicUsize,
}

/// The address that a request comes from, as a request extension: where the front door knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    /// One person may be of several tenants.
    Subject {
        tenant: Option<String>,
        subject: String,
    },
    Address(IpAddr),
    /// All of whom nothing is known.
    Others,
}

/// A caller has to wait so long for the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften(pub Duration);

impl RateLimit {
    pub(crate) fn new(requests: NonZeroU32, per: Duration) -> Self {
        // Both are bounded, so that this is some nanoseconds at the least.
        let period = (per / requests.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(period).map(|quota| quota.allow_burst(requests));
        Self {
            requests,
            per,
            limiter: RateLimiter::hashmap(quota.unwrap_or_else(|| Quota::per_second(requests))),
            forget_at: AtomicUsize::new(REMEMBERED),
        }
    }

    /// Counts a request of `caller`, or of whoever is at `address` if the caller has no name.
    ///
    /// # Errors
    /// It is one too many, for now.
    pub fn count(&self, caller: &Caller, address: Option<ClientAddress>) -> Result<(), TooOften> {
        let counted = match (caller.subject(), address) {
            (Some(subject), _) => Counted::Subject {
                tenant: caller.tenant().map(|tenant| tenant.as_str().to_owned()),
                subject: subject.to_owned(),
            },
            (None, Some(ClientAddress(address))) => Counted::Address(address),
            (None, None) => Counted::Others,
        };
        let counted = self.limiter.check_key(&counted);
        self.forget_the_quiet();
        counted.map_err(|until| TooOften(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Seldom, since all callers are gone through: when there are twice as many as were left.
    fn forget_the_quiet(&self) {
        if self.limiter.len() >= self.forget_at.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            let next = (self.limiter.len() * 2).max(REMEMBERED);
            self.forget_at.store(next, Ordering::Relaxed);
        }
    }
}

/// What has been counted is no part of it.
impl PartialEq for RateLimit {
    fn eq(&self, other: &Self) -> bool {
        (self.requests, self.per) == (other.requests, other.per)
    }
}

impl Eq for RateLimit {}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("requests", &self.requests)
            .field("per", &self.per)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_who_have_been_quiet_are_forgotten() {
        let limit = RateLimit::new(NonZeroU32::MAX, Duration::from_secs(1));
        for number in 0..5 * REMEMBERED {
            let address = IpAddr::from(u32::try_from(number).expect("small").to_be_bytes());
            let counted = limit.count(&Caller::Anonymous, Some(ClientAddress(address)));
            assert_eq!(counted, Ok(()));
        }
        assert!(limit.limiter.len() <= REMEMBERED, "{}", limit.limiter.len());
    }
}

//! How often one caller may call a module, as this process alone counts it.
//!
//! It is counted by the generic cell rate algorithm (ITU-T I.371): of each caller one time is kept,
//! the time at which all that the caller has used is given back. The crate `governor` has the same
//! algorithm, but its table has no bound, and it can't say what is left without taking of it.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::access::Caller;
use crate::module::rate::Rate;
use crate::module::tenant::Tenant;

/// How many callers are remembered. Where there are more, those are forgotten first whose requests
/// are given back soonest.
const REMEMBERED: usize = 10_000;

/// The part of an IPv6 address that names a network. Providers give a whole network to each
/// household and to each server, which can send from any of its 2^64 addresses.
const IPV6_NETWORK: u128 = !0 << 64;

/// A [`Rate`], and what each caller has used of it.
#[derive(Debug)]
pub struct RateLimit {
    rate: Rate,
    /// The time in which one request is given back.
    period: Duration,
    began: Instant,
    table: Mutex<Table>,
}

/// When all is given back that a caller has used, counted from when the table was made. Callers
/// stand there as hashes, so that a long name takes no more room than a short one. The hash has a
/// random key, so that nobody can look for two names of one hash.
type Table = HashMap<u64, Duration>;

/// The address that a request comes from, as a request extension: where the front door knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What is counted as one: an IPv4 address, also one that is written as an IPv6 address, or an
    /// IPv6 network of 64 bits.
    fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        }
    }
}

/// Who is counted.
#[derive(Hash)]
enum Counted<'c> {
    /// One person may be of several tenants.
    Subject {
        tenant: Option<&'c str>,
        subject: &'c str,
    },
    Network(IpAddr),
    /// All whose address is not known.
    Others,
    /// Whoever sends wrong credentials from this network. They are counted apart from the requests
    /// without a credential, so that they take nothing away from other callers there.
    Failures(Option<IpAddr>),
}

/// A caller has to wait so long for the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften(pub Duration);

impl RateLimit {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            period: (rate.per / rate.requests.get()).max(Duration::from_nanos(1)),
            began: Instant::now(),
            table: Mutex::default(),
        }
    }

    /// How often a caller may call.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a request of `caller`, or of whoever is at `address` if the caller has no name.
    ///
    /// # Errors
    /// It is one too many, for now.
    pub fn count(&self, caller: &Caller, address: Option<ClientAddress>) -> Result<(), TooOften> {
        self.take(&match (caller.subject(), address) {
            (Some(subject), _) => Counted::Subject {
                tenant: caller.tenant().map(Tenant::as_str),
                subject,
            },
            (None, Some(address)) => Counted::Network(address.network()),
            (None, None) => Counted::Others,
        })
    }

    /// Counts a wrong credential from `address`.
    ///
    /// # Errors
    /// It is one too many, for now.
    pub fn count_failure(&self, address: Option<ClientAddress>) -> Result<(), TooOften> {
        self.take(&Counted::Failures(address.map(ClientAddress::network)))
    }

    /// Makes sure that `address` has not sent too many wrong credentials. An address that is not
    /// known never has: one caller could shut out all others.
    ///
    /// # Errors
    /// It has, for now.
    pub fn check_failures(&self, address: Option<ClientAddress>) -> Result<(), TooOften> {
        let Some(address) = address else {
            return Ok(());
        };
        let Self { began, table, .. } = self;
        let now = began.elapsed();
        let table = table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&table, &Counted::Failures(Some(address.network())));
        self.next(now, table.get(&key).copied()).map(drop)
    }

    fn take(&self, counted: &Counted<'_>) -> Result<(), TooOften> {
        let Self { began, table, .. } = self;
        let now = began.elapsed();
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&table, counted);
        let given_back = table.get(&key).copied();
        let next = self.next(now, given_back)?;
        if given_back.is_none() && table.len() >= REMEMBERED {
            forget(&mut table, now);
        }
        table.insert(key, next);
        Ok(())
    }

    /// When all will be given back to a caller who makes one request more.
    fn next(&self, now: Duration, given_back: Option<Duration>) -> Result<Duration, TooOften> {
        let period = self.period;
        let next = given_back
            .map_or(now, |then| then.max(now))
            .saturating_add(period);
        let latest = now.saturating_add(period.saturating_mul(self.rate.requests.get()));
        match next.saturating_sub(latest) {
            Duration::ZERO => Ok(next),
            wait => Err(TooOften(wait)),
        }
    }
}

fn key(table: &Table, counted: &Counted<'_>) -> u64 {
    table.hasher().hash_one(counted)
}

/// Makes room for half as many callers as are remembered, since it looks at all of them.
fn forget(table: &mut Table, now: Duration) {
    table.retain(|_, given_back| *given_back > now);
    if table.len() > REMEMBERED / 2 {
        let mut times: Vec<_> = table.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        table.retain(|_, given_back| given_back > median);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn limit(requests: u32, per: Duration) -> RateLimit {
        let requests = NonZeroU32::new(requests).expect("not zero");
        RateLimit::new(Rate { requests, per })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the limit is asked")]
    fn at(address: &str) -> Option<ClientAddress> {
        Some(ClientAddress(address.parse().expect("an address")))
    }

    /// An address of its own for each number.
    #[expect(clippy::unnecessary_wraps, reason = "as the limit is asked")]
    fn numbered(number: usize) -> Option<ClientAddress> {
        let number = u32::try_from(number).expect("small");
        Some(ClientAddress(IpAddr::from(number.to_be_bytes())))
    }

    #[test]
    fn what_was_used_is_given_back_little_by_little() {
        let limit = limit(3, Duration::from_secs(30));
        let second = Duration::from_secs;
        let mut given_back = None;
        for _ in 0..3 {
            given_back = Some(
                limit
                    .next(second(100), given_back)
                    .expect("within the limit"),
            );
        }
        let next = |now| limit.next(now, given_back);
        assert_eq!(next(second(100)), Err(TooOften(second(10))));
        assert_eq!(next(second(107)), Err(TooOften(second(3))));
        assert_eq!(next(second(110)), Ok(second(140)));
        // All of it is there again, and not more.
        assert_eq!(next(second(10_000)), Ok(second(10_010)));
    }

    #[test]
    fn the_table_is_bounded_although_nobody_has_been_quiet() {
        let limit = limit(100, DAY);
        for number in 0..5 * REMEMBERED {
            assert_eq!(limit.count(&Caller::Anonymous, numbered(number)), Ok(()));
            assert_eq!(limit.count_failure(numbered(number)), Ok(()));
            let remembered = limit.table.lock().expect("not poisoned").len();
            assert!(remembered <= REMEMBERED, "{remembered}");
        }
    }

    #[test]
    fn many_callers_do_not_make_it_forget_the_one_who_has_used_most() {
        let limit = limit(2, DAY);
        let greedy = at("255.0.0.1");
        for _ in 0..2 {
            assert_eq!(limit.count(&Caller::Anonymous, greedy), Ok(()));
        }
        for number in 0..3 * REMEMBERED {
            assert_eq!(limit.count(&Caller::Anonymous, numbered(number)), Ok(()));
        }
        assert!(limit.count(&Caller::Anonymous, greedy).is_err());
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let limit = limit(1, DAY);
        for (address, is_first) in [
            ("2001:db8:1:2::1", true),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", false),
            ("2001:db8:1:3::1", true),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", false),
            ("::ffff:192.0.2.2", true),
        ] {
            let counted = limit.count(&Caller::Anonymous, at(address));
            assert_eq!(counted.is_ok(), is_first, "{address}");
        }
    }

    #[test]
    fn wrong_credentials_are_counted_apart() {
        let limit = limit(1, DAY);
        let address = at("192.0.2.1");
        for _ in 0..2 {
            assert_eq!(
                limit.check_failures(address),
                Ok(()),
                "a look takes nothing"
            );
        }
        assert_eq!(limit.count_failure(address), Ok(()));
        assert!(limit.check_failures(address).is_err());
        assert!(limit.count_failure(address).is_err());
        assert_eq!(limit.check_failures(at("192.0.2.2")), Ok(()));
        assert_eq!(limit.count(&Caller::Anonymous, address), Ok(()));
    }

    #[test]
    fn nobody_is_shut_out_whose_address_is_not_known() {
        let limit = limit(1, DAY);
        assert_eq!(limit.count_failure(None), Ok(()));
        assert!(limit.count_failure(None).is_err());
        assert_eq!(limit.check_failures(None), Ok(()));
    }
}

//! What the server lets its clients hold, and for how long.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many open descriptors as modulo asks the system for.
const WANTED_DESCRIPTORS: u64 = 4 * MAX_CONNECTIONS;

/// The most connections at a time, however many descriptors there are.
const MAX_CONNECTIONS: u64 = 1_024;

/// The fewest, which a laptop needs anyway.
const MIN_CONNECTIONS: u64 = 16;

/// The most bytes of a request's head: more than a valid query and valid headers have, so that they
/// are refused by what says which of the two is too long.
pub(super) const HEAD_BYTES: usize = 131_072;

/// What hyper takes of a head, beside that.
pub(super) const HEADERS: usize = 100;
pub(super) const URI_BYTES: usize = 65_534;

/// The limits of a [`Server`](super::Server).
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections there are at a time. For one more, the connection is closed that has
    /// waited longest for its client.
    pub connections: usize,
    /// How many requests are answered at a time, `/_health` not counted.
    pub requests: usize,
    /// How long a request's head may take from its first byte, or a new connection's first request
    /// from the connection's beginning.
    pub head: Duration,
    /// How long a connection may be idle between two requests.
    pub idle: Duration,
    /// How long a request may take, from the end of its head to the last byte of its answer.
    pub answer: Duration,
    /// How long a connection that is to be closed may take to finish.
    pub close: Duration,
    /// How long a request waits for memory that others hold, before it is answered 503.
    pub wait: Duration,
    /// How many bytes of bodies that are still being received, or are being worked on, are held at
    /// a time.
    pub bodies: usize,
    /// How many bytes of bodies are being worked on at a time, which takes a multiple of them.
    pub work: usize,
    /// How many bytes of answers wait for their clients at a time.
    pub answers: usize,
}

impl Default for Limits {
    /// For any number of descriptors.
    fn default() -> Self {
        Self {
            connections: 1_024,
            requests: 1_024,
            head: Duration::from_secs(10),
            // Longer than the minute for which AWS's load balancers keep a connection, since the
            // side that sends requests should be the one that closes.
            idle: Duration::from_secs(75),
            // The limit of time of each request, and a minute for the client to take the answer.
            answer: Duration::from_secs(90),
            close: Duration::from_secs(1),
            wait: Duration::from_secs(5),
            bodies: 64 * 1_024 * 1_024,
            work: 7 * 1_024 * 1_024,
            answers: 64 * 1_024 * 1_024,
        }
    }
}

impl Limits {
    /// How often the connections are looked at.
    pub(super) fn interval(&self) -> Duration {
        let shortest = self.head.min(self.idle).min(self.answer).min(self.close);
        (shortest / 4).max(Duration::from_millis(1))
    }

    /// For as many descriptors as the system lets this process have, after asking for
    /// `WANTED_DESCRIPTORS`: one connection in four of them, since a request may need a
    /// connection to DynamoDB, too, and files and sockets of modulo's own must go on working.
    #[must_use]
    pub fn for_this_process() -> Self {
        let descriptors = raise_descriptors();
        let connections = (descriptors / 4).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        Self {
            connections: usize::try_from(connections).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }
}

/// Raises the soft limit of open descriptors as far as the hard one lets it, and gives it.
fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(u64::MAX);
    let wanted = limit
        .maximum
        .unwrap_or(WANTED_DESCRIPTORS)
        .min(WANTED_DESCRIPTORS);
    if soft >= wanted {
        return soft;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_or(soft, |()| wanted)
}

//! The open connections: what each waits for, and which is closed when.
//!
//! Each connection is watched from here rather than by timers of its own: once in a while all are
//! looked at, and those are closed that are over a limit. Where there is no room for one more, the
//! connection goes that has waited longest for its client, of the address with the most of them.
//! One on which the server works is never closed for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::AbortHandle;

use super::limits::Limits;

/// Is in the extensions of an answer that goes on until the client or the server has enough of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endless;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    /// One has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    activity: Arc<Activity>,
    task: AbortHandle,
}

/// Takes a connection out again when its task ends, however that comes about.
#[derive(Debug)]
pub(super) struct Registered {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.id);
        self.connections.ended.notify_one();
    }
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.open().connections.len()
    }

    /// Serves a connection by the task that `serve` makes.
    pub(super) fn add<F>(
        self: &Arc<Self>,
        address: IpAddr,
        serve: impl FnOnce(Arc<Activity>, Registered) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        // Until it is in, it can't take itself out.
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        let registered = Registered {
            connections: Arc::clone(self),
            id,
        };
        let task = tokio::spawn(serve(Arc::clone(&activity), registered)).abort_handle();
        let connection = Connection {
            address,
            activity,
            task,
        };
        open.connections.insert(id, connection);
    }

    /// Waits until one ends.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Asks those over a limit to finish, and drops those that have been asked and did not.
    pub(super) fn sweep(&self, limits: &Limits) {
        let now = Instant::now();
        for connection in self.open().connections.values() {
            if connection.activity.is_overdue(now, limits) {
                connection.task.abort();
            }
        }
    }

    /// Asks all to finish what they are at; those without a request have nothing to finish, and
    /// are dropped if they do not end at once.
    pub(super) fn finish(&self) {
        for connection in self.open().connections.values() {
            let activity = &connection.activity;
            activity.finish.notify_one();
            let mut now = activity.now();
            // An answer without an end is ended by whoever makes it, for a client that takes it.
            if now.requests.iter().all(|request| request.is_endless) {
                now.finishing.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Drops the connection that has waited longest for its client, if there is one.
    pub(super) fn drop_one(&self) -> bool {
        self.drop_longest(|_| true)
    }

    /// Drops the connection that has waited longest for its client within a request, if there is
    /// one: the client holds memory by it.
    pub(super) fn drop_one_within_a_request(&self) -> bool {
        self.drop_longest(|waiting| waiting.for_what == Awaited::RestOfRequest)
    }

    fn drop_longest(&self, is_meant: impl Fn(&Waiting) -> bool) -> bool {
        let mut open = self.open();
        let waiting = open.connections.iter().filter_map(|(&id, connection)| {
            let waiting = connection.activity.waiting().filter(&is_meant)?;
            Some((id, connection.address, waiting))
        });
        let waiting: Vec<_> = waiting.collect();
        let mut of_address = HashMap::<IpAddr, usize>::new();
        for (_, address, _) in &waiting {
            *of_address.entry(*address).or_default() += 1;
        }
        let longest = waiting.iter().max_by_key(|(_, address, waiting)| {
            (
                of_address[address],
                waiting.for_what,
                Reverse(waiting.since),
            )
        });
        let Some(&(id, ..)) = longest else {
            return false;
        };
        if let Some(connection) = open.connections.remove(&id) {
            connection.task.abort();
        }
        true
    }
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    for_what: Awaited,
    since: Instant,
}

/// What a client is to send or to take, the least worth waiting for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Awaited {
    /// A request's body, or that it takes the answer.
    RestOfRequest,
    /// A request's head, or the end of the connection.
    Request,
}

/// What goes on on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    now: Mutex<Now>,
    finish: Notify,
}

#[derive(Debug)]
struct Now {
    /// One with HTTP/1, several with HTTP/2.
    requests: Vec<InFlight>,
    next: u64,
    /// When the last request was done, or the head of the next began.
    since: Instant,
    /// Whether something of the next request's head is there.
    has_head: bool,
    is_http2: bool,
    /// Since when it is asked to finish.
    finishing: Option<Instant>,
}

#[derive(Debug)]
struct InFlight {
    id: u64,
    began: Instant,
    /// Since when it is the client's turn, if it is.
    clients_turn: Option<Instant>,
    /// Whether all of the answer is made.
    is_made: bool,
    /// Whether the answer has no end.
    is_endless: bool,
    /// Given back when the answer is sent.
    permits: Vec<OwnedSemaphorePermit>,
}

impl Activity {
    fn new() -> Self {
        Self {
            now: Mutex::new(Now {
                requests: Vec::new(),
                next: 0,
                since: Instant::now(),
                // Who connects is expected to ask.
                has_head: true,
                is_http2: false,
                finishing: None,
            }),
            finish: Notify::new(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is asked to finish.
    pub(super) async fn asked_to_finish(&self) {
        self.finish.notified().await;
    }

    /// Something has come from the client.
    pub(super) fn has_read(&self) {
        let mut now = self.now();
        // HTTP/2 has frames that are of no request.
        if now.requests.is_empty() && !now.has_head && !now.is_http2 {
            now.has_head = true;
            now.since = Instant::now();
        }
    }

    /// All that was to be sent is handed to the system.
    pub(super) fn has_sent(&self) {
        let mut now = self.now();
        if now.requests.iter().any(|request| request.is_made) {
            now.requests.retain(|request| !request.is_made);
            now.since = Instant::now();
        }
    }

    /// The connection is at its end, but for what the client still sends.
    pub(super) fn lingers(&self) {
        self.now().finishing.get_or_insert_with(Instant::now);
    }

    /// A request's head is there.
    pub(super) fn begin(self: &Arc<Self>, is_http2: bool) -> Request {
        let mut now = self.now();
        let id = now.next;
        now.next += 1;
        now.has_head = false;
        now.is_http2 = is_http2;
        now.requests.push(InFlight {
            id,
            began: Instant::now(),
            clients_turn: None,
            is_made: false,
            is_endless: false,
            permits: Vec::new(),
        });
        drop(now);
        Request {
            activity: Arc::clone(self),
            id,
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        let now = self.now();
        if now.requests.is_empty() {
            return Some(Waiting {
                for_what: Awaited::Request,
                since: now.since,
            });
        }
        let turns = now.requests.iter().map(|request| request.clients_turn);
        // One on which the server works is enough to leave the connection alone.
        let turns: Option<Vec<Instant>> = turns.collect();
        Some(Waiting {
            for_what: Awaited::RestOfRequest,
            since: turns?.into_iter().min()?,
        })
    }

    /// Whether it is past all patience; one that is over a limit only is asked to finish.
    fn is_overdue(&self, at: Instant, limits: &Limits) -> bool {
        let mut now = self.now();
        if let Some(since) = now.finishing {
            return at.duration_since(since) > limits.close;
        }
        let ending = now.requests.iter().filter(|request| !request.is_endless);
        let (since, limit) = match ending.map(|request| request.began).min() {
            Some(began) => (began, limits.answer),
            None if !now.requests.is_empty() => return false,
            None if now.has_head => (now.since, limits.head),
            None => (now.since, limits.idle),
        };
        if at.duration_since(since) > limit {
            now.finishing = Some(at);
            self.finish.notify_one();
        }
        false
    }
}

/// A request in flight, until its answer is sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    activity: Arc<Activity>,
    id: u64,
}

impl Request {
    fn change(&self, change: impl FnOnce(&mut InFlight)) {
        let mut now = self.activity.now();
        let mut requests = now.requests.iter_mut();
        if let Some(request) = requests.find(|request| request.id == self.id) {
            change(request);
        }
    }

    /// The client is to go on.
    pub(super) fn await_client(&self) {
        self.change(|request| {
            request.clients_turn.get_or_insert_with(Instant::now);
        });
    }

    /// The server is to go on.
    pub(super) fn work(&self) {
        self.change(|request| request.clients_turn = None);
    }

    /// Holds a permit until the answer is sent.
    pub(super) fn hold(&self, permit: OwnedSemaphorePermit) {
        self.change(|request| request.permits.push(permit));
    }

    /// Gives back what was held, but for `permits`: the answer is there, what it was made from is
    /// gone, and the client is to take it.
    pub(super) fn answered(&self, permits: Vec<OwnedSemaphorePermit>) {
        self.change(|request| {
            request.permits = permits;
            request.clients_turn = Some(Instant::now());
        });
    }

    /// The answer goes on for as long as the client takes it.
    pub(super) fn goes_on(&self) {
        self.change(|request| request.is_endless = true);
    }

    /// Nothing is left of the answer but to send it.
    pub(super) fn made(&self) {
        self.change(|request| request.is_made = true);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_without_an_end_may_take_as_long_as_it_likes() {
        let limits = Limits::default();
        let activity = Arc::new(Activity::new());
        let listening = activity.begin(false);
        listening.answered(Vec::new());
        let is_asked_to_finish = |activity: &Activity| {
            activity.is_overdue(Instant::now() + Duration::from_hours(1), &limits);
            activity.now().finishing.take().is_some()
        };
        assert!(is_asked_to_finish(&activity));
        listening.goes_on();
        assert!(!is_asked_to_finish(&activity));
        // Not so another one beside it, as HTTP/2 can have it.
        let _other = activity.begin(true);
        assert!(is_asked_to_finish(&activity));
    }
}

//! The changes of a module on their way to one webhook: those of an item one after the other, those
//! of different items side by side.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::Recipient;
use crate::change::{Change, Kind, Record, Source};
use crate::edge::serve::readers::Reading;
use crate::local::{Position, StreamError};
use crate::telemetry::chain::Chain;
use crate::webhooks::{Receiver, Surroundings, Undelivered, pause};

/// How many events are on their way at a time.
const AT_ONCE: usize = 8;

/// How many events, and about how many bytes of them, are read ahead of the first that has not been
/// accepted.
const AHEAD: usize = 1_000;
const AHEAD_BYTES: usize = 16 * 1_024 * 1_024;

/// How long an event is sent again and again.
const PATIENCE: Duration = Duration::from_hours(24);

/// What sends to one webhook.
#[derive(Debug)]
pub(super) struct Delivery {
    recipient: Arc<Recipient>,
    receiver: Arc<Receiver>,
    source: Source,
    reading: Reading,
}

/// An event that is to be sent.
struct Event {
    /// Its number among those of this delivery.
    number: u64,
    /// Of which item it is: those of one are sent in order.
    item: String,
    id: String,
    kind: Kind,
    text: String,
}

/// What is on its way.
#[derive(Default)]
struct UnderWay {
    next: u64,
    /// The position before each event that has not been accepted, and how long that is.
    before: BTreeMap<u64, (Position, usize)>,
    bytes: usize,
    /// By item, what waits for an earlier event of it.
    waiting: HashMap<String, VecDeque<Event>>,
}

impl UnderWay {
    fn has_room(&self) -> bool {
        self.before.len() < AHEAD && self.bytes < AHEAD_BYTES
    }

    /// Takes an event in, and gives it back if it can be sent at once.
    fn add(&mut self, event: Event, before: Position) -> Option<Event> {
        let bytes = event.text.len();
        self.before.insert(event.number, (before, bytes));
        self.bytes += bytes;
        if let Some(waiting) = self.waiting.get_mut(&event.item) {
            waiting.push_back(event);
            return None;
        }
        self.waiting.insert(event.item.clone(), VecDeque::new());
        Some(event)
    }

    /// Takes an event out, and gives the next of its item.
    fn done(&mut self, number: u64, item: &str) -> Option<Event> {
        let done = self.before.remove(&number);
        self.bytes -= done.map_or(0, |(_, bytes)| bytes);
        let next = self.waiting.get_mut(item).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.waiting.remove(item);
        }
        next
    }
}

impl Delivery {
    pub(super) fn new(recipient: Recipient, source: Source, reading: Reading) -> Self {
        Self {
            receiver: Arc::new(Receiver::new(&recipient.webhook, Surroundings::Laptop)),
            recipient: Arc::new(recipient),
            source,
            reading,
        }
    }

    /// Sends what is written from now on; ends only if the stream can't be read.
    pub(super) async fn run(mut self) -> StreamError {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = UnderWay::default();
        let mut sending = FuturesUnordered::<BoxFuture<'static, (u64, String)>>::new();
        loop {
            let has_room = under_way.has_room();
            tokio::select! {
                Some((number, item)) = sending.next() => {
                    if let Some(next) = under_way.done(number, &item) {
                        sending.push(self.send(next, &turns));
                    }
                }
                records = self.reading.next(), if has_room => {
                    let records = match records {
                        Ok(records) => records,
                        Err(error) => return error,
                    };
                    for record in records {
                        let event = self.add(&mut under_way, record);
                        sending.extend(event.map(|event| self.send(event, &turns)));
                    }
                }
            }
            let first = under_way.before.values().next();
            let position = first.map_or(self.reading.position(), |(position, _)| position);
            self.reading.done(position);
        }
    }

    /// Takes in what a record says, if the webhook is to be told of it.
    fn add(&self, under_way: &mut UnderWay, record: Record) -> Option<Event> {
        let before = self.reading.stream().before(&record);
        let change = match Change::of(record, &self.recipient.module) {
            Ok(change) => change?,
            Err(error) => {
                let what = format_args!("a change is left out: {error}");
                self.recipient.report(what);
                return None;
            }
        };
        let change = self.receiver.wanted(&change)?;
        let number = under_way.next;
        under_way.next += 1;
        let event = Event {
            number,
            item: change.of_item(),
            id: change.id().to_owned(),
            kind: change.kind(),
            text: change.to_event(&self.source),
        };
        under_way.add(event, before)
    }

    /// Sends an event until it is accepted, or there is no hope.
    fn send(&self, event: Event, turns: &Arc<Semaphore>) -> BoxFuture<'static, (u64, String)> {
        let (receiver, turns) = (Arc::clone(&self.receiver), Arc::clone(turns));
        let recipient = Arc::clone(&self.recipient);
        Box::pin(async move {
            let Event {
                number,
                item,
                id,
                kind,
                text,
            } = event;
            let began = Instant::now();
            for attempts in 1.. {
                let turn = turns.acquire().await;
                let sent = Instant::now();
                let answer = receiver.send(&id, text.clone()).await;
                drop(turn);
                // Not the item's id, which a client has sent: the receiver gets the event's.
                let say = |outcome: String| {
                    recipient.report(format_args!("{kind}, event {id}: {outcome}"));
                };
                let error = match answer {
                    Ok(answer) => {
                        let took = sent.elapsed().as_millis();
                        say(format!("answered {} in {took} ms", answer.status));
                        break;
                    }
                    Err(error) => error,
                };
                let Some(wait) = next_attempt(&error, attempts, began) else {
                    say(format!("{}; given up", Chain(&error)));
                    break;
                };
                let seconds = wait.as_secs_f64();
                say(format!("{}; sent again in {seconds:.1} s", Chain(&error)));
                sleep(wait).await;
            }
            (number, item)
        })
    }
}

/// How long to wait for the next attempt, if there is to be one.
fn next_attempt(error: &Undelivered, attempts: u32, began: Instant) -> Option<Duration> {
    let wait = pause(attempts);
    (!error.is_final() && began.elapsed() + wait < PATIENCE).then_some(wait)
}

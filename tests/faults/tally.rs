//! What a campaign has come to, in numbers.

use std::io::Write;
use std::time::Duration;

use crate::campaign::CLIENTS;

/// What a campaign has come to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
    pub(crate) compared: u64,
    pub(crate) histories: u64,
    pub(crate) operations: usize,
    pub(crate) longest: usize,
    pub(crate) repeated: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.calls += other.calls;
        self.faults += other.faults;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.compared += other.compared;
        self.histories += other.histories;
        self.operations += other.operations;
        self.longest = self.longest.max(other.longest);
        self.repeated += other.repeated;
    }

    /// Says it by `write!`: `println!` is shown of failed tests only.
    pub(crate) fn say(&self, of: &str, took: Duration) {
        let line = format!(
            "fault campaign: {of}, {:.0} s, {} requests of {CLIENTS} clients, {} calls of DynamoDB, \
             {} faults, {} writes acknowledged and {} unknown, {} items and steps compared, {} \
             histories of {} operations, {} at most, are linearizable, {} of them with writes that \
             were done again\n",
            took.as_secs_f64(),
            self.requests,
            self.calls,
            self.faults,
            self.acknowledged,
            self.unknown,
            self.compared,
            self.histories,
            self.operations,
            self.longest,
            self.repeated,
        );
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

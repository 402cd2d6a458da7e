//! What becomes of writes when all around the function fails: DynamoDB, the network, the process.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program of tests has settings of its own"
)]

mod answer;
#[path = "../api/app.rs"]
#[allow(dead_code, reason = "the fixture of the other tests, too")]
mod app;
mod budget;
mod campaign;
mod client;
mod counter;
mod doubt;
mod history;
mod item;
mod kill;
#[cfg(target_os = "linux")]
mod power;
mod proxy;
mod siege;
mod tally;
#[path = "../api/watch.rs"]
#[allow(dead_code, reason = "the fixture of the other tests, too")]
mod watch;

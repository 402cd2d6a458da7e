//! What processes are measured by: taken in turn, part by part.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::process::{Process, own_cpu};

/// How long a process may take for its start, and then for a request.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// In how many parts the counted requests come, after each of which is seen what is resident.
const PARTS: usize = 20;

/// How many requests of each that come at a time are a part at the least.
const LEAST_PART: usize = 16;

/// What one process did.
#[derive(Default)]
pub struct Run {
    /// From its start until it asked for its first event.
    pub first_poll: Duration,
    /// The processor's time of that.
    pub first_poll_cpu: Duration,
    /// Of the first request, whose connection may still be to be opened.
    pub first_answer: Duration,
    /// Of each counted request.
    pub latencies: Vec<Duration>,
    /// Of all counted requests together.
    pub elapsed: Duration,
    /// The processor's time of all counted requests.
    pub cpu: Duration,
    /// The processor's time of the bench meanwhile.
    pub own_cpu: Duration,
    /// What was resident after so many of them, the last of which is all.
    pub resident_kib: Vec<(usize, u64)>,
    /// What it, or the program that ran it, wrote to standard error.
    pub stderr: String,
}

impl Run {
    /// What a part of the requests takes, up to one of that number.
    pub async fn of_part(
        process: &Process,
        to: usize,
        answering: impl Future<Output = Result<Vec<Duration>>>,
    ) -> Result<Self> {
        let before = (process.cpu()?, own_cpu()?);
        let began = Instant::now();
        let latencies = answering.await?;
        Ok(Self {
            latencies,
            elapsed: began.elapsed(),
            cpu: process.cpu()?.saturating_sub(before.0),
            own_cpu: own_cpu()?.saturating_sub(before.1),
            resident_kib: vec![(to, process.resident_kib()?)],
            ..Self::default()
        })
    }

    /// Adds what a part of the requests took.
    fn add(&mut self, part: Self) {
        self.latencies.extend(part.latencies);
        self.elapsed += part.elapsed;
        self.cpu += part.cpu;
        self.own_cpu += part.own_cpu;
        self.resident_kib.extend(part.resident_kib);
    }
}

/// A process that waits for requests.
pub trait Started {
    /// What is known of it so far.
    fn run(&mut self) -> &mut Run;

    /// Has it answer some of the requests.
    async fn answer(&mut self, part: Range<usize>) -> Result<Run>;

    /// Ends it, and gives what is known of it.
    async fn end(self) -> Result<Run>;
}

/// Has processes answer so many requests, so many at a time, in turn: a machine grows slow and fast
/// again within a second, and so for all of them.
pub async fn in_turn(
    mut all: Vec<impl Started>,
    requests: usize,
    at_a_time: usize,
) -> Result<Vec<Run>> {
    let part = requests.div_ceil(PARTS).max(at_a_time * LEAST_PART);
    for from in (0..requests).step_by(part) {
        for started in &mut all {
            let part = started.answer(from..requests.min(from + part)).await?;
            started.run().add(part);
        }
    }
    let mut runs = Vec::with_capacity(all.len());
    for started in all {
        runs.push(started.end().await?);
    }
    Ok(runs)
}

/// Waits for what a process does, but not for ever.
pub async fn patiently<T>(what: &str, sign: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, sign)
        .await
        .with_context(|| format!("no {what} in {PATIENCE:?}"))?
}

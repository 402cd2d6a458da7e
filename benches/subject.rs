//! A `bootstrap` as a process: started, fed events, measured from outside.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use nix::sys::signal::{Signal, kill};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::process::{Process, own_cpu};
use crate::runtime_api::RuntimeApi;

/// Answered before the counted requests, for connections and caches to be as they stay.
const WARM_UP: usize = 100;

/// What else a run answers than the requests it counts: the first one, too.
pub const BEFORE_COUNTED: usize = 1 + WARM_UP;

/// How long a function may take from its start to its first poll, and then for a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many times what is resident is looked at.
const SAMPLES: usize = 20;

/// What is measured, and what it reads.
#[derive(Clone)]
pub struct Subject {
    pub name: String,
    pub binary: PathBuf,
    /// The folder of its `modules.toml`.
    pub task_root: PathBuf,
    /// On top of Lambda's own variables.
    pub variables: Vec<(&'static str, String)>,
    /// A program that runs it, with its arguments.
    pub wrapper: Vec<String>,
}

/// What a function has to answer.
pub struct Load {
    /// In turn.
    pub events: Vec<Bytes>,
    /// How many are counted.
    pub requests: usize,
    /// How many at a time.
    pub in_flight: usize,
}

impl Load {
    /// GET and POST, one after the other.
    pub fn of(requests: usize) -> Self {
        Self {
            events: vec![get(), post()],
            requests,
            in_flight: 1,
        }
    }

    fn event(&self, n: usize) -> &Bytes {
        &self.events[n % self.events.len()]
    }
}

/// A GET of the item that there is.
pub fn get() -> Bytes {
    Bytes::from_static(include_bytes!("events/get.json"))
}

/// A POST of the same.
pub fn post() -> Bytes {
    Bytes::from_static(include_bytes!("events/post.json"))
}

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

impl Subject {
    /// The same, with other variables.
    pub fn with(&self, name: &str, variables: &[(&'static str, String)]) -> Self {
        let mut other = self.clone();
        name.clone_into(&mut other.name);
        other.variables.extend_from_slice(variables);
        other
    }

    /// Starts the function anew and has it answer `load`.
    pub async fn run(&self, dynamodb: &str, load: &Load) -> Result<Run> {
        let api = RuntimeApi::start().await?;
        let began = Instant::now();
        let mut child = self.spawn(api.address, dynamodb)?;
        let process = Process::of(&child)?;
        let mut stdout = child.stdout.take().context("stdout is a pipe")?;
        let mut stderr = child.stderr.take().context("stderr is a pipe")?;
        // As Lambda does: somebody reads what a function writes.
        let drain = tokio::spawn(async move {
            let mut lines = [0; 16_384];
            while stdout.read(&mut lines).await.is_ok_and(|bytes| bytes > 0) {}
        });
        let told = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.map(|_| text)
        });
        let run = tokio::select! {
            run = measure(api, &process, began, load) => run,
            status = child.wait() => bail!("{} ended: {}, {}", self.name, status?, told.await??),
        };
        // As Lambda ends it; a profiler around it then writes what it saw.
        kill(process.id, Signal::SIGTERM)?;
        if timeout(PATIENCE, child.wait()).await.is_err() {
            child.kill().await?;
        }
        drain.await?;
        let stderr = told.await??;
        let run = run.with_context(|| format!("{}, which told: {stderr}", self.name))?;
        Ok(Run { stderr, ..run })
    }

    fn spawn(&self, api: SocketAddr, dynamodb: &str) -> Result<Child> {
        let mut command = match self.wrapper.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "modulo")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/modulo")
            .env(
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/11/14/[$LATEST]0123456789abcdef",
            )
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .env("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE".repeat(20))
            .env("AWS_ENDPOINT_URL", dynamodb)
            .env("LANG", "en_US.UTF-8")
            .env("LAMBDA_TASK_ROOT", &self.task_root)
            // The bare handler's own.
            .env("TABLE", "modulo1-local")
            .env("KEY", "modulo1Id")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))
    }
}

async fn measure(
    mut api: RuntimeApi,
    process: &Process,
    began: Instant,
    load: &Load,
) -> Result<Run> {
    let first_poll = patiently("first poll", api.polled()).await? - began;
    let first_poll_cpu = process.cpu()?;
    let first_answer = patiently("first answer", api.invoke(load.event(0))).await?;
    answer(&mut api, load, 0..WARM_UP).await?;

    let before = (process.cpu()?, own_cpu()?);
    let began = Instant::now();
    let mut latencies = Vec::with_capacity(load.requests);
    let mut resident_kib = Vec::with_capacity(SAMPLES);
    let part = load.requests.div_ceil(SAMPLES).max(1);
    for from in (0..load.requests).step_by(part) {
        let to = load.requests.min(from + part);
        latencies.extend(answer(&mut api, load, from..to).await?);
        resident_kib.push((to, process.resident_kib()?));
    }
    Ok(Run {
        first_poll,
        first_poll_cpu,
        first_answer,
        latencies,
        elapsed: began.elapsed(),
        cpu: process.cpu()?.saturating_sub(before.0),
        own_cpu: own_cpu()?.saturating_sub(before.1),
        resident_kib,
        stderr: String::new(),
    })
}

/// Has some of the load answered: how long each took.
async fn answer(api: &mut RuntimeApi, load: &Load, part: Range<usize>) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(part.len());
    if load.in_flight == 1 {
        for n in part {
            patiently("poll", api.polled()).await?;
            latencies.push(patiently("answer", api.invoke(load.event(n))).await?);
        }
        return Ok(latencies);
    }
    for n in part.clone() {
        api.send(load.event(n))?;
    }
    for _ in part {
        latencies.push(patiently("answer", api.answered()).await?);
    }
    Ok(latencies)
}

/// Waits for what a process does, but not for ever.
pub async fn patiently<T>(what: &str, sign: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, sign)
        .await
        .with_context(|| format!("no {what} in {PATIENCE:?}"))?
}

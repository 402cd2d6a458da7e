//! A `bootstrap` as a process: started, fed events, measured from outside.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::runtime_api::RuntimeApi;

const GET: &str = include_str!("events/get.json");
const POST: &str = include_str!("events/post.json");

/// Answered before the counted requests, for connections and caches to be as they stay.
const WARM_UP: usize = 100;

/// How long a function may take from its start to its first poll, and then for a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured, and what it reads.
pub struct Subject {
    pub name: String,
    pub binary: PathBuf,
    /// The folder of its `modules.toml`.
    pub task_root: PathBuf,
}

/// What one process did.
pub struct Run {
    /// From its start until it asked for its first event.
    pub first_poll: Duration,
    /// The processor's time of that.
    pub first_poll_cpu: Duration,
    /// Of the first request, whose connection is still to be opened.
    pub first_answer: Duration,
    /// Of each counted request.
    pub latencies: Vec<Duration>,
    /// The processor's time of all counted requests.
    pub cpu: Duration,
    /// What was resident after them.
    pub resident_kib: u64,
}

impl Subject {
    /// Starts the function anew and has it answer `requests`, GET and POST in turn.
    pub async fn run(&self, dynamodb: SocketAddr, requests: usize) -> Result<Run> {
        let api = RuntimeApi::start().await?;
        let began = Instant::now();
        let mut child = self.spawn(api.address, dynamodb)?;
        let process = Process::of(&child)?;
        let mut stdout = child.stdout.take().context("stdout is a pipe")?;
        // As Lambda does: somebody reads what a function writes.
        let drain = tokio::spawn(async move {
            let mut lines = [0; 16_384];
            while stdout.read(&mut lines).await.is_ok_and(|bytes| bytes > 0) {}
        });
        let run = tokio::select! {
            run = measure(api, &process, began, requests) => run,
            status = child.wait() => bail!("{} ended: {}", self.name, status?),
        };
        // As Lambda ends it; a profiler around it then writes what it saw.
        kill(process.id, Signal::SIGTERM)?;
        child.wait().await?;
        drain.await?;
        run.with_context(|| self.name.clone())
    }

    fn spawn(&self, api: SocketAddr, dynamodb: SocketAddr) -> Result<Child> {
        Command::new(&self.binary)
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
            .env("AWS_ENDPOINT_URL", format!("http://{dynamodb}"))
            .env("LANG", "en_US.UTF-8")
            .env("LAMBDA_TASK_ROOT", &self.task_root)
            // The bare handler's own.
            .env("TABLE", "modulo1-local")
            .env("KEY", "modulo1Id")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))
    }
}

async fn measure(
    mut api: RuntimeApi,
    process: &Process,
    began: Instant,
    requests: usize,
) -> Result<Run> {
    let first_poll = patiently(api.polled()).await? - began;
    let first_poll_cpu = process.cpu()?;
    let (_, first_answer) = patiently(api.invoke(GET)).await?;
    let mut latencies = Vec::with_capacity(requests);
    let mut before = first_poll_cpu;
    for n in 0..WARM_UP + requests {
        patiently(api.polled()).await?;
        if n == WARM_UP {
            latencies.clear();
            before = process.cpu()?;
        }
        let event = if n % 2 == 0 { GET } else { POST };
        latencies.push(patiently(api.invoke(event)).await?.1);
    }
    patiently(api.polled()).await?;
    Ok(Run {
        first_poll,
        first_poll_cpu,
        first_answer,
        latencies,
        cpu: process.cpu()?.saturating_sub(before),
        resident_kib: process.resident_kib()?,
    })
}

async fn patiently<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .context("no sign of life")?
}

/// A process that runs, as the kernel accounts for it.
struct Process {
    id: Pid,
    clock: ClockId,
}

impl Process {
    fn of(child: &Child) -> Result<Self> {
        let id = child.id().context("the function has ended")?;
        let id = Pid::from_raw(id.try_into()?);
        let clock = clock_getcpuclockid(id)?;
        Ok(Self { id, clock })
    }

    /// User and system time of all its threads. `/proc/<pid>/stat` has them too, in ticks of 10 ms.
    fn cpu(&self) -> Result<Duration> {
        let time: TimeSpec = self.clock.now()?;
        Ok(time.into())
    }

    fn resident_kib(&self) -> Result<u64> {
        let status =
            std::fs::read_to_string(Path::new("/proc").join(self.id.to_string()).join("status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
            .context("no VmRSS")?;
        Ok(resident.trim().parse()?)
    }
}

//! A `bootstrap` as a process: started, fed events, measured from outside.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Stdio;
use std::slice;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use axum::body::Bytes;
use nix::sys::signal::{Signal, kill};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::process::{Caches, Process, Processors};
use crate::run::{PATIENCE, Run, Started, in_turn, patiently};
use crate::runtime_api::RuntimeApi;
use crate::share::Share;

/// Answered before the counted requests, for connections and caches to be as they stay.
const WARM_UP: usize = 100;

/// What else a run answers than the requests it counts: the first one, too.
pub const BEFORE_COUNTED: usize = 1 + WARM_UP;

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
    /// Where it runs, if not wherever the kernel likes.
    pub processors: Option<Processors>,
    /// The memory whose share of a processor it has from its first poll on, in MB; before that, Lambda
    /// gives it a whole one.
    pub megabytes: Option<u32>,
}

/// What a function has to answer.
pub struct Load {
    /// In turn.
    pub events: Vec<Bytes>,
    /// How many are counted.
    pub requests: usize,
    /// How many at a time.
    pub in_flight: usize,
    /// How long each is on its way to the function.
    pub delay: Duration,
    /// What is swept before each that is counted, if anything: between two requests that are apart, a
    /// machine does other things.
    pub sweeps: Option<Caches>,
}

impl Load {
    /// GET and POST, one after the other.
    pub fn of(requests: usize, delay: Duration) -> Self {
        Self {
            events: vec![get(), post()],
            requests,
            in_flight: 1,
            delay,
            sweeps: None,
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
        let mut runs = run_in_turn(slice::from_ref(self), dynamodb, load).await?;
        runs.pop().context("there is one")
    }

    /// Starts the function anew and has it answer one event with this status: the processor's time
    /// of that, and the most that was resident, in KiB.
    pub async fn answer_one(
        &self,
        dynamodb: &str,
        event: Bytes,
        status: u16,
    ) -> Result<(Duration, u64)> {
        let load = Load {
            events: vec![event],
            requests: 1,
            in_flight: 1,
            delay: Duration::ZERO,
            sweeps: None,
        };
        let mut function = self.launch(dynamodb, &load, status).await?;
        let answered = function.attended(async |api, process| {
            let before = process.cpu()?;
            patiently("answer", api.invoke(load.event(0))).await?;
            Ok((process.cpu()?.saturating_sub(before), process.peak_kib()?))
        });
        let answered = answered.await?;
        function.end().await?;
        Ok(answered)
    }

    /// Starts the function, and has it answer what is not counted.
    async fn start<'l>(&self, dynamodb: &str, load: &'l Load) -> Result<Function<'l>> {
        let mut function = self.launch(dynamodb, load, 200).await?;
        let answered = function.attended(async |api, _| {
            let first = patiently("first answer", api.invoke(load.event(0))).await?;
            answer(api, load, 0..WARM_UP, None).await?;
            Ok(first)
        });
        function.run.first_answer = answered.await?;
        Ok(function)
    }

    /// Starts the function, whose answers must have this status, and waits for its first poll.
    async fn launch<'l>(
        &self,
        dynamodb: &str,
        load: &'l Load,
        status: u16,
    ) -> Result<Function<'l>> {
        let api = RuntimeApi::start(load.delay, status).await?;
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
        let mut function = Function {
            load,
            name: self.name.clone(),
            api,
            child,
            process,
            drain,
            told,
            run: Run::default(),
            share: None,
        };
        let polled = function.attended(async |api, process| {
            let polled = patiently("first poll", api.polled()).await?;
            Ok((polled - began, process.cpu()?))
        });
        (function.run.first_poll, function.run.first_poll_cpu) = polled.await?;
        let share = self
            .megabytes
            .map(|megabytes| Share::give(function.process.id, megabytes));
        function.share = share.transpose()?;
        Ok(function)
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
            .kill_on_drop(true);
        let child = match &self.processors {
            Some(processors) => processors.spawn(&mut command),
            None => command.spawn().map_err(anyhow::Error::from),
        };
        child.with_context(|| format!("cannot start {}", self.binary.display()))
    }
}

/// A function that runs.
struct Function<'l> {
    load: &'l Load,
    name: String,
    api: RuntimeApi,
    child: Child,
    process: Process,
    drain: JoinHandle<()>,
    told: JoinHandle<std::io::Result<String>>,
    run: Run,
    share: Option<Share>,
}

impl Function<'_> {
    /// Does something that the function has to be there for.
    async fn attended<T>(
        &mut self,
        does: impl AsyncFnOnce(&mut RuntimeApi, &Process) -> Result<T>,
    ) -> Result<T> {
        let done = tokio::select! {
            done = does(&mut self.api, &self.process) => done,
            status = self.child.wait() => Err(anyhow!("it ended: {}", status?)),
        };
        let Err(error) = done else {
            return done;
        };
        self.child.start_kill()?;
        let told = (&mut self.told).await??;
        Err(error.context(format!("{}, which told: {told}", self.name)))
    }
}

impl Started for Function<'_> {
    fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    async fn answer(&mut self, part: Range<usize>) -> Result<Run> {
        let load = self.load;
        self.attended(async |api, process| {
            Run::of_part(
                process,
                part.end,
                answer(api, load, part, load.sweeps.as_ref()),
            )
            .await
        })
        .await
    }

    /// As Lambda does; a profiler around it then writes what it saw.
    async fn end(mut self) -> Result<Run> {
        kill(self.process.id, Signal::SIGTERM)?;
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        drop(self.share.take());
        self.drain.await?;
        self.run.stderr = self.told.await??;
        Ok(self.run)
    }
}

/// Starts `subjects`, one after the other, and has them answer `load` in turn.
pub async fn run_in_turn(subjects: &[Subject], dynamodb: &str, load: &Load) -> Result<Vec<Run>> {
    let mut functions = Vec::with_capacity(subjects.len());
    for subject in subjects {
        functions.push(subject.start(dynamodb, load).await?);
    }
    in_turn(functions, load.requests, load.in_flight).await
}

/// Has some of the load answered: how long each took.
async fn answer(
    api: &mut RuntimeApi,
    load: &Load,
    part: Range<usize>,
    sweeps: Option<&Caches>,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(part.len());
    if load.in_flight == 1 {
        for n in part {
            patiently("poll", api.polled()).await?;
            if let Some(caches) = sweeps {
                caches.sweep()?;
            }
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

//! A server as a process, under load over connections that stay open.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

use crate::process::Process;
use crate::run::{Run, Started, in_turn, patiently};

/// Answered before the counted requests, over each connection.
const WARM_UP: usize = 20;

/// The module, and the item of it that all requests for one read or write.
const MODULE: &str = "/modulo1";
const PATH: &str = "/modulo1/sala90";
const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

type Http = Client<HttpConnector, Body>;

/// What a request asks for.
#[derive(Clone, Copy)]
pub enum Ask {
    Get,
    /// A page of 25 items.
    List,
    Post,
}

/// A program that says at its start where it listens.
#[derive(Clone)]
pub struct Server {
    pub name: String,
    pub binary: PathBuf,
    pub arguments: Vec<String>,
    /// What it is asked for, in turn.
    pub asks: Vec<Ask>,
    /// How many items it has to be given first.
    pub items: usize,
}

impl Server {
    /// Starts the server in the folder of its `modules.toml`, and has it answer what is not
    /// counted.
    async fn start(&self, folder: &Path, dynamodb: &str, connections: usize) -> Result<Listening> {
        let mut child = Command::new(&self.binary)
            .args(&self.arguments)
            .current_dir(folder)
            .env_clear()
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
            .env("AWS_ENDPOINT_URL", dynamodb)
            .env("TABLE", "modulo1-local")
            .env("KEY", "modulo1Id")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let process = Process::of(&child)?;
        let mut told = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
        let url = patiently("address", address(&mut told)).await?;
        // Somebody reads the lines of the log.
        let drain = tokio::spawn(async move {
            let mut lines = [0; 16_384];
            while told.read(&mut lines).await.is_ok_and(|bytes| bytes > 0) {}
        });
        let http = Client::builder(TokioExecutor::new()).build_http();
        let listening = Listening {
            child,
            process,
            drain,
            http,
            url,
            connections,
            asks: self.asks.clone(),
            run: Run::default(),
        };
        listening.fill(self.items).await?;
        listening.load(connections * WARM_UP).await?;
        Ok(listening)
    }
}

/// Starts `servers` anew, one after the other, and has them answer in turn what they are asked for,
/// over so many connections.
pub async fn run_in_turn(
    servers: &[Server],
    folder: &Path,
    dynamodb: &str,
    connections: usize,
    requests: usize,
) -> Result<Vec<Run>> {
    let mut all = Vec::with_capacity(servers.len());
    for server in servers {
        let started = server.start(folder, dynamodb, connections);
        all.push(started.await.with_context(|| server.name.clone())?);
    }
    in_turn(all, requests, connections).await
}

/// A server that runs.
struct Listening {
    child: Child,
    process: Process,
    drain: JoinHandle<()>,
    http: Http,
    url: String,
    connections: usize,
    asks: Vec<Ask>,
    run: Run,
}

impl Started for Listening {
    fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    async fn answer(&mut self, part: Range<usize>) -> Result<Run> {
        let load = self.load(part.len());
        Run::of_part(&self.process, part.end, load).await
    }

    async fn end(mut self) -> Result<Run> {
        self.child.kill().await?;
        self.drain.await?;
        Ok(self.run)
    }
}

/// The first URL that a server names.
async fn address(told: &mut (impl AsyncBufReadExt + Unpin)) -> Result<String> {
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(told.read_line(&mut line).await? > 0, "it names no address");
        if let Some((_, rest)) = line.split_once("http://") {
            let is_address = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':');
            let end = rest.find(|c| !is_address(c)).unwrap_or(rest.len());
            return Ok(format!("http://{}", &rest[..end]));
        }
    }
}

impl Listening {
    /// Makes the item that is asked for, and others beside it.
    async fn fill(&self, items: usize) -> Result<()> {
        for number in 0..items {
            let path = match number {
                0 => PATH.to_owned(),
                _ => format!("{MODULE}/{number}"),
            };
            let post = Request::post(format!("{}{path}", self.url));
            let post = post.header(CONTENT_TYPE, "application/json");
            let answer = self.http.request(post.body(DOCUMENT.into())?).await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
        }
        Ok(())
    }

    /// Has so many requests answered: how long each took.
    async fn load(&self, requests: usize) -> Result<Vec<Duration>> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        let (item, module) = (
            format!("{}{PATH}", self.url),
            format!("{}{MODULE}", self.url),
        );
        for _ in 0..self.connections {
            let (http, next, asks) = (self.http.clone(), Arc::clone(&next), self.asks.clone());
            let (item, module) = (item.clone(), module.clone());
            clients.spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= requests {
                        return anyhow::Ok(latencies);
                    }
                    let request = match asks[n % asks.len()] {
                        Ask::Get => Request::get(&item).body(Body::empty()),
                        Ask::List => Request::get(&module).body(Body::empty()),
                        Ask::Post => Request::post(&item)
                            .header(CONTENT_TYPE, "application/json")
                            .body(DOCUMENT.into()),
                    };
                    let began = Instant::now();
                    let answer = http.request(request?).await?;
                    let status = answer.status();
                    answer.into_body().collect().await?;
                    ensure!(status.is_success(), "{item} answers {status}");
                    latencies.push(began.elapsed());
                }
            });
        }
        let mut latencies = Vec::with_capacity(requests);
        while let Some(client) =
            patiently("answer", async { Ok(clients.join_next().await) }).await?
        {
            latencies.extend(client??);
        }
        Ok(latencies)
    }
}

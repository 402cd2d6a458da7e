//! A server as a process, under load over connections that stay open.

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
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::process::{Process, own_cpu};
use crate::subject::{Run, patiently};

/// Answered before the counted requests, over each connection.
const WARM_UP: usize = 20;

/// What all requests read or write.
const PATH: &str = "/modulo1/sala90";
const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

type Http = Client<HttpConnector, Body>;

/// A program that says at its start where it listens.
pub struct Server {
    pub name: String,
    pub binary: PathBuf,
    pub arguments: &'static [&'static str],
}

impl Server {
    /// Starts the server anew, in the folder of its `modules.toml`, and has it answer GETs and
    /// POSTs in turn, over so many connections.
    pub async fn run(
        &self,
        folder: &Path,
        dynamodb: &str,
        connections: usize,
        requests: usize,
    ) -> Result<Run> {
        let mut child = Command::new(&self.binary)
            .args(self.arguments)
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
        load(&http, &url, connections, connections * WARM_UP).await?;

        let before = (process.cpu()?, own_cpu()?);
        let began = Instant::now();
        let latencies = load(&http, &url, connections, requests).await?;
        let run = Run {
            latencies,
            elapsed: began.elapsed(),
            cpu: process.cpu()?.saturating_sub(before.0),
            own_cpu: own_cpu()?.saturating_sub(before.1),
            resident_kib: vec![(requests, process.resident_kib()?)],
            ..Run::default()
        };
        child.kill().await?;
        drain.await?;
        Ok(run)
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
            return Ok(format!("http://{}{PATH}", &rest[..end]));
        }
    }
}

/// Has so many requests answered: how long each took.
async fn load(
    http: &Http,
    url: &str,
    connections: usize,
    requests: usize,
) -> Result<Vec<Duration>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (http, url, next) = (http.clone(), url.to_owned(), Arc::clone(&next));
        clients.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= requests {
                    return anyhow::Ok(latencies);
                }
                let request = match n % 2 {
                    0 => Request::get(&url).body(Body::empty()),
                    _ => Request::post(&url)
                        .header(CONTENT_TYPE, "application/json")
                        .body(DOCUMENT.into()),
                };
                let began = Instant::now();
                let answer = http.request(request?).await?;
                let status = answer.status();
                answer.into_body().collect().await?;
                ensure!(status.is_success(), "{url} answers {status}");
                latencies.push(began.elapsed());
            }
        });
    }
    let mut latencies = Vec::with_capacity(requests);
    while let Some(client) = patiently("answer", async { Ok(clients.join_next().await) }).await? {
        latencies.extend(client??);
    }
    Ok(latencies)
}

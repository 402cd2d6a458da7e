//! `modulo serve`, killed while it writes.
//!
//! What was written is the kernel's by then, so this asks nothing of the disk; `power.rs` does.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;

pub(crate) const MODULES: &str = r#"
    [modules.texts]
    key = "id"

    [modules.members]
    key = "id"
    storage = "document"
"#;

const ROUNDS: u32 = 4;
const WRITERS: u32 = 16;

/// A running `modulo serve`.
pub(crate) struct Served {
    pub(crate) process: Child,
    pub(crate) url: String,
    /// Held, so that the server can go on saying what it does.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Served {
    async fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[]).await
    }

    pub(crate) async fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modulo"));
        command.args(["serve", "--addr", "127.0.0.1:0"]);
        command.args(arguments);
        Self::by(command, folder).await
    }

    /// Started by a command.
    pub(crate) async fn by(mut command: Command, folder: &Path) -> Self {
        let mut process = command
            .current_dir(folder)
            // The machine's own settings are no part of a test.
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("MODULO_STAGE")
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let welcome = said.next_line().await.unwrap().expect("it serves");
        let url = welcome
            .split([' ', ','])
            .find(|word| word.starts_with("http"));
        Self {
            process,
            url: url.expect("it says where").to_owned(),
            _said: said,
        }
    }
}

/// A status and a body, unless the server is gone.
pub(crate) async fn send(
    client: &Client<HttpConnector, Body>,
    method: &str,
    url: String,
    body: String,
) -> Option<(u16, String)> {
    send_as(client, method, url, "application/json", body).await
}

/// As [`send`], with a content type.
pub(crate) async fn send_as(
    client: &Client<HttpConnector, Body>,
    method: &str,
    url: String,
    content_type: &str,
    body: String,
) -> Option<(u16, String)> {
    let request = Request::builder().method(method).uri(url);
    let request = request.header("content-type", content_type);
    let answer = client
        .request(request.body(body.into()).unwrap())
        .await
        .ok()?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some((status, String::from_utf8(body.into()).unwrap()))
}

/// Has many clients write until the server is gone.
pub(crate) fn write(client: &Client<HttpConnector, Body>, url: &str, round: u32) -> Writers {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        let url = url.to_owned();
        let acknowledged = Arc::clone(&acknowledged);
        tasks.spawn(async move {
            for count in 0.. {
                let module = ["texts", "members"][count % 2];
                let path = format!("/{module}/{round}-{writer}-{count}");
                let body = format!(r#"{{"path":"{path}"}}"#);
                let method = ["POST", "PUT"][count / 2 % 2];
                match send(&client, method, format!("{url}{path}"), body).await {
                    Some((status, said)) => assert_eq!(status, 200, "{said}"),
                    None => break,
                }
                acknowledged.lock().unwrap().push(path);
            }
        });
    }
    Writers {
        tasks,
        acknowledged,
    }
}

/// The clients of [`write()`].
pub(crate) struct Writers {
    tasks: JoinSet<()>,
    /// The paths of the items whose writes were acknowledged.
    acknowledged: Arc<Mutex<Vec<String>>>,
}

impl Writers {
    /// Waits until so many writes are acknowledged.
    pub(crate) async fn have_written(&self, count: usize) {
        while self.acknowledged.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was acknowledged, once the server is gone.
    pub(crate) async fn end(self) -> Vec<String> {
        self.tasks.join_all().await;
        std::mem::take(&mut self.acknowledged.lock().unwrap())
    }
}

/// Whether the item that [`write()`] wrote at a path is there.
pub(crate) async fn is_there(client: &Client<HttpConnector, Body>, url: &str, path: &str) -> bool {
    let read = send(client, "GET", format!("{url}{path}"), String::new()).await;
    let (status, body) = read.expect("it serves");
    status == 200 && body.contains(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_every_acknowledged_write_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("modules.toml"), MODULES).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut served = Served::start(folder.path()).await;
        let writers = write(&client, &served.url, round);
        // By then all are at it, however slow the machine is.
        writers.have_written(2 * WRITERS as usize).await;
        tokio::time::sleep(Duration::from_millis(300 * u64::from(round))).await;
        // SIGKILL.
        served.process.kill().await.unwrap();
        acknowledged.extend(writers.end().await);
    }
    let served = Served::start(folder.path()).await;
    for path in &acknowledged {
        assert!(is_there(&client, &served.url, path).await, "{path}");
    }
    let line = format!(
        "kill -9: {ROUNDS} times, {} acknowledged writes are there\n",
        acknowledged.len()
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

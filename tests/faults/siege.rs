//! `modulo serve`, besieged: 16 clients send what costs most, and hold connections that they do not
//! use. It must neither end nor take more than [`MORE_MEMORY`], and `/_health` must be answered.
//!
//! `MODULO_SIEGE_SECONDS` says how long, 10 if it says nothing; `MODULO_SIEGE_ONLY` what part of
//! their names the requests have in common that are sent, all if it says nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::kill::Served;

const CLIENTS: usize = 16;

/// How much more memory the server may have than at rest, in bytes.
const MORE_MEMORY: u64 = 300_000_000;

/// How long a client waits for an answer, and whoever asks for health.
const PATIENCE: Duration = Duration::from_secs(40);
const HEALTH_PATIENCE: Duration = Duration::from_secs(10);

/// How many connections a client holds at a time without using them.
const HELD: usize = 64;

const MODULES: &str = r##"
    [modules.texts]
    key = "id"

    [modules.members]
    key = "id"
    storage = "document"

    [modules.trees]
    key = "id"
    schema = { "$ref" = "#/$defs/expr", "$defs" = { expr = { oneOf = [
        { type = "number" },
        { type = "object", required = ["add"], properties = { add = { const = true }, args = { type = "array", items = { "$ref" = "#/$defs/expr" } } } },
        { type = "object", required = ["args"], properties = { args = { type = "array", items = { "$ref" = "#/$defs/expr" } } } },
        { type = "object", properties = { args = { type = "array", items = { "$ref" = "#/$defs/expr" } } } },
    ] } } }

    [modules.numbers]
    key = "id"
    schema = { items = { anyOf = [{ type = "string" }, { type = "boolean" }, { type = "object" }] } }

    [modules.sets]
    key = "id"
    schema = { uniqueItems = true }
"##;

type Http = Client<HttpConnector, Body>;

/// A request that costs more than others.
struct Assault {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    media_type: &'static str,
    body: String,
}

const JSON: &str = "application/json";
const OPERATIONS: &str = "application/json-patch+json";

fn assaults() -> Vec<Assault> {
    let assault = |name, method, path, media_type, body| Assault {
        name,
        method,
        path,
        media_type,
        body,
    };
    let list = |items: &[String]| format!("[{}]", items.join(","));
    let mut nested = Vec::new();
    for depth in 0..14 {
        let path = "/a".repeat(1 << depth);
        nested.push(format!(r#"{{"op":"copy","from":"","path":"{path}"}}"#));
    }
    let doubling = vec![r#"{"op":"copy","from":"/a","path":"/a/-"}"#.to_owned(); 24];
    let copies = vec![r#"{"op":"copy","from":"/a","path":"/b"}"#.to_owned(); 10_000];
    let moves = vec![r#"{"op":"move","from":"/a/0","path":"/a/1"}"#.to_owned(); 100_000];
    let tree = |levels| {
        format!(
            "{}null{}",
            r#"{"args":["#.repeat(levels),
            "]}".repeat(levels)
        )
    };
    let numbers = list(&vec!["1".to_owned(); 170_000]);
    let exponents: Vec<_> = (0..500).map(|digit| format!("1e9999{digit}")).collect();
    let mut merge = String::from("{");
    for member in 0..58 {
        let _ = write!(merge, r#""m{member}":"{}","#, "x".repeat(100_000));
    }
    merge.push_str(r#""end":1}"#);
    let operations = (0..16).map(|id| {
        let text = "x".repeat(340_000);
        format!(r#"{{"op":"put","id":"{id}","item":{{"text":"{text}"}}}}"#)
    });
    let batch = format!(
        r#"{{"operations":[{}]}}"#,
        operations.collect::<Vec<_>>().join(",")
    );
    let maps = format!("{}1{}", r#"{"a":"#.repeat(120), "}".repeat(120));
    vec![
        assault(
            "7.1 nested copies",
            "PATCH",
            "/texts/nested",
            OPERATIONS,
            list(&nested),
        ),
        assault(
            "7.1 native",
            "PATCH",
            "/members/nested",
            OPERATIONS,
            list(&nested),
        ),
        assault(
            "7.2 doubling",
            "PATCH",
            "/texts/doubling",
            OPERATIONS,
            list(&doubling),
        ),
        assault(
            "7.3 copies",
            "PATCH",
            "/texts/list",
            OPERATIONS,
            list(&copies),
        ),
        assault(
            "7.3 moves",
            "PATCH",
            "/texts/list",
            OPERATIONS,
            list(&moves),
        ),
        assault("7.4 tree of 10", "POST", "/trees/x", JSON, tree(10)),
        assault("7.4 tree of 12", "POST", "/trees/x", JSON, tree(12)),
        assault("7.5 numbers", "POST", "/numbers/x", JSON, numbers),
        assault("7.6 exponents", "POST", "/sets/x", JSON, list(&exponents)),
        assault("7.7 merge", "PATCH", "/members/absent", JSON, merge),
        assault("7.7 batch", "POST", "/_batch/members", JSON, batch),
        assault("deep document", "PUT", "/members/deep", JSON, maps),
        assault("list", "GET", "/members?limit=100", JSON, String::new()),
    ]
}

/// The items that the assaults change.
fn items() -> Vec<(&'static str, String)> {
    let element = format!(r#"{{"a":["{}"]}}"#, "x".repeat(1_000));
    let list = format!(r#"{{"a":[{}]}}"#, vec!["1"; 170_000].join(","));
    vec![
        ("/texts/nested", r#"{"x":1}"#.to_owned()),
        ("/members/nested", r#"{"x":1}"#.to_owned()),
        ("/texts/doubling", element),
        ("/texts/list", list),
    ]
}

fn request(url: &str, assault: &Assault) -> Request<Body> {
    let request = Request::builder()
        .method(assault.method)
        .uri(format!("{url}{}", assault.path))
        .header("content-type", assault.media_type);
    request.body(Body::from(assault.body.clone())).unwrap()
}

/// The answer's status, or what became of it.
async fn outcome(http: &Http, request: Request<Body>) -> String {
    let answer = timeout(PATIENCE, async {
        let answer = http.request(request).await?;
        let status = answer.status().as_u16();
        let whole = answer.into_body().collect().await;
        Ok::<_, hyper_util::client::legacy::Error>(whole.map_or(0, |_| status))
    });
    match answer.await {
        Err(_) => "no answer".to_owned(),
        Ok(Err(_) | Ok(0)) => "closed".to_owned(),
        Ok(Ok(status)) => status.to_string(),
    }
}

/// Connections of each kind that are begun and not used.
async fn hold(address: &str) -> Vec<TcpStream> {
    let begun = [
        "",
        "GET /texts HTTP/1.1\r\nhost: localhost\r\nx-half:",
        "GET /_health HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        "POST /texts/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: 5000000\r\n\r\n[",
        "GET /members?limit=100 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ];
    let mut held = Vec::new();
    for begun in begun.iter().cycle().take(HELD) {
        let Ok(mut socket) = TcpStream::connect(address).await else {
            break;
        };
        let _ = socket.write_all(begun.as_bytes()).await;
        held.push(socket);
    }
    held
}

/// One of the process's figures, in bytes.
fn memory(process: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kilobytes = line
        .unwrap()
        .trim_start_matches(':')
        .trim_end_matches("kB")
        .trim();
    kilobytes.parse::<u64>().unwrap() * 1_024
}

/// How long `/_health` takes, again and again, each time on a connection of its own.
async fn ask_for_health(url: String, until: Instant) -> Vec<Duration> {
    let mut took = Vec::new();
    while Instant::now() < until {
        let http: Http = Client::builder(TokioExecutor::new()).build_http();
        let began = Instant::now();
        let request = Request::get(format!("{url}/_health")).body(Body::empty());
        let answer = timeout(HEALTH_PATIENCE, http.request(request.unwrap())).await;
        let answer = answer
            .expect("`/_health` is answered")
            .expect("the server is there");
        assert_eq!(answer.status(), 200);
        took.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_besieged_server_goes_on_answering() {
    let seconds = std::env::var("MODULO_SIEGE_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("modules.toml"), MODULES).unwrap();
    let mut served = Served::start_with(folder.path(), &["--memory"]).await;
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    for (path, body) in items() {
        let put = Assault {
            name: "",
            method: "PUT",
            path,
            media_type: JSON,
            body,
        };
        assert_eq!(
            outcome(&http, request(&served.url, &put)).await,
            "200",
            "{path}"
        );
    }

    let id = served.process.id().unwrap();
    let at_rest = memory(id, "VmRSS");
    let limit = Some(memory(id, "VmSize") + MORE_MEMORY);
    let pid = Pid::from_raw(id.try_into().unwrap());
    let limits = Rlimit {
        current: limit,
        maximum: limit,
    };
    prlimit(pid, Resource::As, limits).unwrap();
    // The peak is counted from here on.
    std::fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();

    let until = Instant::now() + Duration::from_secs(seconds);
    let health = tokio::spawn(ask_for_health(served.url.clone(), until));
    let only = std::env::var("MODULO_SIEGE_ONLY").unwrap_or_default();
    let mut assaults = assaults();
    assaults.retain(|assault| assault.name.contains(&only));
    let assaults = Arc::new(assaults);
    let outcomes = Arc::new(Mutex::new(BTreeMap::<(&str, String), usize>::new()));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (url, assaults) = (served.url.clone(), Arc::clone(&assaults));
        let outcomes = Arc::clone(&outcomes);
        clients.spawn(async move {
            let http: Http = Client::builder(TokioExecutor::new()).build_http();
            let address = url.trim_start_matches("http://");
            let mut held = Vec::new();
            for turn in client.. {
                if Instant::now() >= until {
                    break;
                }
                let at = turn % (assaults.len() + 1);
                let Some(assault) = assaults.get(at) else {
                    held = hold(address).await;
                    continue;
                };
                let outcome = outcome(&http, request(&url, assault)).await;
                *outcomes
                    .lock()
                    .unwrap()
                    .entry((assault.name, outcome))
                    .or_default() += 1;
            }
            drop(held);
        });
    }
    clients.join_all().await;
    let mut took = health.await.unwrap();
    took.sort_unstable();

    let peak = memory(id, "VmHWM").saturating_sub(at_rest);
    let mut report = format!(
        "besieged for {seconds} s: {} times asked for health, median {:?}, slowest {:?}; \
         {} MB more than at rest ({} MB)\n",
        took.len(),
        took[took.len() / 2],
        took[took.len() - 1],
        peak / 1_000_000,
        at_rest / 1_000_000
    );
    let outcomes = outcomes.lock().unwrap().clone();
    for ((name, outcome), times) in &outcomes {
        let _ = writeln!(report, "  {name}: {outcome}, {times} times");
    }
    std::io::stderr().write_all(report.as_bytes()).unwrap();
    assert!(served.process.try_wait().unwrap().is_none(), "it has ended");
    assert!(peak <= MORE_MEMORY, "{peak} bytes more than at rest");
    assert!(
        outcomes.keys().all(|(_, outcome)| outcome != "500"),
        "{report}"
    );
    let read = Request::get(format!("{}/texts/nested", served.url)).body(Body::empty());
    assert_eq!(outcome(&http, read.unwrap()).await, "200");
}

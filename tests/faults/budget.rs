//! Requests of few bytes that once took all memory, or the whole process.
//!
//! Against the real `modulo serve`, since a stack that overflows and memory that is not to be had
//! end a process, and every request in it.

use std::path::Path;

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::kill::{Served, send, send_as};

const MODULES: &str = r#"
    [defaults]
    key = "id"

    [modules.texts]

    [modules.members]
    storage = "document"

    [modules.expressions]
    schema = "expression.json"

    [modules.dynamic]
    schema = "dynamic.json"

    [modules.choices]
    schema = { items = { anyOf = [{ type = "string" }, { type = "null" }, { type = "object" }] } }

    [modules.sets]
    schema = { uniqueItems = true }
"#;

/// An expression tree, which each alternative goes through.
const EXPRESSION: &str = r##"{
    "$ref": "#/$defs/expr",
    "$defs": {
        "expr": {
            "oneOf": [
                { "type": "number" },
                { "properties": { "op": { "const": "add" }, "args": { "items": { "$ref": "#/$defs/expr" } } }, "required": ["op", "args"], "type": "object" },
                { "properties": { "op": { "const": "mul" }, "args": { "items": { "$ref": "#/$defs/expr" } } }, "required": ["op", "args"], "type": "object" },
                { "properties": { "args": { "items": { "$ref": "#/$defs/expr" } }, "op": { "const": "neg" } }, "required": ["op", "args"], "type": "object" }
            ]
        }
    }
}"##;

/// The same by `$dynamicRef`, and with `unevaluatedProperties`.
const DYNAMIC: &str = r##"{
    "$dynamicAnchor": "expr",
    "unevaluatedProperties": false,
    "anyOf": [
        { "type": "number" },
        { "type": "object", "properties": { "args": { "items": { "$dynamicRef": "#expr" } }, "op": { "const": "add" } } },
        { "type": "object", "properties": { "args": { "items": { "$dynamicRef": "#expr" } }, "op": { "const": "mul" } } },
        { "type": "object", "properties": { "args": { "items": { "$dynamicRef": "#expr" } }, "op": { "const": "neg" } } }
    ]
}"##;

const OPERATIONS: &str = "application/json-patch+json";

/// What the process may have had at the most, with the engine and all that is stored in it.
const MAX_RESIDENT_KIB: u64 = 350_000;

struct Server {
    served: Served,
    client: Client<HttpConnector, Body>,
    _folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("modules.toml", MODULES),
            ("expression.json", EXPRESSION),
            ("dynamic.json", DYNAMIC),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        // What runs wild ends here, and does not take the machine with it.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "ulimit -v 4000000 2>/dev/null; exec \"$0\" serve --memory --addr 127.0.0.1:0",
            env!("CARGO_BIN_EXE_modulo"),
        ]);
        Self {
            served: Served::by(command, folder.path()).await,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _folder: folder,
        }
    }

    /// The status of the answer.
    async fn ask(&self, method: &str, path: &str, content_type: &str, body: String) -> u16 {
        let url = format!("{}{path}", self.served.url);
        let answer = send_as(&self.client, method, url, content_type, body).await;
        answer.expect("the server is still there").0
    }

    async fn put(&self, path: &str, document: String) -> u16 {
        self.ask("PUT", path, "application/json", document).await
    }

    /// As a JSON Patch.
    async fn patch(&self, path: &str, operations: &[String]) -> u16 {
        let body = format!("[{}]", operations.join(","));
        self.ask("PATCH", path, OPERATIONS, body).await
    }

    /// Still answers, and never had more memory than it may.
    async fn check(&self) {
        let health = format!("{}/_health", self.served.url);
        let health = send(&self.client, "GET", health, String::new()).await;
        assert_eq!(health.expect("it serves").0, 200);
        let process = self.served.process.id().expect("it runs");
        let status = Path::new("/proc").join(process.to_string()).join("status");
        let Ok(status) = std::fs::read_to_string(status) else {
            return;
        };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let peak: u64 = peak.expect("Linux tells it").trim().parse().unwrap();
        assert!(peak < MAX_RESIDENT_KIB, "{peak} KiB were resident");
    }
}

fn list_of(length: usize) -> String {
    vec!["0"; length].join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_grows_without_end_ends_with_itself() {
    let server = Server::start().await;
    for module in ["texts", "members"] {
        let path = &format!("/{module}/x");
        assert_eq!(server.put(path, r#"{"a":1}"#.to_owned()).await, 200);
        for count in [14, 16] {
            let twice_as_deep = (0..count).map(|at| {
                let path = "/a".repeat(1_usize << at);
                format!(r#"{{"op":"copy","from":"","path":"{path}"}}"#)
            });
            let twice_as_deep: Vec<_> = twice_as_deep.collect();
            assert_eq!(server.patch(path, &twice_as_deep).await, 409, "{count}");
        }
        let list = format!(r#"{{"a":["{}"]}}"#, "x".repeat(1_000));
        assert_eq!(server.put(path, list).await, 200);
        let twice_as_long = r#"{"op":"copy","from":"/a","path":"/a/-"}"#.to_owned();
        for count in [20, 24] {
            let operations = vec![twice_as_long.clone(); count];
            assert_eq!(server.patch(path, &operations).await, 413, "{count}");
        }
    }
    server.check().await;
}

/// What was removed takes no memory in copies.
#[tokio::test(flavor = "multi_thread")]
async fn copies_of_an_emptied_object_are_small() {
    let server = Server::start().await;
    let path = "/texts/x";
    let members = (0..4_900).map(|at| format!(r#""{at}":0"#));
    let members = members.collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"a":{{{members}}},"b":[]}}"#);
    assert_eq!(server.put(path, document).await, 200);
    let removes = (0..4_900).map(|at| format!(r#"{{"op":"remove","path":"/a/{at}"}}"#));
    let copy = r#"{"op":"copy","from":"/a","path":"/b/-"}"#.to_owned();
    let operations: Vec<_> = removes.chain(vec![copy; 5_000]).collect();
    assert_eq!(server.patch(path, &operations).await, 200);
    server.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_that_would_take_minutes_leave_others_their_turn() {
    let server = Server::start().await;
    let list = format!(r#"{{"a":[{}],"b":0}}"#, list_of(170_000));
    for id in 0..4 {
        assert_eq!(server.put(&format!("/texts/{id}"), list.clone()).await, 200);
    }
    let copy = r#"{"op":"copy","from":"/a","path":"/b"}"#.to_owned();
    let shift = r#"{"op":"move","from":"/a/0","path":"/a/-"}"#.to_owned();
    assert_eq!(
        server.patch("/texts/0", &vec![copy.clone(); 10_000]).await,
        413
    );
    assert_eq!(
        server.patch("/texts/0", &vec![shift.clone(); 9_000]).await,
        413
    );
    assert_eq!(server.patch("/texts/0", &vec![shift; 100_000]).await, 413);
    let mut patches = JoinSet::new();
    for id in 0..4 {
        let (client, url) = (server.client.clone(), server.served.url.clone());
        let body = format!("[{}]", vec![copy.clone(); 4_000].join(","));
        let url = format!("{url}/texts/{id}");
        patches.spawn(async move { send_as(&client, "PATCH", url, OPERATIONS, body).await });
    }
    server.check().await;
    for answer in patches.join_all().await {
        assert_eq!(answer.expect("it serves").0, 413);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_schema_in_countless_ways_is_refused() {
    let server = Server::start().await;
    let expression =
        |depth, leaf| r#"{"op":"add","args":["#.repeat(depth) + leaf + &"]}".repeat(depth);
    for path in ["/expressions/x", "/dynamic/x"] {
        for depth in [1, 10, 12, 40] {
            assert_eq!(
                server.put(path, expression(depth, r#""x""#)).await,
                422,
                "{depth}"
            );
            assert_eq!(
                server.put(path, expression(depth, "1")).await,
                200,
                "{depth}"
            );
        }
    }
    let numbers = format!("[{}]", list_of(170_000));
    assert_eq!(server.put("/choices/x", numbers).await, 422);
    for set in [
        vec!["1e9999"; 500].join(","),
        (0..500)
            .map(|at| format!("1e99{at:03}"))
            .collect::<Vec<_>>()
            .join(","),
    ] {
        assert_eq!(server.put("/sets/x", format!("[{set}]")).await, 422);
    }
    // They are the same as an `f64`.
    let close = (0..17_000).map(|at| format!("0.1000000000000000{at:05}1"));
    let close = close.collect::<Vec<_>>().join(",");
    assert_eq!(server.put("/sets/x", format!("[{close}]")).await, 413);
    let close = (0..14_000).map(|at| format!("0.1000000000000000{at:05}1"));
    let close = close.collect::<Vec<_>>().join(",");
    assert_eq!(server.put("/sets/x", format!("[{close}]")).await, 200);
    server.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_are_refused_or_done_in_parts() {
    let server = Server::start().await;
    let many = |count: usize| {
        let members = (0..count).map(|at| format!(r#""{at}":0"#));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let merge = many(500_000);
    assert!(merge.len() > 5_000_000);
    for path in ["/members/absent", "/texts/absent"] {
        assert_eq!(
            server
                .ask("PATCH", path, "application/json", merge.clone())
                .await,
            413
        );
    }
    // The shortest objects, of which a tree takes the most memory.
    let hostile = format!(r#"{{"a":[{}]}}"#, vec![r#"{"a":0}"#; 51_000].join(","));
    let puts = (0..15).map(|id| format!(r#"{{"op":"put","id":"{id}","item":{hostile}}}"#));
    let puts = puts.collect::<Vec<_>>().join(",");
    let gets = (0..15).map(|id| format!(r#"{{"op":"get","id":"{id}"}}"#));
    let gets = gets.collect::<Vec<_>>().join(",");
    let some = puts.split(r#",{"op":"put""#).take(10).collect::<Vec<_>>();
    let some = some.join(r#",{"op":"put""#);
    for module in ["texts", "members"] {
        let path = &format!("/_batch/{module}");
        for operations in [&puts, &gets] {
            let batch = format!(r#"{{"operations":[{operations}]}}"#);
            let url = format!("{}{path}", server.served.url);
            let answer = send(&server.client, "POST", url, batch).await;
            let (status, body) = answer.expect("it serves");
            // A slow machine's engine does not take 2 MB within a call's time limit, nor all of
            // it within the request's.
            if status == 504 {
                continue;
            }
            assert_eq!(status, 200, "{body}");
            let known = [200, 404, 413, 504].map(|status| format!(r#""status":{status},"#));
            let known = known.iter().map(|status| body.matches(status).count());
            assert_eq!(known.sum::<usize>(), 15, "{}", &body[..body.len().min(500)]);
        }
        let batch = format!(r#"{{"atomic":true,"operations":[{some}]}}"#);
        let status = server.ask("POST", path, "application/json", batch).await;
        let possible: &[u16] = if module == "texts" {
            &[200, 504]
        } else {
            &[413]
        };
        assert!(possible.contains(&status), "{module}: {status}");
    }
    server.check().await;
}

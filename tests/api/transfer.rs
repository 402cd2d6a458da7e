//! `modulo export` and `modulo import`: nothing is lost, whatever happens on the way.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use modulo::local::{self, Data, Engine};
use modulo::store::Store;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::command::Folder;

const ROOMS: &str = "[modules.rooms]\nkey = \"roomId\"\n";
const NATIVE_ROOMS: &str = "[modules.rooms]\nkey = \"roomId\"\nstorage = \"document\"\n";

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    /// Runs to a good end; standard error.
    async fn done(&self, arguments: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(arguments).await;
        assert_eq!(
            (status, stdout.as_str()),
            (Some(0), ""),
            "{arguments:?}: {stderr}"
        );
        stderr
    }

    /// Runs to a bad end; standard error.
    async fn failed(&self, arguments: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(arguments).await;
        assert_eq!(
            (status, stdout.as_str()),
            (Some(1), ""),
            "{arguments:?}: {stderr}"
        );
        stderr
    }
}

/// What may happen to the calls of one operation on their way to the engine.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    /// So many get through; the others wait until the gate is opened.
    Gate(usize),
    /// Of a batch only the first half gets through, the other is told to be unprocessed.
    Halves,
}

/// An engine, and an endpoint before it that has an obstacle.
struct Obstructed {
    endpoint: String,
    passes: Arc<Semaphore>,
    waits: Arc<Notify>,
    _engine: Engine,
}

impl Obstructed {
    async fn start(operation: &'static str, obstacle: Obstacle) -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let passes = Arc::new(Semaphore::new(match obstacle {
            Obstacle::Gate(calls) => calls,
            Obstacle::Halves => Semaphore::MAX_PERMITS,
        }));
        let waits = Arc::new(Notify::new());
        let (behind, semaphore, notify) =
            (engine.endpoint(), Arc::clone(&passes), Arc::clone(&waits));
        let client = Http::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let relay = move |request: Request<Body>| {
            let (behind, client) = (behind.clone(), client.clone());
            let (semaphore, notify) = (Arc::clone(&semaphore), Arc::clone(&notify));
            async move {
                let target = request.headers().get("x-amz-target").cloned();
                let concerned =
                    target.is_some_and(|target| target.to_str().unwrap().ends_with(operation));
                if concerned {
                    if let Ok(pass) = semaphore.try_acquire() {
                        pass.forget();
                    } else {
                        notify.notify_one();
                        semaphore.acquire().await.unwrap().forget();
                    }
                }
                let halve = concerned && matches!(obstacle, Obstacle::Halves);
                pass_on(&client, &behind, request, halve).await
            }
        };
        let app = axum::Router::new().fallback(relay);
        tokio::spawn(async { axum::serve(listener, app).await });
        Self {
            endpoint,
            passes,
            waits,
            _engine: engine,
        }
    }

    fn open(&self) {
        self.passes.add_permits(1_000_000);
    }
}

async fn pass_on(
    client: &Http<HttpConnector, Full<Bytes>>,
    behind: &str,
    request: Request<Body>,
    halve: bool,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let mut body = body.collect().await.unwrap().to_bytes();
    let mut rest = HashMap::new();
    if halve {
        let mut batch: Value = serde_json::from_slice(&body).unwrap();
        for (table, requests) in batch["RequestItems"].as_object_mut().unwrap() {
            let requests = requests.as_array_mut().unwrap();
            let left = requests.split_off(requests.len().div_ceil(2));
            if !left.is_empty() {
                rest.insert(table.clone(), left);
            }
        }
        body = serde_json::to_vec(&batch).unwrap().into();
        parts.headers.remove("content-length");
    }
    parts.uri = format!("{behind}/").parse().unwrap();
    let answer = client
        .request(Request::from_parts(parts, Full::new(body)))
        .await;
    let (mut parts, body) = answer.unwrap().into_parts();
    let mut body = body.collect().await.unwrap().to_bytes();
    if halve {
        body = json!({ "UnprocessedItems": rest }).to_string().into();
        parts.headers.remove("content-length");
        parts.headers.remove("x-amz-crc32");
    }
    Response::from_parts(parts, body.into())
}

/// Lines of items of all kinds that an export writes for a module that keeps texts, in its order.
fn mixed_lines(count: usize) -> String {
    let mut lines = String::new();
    for at in 0..count {
        let id = format!("{at:06}");
        let line = match at % 12 {
            0 => format!(
                r#"{{"id":"{id}","item":{{"n":12345678901234567890123.10,"m":1e400,"at":{at}}}}}"#
            ),
            1 => format!(r#"{{"id":"{id} a/b ..","item":{{"name":"São João 🎉","b":1,"a":2}}}}"#),
            2 => format!(r#"{{"id":"{id}","item":"\u00e9\ud800\n\"\\ {at}"}}"#),
            3 => format!(r#"{{"id":"{id}","item":{{"a":1,"a":{{"a":[null,false,0,-0.0]}}}}}}"#),
            4 => format!(r#"{{"id":"{id}","item":{{"with": "spaces" , "at" : [ {at} ]}}}}"#),
            5 => format!(r#"{{"id":"{id}","attributes":{{"data":{{"NULL":true}}}}}}"#),
            6 => format!(r#"{{"id":"{id}","attributes":{{}}}}"#),
            7 => format!(r#"{{"id":"{id}","attributes":{{"data":{{"S":"null"}}}}}}"#),
            8 => {
                format!(r#"{{"id":"{id}","attributes":{{"data":{{"S":"{{\n \"at\": {at}}}"}}}}}}"#)
            }
            9 => format!(
                concat!(
                    r#"{{"id":"{}","item":[{}],"attributes":{{"b":{{"B":"AP8="}},"#,
                    r#""bs":{{"BS":["AA==","/w=="]}},"l":{{"L":[{{"BOOL":false}},{{"M":{{}}}}]}},"#,
                    r#""m":{{"M":{{"z":{{"L":[]}},"é":{{"N":"1.5"}}}}}},"n":{{"N":"-7"}},"#,
                    r#""ns":{{"NS":["1","20"]}},"s":{{"S":""}},"ss":{{"SS":["a","b"]}}}}}}"#
                ),
                id, at
            ),
            10 => format!(r#"{{"id":"{id}","item":"{}"}}"#, "x".repeat(at % 3_000)),
            _ => format!(r#"{{"id":"{id}","item":true,"attributes":{{"other":{{"S":"{at}"}}}}}}"#),
        };
        // What is an empty text is no document.
        let line = line.replace(r#""item":"""#, r#""item":" ""#);
        writeln!(lines, "{line}").unwrap();
    }
    lines
}

#[track_caller]
fn assert_same_lines(found: &str, expected: &str) {
    let (found, expected): (Vec<_>, Vec<_>) = (found.lines().collect(), expected.lines().collect());
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "line {}", at + 1);
    }
    assert_eq!(found.len(), expected.len());
}

#[tokio::test]
async fn ten_thousand_items_are_the_same_after_export_import_export() {
    let folder = Folder::with(ROOMS);
    let lines = mixed_lines(10_000);
    folder.write("given", &lines);
    let (a, b) = (Engine::start(&Data::Memory), Engine::start(&Data::Memory));
    let (a, b) = (a.await.unwrap(), b.await.unwrap());
    for (input, engine, output) in [("given", &a, "one"), ("one", &b, "two")] {
        let at = ["--endpoint-url", &engine.endpoint()];
        let import = ["import", "rooms", input];
        let stderr = folder.done(&[&import[..], &at].concat()).await;
        assert!(
            stderr.starts_with("10,000 items imported into table `rooms-local` in "),
            "{stderr}"
        );
        let export = ["export", "rooms", "-o", output];
        folder.done(&[&export[..], &at].concat()).await;
    }
    assert_same_lines(&folder.read("one"), &lines);
    assert!(
        folder.read("one") == folder.read("two"),
        "the second export differs"
    );
}

/// An item that knows nothing of modulo, with an attribute of every type.
fn foreign_item(data: Option<AttributeValue>) -> HashMap<String, AttributeValue> {
    let blob = |byte| Blob::new([byte, 0xff]);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |text: &str| AttributeValue::N(text.to_owned());
    let mut item = HashMap::from([
        ("s", text("é\n\"")),
        ("n", number("12345678901234567890123456789012345678")),
        ("b", AttributeValue::B(blob(0))),
        ("t", AttributeValue::Bool(true)),
        ("nothing", AttributeValue::Null(true)),
        ("ss", AttributeValue::Ss(vec!["b".into(), "a".into()])),
        ("ns", AttributeValue::Ns(vec!["20".into(), "1e100".into()])),
        ("bs", AttributeValue::Bs(vec![blob(2), blob(1)])),
        (
            "l",
            AttributeValue::L(vec![text(""), AttributeValue::B(blob(0))]),
        ),
        (
            "m",
            AttributeValue::M([("x".to_owned(), number("0.5"))].into()),
        ),
    ]);
    if let Some(data) = data {
        item.insert("data", data);
    }
    item.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[tokio::test]
async fn what_others_have_written_is_moved_attribute_for_attribute() {
    let data = [
        None,
        Some(AttributeValue::Null(true)),
        Some(AttributeValue::S("no JSON".to_owned())),
        Some(AttributeValue::S("{\"a\": 1,\n\"a\": 2}".to_owned())),
        Some(AttributeValue::S(" {}".to_owned())),
        Some(AttributeValue::S("{\"b\": 1.10}".to_owned())),
        Some(AttributeValue::B(Blob::new([0]))),
    ];
    for modules in [ROOMS, NATIVE_ROOMS] {
        let folder = Folder::with(modules);
        // Makes the table.
        folder.write("none", "");
        for endpoint in ["a", "b"] {
            folder
                .done(&["import", "rooms", "none", "--data-dir", endpoint])
                .await;
        }
        let engine = Engine::start(&Data::Folder(folder.file("a")))
            .await
            .unwrap();
        let store = Store::new(&local::settings(&engine.endpoint()).await);
        for (at, data) in data.iter().enumerate() {
            let put = store.client().put_item().table_name("rooms-local");
            put.set_item(Some(foreign_item(data.clone())))
                .item("roomId", AttributeValue::S(at.to_string()))
                .send()
                .await
                .unwrap();
        }
        engine.stop().await;
        folder
            .done(&["export", "rooms", "-o", "one", "--data-dir", "a"])
            .await;
        folder
            .done(&["import", "rooms", "one", "--data-dir", "b"])
            .await;
        folder
            .done(&["export", "rooms", "-o", "two", "--data-dir", "b"])
            .await;
        assert_same_lines(&folder.read("two"), &folder.read("one"));

        let items = async |name| {
            let engine = Engine::start(&Data::Folder(folder.file(name)))
                .await
                .unwrap();
            let store = Store::new(&local::settings(&engine.endpoint()).await);
            let scan = store.client().scan().table_name("rooms-local").send().await;
            engine.stop().await;
            let mut items = scan.unwrap().items.unwrap();
            // The entity tag is modulo's own.
            for item in &mut items {
                item.remove("_etag");
            }
            items.into_iter().map(sorted_sets).collect::<Vec<_>>()
        };
        assert_eq!(items("b").await, items("a").await, "of {modules}");
        let first = folder.read("one").lines().next().unwrap().to_owned();
        insta::allow_duplicates! {
            if modules == ROOMS {
                insta::assert_snapshot!(first, @r#"{"id":"0","attributes":{"b":{"B":"AP8="},"bs":{"BS":["Af8=","Av8="]},"l":{"L":[{"S":""},{"B":"AP8="}]},"m":{"M":{"x":{"N":"0.5"}}},"n":{"N":"12345678901234567890123456789012345678"},"nothing":{"NULL":true},"ns":{"NS":["10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","20"]},"s":{"S":"é\n\""},"ss":{"SS":["a","b"]},"t":{"BOOL":true}}}"#);
            } else {
                insta::assert_snapshot!(first, @r#"{"id":"0","item":{"m":{"x":0.5},"n":12345678901234567890123456789012345678,"nothing":null,"s":"é\n\"","t":true},"attributes":{"b":{"B":"AP8="},"bs":{"BS":["Af8=","Av8="]},"l":{"L":[{"S":""},{"B":"AP8="}]},"ns":{"NS":["10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","20"]},"ss":{"SS":["a","b"]}}}"#);
            }
        }
    }
}

fn sorted_sets(mut item: HashMap<String, AttributeValue>) -> HashMap<String, AttributeValue> {
    for value in item.values_mut() {
        match value {
            AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.sort(),
            AttributeValue::Bs(blobs) => blobs.sort_by_key(|blob| blob.as_ref().to_owned()),
            _ => {}
        }
    }
    item
}

#[tokio::test]
async fn native_documents_are_moved_as_documents() {
    let folder = Folder::with(NATIVE_ROOMS);
    let lines = "{\"id\":\"1\",\"item\":{\"a\":[1,{\"b\":null}],\"z\":\"é\"}}\n\
                 {\"id\":\"2\",\"item\":{\"n\":1.5},\"attributes\":{\"s\":{\"SS\":[\"x\"]}}}\n";
    folder.write("given", lines);
    folder.done(&["import", "rooms", "given"]).await;
    let served = folder.serve(&[]).await;
    let answer = served.send("GET", "/rooms/2", "").await;
    assert_eq!(
        answer.body,
        r#"{"GET":{"roomId":"2","data":"{\"n\":1.5,\"s\":[\"x\"]}"}}"#
    );
    let (_, stdout, _) = folder.run(&["export", "rooms"]).await;
    assert_eq!(stdout, lines);
}

#[tokio::test]
async fn every_wrong_line_is_reported_before_anything_is_stored() {
    let folder = Folder::with("[modules.rooms]\nkey = \"roomId\"\nmax_bytes = 20\n");
    let lines = [
        r#"{"id":"good","item":[1]}"#,
        "",
        "no JSON",
        r#"{"id":"a","item":[1}"#,
        r#"{"id":"","item":[1]}"#,
        r#"{"id":"b"}"#,
        r#"{"id":"c","item":null}"#,
        r#"{"id":"d","item":"too long for this module"}"#,
        r#"{"id":"e","itm":[1]}"#,
        r#"{"id":"good","item":[2]}"#,
        r#"{"id":"f","item":[1],"attributes":{"data":{"S":"[2]"}}}"#,
        r#"{"id":"g","attributes":{"roomId":{"S":"h"}}}"#,
        r#"{"id":"h","attributes":{"x":{"N":"12a"}}}"#,
        r#"{"id":"i","attributes":{"x":{"Q":"1"}}}"#,
        r#"{"id":"j","attributes":{"x":{"B":"!"}}}"#,
    ];
    folder.write("rooms.jsonl", &lines.join("\n"));
    let stderr = folder.failed(&["import", "rooms", "rooms.jsonl"]).await;
    insta::assert_snapshot!(stderr, @r#"
    rooms.jsonl:3: column 2: expected ident
    rooms.jsonl:4: column 20: expected `,` or `]`
    rooms.jsonl:5: item ``: the id is empty
    rooms.jsonl:6: `item` and `attributes` are both missing
    rooms.jsonl:7: item `c`: there is no data
    rooms.jsonl:8: item `d`: the document has 26 bytes, the limit is 20
    rooms.jsonl:9: column 15: unknown field `itm`, expected one of `id`, `tenant`, `item`, `attributes`
    rooms.jsonl:10: item `good`: line 1 has the same id
    rooms.jsonl:11: item `f`: `attributes` has `data`, which the item has already
    rooms.jsonl:12: item `g`: `attributes` has `roomId`, which the item has already
    rooms.jsonl:13: column 39: `12a` is not a number that DynamoDB takes: up to 38 digits, from 1e-130 to 9.9e125
    rooms.jsonl:14: column 32: unknown variant `Q`, expected one of `S`, `N`, `B`, `BOOL`, `NULL`, `SS`, `NS`, `BS`, `L`, `M`
    rooms.jsonl:15: column 37: `!` is not base64
    13 lines are wrong; nothing was imported. A valid line is {"id":"sala90","item":{"chairs":90}}
    "#);
    assert!(!folder.file(".modulo").exists() && !folder.file("rooms.jsonl.progress").exists());

    let large = format!(
        r#"{{"id":"x","attributes":{{"x":{{"S":"{}"}}}}}}"#,
        "x".repeat(409_600)
    );
    folder.write(
        "rooms.jsonl",
        &format!("{large}\n{}\n", "x".repeat(4_000_000)),
    );
    let stderr = folder.failed(&["import", "rooms", "rooms.jsonl"]).await;
    insta::assert_snapshot!(stderr, @r#"
    rooms.jsonl:1: item `x`: it has 409608 bytes with all its attributes, DynamoDB takes 409600 at the most
    rooms.jsonl:2: longer than 3276800 bytes, more than any item can have
    2 lines are wrong; nothing was imported. A valid line is {"id":"sala90","item":{"chairs":90}}
    "#);

    folder.write("rooms.jsonl", &"[\n".repeat(500));
    let stderr = folder.failed(&["import", "rooms", "rooms.jsonl"]).await;
    assert_eq!(stderr.lines().count(), 22);
    assert!(
        stderr.ends_with(
            "nothing was imported. A valid line is {\"id\":\"sala90\",\"item\":{\"chairs\":90}}\n"
        ),
        "{stderr}"
    );
}

/// What DynamoDB would refuse, and with it the whole call, is known before anything is stored.
#[tokio::test]
async fn what_dynamodb_does_not_take_is_a_wrong_line() {
    let modules = format!(
        "{NATIVE_ROOMS}ttl = \"expiresAt\"\n[[modules.rooms.indexes]]\nname = \"by-owner\"\npartition = \"owner\"\n"
    );
    let folder = Folder::with(&modules);
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let deep_map = |levels: usize| {
        let (open, close) = (r#"{"M":{"a":"#.repeat(levels), "}}".repeat(levels));
        format!(r#"{open}{{"S":""}}{close}"#)
    };
    let lines = [
        r#"{"id":"good","item":{"a":1}}"#.to_owned(),
        format!(r#"{{"id":"a","item":{{"a":{}}}}}"#, deep(32)),
        format!(r#"{{"id":"b","attributes":{{"x":{}}}}}"#, deep_map(32)),
        r#"{"id":"c","attributes":{"x":{"SS":[]}}}"#.to_owned(),
        r#"{"id":"d","attributes":{"x":{"L":[{"BS":[]}]}}}"#.to_owned(),
        r#"{"id":"e","attributes":{"x":{"M":{"":{"S":"y"}}}}}"#.to_owned(),
        r#"{"id":"f","attributes":{"x":{"NULL":false}}}"#.to_owned(),
        r#"{"id":"g","attributes":{"owner":{"N":"1"}}}"#.to_owned(),
        r#"{"id":"h","attributes":{"owner":{"S":""}}}"#.to_owned(),
        r#"{"id":"i","item":{"expiresAt":1700000000000}}"#.to_owned(),
        r#"{"id":"j","attributes":{"x":{"N":" 1"}}}"#.to_owned(),
    ];
    folder.write("rooms.jsonl", &lines.join("\n"));
    let stderr = folder.failed(&["import", "rooms", "rooms.jsonl"]).await;
    insta::assert_snapshot!(stderr, @r#"
    rooms.jsonl:2: item `a`: `/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0` nests too deep: DynamoDB takes 32 levels
    rooms.jsonl:3: item `b`: `/x/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a` nests too deep: DynamoDB takes 32 levels
    rooms.jsonl:4: item `c`: `/x` is an empty set, which DynamoDB does not take
    rooms.jsonl:5: item `d`: `/x/0` is an empty set, which DynamoDB does not take
    rooms.jsonl:6: item `e`: `/x` has a member with a name of 0 bytes: DynamoDB takes 1 to 65535
    rooms.jsonl:7: item `f`: `/x` is NULL, which must be true
    rooms.jsonl:8: item `g`: `/owner` is a key of an index and must be a string of 1 to 2048 bytes
    rooms.jsonl:9: item `h`: `/owner` is a key of an index and must be a string of 1 to 2048 bytes
    rooms.jsonl:10: item `i`: `/expiresAt` says that the item expires after the year 9999; write it in seconds since 1970, not in milliseconds
    rooms.jsonl:11: column 38: ` 1` is not a number that DynamoDB takes: up to 38 digits, from 1e-130 to 9.9e125
    10 lines are wrong; nothing was imported. A valid line is {"id":"sala90","item":{"chairs":90}}
    "#);
    assert!(!folder.file(".modulo").exists());

    // As deep as DynamoDB takes, and a number in a form that it does not take.
    let lines = [
        format!(r#"{{"id":"a","item":{{"a":{}}}}}"#, deep(31)),
        format!(r#"{{"id":"b","attributes":{{"x":{}}}}}"#, deep_map(31)),
        r#"{"id":"c","attributes":{"x":{"N":"0e99999999999999999999"},"y":{"NS":["1","1.0"]}}}"#
            .to_owned(),
    ];
    folder.write("rooms.jsonl", &lines.join("\n"));
    let stderr = folder.done(&["import", "rooms", "rooms.jsonl"]).await;
    assert!(stderr.starts_with("3 items imported"), "{stderr}");
}

/// The module knows nothing of an index of its table, so that only DynamoDB can refuse the item.
#[tokio::test]
async fn a_line_that_only_dynamodb_refuses_is_named() {
    let folder = Folder::with(NATIVE_ROOMS);
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let endpoint = engine.endpoint();
    let client = Store::new(&local::settings(&endpoint).await)
        .client()
        .clone();
    crate::dynamodb::make_table(&client, "rooms-local", "roomId", "owner").await;
    let lines = (1..=40).map(|number| match number {
        33 => r#"{"id":"33","item":{"owner":5}}"#.to_owned(),
        _ => format!(r#"{{"id":"{number}","item":{{"owner":"ana"}}}}"#),
    });
    folder.write("rooms.jsonl", &lines.collect::<Vec<_>>().join("\n"));
    let stderr = folder
        .failed(&[
            "import",
            "rooms",
            "rooms.jsonl",
            "--endpoint-url",
            &endpoint,
        ])
        .await;
    let expected = "rooms.jsonl:33: DynamoDB does not take this item";
    assert!(stderr.contains(expected), "{stderr}");
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_where_it_stopped() {
    let folder = Folder::with(ROOMS);
    let lines = mixed_lines(1_000);
    folder.write("given", &lines);
    let dynamodb = Obstructed::start("BatchWriteItem", Obstacle::Gate(20)).await;
    let import = [
        "import",
        "rooms",
        "given",
        "--endpoint-url",
        &dynamodb.endpoint,
    ];
    let mut killed = folder
        .modulo(&import)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    dynamodb.waits.notified().await;
    while !folder.file("given.progress").exists() {
        tokio::task::yield_now().await;
    }
    killed.kill().await.unwrap();
    dynamodb.open();

    folder.write("given", &lines.replacen("São", "Santo", 1));
    let stderr = folder.failed(&import).await;
    assert_eq!(
        stderr.replace(&dynamodb.endpoint, "URL"),
        "`given.progress` records the progress of the import of module `rooms`, table `rooms-local` of \
         DynamoDB at URL, us-east-1, but the file has changed since then; start again with --restart\n"
    );

    folder.write("given", &lines);
    let stderr = folder.done(&import).await;
    let (resumed, rest) = stderr.split_once(" items of an earlier run\n").unwrap();
    let already: usize = resumed["continuing after ".len()..].parse().unwrap();
    assert!((1..=500).contains(&already), "{stderr}");
    assert!(rest.starts_with("1,000 items imported"), "{stderr}");
    assert!(!folder.file("given.progress").exists());
    let (_, stdout, _) = folder
        .run(&["export", "rooms", "--endpoint-url", &dynamodb.endpoint])
        .await;
    assert_same_lines(&stdout, &lines);
}

#[tokio::test]
async fn an_export_that_was_killed_goes_on_where_it_stopped() {
    let folder = Folder::with(ROOMS);
    let lines = mixed_lines(12_000);
    folder.write("given", &lines);
    let dynamodb = Obstructed::start("Scan", Obstacle::Gate(1)).await;
    let of = |arguments: &[&'static str]| {
        let endpoint = dynamodb.endpoint.clone();
        let arguments: Vec<_> = arguments.iter().map(|&text| text.to_owned()).collect();
        [arguments, vec!["--endpoint-url".to_owned(), endpoint]].concat()
    };
    let export = of(&["export", "rooms", "-o", "copy"]);
    let export: Vec<_> = export.iter().map(String::as_str).collect();
    let import = of(&["import", "rooms", "given"]);
    folder
        .done(&import.iter().map(String::as_str).collect::<Vec<_>>())
        .await;

    let mut killed = folder
        .modulo(&export)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A page is asked for only after the one before it is kept.
    dynamodb.waits.notified().await;
    killed.kill().await.unwrap();
    assert!(!folder.file("copy").exists());
    // Half a page, as a kill in the middle of a write leaves it.
    let mut partial = std::fs::File::options()
        .append(true)
        .open(folder.file("copy.partial"))
        .unwrap();
    std::io::Write::write_all(&mut partial, b"{\"id\":").unwrap();
    dynamodb.open();

    let stderr = folder.done(&export).await;
    assert!(stderr.starts_with("continuing after "), "{stderr}");
    assert!(
        stderr.contains("\n12,000 items exported from table `rooms-local` "),
        "{stderr}"
    );
    assert_same_lines(&folder.read("copy"), &lines);
    for suffix in ["partial", "progress"] {
        assert!(!folder.file(&format!("copy.{suffix}")).exists());
    }
}

#[tokio::test]
async fn what_a_batch_leaves_undone_is_tried_again() {
    let folder = Folder::with(ROOMS);
    let lines = mixed_lines(60);
    folder.write("given", &lines);
    let dynamodb = Obstructed::start("BatchWriteItem", Obstacle::Halves).await;
    folder
        .done(&[
            "import",
            "rooms",
            "given",
            "--endpoint-url",
            &dynamodb.endpoint,
        ])
        .await;
    let (_, stdout, _) = folder
        .run(&["export", "rooms", "--endpoint-url", &dynamodb.endpoint])
        .await;
    assert_same_lines(&stdout, &lines);
}

#[tokio::test]
async fn items_are_moved_while_modulo_serves_the_same_folder() {
    let folder = Folder::with(ROOMS);
    let served = folder.serve(&[]).await;
    served.send("POST", "/rooms/sala90", "[90]").await;
    let (status, stdout, _) = folder.run(&["export", "rooms"]).await;
    assert_eq!(
        (status, stdout.as_str()),
        (Some(0), "{\"id\":\"sala90\",\"item\":[90]}\n")
    );
    folder.write("given", &stdout.replace("90", "91"));
    folder.done(&["import", "rooms", "given"]).await;
    let answer = served.send("GET", "/rooms/sala91", "").await;
    assert_eq!(answer.body, r#"{"GET":{"roomId":"sala91","data":"[91]"}}"#);
    let mut served = served;
    served.process.kill().await.unwrap();
    // What the killed server has left in the lock file leads nowhere.
    let (_, stdout, _) = folder.run(&["export", "rooms"]).await;
    assert_eq!(stdout.lines().count(), 2);
}

#[tokio::test]
async fn standard_input_and_output_are_as_good_as_files() {
    let folder = Folder::with(ROOMS);
    let lines = mixed_lines(2_000);
    let mut import = folder.modulo(&["import", "rooms", "-"]);
    let mut import = import
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    drop(stdin);
    assert!(import.wait().await.unwrap().success());
    let (_, stdout, stderr) = folder.run(&["export", "rooms"]).await;
    assert_same_lines(&stdout, &lines);
    assert!(
        stderr.starts_with("2,000 items exported from table `rooms-local` in "),
        "{stderr}"
    );

    let mut export = folder.modulo(&["export", "rooms"]);
    export.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut export = export.spawn().unwrap();
    let mut reader = BufReader::new(export.stdout.take().unwrap()).lines();
    assert_eq!(
        reader.next_line().await.unwrap().as_deref(),
        lines.lines().next()
    );
    drop(reader);
    let output = export.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[tokio::test]
async fn what_can_not_be_moved_is_reported() {
    let folder = Folder::with(ROOMS);
    let stderr = folder
        .failed(&["export", "rooms", "--data-dir", "data"])
        .await;
    let place = folder.path().canonicalize().unwrap();
    insta::assert_snapshot!(stderr.replace(place.to_str().unwrap(), "FOLDER"), @"there is no table `rooms-local` in an embedded DynamoDB in FOLDER/data/; check --stage and the address of DynamoDB, or create the table with `modulo serve`");
    let stderr = folder.failed(&["export", "roms"]).await;
    insta::assert_snapshot!(stderr, @"modules.toml has no module `roms`; did you mean `rooms`?");
    let stderr = folder.failed(&["import", "rooms", "none"]).await;
    insta::assert_snapshot!(stderr, @"cannot read `none`: No such file or directory (os error 2)");

    folder.write("given", "{\"id\":\"a\",\"item\":[1]}\n");
    folder.done(&["import", "rooms", "given"]).await;
    let stderr = folder.failed(&["export", "rooms", "-o", "given"]).await;
    insta::assert_snapshot!(stderr, @"`given` already exists; name another file, or replace it with --force");
    folder.write("given", "mine");
    folder
        .done(&["export", "rooms", "-o", "given", "--force"])
        .await;
    assert_eq!(folder.read("given"), "{\"id\":\"a\",\"item\":[1]}\n");

    folder.write("given.progress", "{}");
    let stderr = folder.failed(&["import", "rooms", "given"]).await;
    insta::assert_snapshot!(stderr, @"`given.progress` is not a progress file of this version; start again with --restart");
    folder
        .done(&["import", "rooms", "given", "--restart"])
        .await;
}

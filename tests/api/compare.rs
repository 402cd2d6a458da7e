//! `modulo compare`: two services over one table, and what it says of them.

use std::fmt::Write;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use modulo::local::{self, Data, Engine};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::{PARTNERS, TestApp, parse};
use crate::command::Folder;
use crate::secured::Secured;

const TABLE: &str = "rooms-local";
const ROOMS: &str = "[modules.rooms]\nkey = \"roomId\"\n";

/// A table of rooms, and modulo over it.
struct Rooms {
    engine: Engine,
    folder: Folder,
    app: TestApp,
}

impl Rooms {
    async fn with(modules: &str) -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let config = parse(modules);
        let app = TestApp::over(&config, &engine.endpoint()).await;
        local::create_tables(&app.dynamodb, config.modules.tables())
            .await
            .unwrap();
        Self {
            engine,
            folder: Folder::with(modules),
            app,
        }
    }

    async fn put(&self, id: &str, text: &str) {
        let attribute = |text: &str| AttributeValue::S(text.to_owned());
        let put = self.app.dynamodb.put_item().table_name(TABLE);
        let put = put
            .item("roomId", attribute(id))
            .item("data", attribute(text));
        put.send().await.unwrap();
    }

    /// The ids in the table, in order.
    async fn ids(&self) -> Vec<String> {
        let scanned = self.app.dynamodb.scan().table_name(TABLE).send().await;
        let items = scanned.unwrap().items.unwrap();
        let ids = items
            .iter()
            .map(|item| item["roomId"].as_s().unwrap().clone());
        let mut ids: Vec<_> = ids.collect();
        ids.sort();
        ids
    }

    fn arguments<'a>(&'a self, old: &'a str, endpoint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["compare", old, &self.app.url, "--module", "rooms"];
        arguments.extend(["--endpoint-url", endpoint]);
        arguments.extend(more);
        arguments
    }

    /// Compares the service at `old` with modulo.
    async fn compare(&self, old: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let endpoint = self.engine.endpoint();
        self.folder.run(&self.arguments(old, &endpoint, more)).await
    }
}

/// What the service that modulo replaces does otherwise than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It answers something else for the item `planted`.
    Planted,
    /// Its POST stores nothing.
    Forgetful,
}

/// The service that modulo replaces: its table, and its ways to write JSON and errors.
#[derive(Clone)]
struct Flask {
    dynamodb: DynamoDb,
    fault: Fault,
    /// How many requests are answered with 503 before the others.
    throttled: Arc<AtomicUsize>,
    /// How many reads are answered before the others wait.
    reads: Arc<Semaphore>,
}

impl Flask {
    fn over(rooms: &Rooms) -> Self {
        Self {
            dynamodb: rooms.app.dynamodb.clone(),
            fault: Fault::None,
            throttled: Arc::default(),
            reads: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// Serves it, and returns its URL.
    async fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(self);
        tokio::spawn(async { axum::serve(listener, app).await });
        url
    }

    async fn stored(&self, id: &str) -> Option<String> {
        let get = self.dynamodb.get_item().table_name(TABLE);
        let get = get.key("roomId", AttributeValue::S(id.to_owned()));
        let item = get.send().await.unwrap().item?;
        Some(item["data"].as_s().unwrap().clone())
    }

    async fn store(&self, id: &str, text: &str) {
        let attribute = |text: &str| AttributeValue::S(text.to_owned());
        let put = self.dynamodb.put_item().table_name(TABLE);
        let put = put
            .item("roomId", attribute(id))
            .item("data", attribute(text));
        put.send().await.unwrap();
    }

    async fn delete(&self, id: &str) {
        let delete = self.dynamodb.delete_item().table_name(TABLE);
        let delete = delete.key("roomId", AttributeValue::S(id.to_owned()));
        delete.send().await.unwrap();
    }
}

/// JSON as Python writes it.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => to.write_all(&[byte])?,
                _ => write!(to, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

fn dumps(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Python);
    serde::Serialize::serialize(value, &mut serializer).unwrap();
    String::from_utf8(text).unwrap()
}

fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], dumps(value)).into_response()
}

async fn answer(State(flask): State<Flask>, request: Request<Body>) -> Response {
    let waits = flask
        .throttled
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
    if waits.is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")]).into_response();
    }
    let (parts, body) = request.into_parts();
    let Some(raw) = parts.uri.path().strip_prefix("/rooms/") else {
        return (StatusCode::NOT_FOUND, "<h1>Not Found</h1>").into_response();
    };
    let id = percent_decode_str(raw).decode_utf8().unwrap().into_owned();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    match parts.method {
        Method::GET => {
            flask.reads.acquire().await.unwrap().forget();
            let Some(text) = flask.stored(&id).await else {
                let error = serde_json::json!({"ERROR": {"message": "Resource does not exist"}});
                return json(StatusCode::NOT_FOUND, &error);
            };
            let text = match flask.fault {
                Fault::Planted if id == "planted" => text.replace("90", "91"),
                _ => text,
            };
            // In another order than modulo's.
            json(
                StatusCode::OK,
                &serde_json::json!({"GET": {"data": text, "roomId": id}}),
            )
        }
        Method::POST => {
            let document: Value = serde_json::from_slice(&body).unwrap();
            if flask.fault != Fault::Forgetful {
                flask.store(&id, &dumps(&document)).await;
            }
            json(
                StatusCode::OK,
                &serde_json::json!({"POST": {"roomId": id, "data": document}}),
            )
        }
        Method::PUT => {
            let text = dumps(&serde_json::from_slice(&body).unwrap());
            flask.store(&id, &text).await;
            let item = serde_json::json!({"data": {"S": text}});
            json(
                StatusCode::OK,
                &serde_json::json!({"PUT": {"roomId": id, "item": item}}),
            )
        }
        Method::DELETE => {
            flask.delete(&id).await;
            json(
                StatusCode::OK,
                &serde_json::json!({"DELETE": {"roomId": id}}),
            )
        }
        _ => (
            StatusCode::METHOD_NOT_ALLOWED,
            "<h1>Method Not Allowed</h1>",
        )
            .into_response(),
    }
}

#[tokio::test]
async fn two_of_modulo_over_one_table_are_equal() {
    for modules in [
        ROOMS.to_owned(),
        format!("{ROOMS}envelope = 'plain'\nkey_in_document = true\n"),
    ] {
        let rooms = Rooms::with(&modules).await;
        let ids = ["sala90", "a/b", "100%", "..", " é😀?#+ "];
        for id in ids {
            rooms
                .put(id, r#"{"description": "Sala 90", "chairs": 90}"#)
                .await;
        }
        let other = rooms
            .folder
            .serve(&["--endpoint-url", &rooms.engine.endpoint()])
            .await;
        let (status, stdout, stderr) = rooms.compare(&other.url, &[]).await;
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert_eq!(
            stdout,
            "7 compared, 5 of them of items in the table: 7 equal, 0 different, 0 failed\n"
        );
        let (status, stdout, stderr) = rooms.compare(&other.url, &["--write-to", "cmp-"]).await;
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
        // Of each of three documents 4 writes are compared, and 9 reads.
        assert_eq!(
            stdout,
            "46 compared, 5 of them of items in the table: 46 equal, 0 different, 0 failed\n"
        );
        assert_eq!(rooms.ids().await.len(), ids.len());
    }
}

#[tokio::test]
async fn the_service_that_is_replaced_writes_json_in_its_own_way() {
    let rooms = Rooms::with(ROOMS).await;
    rooms
        .put(
            "sala90",
            r#"{"description": "Sal\u00e3o", "chairs": [90, 1.5]}"#,
        )
        .await;
    let flask = Flask::over(&rooms);
    flask.throttled.store(2, Ordering::SeqCst);
    let old = flask.serve().await;
    let (status, stdout, stderr) = rooms.compare(&old, &["--write-to", "cmp-"]).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert_eq!(
        stdout,
        "PATCH is not compared: the old service answers it with 405\n\
         15 compared, 1 of them of items in the table: 15 equal, 0 different, 0 failed\n"
    );
    assert_eq!(rooms.ids().await, ["sala90"]);
}

#[tokio::test]
async fn a_difference_is_shown_with_its_place() {
    let rooms = Rooms::with(ROOMS).await;
    rooms.put("planted", r#"{"chairs": 90}"#).await;
    rooms.put("sala90", r#"{"chairs": 90}"#).await;
    let flask = Flask {
        fault: Fault::Planted,
        ..Flask::over(&rooms)
    };
    let (status, stdout, stderr) = rooms.compare(&flask.serve().await, &[]).await;
    assert_eq!(status, Some(1));
    assert_eq!(
        stdout,
        "GET /rooms/planted differs\n  /GET/data/chairs: old 91, new 90\n\
         4 compared, 2 of them of items in the table: 3 equal, 1 different, 0 failed\n"
    );
    assert_eq!(stderr, "the services differ\n");
}

#[tokio::test]
async fn a_sample_has_as_many_items_as_it_should() {
    let rooms = Rooms::with(ROOMS).await;
    for id in 0..30 {
        rooms.put(&id.to_string(), "1").await;
    }
    let old = Flask::over(&rooms).serve().await;
    for (sample, found) in [("5", 5), ("30", 30), ("31", 30)] {
        let (status, stdout, _) = rooms.compare(&old, &["--sample", sample]).await;
        assert_eq!(status, Some(0), "{stdout}");
        let begin = format!("{} compared, {found} of them of items", found + 2);
        assert!(stdout.starts_with(&begin), "{stdout}");
    }
}

#[tokio::test]
async fn refusals_prove_nothing() {
    let modules = format!("{ROOMS}access = {{ guard = 'partners' }}\n{PARTNERS}");
    let rooms = Rooms::with(&modules).await;
    rooms.put("sala90", "1").await;
    let url = rooms.app.url.clone();
    let (status, stdout, stderr) = rooms.compare(&url, &[]).await;
    assert_eq!(status, Some(1));
    let failed =
        "GET /rooms/sala90 failed\n  both answer 401; send what they ask for with --header\n";
    assert!(stdout.contains(failed), "{stdout}");
    assert_eq!(stderr, "not everything could be compared\n");

    let (status, stdout, stderr) = rooms.compare(&url, &["--header", "X-API-Key: first"]).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    let (status, stdout, stderr) = rooms.compare(&url, &["--header", "planted"]).await;
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    // What is not valid is not quoted: it may be a token.
    let expected =
        "--header is not usable: not a valid header, such as 'authorization: Bearer TOKEN'\n";
    assert_eq!(stderr, expected);
}

#[tokio::test]
async fn urls_that_lead_elsewhere_are_reported() {
    let rooms = Rooms::with(ROOMS).await;
    rooms.put("sala90", "1").await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let (status, _, stderr) = rooms.compare(&gone, &[]).await;
    assert_eq!(status, Some(1));
    assert!(
        stderr.starts_with("no answer of the old service: http://127.0.0.1:"),
        "{stderr}"
    );

    // Another module, of another table.
    let elsewhere = TestApp::start(ROOMS).await;
    let mut arguments = rooms.arguments(&elsewhere.url, "", &[]);
    arguments[2] = &elsewhere.url;
    let endpoint = rooms.engine.endpoint();
    arguments[6] = &endpoint;
    let (status, stdout, stderr) = rooms.folder.run(&arguments).await;
    assert_eq!(status, Some(1), "{stdout}");
    assert!(
        stderr.starts_with("both services answer that none of the items exists"),
        "{stderr}"
    );
    let (status, _, stderr) = rooms.compare("http://me:secret@127.0.0.1", &[]).await;
    assert_eq!(status, Some(1));
    let expected = "OLD_URL is not usable: it has a user's name; send credentials with --header\n";
    assert_eq!(stderr, expected);
}

#[tokio::test]
async fn writes_that_do_not_arrive_are_reported_and_the_others_removed() {
    let rooms = Rooms::with(ROOMS).await;
    let flask = Flask {
        fault: Fault::Forgetful,
        ..Flask::over(&rooms)
    };
    let old = flask.serve().await;
    let (status, stdout, stderr) = rooms.compare(&old, &["--write-to", "cmp-"]).await;
    assert_eq!(
        (status, stderr.as_str()),
        (Some(1), "not everything could be compared\n")
    );
    let first = stdout.lines().take(2).collect::<Vec<_>>().join("\n");
    assert!(first.starts_with("GET /rooms/cmp-"), "{stdout}");
    let failed = " after POST by old failed\n  both answer 404, and 200 is right";
    assert!(first.ends_with(failed), "{stdout}");
    assert_eq!(rooms.ids().await, Vec::<String>::new());

    let modules = format!("{ROOMS}methods = ['GET', 'PUT']\n");
    let rooms = Rooms::with(&modules).await;
    let (status, _, stderr) = rooms.compare(&old, &["--write-to", "cmp-"]).await;
    assert_eq!(status, Some(1));
    let expected =
        "--write-to needs DELETE, and POST or PUT, among the methods of module `rooms`\n";
    assert_eq!(stderr, expected);
}

#[tokio::test]
async fn what_was_written_is_removed_after_ctrl_c() {
    let rooms = Rooms::with(ROOMS).await;
    rooms.put("sala90", r#"{"chairs": 90}"#).await;
    // The first service that is asked, the two ids that do not exist, and the item.
    let flask = Flask {
        reads: Arc::new(Semaphore::new(4)),
        ..Flask::over(&rooms)
    };
    let reads = Arc::clone(&flask.reads);
    let old = flask.serve().await;
    let endpoint = rooms.engine.endpoint();
    let arguments = rooms.arguments(&old, &endpoint, &["--write-to", "cmp-"]);
    let mut process = rooms
        .folder
        .modulo(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first write is done, and the read after it waits.
    let written = async {
        while rooms.ids().await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    let written = tokio::time::timeout(Duration::from_mins(1), written).await;
    assert!(written.is_ok(), "nothing is written");
    let id = process.id().unwrap().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status();
    assert!(kill.unwrap().success());
    let mut stderr = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = stderr.next_line().await.unwrap().unwrap();
    assert_eq!(line, "removing what was written; once more ends at once");
    reads.add_permits(1_000);
    let mut rest = String::new();
    while let Some(line) = stderr.next_line().await.unwrap() {
        writeln!(rest, "{line}").unwrap();
    }
    assert_eq!(rest, "interrupted\n");
    assert_eq!(process.wait().await.unwrap().code(), Some(1));
    assert_eq!(rooms.ids().await, ["sala90"]);
}

#[tokio::test]
async fn a_service_is_asked_over_tls_if_its_certificate_is_trusted() {
    let rooms = Rooms::with(ROOMS).await;
    rooms.put("sala90", "1").await;
    let listener = Secured::bind().await;
    let trusted = rooms.folder.path().join("trusted.pem");
    std::fs::write(&trusted, listener.certificate()).unwrap();
    let url = listener.url();
    let flask = Flask::over(&rooms);
    let app = Router::new().fallback(answer).with_state(flask);
    tokio::spawn(async { axum::serve(listener, app).await });

    let (status, _, stderr) = rooms.compare(&url, &[]).await;
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("invalid peer certificate: UnknownIssuer"),
        "{stderr}"
    );
    let endpoint = rooms.engine.endpoint();
    let arguments = rooms.arguments(&url, &endpoint, &[]);
    let mut modulo = rooms.folder.modulo(&arguments);
    let output = modulo
        .env("SSL_CERT_FILE", &trusted)
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        stdout,
        "3 compared, 1 of them of items in the table: 3 equal, 0 different, 0 failed\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn a_tenant_is_asked_for_its_own_items() {
    let modules = r#"
        [modules.rooms]
        key = "roomId"
        access = { guard = "keys" }
        tenant = { claim = "org" }

        [access.keys]
        keys = [
            { name = "erp", tenant = "acme", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" },
        ]
    "#;
    let rooms = Rooms::with(modules).await;
    for key in ["acme/1", "acme/a%2Fb", "other/2"] {
        rooms.put(key, "1").await;
    }
    let url = rooms.app.url.clone();
    let (status, _, stderr) = rooms.compare(&url, &[]).await;
    assert_eq!(
        (status, stderr.as_str()),
        (
            Some(1),
            "module `rooms` has tenants; name one with --tenant\n"
        )
    );
    let more = ["--header", "x-api-key: first", "--tenant", "acme"];
    let (status, stdout, stderr) = rooms.compare(&url, &more).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(
        stdout.starts_with("4 compared, 2 of them of items"),
        "{stdout}"
    );
}

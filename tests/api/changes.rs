//! `GET /_changes/<module>` of `modulo serve`: a module's changes as they are made.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::app::{MODULES, TestApp, document_of};
use crate::command::{Folder, Served};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it waits for what must not come.
const SILENCE: Duration = Duration::from_millis(500);

/// Somebody who listens, as `curl -N` does.
struct Listener {
    lines: Lines<BufReader<OwnedReadHalf>>,
    /// The connection is open for as long as this is.
    _sending: OwnedWriteHalf,
    status: String,
    /// The last `id`.
    id: String,
}

#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Listener {
    async fn new(served: &Served, module: &str, headers: &str) -> Self {
        let address = served.url.strip_prefix("http://").unwrap();
        let (receiving, mut sending) = TcpStream::connect(address).await.unwrap().into_split();
        let request =
            format!("GET /_changes/{module} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n");
        sending.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(receiving).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        let mut listener = Self {
            lines,
            _sending: sending,
            status,
            id: String::new(),
        };
        if listener.status.contains(" 200 ") {
            // From here on, what is written is seen.
            while listener.id.is_empty() {
                let line = listener.line().await.expect("it has begun");
                if let Some(id) = line.strip_prefix("id: ") {
                    id.clone_into(&mut listener.id);
                }
            }
        }
        listener
    }

    /// The next line, or nothing where the answer has ended.
    async fn line(&mut self) -> Option<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("a line in time").ok().flatten()?;
        // The length of a chunk; 0 is the last.
        (line != "0").then_some(line)
    }

    async fn event(&mut self) -> Event {
        let (mut id, mut name) = (String::new(), String::new());
        loop {
            let line = self.line().await.expect("an event");
            match line.split_once(": ") {
                Some(("id", text)) => text.clone_into(&mut id),
                Some(("event", text)) => text.clone_into(&mut name),
                Some(("data", text)) => {
                    self.id.clone_from(&id);
                    let data = document_of(text);
                    return Event { id, name, data };
                }
                _ => {}
            }
        }
    }

    /// Whether nothing comes.
    async fn is_silent(&mut self) -> bool {
        timeout(SILENCE, self.event()).await.is_err()
    }

    /// Waits until the answer ends.
    async fn end(mut self) {
        while self.line().await.is_some() {}
    }
}

async fn put(served: &Served, path: &str, body: &'static str) {
    let answer = served.send("POST", path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// They are sent by the deployed function that sends changes.
#[tokio::test]
async fn where_events_are_seen_is_said_once_at_the_start() {
    const EVENTS: &str = "
        [defaults]
        key = 'id'
        [modules.rooms]
        events = true
        [modules.sessions]
        [modules.bookings]
        events = { queue = 'arn:aws:sqs:us-east-1:123456789012:erp' }
    ";
    let folder = Folder::with(EVENTS);
    let mut served = folder.serve(&["--memory"]).await;
    let said = served.line("events of").await;
    assert_eq!(
        said,
        "The events of bookings, rooms are sent in AWS only. GET /_changes/bookings shows here what \
         is sent there."
    );
    let mut listener = Listener::new(&served, "bookings", "").await;
    put(&served, "/bookings/1", r#"{"nights":2}"#).await;
    let event = listener.event().await;
    assert_eq!(event.name, "created");

    let folder = Folder::with(MODULES);
    let said = folder.serve(&["--memory"]).await.output().await;
    assert!(!said.contains("events of"), "{said}");
}

#[tokio::test]
async fn whoever_listens_sees_each_change_as_it_is_made() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&["--memory"]).await;
    put(&served, "/modulo1/before", "1").await;
    let mut listener = Listener::new(&served, "modulo1", "").await;
    put(&served, "/modulo2/other", "1").await;
    put(&served, "/modulo1/sala%2090", r#"{"chairs":90}"#).await;
    put(&served, "/modulo1/sala%2090", r#"{"chairs":90}"#).await;
    put(&served, "/modulo1/sala%2090", r#"{"chairs":91}"#).await;
    served.send("DELETE", "/modulo1/sala%2090", "").await;
    served.send("DELETE", "/modulo1/sala%2090", "").await;
    put(&served, "/modulo1/last", "1").await;

    let mut seen = Vec::new();
    for _ in 0..4 {
        let Event { name, data, .. } = listener.event().await;
        assert_eq!(data["type"], format!("modulo.item.{name}"));
        assert_eq!(data["source"], "/modulo/local/modulo1");
        seen.push((name, data["subject"].clone(), data["data"].clone()));
    }
    let item = |before: Value, after: Value| json!({ "module": "modulo1", "id": "sala 90", "before": before, "after": after });
    let chairs = |chairs: u8| json!({ "chairs": chairs });
    let expected = [
        ("created", "sala%2090", item(Value::Null, chairs(90))),
        ("updated", "sala%2090", item(chairs(90), chairs(91))),
        ("deleted", "sala%2090", item(chairs(91), Value::Null)),
    ];
    for ((name, subject, data), seen) in expected.into_iter().zip(&seen) {
        assert_eq!((name, &json!(subject), &data), (&*seen.0, &seen.1, &seen.2));
    }
    assert_eq!(seen[3].1, "last");
}

#[tokio::test]
async fn whoever_comes_back_goes_on_where_they_were() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&[]).await;
    let mut listener = Listener::new(&served, "modulo1", "").await;
    // Before any event.
    let header = format!("last-event-id: {}\r\n", listener.id);
    put(&served, "/modulo1/a", "1").await;
    put(&served, "/modulo1/b", "1").await;
    let first = listener.event().await;
    drop(listener);
    put(&served, "/modulo1/c", "1").await;

    for (header, subjects) in [
        (header, vec!["a", "b", "c"]),
        (format!("last-event-id: {}\r\n", first.id), vec!["b", "c"]),
    ] {
        let mut again = Listener::new(&served, "modulo1", &header).await;
        for subject in subjects {
            assert_eq!(again.event().await.data["subject"], subject);
        }
    }

    // A restart ends what was kept for listeners alone.
    assert!(served.stop().await.success());
    let served = folder.serve(&[]).await;
    for id in [&*first.id, "", "1-2", "nonsense"] {
        let header = format!("last-event-id: {id}\r\n");
        let refused = Listener::new(&served, "modulo1", &header).await;
        assert_eq!(refused.status, "HTTP/1.1 410 Gone", "{id}");
    }
    let mut listener = Listener::new(&served, "modulo1", "").await;
    put(&served, "/modulo1/d", "1").await;
    assert_eq!(listener.event().await.data["subject"], "d");
}

#[tokio::test]
async fn nobody_sees_what_they_may_not_list() {
    let modules = r#"
        [access.partners]
        keys = [
            { name = "erp", tenant = "acme", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" },
            { name = "crm", tenant = "other", hash = "sha256:16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4" },
        ]
        [modules.parted]
        key = "id"
        access = { guard = "partners" }
        tenant = { claim = "org" }
        [modules.scoped]
        key = "id"
        access = { guard = "partners", scopes = { LIST = ["list"] } }
        [modules.unlisted]
        key = "id"
        methods = ["GET", "POST"]
    "#;
    let folder = Folder::with(modules);
    let served = folder.serve(&["--memory"]).await;
    let mut acme = Listener::new(&served, "parted", "x-api-key: first\r\n").await;
    let mut other = Listener::new(&served, "parted", "x-api-key: second\r\n").await;
    let request = Request::post(format!("{}/parted/a", served.url))
        .header("content-type", "application/json")
        .header("x-api-key", "first");
    let request = request.body(Body::from("1")).unwrap();
    assert_eq!(served.client.send(request).await.status, 200);
    let event = acme.event().await;
    assert_eq!(
        event.data["data"],
        json!({ "module": "parted", "id": "a", "tenant": "acme", "before": null, "after": 1 })
    );
    assert!(other.is_silent().await);

    for (module, headers, status) in [
        ("parted", "", "401 Unauthorized"),
        ("parted", "x-api-key: third\r\n", "401 Unauthorized"),
        ("scoped", "x-api-key: first\r\n", "403 Forbidden"),
        ("unlisted", "", "405 Method Not Allowed"),
        ("nothing", "", "404 Not Found"),
        ("_health", "", "404 Not Found"),
        ("", "", "404 Not Found"),
        ("unlisted/a", "", "404 Not Found"),
    ] {
        let refused = Listener::new(&served, module, headers).await;
        assert_eq!(refused.status, format!("HTTP/1.1 {status}"), "{module}");
    }
}

#[tokio::test]
async fn an_edit_of_the_module_ends_what_is_sent_of_it() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let edited = Listener::new(&served, "modulo1", "").await;
    let mut same = Listener::new(&served, "modulo2", "").await;
    let modules = MODULES.replacen("key = ", "max_bytes = 1000\nkey = ", 1);
    std::fs::write(folder.path().join("modules.toml"), modules).unwrap();
    served.line("these are the routes now").await;
    edited.end().await;
    put(&served, "/modulo2/a", "1").await;
    assert_eq!(same.event().await.data["subject"], "a");
}

#[tokio::test]
async fn stopping_the_server_ends_what_is_sent() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&["--memory"]).await;
    let listener = Listener::new(&served, "modulo1", "").await;
    let stopped = timeout(Duration::from_secs(10), served.stop()).await;
    assert!(stopped.expect("in time").success());
    listener.end().await;
}

#[tokio::test]
async fn changes_of_tables_elsewhere_are_not_shown() {
    let engine = modulo::local::Engine::start(&modulo::local::Data::Memory)
        .await
        .unwrap();
    let folder = Folder::with(MODULES);
    let served = folder.serve(&["--endpoint-url", &engine.endpoint()]).await;
    let refused = served.send("GET", "/_changes/modulo1", "").await;
    assert_eq!(refused.status, 501);
    insta::assert_snapshot!(refused.body, @r#"{"ERROR":{"message":"Changes are shown only by a `modulo serve` that has the tables itself"}}"#);
}

#[tokio::test]
async fn the_function_has_no_changes() {
    let app = TestApp::start(MODULES).await;
    assert_eq!(app.get("/_changes/modulo1").await.status, 404);
}

//! `modulo serve` among strangers: what is no request, who asks by another's name, who keeps it
//! waiting, and how much they all may hold.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use modulo::edge::serve::{Hosts, Limits, Routes, Server};
use modulo::local::{self, Data, Engine};
use modulo::store::Store;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::app::{MODULES, document_of, parse};
use crate::command::Folder;

/// A server with limits of its own.
struct Strict {
    address: String,
    _engine: Engine,
}

impl Strict {
    async fn start(limits: Limits) -> Self {
        let config = parse(MODULES);
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let store = Store::new(&local::settings(&engine.endpoint()).await);
        local::create_tables(store.client(), config.modules.tables())
            .await
            .unwrap();
        let server = Server::bind("127.0.0.1:0", limits).await.unwrap();
        let address = server.address().unwrap();
        let app = modulo::app(&config, &store);
        let routes = Routes::new(&config, app, Hosts::new(address, &[]));
        tokio::spawn(server.run(Arc::new(routes), std::future::pending()));
        Self {
            address: address.to_string(),
            _engine: engine,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Sends bytes, and gives all that comes until the server closes the connection.
    async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = self.connect().await;
        socket.write_all(bytes.as_ref()).await.unwrap();
        read_all(&mut socket).await
    }

    async fn is_alive(&self) -> bool {
        let answer = self.send(get("/_health")).await;
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"status":"live"}"#)
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

fn post(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A JSON string of so many bytes.
fn document(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

async fn read_all(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The status and the error's message of an answer that is JSON, as every answer is.
#[track_caller]
fn refusal(answer: &str) -> (u16, String) {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{answer:?}"));
    assert!(
        head.contains("\r\ncontent-type: application/json\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
        "{head}"
    );
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let message = document_of(body)["ERROR"]["message"].clone();
    (status, message.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_http_forbids_is_refused_as_everything_is() {
    let server = Strict::start(Limits::default()).await;
    let host = "Please provide one Host header, with a valid host";
    let foreign = "Please ask by a name of this server: an address, `localhost`, or one that \
                   `modulo serve --host NAME` names";
    let method = "Please use a method of HTTP";
    let coding = "Please send the body without a transfer coding, or as `chunked`";
    let invalid = "Please provide a valid HTTP request";
    let long = "Please provide less: the URI has more than 65534 bytes";
    let large = "Please provide less: the request line and the headers have more than 131072 \
                 bytes, or there are more than 100 headers";
    let path = "/modulo1/x";
    let head = |line: &str, headers: &str| format!("{line} HTTP/1.1\r\n{headers}\r\n");
    let with_host = |line: &str, headers: &str| {
        head(
            line,
            &format!("host: localhost\r\nconnection: close\r\n{headers}"),
        )
    };
    let asked_as = |name: &str| head("GET /", &format!("host: {name}\r\nconnection: close\r\n"));
    let chunked = "content-type: application/json\r\ntransfer-encoding: gzip, chunked\r\n";
    let not_allowed = "Method not allowed";
    let rows = [
        (head("GET /", "connection: close\r\n"), 400, host),
        (with_host("GET /", "host: localhost\r\n"), 400, host),
        (asked_as("a b"), 400, host),
        (asked_as("user@localhost"), 400, host),
        (asked_as("rebind.example"), 421, foreign),
        (asked_as("rebind.example:80"), 421, foreign),
        (asked_as("localhost.rebind.example"), 421, foreign),
        (
            head(
                "GET http://rebind.example/",
                "host: localhost\r\nconnection: close\r\n",
            ),
            421,
            foreign,
        ),
        (with_host(&format!("BREW {path}"), ""), 501, method),
        (with_host(&format!("get {path}"), ""), 501, method),
        (with_host(&format!("QUERY {path}"), ""), 405, not_allowed),
        (
            with_host(&format!("POST {path}"), chunked) + "3\r\n[1]\r\n0\r\n\r\n",
            501,
            coding,
        ),
        ("what is this\r\n\r\n".to_owned(), 400, invalid),
        (with_host("GET /", "content-length: many\r\n"), 400, invalid),
        (with_host("GET /", "no colon\r\n"), 400, invalid),
        (
            with_host(&format!("GET /{}", "x".repeat(70_000)), ""),
            414,
            long,
        ),
        (
            with_host("GET /", &format!("x: {}\r\n", "x".repeat(150_000))),
            431,
            large,
        ),
        (with_host("GET /", &"x: y\r\n".repeat(100)), 431, large),
    ];
    for (request, status, message) in &rows {
        let answer = server.send(request).await;
        let shown = &request[..request.len().min(80)];
        assert_eq!(
            refusal(&answer),
            (*status, (*message).to_owned()),
            "{shown}"
        );
    }
    let answer = server.send(with_host("OPTIONS *", "")).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(
        answer.contains("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"),
        "{answer}"
    );
    // As old probes ask.
    let answer = server.send("GET /_health HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    let answer = server
        .send("GET /_health HTTP/1.0\r\nhost: rebind.example\r\n\r\n")
        .await;
    assert_eq!(refusal(&answer.replacen("1.0", "1.1", 1)).0, 421);
}

#[tokio::test]
async fn a_refusal_is_in_its_place_after_answers() {
    let server = Strict::start(Limits::default()).await;
    let good = "GET /_health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answers = server.send(format!("{good}{good}no request\r\n\r\n")).await;
    let (_, last) = answers.rsplit_once(r#"{"status":"live"}"#).unwrap();
    assert_eq!(refusal(last).0, 400);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test]
async fn a_server_is_asked_by_the_names_that_it_is_given() {
    let folder = Folder::with(MODULES);
    for (variables, arguments) in [
        (
            &[][..],
            &["--memory", "--host", "other.test", "--host", "Rooms.test"][..],
        ),
        (&[("MODULO_HOSTS", "rooms.test,other.test")], &["--memory"]),
        (&[], &["--memory", "--host", "*"]),
    ] {
        let served = folder.serve_with(variables, arguments).await;
        let request = Request::get(format!("{}/_health", served.url)).header("host", "rooms.test");
        let answer = served
            .client
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{variables:?} {arguments:?}");
    }
    let served = folder
        .serve_with(&[("MODULO_HOSTS", "")], &["--memory"])
        .await;
    let request = Request::get(format!("{}/_health", served.url)).header("host", "rooms.test");
    let answer = served
        .client
        .send(request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.status, 421);
    assert!(!answer.header("x-request-id").is_empty());

    let (status, _, stderr) = folder.run(&["serve", "--host", "rooms.test:80"]).await;
    assert_eq!(status, Some(2));
    let help = "not a valid host name; write it without scheme, port and path, as in \
                api.example.com";
    assert!(stderr.contains(help), "{stderr}");
}

/// Limits that a test needs not wait for, of one kind; all others are as they are.
fn impatient(change: impl FnOnce(&mut Limits, Duration)) -> Limits {
    let mut limits = Limits {
        close: Duration::from_millis(100),
        ..Limits::default()
    };
    change(&mut limits, Duration::from_millis(200));
    limits
}

#[tokio::test]
async fn who_begins_a_request_and_does_not_go_on_is_left() {
    let server = Strict::start(impatient(|limits, soon| limits.head = soon)).await;
    for begun in [
        "",
        "G",
        "GET /modulo1/x HTTP/1.1\r\nhost: localhost\r\nx-half:",
        // Half of what HTTP/2 begins with, and all of it.
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ] {
        let mut socket = server.connect().await;
        socket.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
    }
    // A second request as well.
    let mut socket = server.connect().await;
    let first = get("/_health").replace("connection: close\r\n", "");
    socket.write_all(first.as_bytes()).await.unwrap();
    socket.read_exact(&mut [0; 100]).await.unwrap();
    socket.write_all(b"GET").await.unwrap();
    assert!(
        read_all(&mut socket)
            .await
            .ends_with(r#"{"status":"live"}"#)
    );
    assert!(server.is_alive().await);
}

#[tokio::test]
async fn a_connection_that_is_idle_is_closed() {
    let server = Strict::start(impatient(|limits, soon| limits.idle = soon)).await;
    let mut socket = server.connect().await;
    let request = get("/_health").replace("connection: close\r\n", "");
    socket.write_all(request.as_bytes()).await.unwrap();
    assert!(
        read_all(&mut socket)
            .await
            .ends_with(r#"{"status":"live"}"#)
    );

    // HTTP/2: an empty SETTINGS, then GET /_health of localhost, in HPACK's literals.
    let mut socket = server.connect().await;
    let block = b"\x82\x86\x04\x08/_health\x01\x09localhost";
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend([0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    bytes.extend(block);
    socket.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let live = br#"{"status":"live"}"#;
    assert!(
        answer.windows(live.len()).any(|part| part == live),
        "{answer:?}"
    );
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_left() {
    let server = Strict::start(impatient(|limits, soon| limits.answer = 5 * soon)).await;
    let large = document(300_000);
    let stored = server.send(post("/modulo1/x", large.len()) + &large).await;
    assert!(stored.starts_with("HTTP/1.1 200 "), "{stored:.100}");
    let mut socket = server.connect().await;
    // More than the system keeps for a client that does not read.
    let request = "GET /modulo1/x HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(64);
    socket.write_all(request.as_bytes()).await.unwrap();
    // Once it is closed, what is written is not taken.
    while socket.write_all(b"\r\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.is_alive().await);
}

#[tokio::test]
async fn there_is_room_for_one_more_connection() {
    let limits = Limits {
        connections: 8,
        ..Limits::default()
    };
    let server = Strict::start(limits).await;
    for kind in ["", "GET /modulo1/x HTTP/1.1\r\n", &post("/modulo1/x", 100)] {
        let mut held = Vec::new();
        for _ in 0..50 {
            let mut socket = server.connect().await;
            socket.write_all(kind.as_bytes()).await.unwrap();
            held.push(socket);
        }
        assert!(server.is_alive().await, "{kind:?}");
        // All but a few are closed, and nothing else has closed them.
        let mut closed = JoinSet::new();
        for mut socket in held {
            closed.spawn(async move { read_all(&mut socket).await });
        }
        for _ in 0..42 {
            closed.join_next().await.unwrap().unwrap();
        }
        closed.shutdown().await;
    }
}

/// As on a small machine: each connection is a descriptor, and its requests need more of them.
#[tokio::test]
async fn a_process_with_few_descriptors_goes_on_answering() {
    let folder = Folder::with(MODULES);
    let modulo = env!("CARGO_BIN_EXE_modulo");
    let mut process = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 256; exec \"$0\" serve --memory --addr 127.0.0.1:0",
            modulo,
        ])
        .current_dir(folder.path())
        .env("RUST_LOG", "off")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let welcome = lines.next_line().await.unwrap().unwrap();
    let url = welcome
        .split([' ', ','])
        .find(|word| word.starts_with("http://"));
    let address = url.unwrap().trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    let request = post("/modulo1/x", 1) + "1";
    for request in [get("/_health"), request, get("/modulo1/x")] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = read_all(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn bodies_share_a_budget() {
    let limits = Limits {
        bodies: 256 * 1_024,
        wait: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Strict::start(limits).await;
    let body = document(200_000);
    let half = format!("{}{}", post("/modulo1/x", body.len()), &body[..190_000]);
    let mut stalled = server.connect().await;
    stalled.write_all(half.as_bytes()).await.unwrap();
    // Who stalls gives way.
    let mut answer = String::new();
    while !answer.starts_with("HTTP/1.1 200 ") {
        answer = server.send(post("/modulo1/y", body.len()) + &body).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") || refusal(&answer).0 == 503,
            "{answer:.100}"
        );
    }
    // A small one needs nothing of it.
    let answer = server.send(post("/modulo1/z", 1) + "1").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn what_there_is_no_memory_for_is_to_be_sent_again() {
    let body = document(200_000);
    for limits in [
        Limits {
            bodies: 64 * 1_024,
            ..Limits::default()
        },
        Limits {
            work: 64 * 1_024,
            ..Limits::default()
        },
        Limits {
            answers: 64 * 1_024,
            ..Limits::default()
        },
    ] {
        let wait = Duration::from_millis(200);
        let server = Strict::start(Limits { wait, ..limits }).await;
        let answer = server.send(post("/modulo1/y", body.len()) + &body).await;
        assert_eq!(refusal(&answer), (503, "Try again later".to_owned()));
        assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
        assert!(server.is_alive().await);
    }
}

#[tokio::test]
async fn requests_share_a_connection_of_http_2() {
    let server = Strict::start(Limits::default()).await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let mut requests = JoinSet::new();
    // More than it takes at a time.
    for number in 0..100 {
        let url = format!("http://{}/modulo1/{number}", server.address);
        let request = Request::post(url).header("content-type", "application/json");
        let sent = client.request(request.body(Body::from(document(20_000))).unwrap());
        requests.spawn(async move {
            let answer = sent.await.unwrap();
            let status = answer.status();
            (
                status,
                answer.into_body().collect().await.unwrap().to_bytes(),
            )
        });
    }
    for (status, body) in requests.join_all().await {
        assert_eq!(status, 200, "{body:?}");
    }
}

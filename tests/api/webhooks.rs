//! Webhooks that `modulo serve` calls, held against the official library of Standard Webhooks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::app::document_of;
use crate::command::{Folder, Served};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long it waits for what must not come.
const SILENCE: Duration = Duration::from_secs(1);

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What a receiver does with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reaction {
    Answer(u16),
    /// Answers 200 after so long.
    Slow(Duration),
    /// Closes the connection without an answer.
    Close,
    /// Says that it has moved.
    Redirect(String),
}

/// One request that a receiver got, whatever it did with it.
#[derive(Debug, Clone)]
struct Delivery {
    headers: HeaderMap,
    body: String,
    event: Value,
    is_accepted: bool,
}

impl Delivery {
    fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap()
    }

    /// By the official library.
    #[track_caller]
    fn verify(&self, secret: &str) {
        let webhook = Webhook::new(secret).unwrap();
        let verified = webhook.verify(self.body.as_bytes(), &self.headers);
        verified.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(self.headers["content-type"], "application/cloudevents+json");
        assert_eq!(self.event["id"], self.id());
    }
}

type Reacts = Arc<dyn Fn(usize) -> Reaction + Send + Sync>;

/// A server that webhooks are sent to. `reacts` says what it does with the first, the second and so on.
#[derive(Clone)]
struct Receiver {
    port: u16,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
    connections: Arc<Mutex<usize>>,
}

impl Receiver {
    async fn start(reacts: impl Fn(usize) -> Reaction + Send + Sync + 'static) -> Self {
        Self::on(0, reacts).await
    }

    async fn on(port: u16, reacts: impl Fn(usize) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            deliveries: Arc::default(),
            connections: Arc::default(),
        };
        let (serving, reacts) = (receiver.clone(), Arc::new(reacts) as Reacts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.connections.lock().unwrap() += 1;
                tokio::spawn(serving.clone().serve(stream, Arc::clone(&reacts)));
            }
        });
        receiver
    }

    async fn serve(self, stream: TcpStream, reacts: Reacts) {
        let mut stream = BufReader::new(stream);
        while let Some((headers, body)) = read(&mut stream).await {
            let at = {
                let mut deliveries = self.deliveries.lock().unwrap();
                deliveries.push(Delivery {
                    headers,
                    event: document_of(&body),
                    body,
                    is_accepted: false,
                });
                deliveries.len() - 1
            };
            let (status, more) = match reacts(at) {
                Reaction::Answer(status) => (status, String::new()),
                Reaction::Slow(time) => {
                    sleep(time).await;
                    (200, String::new())
                }
                Reaction::Close => return,
                Reaction::Redirect(to) => (302, format!("location: {to}\r\n")),
            };
            self.deliveries.lock().unwrap()[at].is_accepted = status < 300;
            let answer = format!("HTTP/1.1 {status} X\r\n{more}content-length: 2\r\n\r\nok");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().unwrap().clone()
    }

    fn accepted(&self) -> Vec<Delivery> {
        let mut accepted = self.deliveries();
        accepted.retain(|delivery| delivery.is_accepted);
        accepted
    }

    /// The deliveries that were accepted, once so many events were.
    async fn events(&self, count: usize) -> Vec<Delivery> {
        let all = async {
            loop {
                let accepted = self.accepted();
                let ids: BTreeSet<_> = accepted.iter().map(Delivery::id).collect();
                if ids.len() >= count {
                    return accepted;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let arrived = timeout(PATIENCE, all).await;
        arrived.unwrap_or_else(|_| panic!("{} of {count} came", self.accepted().len()))
    }
}

/// The next request of a connection, unless it has ended.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(HeaderMap, String)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    assert!(line.is_empty() || line.starts_with("POST "), "{line}");
    let mut headers = HeaderMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let length = headers.get("content-length")?.to_str().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some((headers, String::from_utf8(body).unwrap()))
}

fn modules(url: &str, more: &str) -> String {
    format!("[modules.rooms]\nkey = \"roomId\"\n{}{more}", webhook(url))
}

fn webhook(url: &str) -> String {
    format!("[[modules.rooms.webhooks]]\nurl = \"{url}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n")
}

async fn serve(folder: &Folder, arguments: &[&str]) -> Served {
    folder
        .serve_with(&[("HOOK_SECRET", SECRET)], arguments)
        .await
}

/// Where the disk is slow, a write may have to be sent again. One that was done makes no event then.
async fn put(served: &Served, path: &str, body: String) {
    loop {
        let request = Request::post(format!("{}{path}", served.url));
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).unwrap();
        let answer = served.client.send(request).await;
        if answer.status != 504 {
            assert_eq!(answer.status, 200, "{}", answer.body);
            return;
        }
    }
}

/// Writes the versions of some items, those of an item one after the other.
async fn write(served: &Served, items: usize, versions: usize) {
    let writers = (0..items).map(|item| async move {
        for version in 1..=versions {
            put(
                served,
                &format!("/rooms/{item}"),
                format!("{{\"v\":{version}}}"),
            )
            .await;
        }
    });
    futures_util::future::join_all(writers).await;
}

/// Each event was accepted, signed, and under one id; and of each item, the first time that each was
/// accepted, in the order in which it was written.
#[track_caller]
fn assert_told(deliveries: &[Delivery], items: usize, versions: usize) {
    let mut told = BTreeMap::<_, Vec<_>>::new();
    let mut bodies = HashMap::new();
    for delivery in deliveries {
        delivery.verify(SECRET);
        let body = bodies.entry(delivery.id()).or_insert(&delivery.body);
        assert_eq!(*body, &delivery.body);
        let told = told.entry(delivery.subject()).or_default();
        let version = delivery.event["data"]["after"]["v"].as_u64().unwrap();
        if !told.contains(&version) {
            told.push(version);
        }
    }
    assert_eq!(bodies.len(), items * versions);
    assert_eq!(told.len(), items);
    let expected: Vec<_> = (1..=versions as u64).collect();
    for (subject, versions) in told {
        assert_eq!(versions, expected, "{subject}");
    }
}

#[tokio::test]
async fn a_receiver_with_faults_is_told_everything_in_order() {
    let receiver = Receiver::start(|at| match at % 7 {
        1 => Reaction::Answer(500),
        3 => Reaction::Close,
        4 => Reaction::Slow(Duration::from_millis(200)),
        6 => Reaction::Answer(429),
        _ => Reaction::Answer(204),
    })
    .await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let mut served = serve(&folder, &["--memory"]).await;
    write(&served, 10, 5).await;
    assert_told(&receiver.events(50).await, 10, 5);
    let line = served.line("answered 204").await;
    let begin = format!("webhook of rooms to http://127.0.0.1:{}: ", receiver.port);
    assert!(line.starts_with(&begin), "{line}");
    served.line("answered 500; sent again in").await;
}

#[tokio::test]
async fn a_receiver_that_comes_back_is_told_what_it_missed() {
    let gone = Receiver::start(|_| Reaction::Answer(200)).await;
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    drop(gone);
    let folder = Folder::with(&modules(&format!("http://127.0.0.1:{port}/"), ""));
    let mut served = serve(&folder, &["--memory"]).await;
    write(&served, 5, 2).await;
    served.line("it did not arrive").await;
    let receiver = Receiver::on(port, |_| Reaction::Answer(200)).await;
    assert_told(&receiver.events(10).await, 5, 2);
}

#[tokio::test]
async fn a_server_that_is_killed_tells_the_rest_when_it_is_back() {
    let receiver = Receiver::start(|_| Reaction::Slow(Duration::from_millis(20))).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let (mut items, mut seen) = (0, 0);
    // Killed while it sends, and before it has sent anything.
    for told in [15, 20, 0] {
        let mut served = serve(&folder, &[]).await;
        let more = 20;
        let writers = (items..items + more).map(|item| {
            let served = &served;
            async move { put(served, &format!("/rooms/{item}"), "{\"v\":1}".to_owned()).await }
        });
        futures_util::future::join_all(writers).await;
        items += more;
        while receiver.deliveries().len() < seen + told {
            sleep(Duration::from_millis(5)).await;
        }
        served.process.kill().await.unwrap();
        seen = receiver.deliveries().len();
    }
    let served = serve(&folder, &[]).await;
    assert_told(&receiver.events(items).await, items, 1);
    assert!(served.stop().await.success());

    // What was accepted is not sent again.
    let before = receiver.deliveries().len();
    let served = serve(&folder, &[]).await;
    put(&served, "/rooms/last", "{\"v\":1}".to_owned()).await;
    receiver.events(items + 1).await;
    assert_eq!(receiver.deliveries().len(), before + 1);
}

#[tokio::test]
async fn a_webhook_is_told_only_what_it_asks_for() {
    let receiver = Receiver::start(|_| Reaction::Answer(200)).await;
    let more = "on = [\"update\", \"delete\"]\nfields = [\"status\"]\n";
    let folder = Folder::with(&modules(&receiver.url(), more));
    let served = serve(&folder, &["--memory"]).await;
    for body in [
        r#"{"status":"a","note":"1"}"#,
        r#"{"status":"a","note":"2"}"#,
        r#"{"status":"b","note":"2"}"#,
    ] {
        put(&served, "/rooms/a", body.to_owned()).await;
    }
    served.send("DELETE", "/rooms/a", "").await;
    let told: Vec<_> = receiver.events(2).await;
    let told = told.iter().map(|delivery| {
        let data = &delivery.event["data"];
        json!([delivery.event["type"], data["before"], data["after"]])
    });
    assert_eq!(
        told.collect::<Value>(),
        json!([
            ["modulo.item.updated", { "status": "a" }, { "status": "b" }],
            ["modulo.item.deleted", { "status": "b" }, null],
        ])
    );
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let receiver = Receiver::start(|_| Reaction::Answer(200)).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let both = format!("{OTHER_SECRET} {SECRET}");
    let served = folder
        .serve_with(&[("HOOK_SECRET", &both)], &["--memory"])
        .await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    let told = receiver.events(1).await;
    told[0].verify(SECRET);
    told[0].verify(OTHER_SECRET);
}

#[tokio::test]
async fn an_event_goes_nowhere_but_to_its_url() {
    // What listens here must not hear of it, by whatever name.
    let hidden = Receiver::start(|_| Reaction::Answer(200)).await;
    let redirecting = hidden.url();
    let redirecting = Receiver::start(move |_| Reaction::Redirect(redirecting.clone())).await;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.unwrap_or_else(|_| "localhost.".to_owned());
    let others = [host.trim(), "localhost."]
        .map(|host| webhook(&format!("https://{host}:{}/", hidden.port)));
    let folder = Folder::with(&modules(&redirecting.url(), &others.concat()));
    let mut served = serve(&folder, &["--memory"]).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    served.line("answered 302; sent again in").await;
    sleep(SILENCE).await;
    assert_eq!(*hidden.connections.lock().unwrap(), 0);
    assert!(!redirecting.deliveries().is_empty());
}

#[tokio::test]
async fn an_edit_calls_other_webhooks_and_nothing_is_lost() {
    let first = Receiver::start(|_| Reaction::Answer(200)).await;
    let second = Receiver::start(|_| Reaction::Answer(200)).await;
    let folder = Folder::with("[modules.rooms]\nkey = \"roomId\"\n");
    let mut served = serve(&folder, &[]).await;
    let edit = async |served: &mut Served, modules: &str| {
        std::fs::write(folder.path().join("modules.toml"), modules).unwrap();
        served.line("these are the routes now").await;
    };
    put(&served, "/rooms/before", "1".to_owned()).await;
    edit(&mut served, &modules(&first.url(), "")).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    assert_eq!(first.events(1).await[0].subject(), "a");

    let both = modules(&first.url(), &webhook(&second.url()));
    edit(&mut served, &both).await;
    put(&served, "/rooms/b", "1".to_owned()).await;
    assert_eq!(first.events(2).await[1].subject(), "b");
    assert_eq!(second.events(1).await[0].subject(), "b");

    edit(&mut served, &modules(&second.url(), "")).await;
    put(&served, "/rooms/c", "1".to_owned()).await;
    assert_eq!(second.events(2).await[1].subject(), "c");
    assert_eq!(first.deliveries().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_told_no_more_of_an_event() {
    let receiver = Receiver::start(|at| Reaction::Answer(if at == 0 { 410 } else { 200 })).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let mut served = serve(&folder, &["--memory"]).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    served.line("answered 410; given up").await;
    put(&served, "/rooms/b", "1".to_owned()).await;
    assert_eq!(receiver.events(1).await[0].subject(), "b");
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent() {
    let receiver = Receiver::start(|_| Reaction::Answer(200)).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let mut served = folder.serve(&["--memory"]).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    served
        .line("the environment variable `HOOK_SECRET` is not set; sent again in")
        .await;
    assert_eq!(receiver.deliveries().len(), 0);
    let (status, _, stderr) = {
        let output = folder
            .modulo(&["check"])
            .env("HOOK_SECRET", "whsec_short")
            .output()
            .await;
        let output = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    assert_eq!(status, Some(64));
    insta::assert_snapshot!(stderr, @r#"
    modules.toml:5: modules.rooms.webhooks.0.secret.env: the secret there is not valid: it must be `whsec_` and the base64 of 24 to 64 bytes, or several of these with spaces between
      help: make one with: echo "whsec_$(openssl rand -base64 32)"
    1 error
    "#);
}

#[tokio::test]
async fn a_test_event_goes_to_each_webhook_of_a_module() {
    let receiver = Receiver::start(|at| Reaction::Answer(if at == 0 { 200 } else { 500 })).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let send = async |module: &str| {
        let mut command = folder.modulo(&["webhooks", "send", "--module", module]);
        let output = command.env("HOOK_SECRET", SECRET).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.success(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (is_sent, stdout, _) = send("rooms").await;
    assert!(is_sent);
    let answered = format!("{}: answered 200 in ", receiver.url());
    assert!(stdout.starts_with(&answered), "{stdout}");
    let told = receiver.events(1).await;
    told[0].verify(SECRET);
    assert_eq!(told[0].event["type"], "modulo.webhook.test");
    assert_eq!(told[0].event["data"]["module"], "rooms");

    let (is_sent, stdout, stderr) = send("rooms").await;
    assert!(!is_sent);
    assert_eq!(stdout, format!("{}: answered 500\n", receiver.url()));
    assert_eq!(stderr, "1 of 1 webhooks did not accept the event\n");
    let (_, _, stderr) = send("bookings").await;
    assert_eq!(
        stderr,
        "modules.toml has no module `bookings`; known here: `rooms`\n"
    );
}

#[tokio::test]
async fn what_waits_in_no_queue_is_not_sent_again() {
    let folder = Folder::with(&format!(
        "{}[modules.quiet]\nkey = \"id\"\n",
        modules("https://erp.example.com/hooks", "")
    ));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let replay = async |module: &str| {
        let arguments = [
            "webhooks",
            "replay",
            "--module",
            module,
            "--endpoint-url",
            &endpoint,
        ];
        let mut command = folder.modulo(&arguments);
        let output = command.env("HOOK_SECRET", SECRET).output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        replay("quiet").await,
        "module `quiet` has neither webhooks nor events\n"
    );
    let stderr = replay("rooms").await;
    let expected =
        "https://erp.example.com/hooks: cannot send again; is it deployed in stage `local`?";
    assert!(stderr.starts_with(expected), "{stderr}");
}

#[tokio::test]
async fn where_the_tables_are_elsewhere_it_is_said_that_nobody_is_told() {
    let engine = modulo::local::Engine::start(&modulo::local::Data::Memory)
        .await
        .unwrap();
    let receiver = Receiver::start(|_| Reaction::Answer(200)).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let served = serve(&folder, &["--endpoint-url", &engine.endpoint()]).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    let output = served.output().await;
    assert!(
        output.contains("Webhooks are not called: only a `modulo serve` with its own"),
        "{output}"
    );
    assert_eq!(receiver.deliveries().len(), 0);
}

#[tokio::test]
async fn a_place_that_the_stream_does_not_have_is_reported() {
    let receiver = Receiver::start(|_| Reaction::Answer(200)).await;
    let folder = Folder::with(&modules(&receiver.url(), ""));
    let served = serve(&folder, &[]).await;
    put(&served, "/rooms/a", "1".to_owned()).await;
    let first = receiver.events(1).await;
    assert!(served.stop().await.success());

    let file = folder.path().join(".modulo/webhooks.json");
    let known: BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let lost: BTreeMap<_, _> = known.into_keys().map(|name| (name, "1-2")).collect();
    std::fs::write(&file, serde_json::to_vec(&lost).unwrap()).unwrap();
    let served = serve(&folder, &[]).await;
    while receiver.deliveries().len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    // What is there is sent again, under its id.
    assert_eq!(receiver.deliveries()[1].id(), first[0].id());
    let output = served.output().await;
    assert!(
        output.contains("some changes are no longer there to be sent"),
        "{output}"
    );

    std::fs::write(&file, "{").unwrap();
    let (status, _, stderr) = folder.run(&["serve", "--addr", "127.0.0.1:0"]).await;
    assert_eq!(status, Some(1));
    assert!(
        stderr.starts_with("cannot read `webhooks.json` in the data folder"),
        "{stderr}"
    );
}

//! Changes of a deployed module, sent to a webhook by the second function: through the stream of the
//! table and the webhook's queue.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use modulo::module::queue;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::emulator::{authorization, emulator};
use crate::project::Project;
use crate::told::{Queue, WITHIN, assert_told, queue_of, write};

const SECRET: &str = "whsec_bW9kdWxvJ3MgdGVzdHMgc2lnbiB3aXRoIHRoaXM=";

/// An event as it came.
struct Delivery {
    id: String,
    event: Value,
}

/// Receives events on this machine; refuses the first.
fn receive() -> (u16, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let connection = connection.expect("a connection");
            let sender = sender.clone();
            std::thread::spawn(move || answer(&connection, number == 0, &sender));
        }
    });
    (port, receiver)
}

/// Answers the requests of a connection.
fn answer(connection: &TcpStream, refuses: bool, sender: &Sender<Delivery>) {
    let mut reader = BufReader::new(connection);
    let mut refuses = refuses;
    while let Some((headers, body)) = read(&mut reader) {
        Webhook::new(SECRET)
            .expect("a valid secret")
            .verify(&body, &headers)
            .expect("it is signed");
        let id = headers["webhook-id"].to_str().expect("ASCII").to_owned();
        let event = serde_json::from_slice(&body).expect("JSON");
        sender.send(Delivery { id, event }).ok();
        let status = if refuses { "500 No" } else { "204 Yes" };
        refuses = false;
        let mut connection = connection;
        write!(connection, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").ok();
    }
}

fn read(reader: &mut impl BufRead) -> Option<(HeaderMap, Vec<u8>)> {
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    lines.next()?;
    let lines = lines.take_while(|line| !line.is_empty());
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name: HeaderName = name.parse().ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        })
        .collect();
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}

fn plant_secret() {
    let parameter = json!({
        "Name": "/modulo-tests/webhook", "Value": SECRET, "Type": "SecureString", "Overwrite": true,
    });
    let request = reqwest::blocking::Client::new()
        .post(&emulator().endpoint)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .header("authorization", authorization("ssm"));
    let answer = request.body(parameter.to_string()).send();
    assert!(answer.expect("an answer").status().is_success());
}

#[test]
fn changes_of_a_deployed_module_are_sent_in_order_and_again_until_they_are_accepted() {
    plant_secret();
    let (port, events) = receive();
    let modules = format!(
        r#"
[modules.rooms]
key = "roomId"
stamps = true

[[modules.rooms.webhooks]]
url = "http://127.0.0.1:{port}/hooks"
secret = {{ ssm = "/modulo-tests/webhook" }}
"#
    );
    let mut project = Project::new("local", &modules);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    write(&doors, "rooms");

    let next = || events.recv_timeout(WITHIN).expect("an event in time");
    let refused = next();
    let created = next();
    assert_eq!(created.id, refused.id);
    assert_eq!(created.event, refused.event);
    let all = [created, next(), next()];
    let all: Vec<_> = all
        .into_iter()
        .map(|Delivery { id, event }| {
            assert_eq!(event["id"], *id, "{event}");
            event
        })
        .collect();
    assert_told(&all, "rooms");
    let none = events.recv_timeout(Duration::from_secs(3));
    assert!(none.is_err(), "nothing else has changed");

    // As if it had been given up, after a day.
    let url = format!("http://127.0.0.1:{port}/hooks");
    let queue = queue_of(&project, "rooms", &url);
    let dead = Queue::of_deployment(&queue::dead_letters(&queue));
    for event in &all {
        dead.put(event);
    }
    let replay = ["webhooks", "replay", "--module", "rooms"];
    let said = project
        .modulo(&replay)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(said, format!("{url}: 3 events to be sent again\n"));
    let again: Vec<_> = all.iter().map(|_| next().event).collect();
    assert_eq!(again, all);
    let said = project
        .modulo(&replay)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(said, format!("{url}: 0 events to be sent again\n"));
}

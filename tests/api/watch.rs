//! The log of all these tests is held against what they send.
//!
//! Functions inside this process write it to [`Watch`], those in processes of their own to what
//! their fixtures read. Each line is looked through for the credentials, the ids and the texts of
//! documents that were sent just before.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use axum::http::HeaderMap;
use modulo::telemetry::{self, Filter, Format};
use serde_json::Value;

/// What is shorter may stand in a line by chance.
const MIN_BYTES: usize = 8;

/// How much is remembered of what was sent, by all tests that run at the same time.
const REMEMBERED: usize = 500;

/// The headers whose values are between client and function.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "cookie",
    "idempotency-key",
    "if-match",
    "x-api-key",
];

static SENT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Remembers what of a request must not be logged.
pub(crate) fn sent(path: &str, headers: &HeaderMap, body: &[u8]) {
    let values = SECRET_HEADERS
        .iter()
        .flat_map(|name| headers.get_all(*name));
    let values = values.filter_map(|value| value.to_str().ok());
    let mut secrets: Vec<_> = values.map(credential).collect();
    let path = path.split('?').next().unwrap_or_default();
    if let Some((_, id)) = path.trim_start_matches('/').split_once('/')
        && !path.starts_with("/_")
    {
        secrets.push(id.to_owned());
    }
    texts(
        &serde_json::from_slice(body).unwrap_or_default(),
        &mut secrets,
    );
    remember(secrets);
}

/// As [`sent`], of an event for a function.
pub(crate) fn sent_event(event: &Value) {
    let headers = event["headers"].as_object().into_iter().flatten();
    let secrets = headers.filter_map(|(name, value)| {
        let is_secret = SECRET_HEADERS.contains(&&*name.to_ascii_lowercase());
        is_secret.then(|| value.as_str().map(credential))?
    });
    let mut secrets: Vec<_> = secrets.collect();
    let body = event["body"].as_str().unwrap_or_default();
    texts(
        &serde_json::from_str(body).unwrap_or_default(),
        &mut secrets,
    );
    remember(secrets);
}

/// A header's value without what says of which kind it is.
fn credential(value: &str) -> String {
    let value = value
        .split_once(' ')
        .map_or(value, |(_, credential)| credential);
    value.trim().to_owned()
}

/// The texts within a document, but not the names of its members.
fn texts(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn remember(secrets: Vec<String>) {
    let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
    for secret in secrets {
        // What only fills, such as an id of many `x`, stands for nothing.
        let says_something = secret.chars().any(|c| !secret.starts_with(c));
        if secret.len() >= MIN_BYTES && says_something && !sent.contains(&secret) {
            sent.push_back(secret);
        }
    }
    while sent.len() > REMEMBERED {
        sent.pop_front();
    }
}

/// What was sent, if a line has it.
fn found_in(line: &str) -> Option<String> {
    let sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
    sent.iter()
        .find(|secret| line.contains(&***secret))
        .cloned()
}

/// Ends the tests if a line of the log has what was sent: where it is written, no test would see
/// a panic.
pub(crate) fn check(line: &str) {
    if let Some(secret) = found_in(line) {
        // Not `eprintln!`, which a test that does not fail by itself keeps for itself.
        let told = format!("the log has `{secret}`, which was sent: {line}\n");
        let _ = io::stderr().write_all(told.as_bytes());
        std::process::abort();
    }
}

/// Where the functions inside this process log.
#[derive(Debug, Clone, Copy)]
struct Watch;

impl Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has the functions inside this process log, with all that modulo itself can say.
pub(crate) fn watch() {
    static WATCHED: OnceLock<()> = OnceLock::new();
    WATCHED.get_or_init(|| {
        let filter = Some("info,modulo=trace");
        telemetry::init_to(|| Watch, Format::Json, filter, &Filter::default());
    });
}

#[test]
fn what_was_sent_is_found() {
    let headers = [
        ("authorization", "Bearer planted.in.authorization"),
        ("x-api-key", "planted-in-a-key"),
    ];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let body = br#"{"a":[{"b":"planted in a document"}]}"#;
    sent(
        "/rooms/planted-in-an-id?x",
        &headers.into_iter().collect(),
        body,
    );
    for secret in [
        "planted.in.authorization",
        "planted-in-a-key",
        "planted in a document",
        "planted-in-an-id",
    ] {
        let line = format!("{{\"error\":\"of {secret}\"}}");
        assert_eq!(found_in(&line).as_deref(), Some(secret));
    }
    assert_eq!(found_in("{\"error\":\"of nothing\"}"), None);
}

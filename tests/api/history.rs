//! `history`: each version of an item, and what it was at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use axum::http::Request;
use modulo::change;
use modulo::config::Config;
use modulo::local::{Data, Engine, settings};
use modulo::module::Module;
use modulo::store::Store;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::app::{Answer, Client, TestApp, document_of, parse};
use crate::command::{Folder, Served};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

const MODULES: &str = r#"
    [access.partners]
    keys = [
        { name = "erp", tenant = "acme", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" },
        { name = "crm", tenant = "other", hash = "sha256:16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4" },
    ]
    [modules.rooms]
    key = "id"
    ttl = "expiresAt"
    history = "90d"
    [modules.native]
    key = "id"
    storage = "document"
    envelope = "plain"
    key_in_document = true
    stamps = true
    history = "90d"
    [modules.stamped]
    key = "id"
    stamps = true
    history = "90d"
    [modules.bookings]
    key = { partition = "room", sort = { attribute = "at", type = "N" } }
    history = "90d"
    [modules.parted]
    key = { partition = "room", sort = "id" }
    access = { guard = "partners" }
    tenant = { claim = "org" }
    history = "90d"
    [modules.plain]
    key = "id"
"#;

/// About half a year ago at the most: of what is older nothing may be there.
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs_f64().floor()
}

fn time(seconds: f64) -> String {
    let time = std::time::UNIX_EPOCH + Duration::from_secs_f64(seconds);
    humantime::format_rfc3339_millis(time).to_string()
}

/// The function, and what the second one does with the records of a stream.
struct Kept {
    app: TestApp,
    store: Store,
    config: Arc<Config>,
    _engine: Engine,
}

impl Kept {
    async fn start() -> Self {
        Self::of(MODULES).await
    }

    async fn of(modules: &str) -> Self {
        let config = parse(modules);
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let app = TestApp::over(&config, &engine.endpoint()).await;
        let made = modulo::local::create_tables(&app.dynamodb, config.modules.tables()).await;
        made.unwrap();
        let store = Store::new(&settings(&engine.endpoint()).await);
        Self {
            app,
            store,
            config,
            _engine: engine,
        }
    }

    fn module(&self, name: &str) -> &Arc<Module> {
        self.config.modules.find(name).unwrap()
    }

    async fn keep(&self, module: &str, records: &[Value]) {
        let records = records.iter();
        let records = records.map(|record| serde_json::from_value(record.clone()).unwrap());
        let kept = change::keep(&self.store, self.module(module), records).await;
        kept.unwrap_or_else(|(at, error)| panic!("{at}: {error:?}"));
    }

    async fn at(&self, path: &str, seconds: f64) -> Answer {
        self.app.get(&format!("{path}?at={}", time(seconds))).await
    }

    async fn versions(&self, path: &str) -> Vec<Value> {
        let answer = self.app.get(&format!("/_history{path}")).await;
        versions_of(&answer)
    }

    /// All rows of a table, in their order.
    async fn rows(
        &self,
        table: &str,
    ) -> BTreeMap<(String, String), HashMap<String, AttributeValue>> {
        rows(&self.app.dynamodb, table).await
    }
}

async fn rows(
    dynamodb: &DynamoDb,
    table: &str,
) -> BTreeMap<(String, String), HashMap<String, AttributeValue>> {
    let mut items = dynamodb
        .scan()
        .table_name(table)
        .into_paginator()
        .items()
        .send();
    let mut rows = BTreeMap::new();
    while let Some(row) = items.next().await {
        let row = row.unwrap();
        let text = |name: &str| row[name].as_s().unwrap().clone();
        rows.insert((text("id"), text("version")), row);
    }
    rows
}

#[track_caller]
fn versions_of(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = document_of(&answer.body);
    let page = if body["GET"].is_object() {
        &body["GET"]
    } else {
        &body
    };
    page["versions"].as_array().unwrap().clone()
}

/// The documents of versions, as texts.
fn texts(versions: &[Value]) -> Vec<String> {
    let versions = versions.iter();
    let text = |version: &Value| match (&version["data"], &version["item"]) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, item) => item.to_string(),
        (other, _) => other.to_string(),
    };
    versions.map(text).collect()
}

fn kinds(versions: &[Value]) -> Vec<&str> {
    let kinds = versions
        .iter()
        .map(|version| version["kind"].as_str().unwrap());
    kinds.collect()
}

/// A record as Lambda's events have it.
fn record(seconds: f64, number: u64, old: &Value, new: &Value) -> Value {
    let name = match (old.is_null(), new.is_null()) {
        (true, _) => "INSERT",
        (false, false) => "MODIFY",
        (false, true) => "REMOVE",
    };
    let mut write = json!({
        "ApproximateCreationDateTime": seconds,
        "SequenceNumber": format!("{number}00000000001596893679"),
    });
    for (member, image) in [("OldImage", old), ("NewImage", new)] {
        if !image.is_null() {
            write[member] = image.clone();
        }
    }
    json!({ "eventID": number.to_string(), "eventName": name, "dynamodb": write })
}

fn room(text: &str) -> Value {
    json!({ "id": { "S": "sala 90" }, "data": { "S": text } })
}

const NONE: Value = Value::Null;

#[tokio::test]
async fn an_item_is_read_as_it_was_at_a_time() {
    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let (one, two, three) = (room(r#"{"chairs":1}"#), room(r#"{"chairs":2}"#), room("3"));
    let written = [
        record(began, 9, &NONE, &one),
        record(began + 10.0, 10, &one, &two),
        record(began + 20.0, 11, &two, &NONE),
        record(began + 30.0, 12, &NONE, &three),
    ];
    kept.keep("rooms", &written).await;
    for (after, text) in [
        (-0.001, None),
        (0.0, Some(r#"{"chairs":1}"#)),
        (9.999, Some(r#"{"chairs":1}"#)),
        (10.0, Some(r#"{"chairs":2}"#)),
        (19.999, Some(r#"{"chairs":2}"#)),
        (20.0, None),
        (29.999, None),
        (30.0, Some("3")),
        (5_000.0, Some("3")),
    ] {
        let answer = kept.at("/rooms/sala%2090", began + after).await;
        match text {
            None => assert_eq!(answer.status, 404, "{after}: {}", answer.body),
            Some(text) => {
                let expected = json!({ "GET": { "id": "sala 90", "data": text } });
                assert_eq!(document_of(&answer.body), expected, "{after}");
                // The tag is the document's, as a write of it answers.
                let same = kept.app.send("POST", "/rooms/same", text.to_owned()).await;
                assert_eq!(answer.header("etag"), same.header("etag"));
            }
        }
    }
    let versions = kept.versions("/rooms/sala%2090").await;
    assert_eq!(
        kinds(&versions),
        ["created", "deleted", "updated", "created"]
    );
    assert_eq!(
        texts(&versions),
        ["3", "null", r#"{"chairs":2}"#, r#"{"chairs":1}"#]
    );
    let times = versions.iter().map(|version| version["time"].clone());
    let expected = [30.0, 20.0, 10.0, 0.0].map(|after| json!(time(began + after)));
    assert_eq!(times.collect::<Vec<_>>(), expected);
    // Of another item nothing is known.
    assert_eq!(kept.at("/rooms/other", began).await.status, 404);
    assert_eq!(kept.versions("/rooms/other").await, [NONE; 0]);
    // A client that has it is not sent it again.
    let path = format!("/rooms/sala%2090?at={}", time(began));
    let tag = kept.app.get(&path).await.header("etag").to_owned();
    let request = kept.app.request("GET", &path).header("if-none-match", tag);
    let answer = kept
        .app
        .client
        .send(request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.status, 304);
    let head = kept.app.request("HEAD", &path).body(Body::empty()).unwrap();
    let head = kept.app.client.send(head).await;
    assert_eq!((head.status.as_u16(), &*head.body), (200, ""));
}

#[tokio::test]
async fn changes_that_come_again_or_in_another_order_are_kept_once() {
    let began = now() - 1_000.0;
    let texts: Vec<_> = (0..5).map(|number| room(&number.to_string())).collect();
    // Two of them within a second.
    let times = [0.0, 10.0, 10.0, 20.0, 30.0];
    let written: Vec<_> = (0..5_u32)
        .map(|at| {
            let place = at as usize;
            let old = place.checked_sub(1).map_or(&NONE, |before| &texts[before]);
            record(began + times[place], u64::from(at) + 8, old, &texts[place])
        })
        .collect();
    let in_order = Kept::start().await;
    in_order.keep("rooms", &written).await;
    let expected = in_order.rows("rooms-local-history").await;
    assert_eq!(expected.len(), 5);
    let ends = expected.values().map(|row| {
        let end = row
            .get("expiresAt")?
            .as_n()
            .unwrap()
            .parse::<f64>()
            .unwrap();
        Some((end - began, row["replacedAt"].as_s().unwrap().clone()))
    });
    let days = 90.0 * 86_400.0;
    let end = |after: f64| Some((days + after, time(began + after)));
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends, [end(10.0), end(10.0), end(20.0), end(30.0), None]);

    for order in [
        vec![0, 1, 0, 1, 2, 2, 3, 4, 3],
        vec![4, 3, 2, 1, 0],
        vec![2, 0, 4, 1, 3, 0, 4],
        vec![1, 2, 3, 4, 0],
    ] {
        let other = Kept::start().await;
        for at in &order {
            other.keep("rooms", &written[*at..=*at]).await;
        }
        assert_eq!(
            other.rows("rooms-local-history").await,
            expected,
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn what_has_ended_is_not_there_at_a_later_time() {
    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let expiring = |after: f64| {
        let mut item = room("1");
        item["expiresAt"] = json!({ "N": format!("{}", began + after) });
        item
    };
    let (soon, later) = (expiring(50.0), expiring(200.0));
    let mut removed = record(began + 300.0, 3, &later, &NONE);
    removed["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    // The document is the same, and lives longer.
    let written = [
        record(began, 1, &NONE, &soon),
        record(began + 40.0, 2, &soon, &later),
        removed,
    ];
    kept.keep("rooms", &written[..1]).await;
    assert_eq!(kept.at("/rooms/sala%2090", began + 49.0).await.status, 200);
    assert_eq!(kept.at("/rooms/sala%2090", began + 50.0).await.status, 404);
    kept.keep("rooms", &written[1..]).await;
    for (after, status) in [(50.0, 200), (199.0, 200), (200.0, 404), (301.0, 404)] {
        let answer = kept.at("/rooms/sala%2090", began + after).await;
        assert_eq!(answer.status, status, "{after}");
    }
    let versions = kept.versions("/rooms/sala%2090").await;
    assert_eq!(kinds(&versions), ["expired", "updated", "created"]);
}

#[tokio::test]
async fn a_version_goes_when_its_time_is_over_and_nothing_takes_its_place() {
    let kept = Kept::start().await;
    let (day, now) = (86_400.0, now());
    let (one, two, three) = (room("1"), room("2"), room("3"));
    // The first was replaced 91 days ago, and the second yesterday.
    let written = [
        record(now - 200.0 * day, 1, &NONE, &one),
        record(now - 91.0 * day, 2, &one, &two),
        record(now - day, 3, &two, &three),
    ];
    kept.keep("rooms", &written).await;
    let path = "/rooms/sala%2090";
    for (days, status) in [
        (150.0, 404),
        (91.0, 200),
        (90.0, 200),
        (1.5, 200),
        (0.5, 200),
    ] {
        let answer = kept.at(path, now - days * day).await;
        assert_eq!(answer.status, status, "{days}: {}", answer.body);
    }
    assert_eq!(texts(&kept.versions(path).await), ["3", "2"]);
    // What is missing in between is not answered with what was before.
    let rows = kept.rows("rooms-local-history").await;
    let ((id, version), _) = rows.iter().nth(1).unwrap();
    let delete = kept
        .app
        .dynamodb
        .delete_item()
        .table_name("rooms-local-history");
    let delete = delete.key("id", AttributeValue::S(id.clone()));
    let delete = delete.key("version", AttributeValue::S(version.clone()));
    delete.send().await.unwrap();
    let update = kept
        .app
        .dynamodb
        .update_item()
        .table_name("rooms-local-history");
    let ((id, version), _) = rows.iter().next().unwrap();
    let update = update.key("id", AttributeValue::S(id.clone()));
    let update = update.key("version", AttributeValue::S(version.clone()));
    update
        .update_expression("REMOVE expiresAt")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.at(path, now - 150.0 * day).await.status, 200);
    assert_eq!(kept.at(path, now - 50.0 * day).await.status, 404);
}

#[tokio::test]
async fn an_item_that_is_gone_is_forgotten_as_a_whole() {
    let kept = Kept::start().await;
    let gone = now() - 90.0 * 86_400.0 - 1.0;
    let one = room("1");
    let written = [
        record(gone - 10.0, 1, &NONE, &one),
        record(gone, 2, &one, &NONE),
    ];
    kept.keep("rooms", &written).await;
    assert_eq!(kept.rows("rooms-local-history").await.len(), 2);
    assert_eq!(kept.versions("/rooms/sala%2090").await, [NONE; 0]);
    assert_eq!(kept.at("/rooms/sala%2090", gone - 5.0).await.status, 404);
}

#[tokio::test]
async fn a_document_is_the_same_to_the_letter() {
    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let text = "{\"b\":12345678901234567890123456789012345678,\"a\":1.10,\"a\":\"\\u00e9\\n\"}";
    let foreign = "{ \"a\": [1,\n 2] }";
    let none = json!({ "id": { "S": "sala 90" }, "data": { "N": "1" } });
    let (first, second) = (room(text), room(foreign));
    let written = [
        record(began, 1, &NONE, &first),
        record(began + 10.0, 2, &first, &second),
        record(began + 20.0, 3, &second, &none),
    ];
    kept.keep("rooms", &written).await;
    let path = "/rooms/sala%2090";
    assert_eq!(texts(&kept.versions(path).await), ["null", foreign, text]);
    for (after, text) in [(0.0, Some(text)), (10.0, Some(foreign)), (20.0, None)] {
        let answer = document_of(&kept.at(path, began + after).await.body);
        assert_eq!(answer["GET"]["data"], json!(text));
    }

    let image = json!({
        "id": { "S": "sala 90" },
        "_etag": { "S": "abc" },
        "price": { "N": "12345678901234567890123456789012345678" },
        "tags": { "SS": ["b", "a"] },
        "createdAt": { "S": "2026-01-01T00:00:00.000Z" },
        "updatedBy": { "S": "erp" },
    });
    let mut touched = image.clone();
    touched["updatedBy"] = json!({ "S": "crm" });
    let written = [
        record(began, 1, &NONE, &image),
        // Only a stamp is another, which readers see.
        record(began + 10.0, 2, &image, &touched),
    ];
    kept.keep("native", &written).await;
    let expected = r#"{"id":"sala 90","price":12345678901234567890123456789012345678,"tags":["a","b"],"createdAt":"2026-01-01T00:00:00.000Z","updatedBy":"erp"}"#;
    assert_eq!(kept.at("/native/sala%2090", began).await.body, expected);
    let answer = kept.app.get("/_history/native/sala%2090").await;
    let first = format!(
        r#"{{"kind":"created","time":"{}","by":"erp","item":{expected}}}"#,
        time(began)
    );
    assert!(
        answer.body.ends_with(&format!("{first}],\"next\":null}}")),
        "{}",
        answer.body
    );
    let by = versions_of(&answer)
        .iter()
        .map(|version| version["by"].clone())
        .collect::<Vec<_>>();
    assert_eq!(by, ["crm", "erp"]);

    let mut stamped = room("1");
    stamped["updatedAt"] = json!({ "S": "2026-01-01T00:00:00.000Z" });
    kept.keep("stamped", &[record(began, 1, &NONE, &stamped)])
        .await;
    let answer = kept.at("/stamped/sala%2090", began).await;
    assert_eq!(
        answer.body,
        r#"{"GET":{"id":"sala 90","updatedAt":"2026-01-01T00:00:00.000Z","data":"1"}}"#
    );
    let versions = kept.versions("/stamped/sala%2090").await;
    assert_eq!(
        versions[0]["stamps"],
        json!({ "updatedAt": "2026-01-01T00:00:00.000Z" })
    );
    assert_eq!(versions[0]["data"], "1");
}

/// Bytes without a pattern.
fn noise(count: usize) -> impl Iterator<Item = u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    })
}

#[tokio::test]
async fn what_fits_an_item_fits_its_versions() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let bytes: Vec<u8> = noise(409_000).collect();
    let letters: String = bytes
        .iter()
        .map(|byte| char::from(b'!' + byte % 90))
        .collect();
    let controls: String = bytes.iter().map(|byte| char::from(byte % 32)).collect();
    let worst = [
        json!({ "B": STANDARD.encode(&bytes) }),
        json!({ "S": letters }),
        // Six letters of JSON each.
        json!({ "S": controls }),
        // One byte each, as DynamoDB counts, and six letters.
        json!({ "L": vec![json!({ "BOOL": false }); 200_000] }),
        // A stamp by a foreign writer.
        json!({ "S": "x" }),
    ];
    let id = json!({ "S": "é".repeat(1_024) });
    let path = format!("/native/{}", "%C3%A9".repeat(1_024));
    let mut before = NONE;
    for (number, value) in (1_u32..).zip(&worst) {
        let mut image = json!({ "id": id, "a": value });
        if value["S"] == "x" {
            image["updatedBy"] = json!({ "S": letters });
        }
        let written = record(began + f64::from(number), number.into(), &before, &image);
        // Twice, as after a fault.
        kept.keep("native", &[written.clone(), written]).await;
        before = image;
    }
    for (at, value) in (1_u32..).zip(&worst) {
        let answer = kept.at(&path, began + f64::from(at)).await;
        assert_eq!(
            answer.status,
            200,
            "{at}: {}",
            &answer.body[..200.min(answer.body.len())]
        );
        let document = document_of(&answer.body);
        let expected = match value {
            value if value["B"].is_string() => value["B"].clone(),
            value if value["S"].is_string() => value["S"].clone(),
            _ => vec![json!(false); 200_000].into(),
        };
        assert!(document["a"] == expected, "{at}");
    }
    // All parts expire with what they are of.
    let rows = kept.rows("native-local-history").await;
    let parts: Vec<_> = rows
        .iter()
        .filter(|((_, name), _)| name.starts_with("part "))
        .collect();
    assert!(parts.len() > 1, "{}", parts.len());
    let is_ending = |row: &HashMap<String, AttributeValue>| row.contains_key("expiresAt");
    for ((id, name), row) in &parts {
        let of = name
            .strip_prefix("part ")
            .unwrap()
            .rsplit_once(' ')
            .unwrap()
            .0;
        let first = &rows[&(id.clone(), of.to_owned())];
        assert_eq!(row.get("expiresAt"), first.get("expiresAt"));
    }
    let ending = rows.values().filter(|row| is_ending(row)).count();
    let current = rows.values().filter(|row| !is_ending(row));
    let newest = current.filter(|row| !row["version"].as_s().unwrap().starts_with("part "));
    assert_eq!((newest.count(), ending > 4), (1, true));

    // A page ends before the answer is too long, and the pages have all.
    let (mut seen, mut next) = (0, String::new());
    loop {
        let answer = kept
            .app
            .get(&format!("/_history{path}?limit=100{next}"))
            .await;
        let page = document_of(&answer.body);
        seen += page["versions"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, worst.len());
}

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let mut before = NONE;
    let mut written = Vec::new();
    for number in 1..=30_u32 {
        let item = room(&number.to_string());
        written.push(record(
            began + f64::from(number / 3),
            u64::from(number),
            &before,
            &item,
        ));
        before = item;
    }
    kept.keep("rooms", &written).await;
    let newest: Vec<_> = (1..=30_u32)
        .rev()
        .map(|number| number.to_string())
        .collect();
    let first = kept.app.get("/_history/rooms/sala%2090").await;
    assert_eq!(texts(&versions_of(&first)), newest[..25]);
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/_history/rooms/sala%2090?limit=7{next}");
        let page = kept.app.get(&path).await;
        let versions = versions_of(&page);
        assert!(versions.len() <= 7);
        seen.extend(texts(&versions));
        let cursor = document_of(&page.body)["GET"]["next"].clone();
        match cursor.as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, newest);
    // A cursor is of one item.
    for path in ["/_history/rooms/other", "/_history/native/sala%2090"] {
        let answer = kept.app.get(&format!("{path}?limit=7{next}")).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    for (query, message) in [
        ("limit=0", "`limit` is `0`"),
        ("cursor=x", "`cursor` is not one"),
        (
            "fields=a",
            "`fields` is unknown here; the list of an item's versions takes",
        ),
        ("limit=1&limit=1", "`limit` is there twice"),
    ] {
        let answer = kept.app.get(&format!("/_history/rooms/a?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains(message), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn versions_are_those_of_one_key_and_one_tenant() {
    let kept = Kept::start().await;
    let began = now() - 1_000.0;
    let booking = |room: &str, at: &str| json!({ "room": { "S": room }, "at": { "N": at }, "data": { "S": "1" } });
    let digits = "12345678901234567890123456789012345678";
    let written = [
        record(began, 1, &NONE, &booking("a/b", digits)),
        record(began, 2, &NONE, &booking("a", "1E+2")),
    ];
    kept.keep("bookings", &written).await;
    for path in [
        format!("/bookings/a%2Fb/{digits}"),
        "/bookings/a/100".to_owned(),
    ] {
        assert_eq!(kept.at(&path, began).await.status, 200, "{path}");
        assert_eq!(kept.versions(&path).await.len(), 1, "{path}");
    }
    assert_eq!(
        kept.at(&format!("/bookings/a/{digits}"), began)
            .await
            .status,
        404
    );
    let answer = kept.app.get("/_history/bookings/a").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, r#"{"ERROR":{"message":"Please provide at"}}"#);

    let of = |tenant: &str, text: &str| {
        json!({
            "room": { "S": format!("{tenant}/a") },
            "id": { "S": "b/c" },
            "_tenant": { "S": tenant },
            "data": { "S": text },
        })
    };
    let written = [
        record(began, 1, &NONE, &of("acme", r#""ours""#)),
        record(began, 2, &NONE, &of("other", r#""theirs""#)),
    ];
    kept.keep("parted", &written).await;
    let get = async |path: &str, key: &str| {
        let request = kept.app.request("GET", path).header("x-api-key", key);
        kept.app
            .client
            .send(request.body(Body::empty()).unwrap())
            .await
    };
    let mut cursors = Vec::new();
    for (key, text) in [("first", r#""ours""#), ("second", r#""theirs""#)] {
        let answer = get(&format!("/parted/a/b%2Fc?at={}", time(began)), key).await;
        assert_eq!(document_of(&answer.body)["GET"]["data"], text);
        let answer = get("/_history/parted/a/b%2Fc?limit=1", key).await;
        assert_eq!(texts(&versions_of(&answer)), [text]);
        cursors.push(document_of(&answer.body)["GET"]["next"].clone());
    }
    for path in [
        "/_history/parted/a/b%2Fc".to_owned(),
        format!("/parted/a/b?at={}", time(began)),
    ] {
        assert_eq!(kept.app.get(&path).await.status, 401, "{path}");
    }
    // The tenant's own name in the path leads to nothing of it.
    let answer = get("/_history/parted/other%2Fa/b%2Fc", "first").await;
    assert_eq!(versions_of(&answer), [NONE; 0]);
}

#[tokio::test]
async fn a_time_must_be_one_where_there_is_a_history() {
    let kept = Kept::start().await;
    for wrong in ["", "yesterday", "2026-11-28", "2026-13-01T00:00:00Z"] {
        let answer = kept.app.get(&format!("/rooms/a?at={wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let message = format!(
            "Please provide a valid query: `at` is `{wrong}`, a time of RFC 3339 is needed, as in `2026-11-28T22:30:00Z`"
        );
        assert_eq!(document_of(&answer.body)["ERROR"]["message"], message);
    }
    // Without one it is a parameter like any other, of which GET looks at none.
    kept.app.send("POST", "/plain/a", "1").await;
    assert_eq!(kept.app.get("/plain/a?at=yesterday").await.status, 200);
    for path in [
        "/_history/plain/a",
        "/_history/none/a",
        "/_history",
        "/_history/",
    ] {
        let answer = kept.app.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.body),
            (404, r#"{"ERROR":{"message":"Not found"}}"#),
            "{path}"
        );
    }
    let answer = kept.app.get("/_history/rooms").await;
    assert_eq!(answer.body, r#"{"ERROR":{"message":"Please provide id"}}"#);
    let answer = kept.app.send("DELETE", "/_history/rooms/a", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "GET, HEAD, OPTIONS")
    );
}

#[test]
fn the_description_has_what_a_history_adds() {
    let document = modulo::openapi::document(&parse(MODULES), None, 1_000_000).unwrap();
    let document = document_of(&document);
    let at = json!({ "$ref": "#/components/parameters/at" });
    let takes_time = |path: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        parameters.unwrap().contains(&at)
    };
    assert!(takes_time("/rooms/{id}") && takes_time("/parted/{partition}/{sort}"));
    assert!(!takes_time("/plain/{id}"));
    let list = &document["paths"]["/_history/parted/{partition}/{sort}"]["get"];
    assert_eq!(list["security"], json!([{ "partners": [] }]));
    assert_eq!(document["paths"]["/_history/plain/{id}"], NONE);
    let version = &document["components"]["schemas"]["stamped.Version"]["properties"];
    let mut names: Vec<_> = version.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, ["by", "data", "kind", "stamps", "time"]);
}

#[tokio::test]
async fn who_may_not_read_an_item_may_not_read_its_history() {
    let modules = r#"
        [access.partners]
        keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]
        [modules.scoped]
        key = "id"
        access = { guard = "partners", scopes = { GET = ["read"] } }
        history = "90d"
        [modules.unread]
        key = "id"
        methods = ["LIST", "POST"]
        history = "90d"
    "#;
    let kept = Kept::of(modules).await;
    for (path, status) in [("/scoped/a", 403), ("/unread/a", 405)] {
        for path in [
            format!("/_history{path}"),
            format!("{path}?at={}", time(now())),
        ] {
            let request = kept.app.request("GET", &path).header("x-api-key", "first");
            let answer = kept
                .app
                .client
                .send(request.body(Body::empty()).unwrap())
                .await;
            assert_eq!(answer.status, status, "{path}");
        }
    }
}

async fn put(served: &Served, method: &str, path: &str, body: String) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", served.url));
    let request = request
        .header("content-type", "application/json")
        .body(Body::from(body));
    let answer = Client::new().send(request.unwrap()).await;
    assert!(
        answer.status.is_success(),
        "{method} {path}: {}",
        answer.body
    );
    answer
}

/// The versions of an item, once there are so many.
async fn so_many(served: &Served, path: &str, count: usize) -> Vec<Value> {
    let path = format!("/_history{path}?limit=100");
    let wait = async {
        loop {
            let versions = versions_of(&served.send("GET", &path, "").await);
            if versions.len() >= count {
                return versions;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let versions = timeout(PATIENCE, wait).await.expect("the versions in time");
    assert_eq!(versions.len(), count, "{versions:?}");
    versions
}

#[tokio::test]
async fn serve_keeps_each_version_of_what_is_written() {
    let modules = r#"
        [modules.rooms]
        key = "id"
        history = "1d"
        [modules.native]
        key = { partition = "id", sort = "at" }
        storage = "document"
        stamps = true
        history = "3650d"
    "#;
    let folder = Folder::with(modules);
    let served = folder.serve(&["--memory"]).await;
    for path in ["/rooms/sala%2090", "/native/a/b%2Fc"] {
        put(&served, "POST", path, r#"{"chairs":90}"#.to_owned()).await;
        // The same again is none, but where it is stamped.
        put(&served, "PUT", path, r#"{"chairs":91}"#.to_owned()).await;
        sleep(Duration::from_millis(1_100)).await;
        put(&served, "PATCH", path, r#"{"lit":true}"#.to_owned()).await;
        put(&served, "DELETE", path, String::new()).await;
        put(&served, "POST", path, r#"{"chairs":92}"#.to_owned()).await;
        let versions = so_many(&served, path, 5).await;
        assert_eq!(
            kinds(&versions),
            ["created", "deleted", "updated", "updated", "created"]
        );
        let chairs: Vec<_> = texts(&versions)
            .iter()
            .map(|text| document_of(text)["chairs"].clone())
            .collect();
        assert_eq!(chairs, [json!(92), NONE, json!(91), json!(91), json!(90)]);
        assert_eq!(
            versions[2]["data"]
                .as_str()
                .map(|text| document_of(text)["lit"].clone()),
            Some(json!(true))
        );
        // Of the first second, the last is in force.
        let at = versions[3]["time"].as_str().unwrap();
        let answer = served.send("GET", &format!("{path}?at={at}"), "").await;
        assert_eq!(
            document_of(&answer.body)["GET"]["data"],
            versions[3]["data"]
        );
    }
    put(&served, "POST", "/rooms/same", "1".to_owned()).await;
    put(&served, "POST", "/rooms/same", "1".to_owned()).await;
    put(&served, "POST", "/rooms/same", "2".to_owned()).await;
    assert_eq!(texts(&so_many(&served, "/rooms/same", 2).await), ["2", "1"]);
}

#[tokio::test]
async fn a_server_that_is_killed_keeps_the_rest_when_it_is_back() {
    let folder = Folder::with("[modules.rooms]\nkey = 'id'\nhistory = '90d'");
    let items = 10;
    let mut written = 0;
    // Killed while it keeps, and before it has kept anything.
    for pause in [40, 10, 0] {
        let mut served = folder.serve(&[]).await;
        for _ in 0..8 {
            written += 1;
            let writers = (0..items).map(async |item| {
                let path = format!("/rooms/{item}");
                put(&served, "PUT", &path, format!("{written}")).await
            });
            futures_util::future::join_all(writers).await;
        }
        sleep(Duration::from_millis(pause)).await;
        served.process.kill().await.unwrap();
    }
    let served = folder.serve(&[]).await;
    let expected: Vec<_> = (1..=written)
        .rev()
        .map(|number| number.to_string())
        .collect();
    for item in 0..items {
        let versions = so_many(&served, &format!("/rooms/{item}"), written).await;
        assert_eq!(texts(&versions), expected, "{item}");
    }
    assert!(served.stop().await.success());
    // What is kept is not kept again.
    let served = folder.serve(&[]).await;
    put(&served, "PUT", "/rooms/0", "\"last\"".to_owned()).await;
    so_many(&served, "/rooms/0", written + 1).await;
    assert_eq!(so_many(&served, "/rooms/1", written).await.len(), written);
}

#[tokio::test]
async fn a_history_that_comes_with_an_edit_begins_then() {
    let folder = Folder::with("[modules.rooms]\nkey = 'id'\n");
    let mut served = folder.serve(&["--memory"]).await;
    put(&served, "PUT", "/rooms/a", "1".to_owned()).await;
    let with = "[modules.rooms]\nkey = 'id'\nhistory = '90d'\n";
    std::fs::write(folder.path().join("modules.toml"), with).unwrap();
    served.line("has changed").await;
    put(&served, "PUT", "/rooms/a", "2".to_owned()).await;
    put(&served, "PUT", "/rooms/b", "3".to_owned()).await;
    assert_eq!(kinds(&so_many(&served, "/rooms/a", 1).await), ["updated"]);
    assert_eq!(kinds(&so_many(&served, "/rooms/b", 1).await), ["created"]);
    std::fs::write(
        folder.path().join("modules.toml"),
        "[modules.rooms]\nkey = 'id'\n",
    )
    .unwrap();
    served.line("has changed").await;
    assert_eq!(
        served.send("GET", "/_history/rooms/a", "").await.status,
        404
    );
}

#[tokio::test]
async fn who_does_not_see_the_changes_says_so() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let folder = Folder::with("[modules.rooms]\nkey = 'id'\nhistory = '90d'");
    let endpoint = engine.endpoint();
    let served = folder.serve(&["--endpoint-url", &endpoint]).await;
    put(&served, "PUT", "/rooms/a", "1".to_owned()).await;
    let answer = served.send("GET", "/_history/rooms/a", "").await;
    assert_eq!(versions_of(&answer), [NONE; 0]);
    let output = served.output().await;
    assert!(
        output.contains("Versions are not kept: only a `modulo serve`"),
        "{output}"
    );
}

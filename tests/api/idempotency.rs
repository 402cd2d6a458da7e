//! POST with an `Idempotency-Key`: sent again, it is not done again.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use serde_json::Value;

use crate::app::{Answer, PARTNERS, TestApp, document_of};

const MODULES: &str = r#"
    [defaults]
    idempotency = "24h"

    [modules.rooms]
    key = "roomId"

    [modules.halls]
    key = "hallId"
    envelope = "plain"
    storage = "document"
    ttl = "expiresAt"
    default_ttl = "30d"

    [modules.orders]
    key = "orderId"
    access = { guard = "partners" }
"#;

fn modules() -> String {
    format!("{MODULES}{PARTNERS}")
}

const SALA: &str = r#"{"chairs":90}"#;

async fn post(app: &TestApp, path: &str, key: &str, body: &str) -> Answer {
    post_with(app, path, &[("idempotency-key", key)], body).await
}

async fn post_with(app: &TestApp, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = app.request("POST", path);
    for &(name, value) in headers
        .iter()
        .chain(&[("content-type", "application/json")])
    {
        request = request.header(name, value);
    }
    let body = Body::from(body.to_owned());
    app.client.send(request.body(body).unwrap()).await
}

/// All but what is of the one request.
fn told(answer: &Answer) -> (u16, &str, &str, &str) {
    let (location, tag) = (answer.header("location"), answer.header("etag"));
    (answer.status.as_u16(), location, tag, &answer.body)
}

async fn count(app: &TestApp, table: &str) -> i32 {
    let scan = app.dynamodb.scan().table_name(table).consistent_read(true);
    scan.send().await.unwrap().count
}

#[tokio::test]
async fn an_item_is_created_once() {
    let app = TestApp::start(&modules()).await;
    for (module, table) in [("/rooms", "rooms-local"), ("/halls", "halls-local")] {
        let first = post(&app, module, "a-key", SALA).await;
        assert_eq!(first.status, 201, "{first:?}");
        // Long enough for an item that is written now to expire a second later.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        // White space is no other body.
        for body in [SALA, "{\"chairs\": 90}\n"] {
            let again = post(&app, module, "a-key", body).await;
            assert_eq!(told(&again), told(&first));
        }
        assert_eq!(count(&app, table).await, 1);
        let other = post(&app, module, "another-key", SALA).await;
        assert_ne!(other.header("location"), first.header("location"));
        assert_eq!(count(&app, table).await, 2);
    }
}

#[tokio::test]
async fn a_key_is_of_one_request() {
    let app = TestApp::start(&modules()).await;
    assert_eq!(post(&app, "/rooms", "a-key", SALA).await.status, 201);
    for (path, body) in [("/rooms", r#"{"chairs":91}"#), ("/rooms/sala90", SALA)] {
        let refused = post(&app, path, "a-key", body).await;
        assert_eq!(refused.status, 422, "{path} {body}");
        assert_eq!(
            document_of(&refused.body)["ERROR"]["message"],
            "Please provide another Idempotency-Key: this one was sent with another request"
        );
    }
    assert_eq!(count(&app, "rooms-local").await, 1);
    assert_eq!(
        post(&app, "/halls", "a-key", SALA).await.status,
        201,
        "of another module"
    );
}

/// What happened to the item since is not undone.
#[tokio::test]
async fn what_was_written_since_stays() {
    let app = TestApp::start(&modules()).await;
    for (item, created) in [("/rooms/sala90", 200), ("/halls/sala90", 201)] {
        let first = post(&app, item, "a-key", SALA).await;
        assert_eq!(first.status, created);
        assert!(
            app.send("PUT", item, r#"{"chairs":91}"#)
                .await
                .status
                .is_success()
        );
        let again = post(&app, item, "a-key", SALA).await;
        assert_eq!(told(&again), told(&first));
        let now = app.get(item).await.body;
        assert!(now.contains("91"), "{now}");
    }
}

#[tokio::test]
async fn a_precondition_need_not_hold_again() {
    let app = TestApp::start(&modules()).await;
    let begun = app.send("POST", "/rooms/x", SALA).await;
    let tag = begun.header("etag").to_owned();
    for (path, header) in [
        ("/rooms/x", ("if-match", &*tag)),
        ("/rooms/y", ("if-none-match", "*")),
    ] {
        let headers = [("idempotency-key", path), header];
        let first = post_with(&app, path, &headers, r#"{"chairs":1}"#).await;
        assert_eq!(first.status, 200, "{first:?}");
        let again = post_with(&app, path, &headers, r#"{"chairs":1}"#).await;
        assert_eq!(told(&again), told(&first));
    }
}

/// A refusal has written nothing, and so there is nothing to remember.
#[tokio::test]
async fn a_request_that_was_refused_can_be_sent_again() {
    let app = TestApp::start(&modules()).await;
    let headers = [("idempotency-key", "a-key"), ("if-match", "*")];
    let refused = post_with(&app, "/rooms/x", &headers, SALA).await;
    assert_eq!(refused.status, 412);
    app.send("PUT", "/rooms/x", SALA).await;
    assert_eq!(
        post_with(&app, "/rooms/x", &headers, SALA).await.status,
        200
    );
}

#[tokio::test]
async fn callers_do_not_share_their_keys() {
    let app = TestApp::start(&modules()).await;
    let mut locations = Vec::new();
    for caller in ["first", "second", "first"] {
        let headers = [("idempotency-key", "1"), ("x-api-key", caller)];
        let answer = post_with(&app, "/orders", &headers, SALA).await;
        assert_eq!(answer.status, 201);
        locations.push(answer.header("location").to_owned());
    }
    assert_eq!(locations[0], locations[2]);
    assert_ne!(locations[0], locations[1]);
}

#[tokio::test]
async fn requests_at_the_same_time_write_one_item() {
    let app = TestApp::start(&modules()).await;
    let requests = (0..16).map(|_| {
        let app = app.clone();
        tokio::spawn(async move { post(&app, "/rooms", "a-key", SALA).await })
    });
    let mut locations = std::collections::BTreeSet::new();
    for request in requests.collect::<Vec<_>>() {
        let answer = request.await.unwrap();
        match answer.status.as_u16() {
            201 => locations.insert(answer.header("location").to_owned()),
            503 => false,
            _ => panic!("{answer:?}"),
        };
    }
    assert_eq!(locations.len(), 1, "{locations:?}");
    assert_eq!(count(&app, "rooms-local").await, 1);
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_time_is_over() {
    let app = TestApp::start(&modules()).await;
    let first = post(&app, "/rooms", "a-key", SALA).await;
    let table = "modulo-idempotency-local";
    let records = app.dynamodb.scan().table_name(table).send().await.unwrap();
    let mut record = records.items()[0].clone();
    let in_a_day = record["expiresAt"].as_n().unwrap().parse::<u64>().unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    assert!(
        (now + 86_000..=now + 86_400).contains(&in_a_day),
        "{in_a_day}"
    );
    record.insert("expiresAt".to_owned(), AttributeValue::N(now.to_string()));
    let put = app.dynamodb.put_item().table_name(table);
    put.set_item(Some(record)).send().await.unwrap();

    let later = post(&app, "/rooms", "a-key", r#"{"chairs":2}"#).await;
    assert_eq!(later.status, 201);
    assert_ne!(later.header("location"), first.header("location"));
}

/// Neither the document nor the key itself is in the table of keys.
#[tokio::test]
async fn what_is_remembered_tells_little() {
    let app = TestApp::start(&modules()).await;
    post(
        &app,
        "/rooms",
        "a-secret-key",
        r#"{"secret":"in-the-document"}"#,
    )
    .await;
    let scan = app.dynamodb.scan().table_name("modulo-idempotency-local");
    let records = format!("{:?}", scan.send().await.unwrap().items());
    assert!(
        !records.contains("secret") && !records.contains("in-the-document"),
        "{records}"
    );
}

#[tokio::test]
async fn an_illegal_key_is_a_mistake() {
    let app = TestApp::start(&modules()).await;
    let long = "x".repeat(256);
    let sent: [&[(&str, &str)]; 5] = [
        &[("idempotency-key", "a b")],
        &[("idempotency-key", "")],
        &[("idempotency-key", &long)],
        &[("idempotency-key", "café")],
        &[("idempotency-key", "a"), ("idempotency-key", "b")],
    ];
    for headers in sent {
        let refused = post_with(&app, "/rooms", headers, SALA).await;
        assert_eq!(refused.status, 400, "{headers:?}");
        assert_eq!(
            document_of(&refused.body)["ERROR"]["message"],
            "Please provide a valid Idempotency-Key: it must be one header of 1 to 255 \
             visible characters of ASCII"
        );
    }
    assert_eq!(count(&app, "rooms-local").await, 0);
}

/// As the services that modulo replaces never looked at it.
#[tokio::test]
async fn a_module_that_remembers_nothing_takes_no_notice() {
    let app = TestApp::start(crate::app::MODULES).await;
    let answers = [
        post(&app, "/modulo1", "a-key", SALA).await,
        post(&app, "/modulo1", "a-key", SALA).await,
    ];
    let ids = answers.map(|answer| document_of(&answer.body)["POST"]["modulo1Id"].clone());
    assert!(ids[0] != ids[1] && ids[0] != Value::Null, "{ids:?}");
}

/// Whose a key is, the credential says that is shown, although none is needed.
#[tokio::test]
async fn a_key_is_of_its_caller_in_a_public_module_too() {
    let public = r#"access = { guard = "partners", public = ["POST"] }"#;
    let modules = modules().replace(r#"access = { guard = "partners" }"#, public);
    let app = TestApp::start(&modules).await;
    let mut locations = Vec::new();
    for caller in [
        &[("x-api-key", "first")][..],
        &[("x-api-key", "second")][..],
        &[][..],
    ] {
        let headers = [caller, &[("idempotency-key", "a-key")]].concat();
        let created = post_with(&app, "/orders", &headers, SALA).await;
        assert_eq!(created.status, 201, "{created:?}");
        let again = post_with(&app, "/orders", &headers, SALA).await;
        assert_eq!(told(&again), told(&created));
        locations.push(created.header("location").to_owned());
    }
    locations.sort();
    locations.dedup();
    assert_eq!(locations.len(), 3);
    assert_eq!(count(&app, "orders-local").await, 3);
}

//! Lists: projections, sizes, and walking through a table that is being written to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use axum::Router;
use axum::body::Body;
use tokio::net::TcpListener;

use crate::app::{MODULES, TestApp, document_of, parse};

#[tokio::test]
async fn fields_are_a_projection() {
    let native = r#"
        [modules.native]
        key = "id"
        storage = "document"
        envelope = "plain"
    "#;
    let app = TestApp::start(&format!("{MODULES}{native}")).await;
    for path in ["/modulo1/x", "/native/x"] {
        let body = r#"{"a":1.10,"b":{"c":2},"d":3}"#;
        assert!(app.send("POST", path, body).await.status.is_success());
    }
    for (path, expected) in [
        (
            "/modulo1?fields=b,a,none",
            r#"{"LIST":{"items":[{"modulo1Id":"x","data":"{\"b\":{\"c\":2},\"a\":1.10}"}],"next":null}}"#,
        ),
        (
            "/native?fields=b,a,none",
            r#"{"items":[{"id":"x","item":{"a":1.1,"b":{"c":2}}}],"next":null}"#,
        ),
        (
            "/native?fields=none,id",
            r#"{"items":[{"id":"x","item":{}}],"next":null}"#,
        ),
    ] {
        assert_eq!(app.get(path).await.body, expected, "of {path}");
    }
}

/// jQuery with `cache: false`, and a link with what advertisers add.
#[tokio::test]
async fn parameters_of_others_are_let_pass() {
    let app = TestApp::start(MODULES).await;
    for id in ["x", "y"] {
        app.send("POST", &format!("/modulo1/{id}"), "1").await;
    }
    let plain = app.get("/modulo1?limit=1").await;
    let foreign = "_=1700000000&fbclid=IwAR0&gclid=a&utm_source=a&utm_source=b";
    let answer = app.get(&format!("/modulo1?limit=1&{foreign}")).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &plain.body));
    // A cursor goes from one such request to the next, whose numbers are others.
    let next = document_of(&answer.body)["LIST"]["next"].take();
    let next = format!("/modulo1?_=1700000001&cursor={}", next.as_str().unwrap());
    assert_eq!(app.get(&next).await.status, 200);
    for path in [
        "/modulo1/x?_=1&utm_id=2",
        "/modulo1/y?fbclid=3&consistent=true",
    ] {
        assert_eq!(app.get(path).await.status, 200, "of {path}");
    }
    assert_eq!(app.get("/modulo1?limt=1").await.status, 400);
}

/// An answer that Lambda takes has 6 MB, as a string in JSON: quotation marks count twice, and in
/// the verb envelope twice again.
#[tokio::test]
async fn an_answer_always_fits() {
    let app = TestApp::start(MODULES).await;
    let document = format!("\"{}\"", r#"\""#.repeat(170_000));
    for at in 0..9 {
        let posted = app
            .send("POST", &format!("/modulo1/{at}"), document.clone())
            .await;
        assert_eq!(posted.status, 200);
    }
    let (mut seen, mut cursor, mut pages) = (0, String::new(), 0);
    loop {
        let answer = app.get(&format!("/modulo1?limit=100{cursor}")).await;
        let as_string = serde_json::to_string(&answer.body).unwrap();
        assert!(as_string.len() < 6_000_000, "{} bytes", as_string.len());
        let page = document_of(&answer.body);
        seen += page["LIST"]["items"].as_array().unwrap().len();
        pages += 1;
        match page["LIST"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 9);
    assert!(pages > 1);
}

async fn fill(app: &TestApp, count: usize) {
    let ids: Vec<_> = (0..count).collect();
    for ids in ids.chunks(25) {
        let puts = ids.iter().map(|id| {
            let put = PutRequest::builder()
                .item("modulo1Id", AttributeValue::S(format!("stays-{id}")))
                .item("data", AttributeValue::S(format!("{{\"n\":{id}}}")))
                .build();
            WriteRequest::builder().put_request(put.unwrap()).build()
        });
        let batch = app.dynamodb.batch_write_item();
        let batch = batch.request_items("modulo1-local", puts.collect());
        batch.send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_sees_what_was_there_throughout_exactly_once() {
    const COUNT: usize = 10_000;
    let app = TestApp::start(MODULES).await;
    fill(&app, COUNT).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer: usize| {
            let (app, stop) = (app.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut writes = 0;
                while !stop.load(Ordering::Relaxed) {
                    let path = format!("/modulo1/comes-{writer}-{}", writes % 50);
                    app.send("POST", &path, r#"{"a":1}"#).await;
                    let stays = format!("/modulo1/stays-{}", (writes * 37 + writer) % COUNT);
                    app.send("PUT", &stays, r#"{"changed":true}"#).await;
                    app.send("DELETE", &path, Body::empty()).await;
                    writes += 1;
                }
                writes
            })
        })
        .collect();
    let (mut seen, mut cursor) = (HashMap::<String, usize>::new(), String::new());
    loop {
        let page = document_of(&app.get(&format!("/modulo1?limit=100{cursor}")).await.body);
        for item in page["LIST"]["items"].as_array().unwrap() {
            *seen
                .entry(item["modulo1Id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        match page["LIST"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0, "a writer has written nothing");
    }
    for id in 0..COUNT {
        assert_eq!(seen.get(&format!("stays-{id}")), Some(&1), "of stays-{id}");
    }
}

/// The embedded engine is always consistent, so what is sent has to tell.
#[tokio::test]
async fn a_read_is_consistent_on_request() {
    let (sender, mut received) = tokio::sync::mpsc::channel(1);
    let endpoint = Router::new().fallback(async move |body: String| {
        sender.send(document_of(&body)).await.unwrap();
        "{}"
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, endpoint).await });
    let app = TestApp::over(&parse(MODULES), &url).await;
    for (path, consistent) in [
        ("/modulo1/x", false),
        ("/modulo1/x?consistent=true", true),
        ("/modulo1/x?other&consistent=no", false),
        ("/modulo1", false),
        ("/modulo1?consistent=true", true),
    ] {
        app.get(path).await;
        let asked = received.recv().await.unwrap();
        let asked = asked["ConsistentRead"].as_bool().unwrap_or_default();
        assert_eq!(asked, consistent, "of {path}");
    }
}

//! Entity tags and the conditions on them.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use tokio::task::JoinSet;

use crate::app::{Answer, MODULES, TestApp};

async fn send(app: &TestApp, method: &str, body: &str, (header, value): (&str, &str)) -> Answer {
    let request = app
        .request(method, "/modulo1/x")
        .header("content-type", "application/json");
    let request = request
        .header(header, value)
        .body(Body::from(body.to_owned()))
        .unwrap();
    app.client.send(request).await
}

#[tokio::test]
async fn every_answer_of_an_items_document_has_its_tag() {
    let app = TestApp::start(MODULES).await;
    let posted = app.send("POST", "/modulo1/x", r#"{"a": 1}"#).await;
    let tag = posted.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() == 24, "{tag}");
    let put = app.send("PUT", "/modulo1/y", r#"{"a":1}"#).await;
    let created = app.send("POST", "/modulo1", r#"{"a":1}"#).await;
    let patched = app.send("PATCH", "/modulo1/x", "{}").await;
    let head = app.send("HEAD", "/modulo1/x", Body::empty()).await;
    for answer in [put, created, patched, head, app.get("/modulo1/x").await] {
        assert_eq!(answer.header("etag"), tag, "of {answer:?}");
    }
    let changed = app.send("PUT", "/modulo1/x", "2").await;
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_client_that_has_the_item_is_reported_so() {
    let app = TestApp::start(MODULES).await;
    let tag = app
        .send("POST", "/modulo1/x", "1")
        .await
        .header("etag")
        .to_owned();
    for method in ["GET", "HEAD"] {
        for condition in [tag.as_str(), "*", &format!("\"other\", W/{tag}")] {
            let answer = send(&app, method, "", ("if-none-match", condition)).await;
            let shown = (
                answer.status.as_u16(),
                answer.header("etag"),
                answer.body.as_str(),
            );
            assert_eq!(
                shown,
                (304, tag.as_str(), ""),
                "of {method} with {condition}"
            );
        }
        assert_eq!(
            send(&app, method, "", ("if-none-match", "\"other\""))
                .await
                .status,
            200
        );
        assert_eq!(
            send(&app, method, "", ("if-match", "\"other\""))
                .await
                .status,
            412
        );
    }
}

#[tokio::test]
async fn a_write_is_done_only_if_its_condition_holds() {
    let app = TestApp::start(MODULES).await;
    let refused = r#"{"ERROR":{"message":"Precondition failed"}}"#;
    for (method, done) in [("PUT", "2"), ("POST", "2"), ("PATCH", "2"), ("DELETE", "")] {
        app.send("DELETE", "/modulo1/x", Body::empty()).await;
        for condition in ["*", "\"other\""] {
            let answer = send(&app, method, "2", ("if-match", condition)).await;
            let shown = (answer.status.as_u16(), answer.body.as_str());
            assert_eq!(
                shown,
                (412, refused),
                "of {method} of nothing with {condition}"
            );
        }
        let tag = app
            .send("POST", "/modulo1/x", "1")
            .await
            .header("etag")
            .to_owned();
        for condition in [
            ("if-match", "\"other\""),
            ("if-match", &format!("W/{tag}")),
            ("if-none-match", "*"),
            ("if-none-match", tag.as_str()),
        ] {
            let answer = send(&app, method, "2", condition).await;
            assert_eq!(answer.status, 412, "of {method} with {condition:?}");
            assert!(
                app.get("/modulo1/x").await.body.contains(r#""data":"1""#),
                "{method}"
            );
        }
        let answer = send(&app, method, "2", ("if-match", &tag)).await;
        assert_eq!(
            answer.status, 200,
            "of {method} with its tag: {}",
            answer.body
        );
        let after = app.get("/modulo1/x").await;
        let expected = if done.is_empty() {
            r#""ERROR""#
        } else {
            r#""data":"2""#
        };
        assert!(
            after.body.contains(expected),
            "after {method}: {}",
            after.body
        );
    }
    for method in ["PUT", "POST"] {
        app.send("DELETE", "/modulo1/x", Body::empty()).await;
        assert_eq!(
            send(&app, method, "1", ("if-none-match", "*")).await.status,
            200
        );
        assert_eq!(send(&app, method, "2", ("if-match", "*")).await.status, 200);
        assert_eq!(
            send(&app, method, "3", ("if-none-match", "\"other\""))
                .await
                .status,
            200
        );
    }
}

/// Somebody else's item has no text to be compared, and is told apart all the same.
#[tokio::test]
async fn an_item_without_a_document_can_be_replaced_under_its_tag() {
    let app = TestApp::start(MODULES).await;
    let put = app.dynamodb.put_item().table_name("modulo1-local");
    let put = put.item("modulo1Id", AttributeValue::S("x".into()));
    put.item("data", AttributeValue::N("1".into()))
        .send()
        .await
        .unwrap();
    let tag = app.get("/modulo1/x").await.header("etag").to_owned();
    assert_eq!(send(&app, "PUT", "1", ("if-match", &tag)).await.status, 200);
    assert_eq!(send(&app, "PUT", "1", ("if-match", &tag)).await.status, 412);
}

fn count_in(body: &str) -> (u32, String) {
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let data = answer["GET"]["data"].as_str().unwrap().to_owned();
    let document: serde_json::Value = serde_json::from_str(&data).unwrap();
    (
        u32::try_from(document["count"].as_u64().unwrap()).unwrap(),
        data,
    )
}

/// Adds one through `If-Match`, again and again until it is done.
async fn increment(app: &TestApp) {
    loop {
        let read = app.get("/modulo1/x").await;
        let (count, _) = count_in(&read.body);
        let body = format!(r#"{{"count":{}}}"#, count + 1);
        match send(app, "PUT", &body, ("if-match", read.header("etag")))
            .await
            .status
            .as_u16()
        {
            200 => return,
            412 | 503 => {}
            other => panic!("{other}"),
        }
    }
}

/// Adds one as a writer who has never heard of tags, nor of modulo.
async fn increment_in_the_table(app: &TestApp) {
    loop {
        let (count, seen) = count_in(&app.get("/modulo1/x").await.body);
        let text = format!(r#"{{"count": {}}}"#, count + 1);
        let update = app.dynamodb.update_item().table_name("modulo1-local");
        let update = update.key("modulo1Id", AttributeValue::S("x".into()));
        let update = update
            .update_expression("SET #d = :new")
            .condition_expression("#d = :seen");
        let update = update.expression_attribute_names("#d", "data");
        let update = update.expression_attribute_values(":new", AttributeValue::S(text));
        let update = update.expression_attribute_values(":seen", AttributeValue::S(seen));
        if update.send().await.is_ok() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_increments_lose_none() {
    const WRITERS: u32 = 8;
    const EACH: u32 = 12;
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", r#"{"count":0}"#).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let app = app.clone();
        writers.spawn(async move {
            for _ in 0..EACH {
                if writer == 0 {
                    increment_in_the_table(&app).await;
                } else {
                    increment(&app).await;
                }
            }
        });
    }
    writers.join_all().await;
    assert_eq!(
        count_in(&app.get("/modulo1/x").await.body).0,
        WRITERS * EACH
    );
}

//! PATCH: JSON Merge Patch and JSON Patch.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use tokio::task::JoinSet;

use crate::app::{Answer, MODULES, TestApp};

const MERGE: &str = "application/merge-patch+json";
const OPERATIONS: &str = "application/json-patch+json";

async fn patch(app: &TestApp, path: &str, content_type: &str, body: &str) -> Answer {
    let request = app
        .request("PATCH", path)
        .header("content-type", content_type);
    app.client
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn a_document_is_changed_and_its_rest_stays() {
    let app = TestApp::start(MODULES).await;
    app.send(
        "POST",
        "/modulo1/x",
        r#"{"b":1.10,"a":{"c":"d"},"n":12345678901234567890123}"#,
    )
    .await;
    let merged = patch(
        &app,
        "/modulo1/x",
        MERGE,
        r#"{"a": {"c": null, "e": [1e400]}}"#,
    )
    .await;
    let text = r#"{\"b\":1.10,\"a\":{\"e\":[1e400]},\"n\":12345678901234567890123}"#;
    let expected = format!(r#"{{"PATCH":{{"modulo1Id":"x","item":{{"data":{{"S":"{text}"}}}}}}}}"#);
    assert_eq!((merged.status.as_u16(), merged.body), (200, expected));
    let operations =
        r#"[{"op": "move", "from": "/a/e", "path": "/a/f"}, {"op": "remove", "path": "/n"}]"#;
    patch(&app, "/modulo1/x", OPERATIONS, operations).await;
    let read = app.get("/modulo1/x").await;
    let text = r#"{\"b\":1.10,\"a\":{\"f\":[1e400]}}"#;
    assert_eq!(
        read.body,
        format!(r#"{{"GET":{{"modulo1Id":"x","data":"{text}"}}}}"#)
    );
}

#[tokio::test]
async fn what_cannot_be_patched_is_reported() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", r#"{"a":1}"#).await;
    for (path, content_type, body, status, message) in [
        ("/modulo1", MERGE, "{}", 400, "Please provide modulo1Id"),
        (
            "/modulo1/absent",
            MERGE,
            "{}",
            404,
            "Resource does not exist",
        ),
        ("/modulo1/x", MERGE, "", 400, "Please provide some data"),
        (
            "/modulo1/x",
            MERGE,
            "{",
            400,
            "Please provide a patch: EOF while parsing an object at line 1 column 1",
        ),
        (
            "/modulo1/x",
            MERGE,
            r#"{"a":null}"#,
            400,
            "Please provide another patch: with it, the document would be empty",
        ),
        (
            "/modulo1/x",
            OPERATIONS,
            r#"[{"op":"replace","path":"","value":false}]"#,
            400,
            "Please provide another patch: with it, the document would be empty",
        ),
        (
            "/modulo1/x",
            "application/json",
            r#"[{"op":"add","path":"/b","value":1}]"#,
            415,
            "Please provide a patch: a list of operations is sent as application/json-patch+json, or as application/merge-patch+json if it is to be the document",
        ),
        (
            "/modulo1/x",
            OPERATIONS,
            "{}",
            400,
            "Please provide a patch: invalid type: map, expected a sequence at line 1 column 0",
        ),
        (
            "/modulo1/x",
            OPERATIONS,
            r#"[{"op":"test","path":"/a","value":2}]"#,
            409,
            "Please provide a patch that fits the document: operation '/0' failed at path '/a': value did not match",
        ),
        (
            "/modulo1/x",
            OPERATIONS,
            r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/b"}]"#,
            409,
            "Please provide a patch that fits the document: operation '/1' failed at path '/b': path is invalid",
        ),
        (
            "/modulo1/x",
            "application/problem+json",
            "{}",
            415,
            "Please provide the patch as application/merge-patch+json, application/json-patch+json, application/json: its content type is `application/problem+json`",
        ),
    ] {
        let answer = patch(&app, path, content_type, body).await;
        let expected = format!(r#"{{"ERROR":{{"message":"{message}"}}}}"#);
        assert_eq!(
            (answer.status.as_u16(), answer.body),
            (status, expected),
            "of {path} {body}"
        );
    }
    let answer = patch(&app, "/modulo1/x", "text/plain", "{}").await;
    assert_eq!(
        answer.header("accept-patch"),
        format!("{MERGE}, {OPERATIONS}, application/json")
    );
    let operations = r#"[{"op":"add","path":"/b","value":1}]"#;
    let answer = patch(&app, "/modulo1/x", "application/json", operations).await;
    assert!(answer.header("accept-patch").contains(OPERATIONS));
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert_eq!(patch(&app, "/modulo1/x", MERGE, &deep).await.status, 400);
    let large = format!(r#"{{"b":"{}"}}"#, "x".repeat(409_600));
    assert_eq!(patch(&app, "/modulo1/x", MERGE, &large).await.status, 413);
    assert!(app.get("/modulo1/x").await.body.contains(r#"{\"a\":1}"#));
}

#[tokio::test]
async fn what_a_patch_does_not_touch_keeps_its_spelling() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", r#"{"x":1E5,"e":"\u00e9","z":[0.0]}"#)
        .await;
    patch(&app, "/modulo1/x", MERGE, r#"{"b":2,"x":null}"#).await;
    let operations = r#"[{"op":"remove","path":"/e"},{"op":"add","path":"/c","value":1E0}]"#;
    patch(&app, "/modulo1/x", OPERATIONS, operations).await;
    let text = r#"{\"z\":[0.0],\"b\":2,\"c\":1E0}"#;
    assert_eq!(
        app.get("/modulo1/x").await.body,
        format!(r#"{{"GET":{{"modulo1Id":"x","data":"{text}"}}}}"#)
    );
}

/// A list that is meant as a document still is one, by the media type that says so.
#[tokio::test]
async fn a_list_replaces_the_document() {
    let app = TestApp::start(MODULES).await;
    let list = r#"[{"op":"add","path":"/b","value":1}]"#;
    for (content_type, body) in [(MERGE, list), ("application/json", "[1]")] {
        app.send("POST", "/modulo1/x", r#"{"a":1}"#).await;
        assert_eq!(
            patch(&app, "/modulo1/x", content_type, body).await.status,
            200
        );
        let text = serde_json::to_string(body).unwrap();
        let expected = format!(r#"{{"GET":{{"modulo1Id":"x","data":{text}}}}}"#);
        assert_eq!(app.get("/modulo1/x").await.body, expected);
    }
}

#[tokio::test]
async fn a_stored_text_that_can_not_be_patched_is_named() {
    let app = TestApp::start(MODULES).await;
    for (id, stored, what) in [
        (
            "twice",
            r#"{"a":1,"a":2}"#,
            "has an object with a member twice",
        ),
        (
            "text",
            "{'a': 1}",
            "is not JSON: key must be a string at line 1 column 2",
        ),
    ] {
        let put = app.dynamodb.put_item().table_name("modulo1-local");
        let put = put.item("modulo1Id", AttributeValue::S(id.into()));
        let put = put.item("data", AttributeValue::S(stored.into()));
        put.send().await.unwrap();
        for (content_type, body) in [(MERGE, r#"{"b":2}"#), (OPERATIONS, "[]")] {
            let answer = patch(&app, &format!("/modulo1/{id}"), content_type, body).await;
            let message = format!("Please send the whole document: the stored document {what}");
            let expected = format!(r#"{{"ERROR":{{"message":"{message}"}}}}"#);
            assert_eq!((answer.status.as_u16(), answer.body), (409, expected));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_patches_lose_none() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", r#"{"first":true}"#).await;
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let app = app.clone();
        writers.spawn(async move {
            for n in 0..6 {
                let body = format!(r#"{{"{writer}-{n}":true}}"#);
                // Those who stood back too often are told to come again.
                while patch(&app, "/modulo1/x", MERGE, &body).await.status != 200 {}
            }
        });
    }
    writers.join_all().await;
    assert_eq!(
        app.get("/modulo1/x").await.body.matches("true").count(),
        1 + 8 * 6
    );
}

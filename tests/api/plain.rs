//! The plain envelope: documents as they are, HTTP's own statuses, RFC 9457's problems.

use axum::body::Body;
use serde_json::json;

use crate::app::{Answer, TestApp, document_of};

const MODULES: &str = r#"
    [modules.rooms]
    key = "roomId"
    envelope = "plain"
    max_bytes = 100

    [modules.halls]
    key = "hallId"
    envelope = "plain"
    methods = ["GET"]
"#;

#[track_caller]
fn assert_plain(answer: &Answer, status: u16, body: &str) {
    let shown = (answer.status.as_u16(), answer.body.as_str());
    assert_eq!(shown, (status, body));
    if status != 204 {
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, title: &str, detail: &str) {
    let expected = json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail
    });
    assert_eq!(document_of(&answer.body), expected);
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_document_is_the_body() {
    let app = TestApp::start(MODULES).await;
    let path = "/rooms/sala90";
    for (method, body, status, expected) in [
        ("POST", r#"{"chairs": 1.10}"#, 201, r#"{"chairs":1.10}"#),
        ("POST", r#"{"chairs": 91}"#, 200, r#"{"chairs":91}"#),
        ("GET", "", 200, r#"{"chairs":91}"#),
        ("PUT", r#"{"chairs": 92}"#, 200, r#"{"chairs":92}"#),
        (
            "PATCH",
            r#"{"doors": 2}"#,
            200,
            r#"{"chairs":92,"doors":2}"#,
        ),
        ("DELETE", "", 204, ""),
        ("DELETE", "", 204, ""),
        ("PUT", "[1]", 201, "[1]"),
    ] {
        assert_plain(&app.send(method, path, body).await, status, expected);
    }
    let tag = app.get(path).await.header("etag").to_owned();
    assert_eq!(app.send("PUT", path, "[1]").await.header("etag"), tag);
}

#[tokio::test]
async fn creation_is_reported_under_every_condition() {
    let app = TestApp::start(MODULES).await;
    let send = async |method: &str, (header, value): (&str, &str)| {
        let request = app
            .request(method, "/rooms/x")
            .header("content-type", "application/json")
            .header(header, value);
        let answer = app
            .client
            .send(request.body(Body::from("1")).unwrap())
            .await;
        answer.status.as_u16()
    };
    for method in ["POST", "PUT"] {
        app.send("DELETE", "/rooms/x", Body::empty()).await;
        assert_eq!(send(method, ("if-none-match", "*")).await, 201, "{method}");
        assert_eq!(send(method, ("if-match", "*")).await, 200, "{method}");
        let tag = app.get("/rooms/x").await.header("etag").to_owned();
        assert_eq!(send(method, ("if-match", &tag)).await, 200, "{method}");
        app.send("DELETE", "/rooms/x", Body::empty()).await;
        assert_eq!(
            send(method, ("if-none-match", "\"other\"")).await,
            201,
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_list_has_ids_and_documents() {
    let app = TestApp::start(MODULES).await;
    let created = app.send("POST", "/rooms", r#"{"chairs":90}"#).await;
    assert_plain(&created, 201, r#"{"chairs":90}"#);
    let id = created.header("location").strip_prefix("/rooms/").unwrap();
    let expected = format!(r#"{{"items":[{{"id":"{id}","item":{{"chairs":90}}}}],"next":null}}"#);
    assert_plain(&app.get("/rooms").await, 200, &expected);
}

/// What others wrote that is no JSON, or nothing, is shown as what it is.
#[tokio::test]
async fn foreign_items_are_answered_as_json() {
    use aws_sdk_dynamodb::types::AttributeValue;
    let app = TestApp::start(MODULES).await;
    for (id, data) in [
        ("text", AttributeValue::S("not \"JSON\"".into())),
        ("none", AttributeValue::N("1".into())),
        ("spaced", AttributeValue::S(r#"{"a": 1}"#.into())),
    ] {
        let put = app.dynamodb.put_item().table_name("rooms-local");
        let put = put.item("roomId", AttributeValue::S(id.into()));
        put.item("data", data).send().await.unwrap();
    }
    assert_plain(&app.get("/rooms/text").await, 200, r#""not \"JSON\"""#);
    assert_plain(&app.get("/rooms/none").await, 200, "null");
    assert_plain(&app.get("/rooms/spaced").await, 200, r#"{"a": 1}"#);
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = TestApp::start(MODULES).await;
    let missing = app.get("/rooms/x").await;
    assert_problem(&missing, 404, "Not Found", "Resource does not exist");
    let put = app.send("PUT", "/rooms", "1").await;
    assert_problem(&put, 400, "Bad Request", "Please provide roomId");
    let refused = app.send("DELETE", "/halls/x", Body::empty()).await;
    assert_problem(&refused, 405, "Method Not Allowed", "Method not allowed");
    assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
    let large = app
        .send("POST", "/rooms/x", format!("\"{}\"", "x".repeat(99)))
        .await;
    assert_problem(
        &large,
        413,
        "Payload Too Large",
        "Please provide less: the document has 101 bytes, the limit is 100",
    );
    // What is refused before the module's own routes are reached.
    let huge = app.send("POST", "/rooms/x", " ".repeat(7 << 20)).await;
    assert_problem(
        &huge,
        413,
        "Payload Too Large",
        "Please provide less: the body has 7340032 bytes, the limit is 6291456",
    );
    let head = app.send("HEAD", "/rooms/x", Body::empty()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (404, ""));
    // Whose envelope would it be?
    let nowhere = app.get("/nowhere/x").await;
    assert_eq!(nowhere.body, r#"{"ERROR":{"message":"Not found"}}"#);
}

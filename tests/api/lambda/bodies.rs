//! Bodies as text and as base64, empty in every way, and wrong in every way.

use serde_json::{Value, json};

use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};

const PATH: &str = "/modulo1/x";

/// Text that a number type or a map would change.
const PRECISE: &str =
    r#"{"b":1.10,"a":12345678901234567890123,"n":1e400,"b":"\u00e9\/","🎸":[-0.0,null]}"#;

#[tokio::test]
async fn a_document_comes_as_text_or_as_base64_with_any_json_type() {
    let mut fixture = Fixture::start().await;
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.api+json",
        "application/problem+json;version=1",
    ] {
        for call in [
            Call::new("PUT", PATH)
                .header("content-type", kind)
                .text(PRECISE),
            Call::new("PUT", PATH)
                .header("content-type", kind)
                .binary(PRECISE.as_bytes()),
        ] {
            for door in FrontDoor::ALL {
                let item = json!({"data": {"S": PRECISE}});
                let put = Reply::json(200, json!({"PUT": {"modulo1Id": "x", "item": item}}));
                fixture.check(door, &call, &put).await;
                assert_eq!(fixture.stored("x").await.as_deref(), Some(PRECISE));
            }
        }
    }
}

/// Its text is escaped in the answer, and the answer in what Lambda takes.
#[tokio::test]
async fn a_large_document_with_many_escapes_comes_back_as_it_was_sent() {
    let mut fixture = Fixture::start().await;
    let room = |n| json!({"name": format!("Sala {n}"), "note": "é \"x\" \\ \n \u{1} 🎸"});
    let text = (0..2_000).map(room).collect::<Value>().to_string();
    for door in FrontDoor::ALL {
        let item = json!({"data": {"S": text}});
        let put = Reply::json(200, json!({"PUT": {"modulo1Id": "x", "item": item}}));
        fixture
            .check(door, &Call::new("PUT", PATH).json(&text), &put)
            .await;
        assert_eq!(fixture.stored("x").await.as_deref(), Some(&*text));
        let got = Reply::json(200, json!({"GET": {"modulo1Id": "x", "data": text}}));
        fixture.check(door, &Call::new("GET", PATH), &got).await;
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_document_is_skipped() {
    let mut fixture = Fixture::start().await;
    let marked = format!("\u{feff}{PRECISE}");
    let put = || Call::new("PUT", PATH).header("content-type", "application/json");
    for call in [put().text(&marked), put().binary(marked.as_bytes())] {
        for door in FrontDoor::ALL {
            let item = json!({"data": {"S": PRECISE}});
            let expected = Reply::json(200, json!({"PUT": {"modulo1Id": "x", "item": item}}));
            fixture.check(door, &call, &expected).await;
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_no_data() {
    let mut fixture = Fixture::start().await;
    let expected = Reply::error(400, "Please provide some data");
    let bodies = [
        ("absent", None),
        ("null", Some(Value::Null)),
        ("empty", Some(json!(""))),
    ];
    for door in FrontDoor::ALL {
        for (name, body) in &bodies {
            for is_base64 in [false, true] {
                for method in ["POST", "PUT"] {
                    let call = Call::new(method, PATH).header("content-type", "application/json");
                    let mut event = door.event(&call);
                    event["isBase64Encoded"] = is_base64.into();
                    match body {
                        Some(body) => event["body"] = body.clone(),
                        None => drop(event.as_object_mut().unwrap().remove("body")),
                    }
                    let reply = fixture.function.reply(door, &event).await;
                    let context = format!("{name} body, base64 {is_base64}, {method}, {door:?}");
                    fixture.function.assert_reply(&reply, &expected, &context);
                }
            }
        }
    }
}

#[tokio::test]
async fn documents_that_are_refused() {
    let mut fixture = Fixture::start().await;
    let no_data = Reply::error(400, "Please provide some data");
    let post = || Call::new("POST", PATH);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let rows = [
        (post().json("{}"), no_data.clone()),
        (post().json(" null "), no_data.clone()),
        (
            post()
                .header("content-type", "application/json")
                .binary(b"[]"),
            no_data,
        ),
        (
            post().json("{\"a\":"),
            Reply::error(
                400,
                "Please provide a JSON document: the body is not JSON: EOF while parsing a value at line 1 column 5",
            ),
        ),
        (
            post()
                .header("content-type", "application/json")
                .binary(b"{\"a\":\"\xff\xfe\"}"),
            Reply::error(
                400,
                "Please provide a JSON document: the body is not JSON: byte 6 is not UTF-8",
            ),
        ),
        (
            post()
                .header("content-type", "application/json")
                .binary(&[0, 159, 146, 150]),
            Reply::error(
                400,
                "Please provide a JSON document: the body is not JSON: byte 1 is not UTF-8",
            ),
        ),
        (
            post().json(&deep),
            Reply::error(
                400,
                "Please provide a JSON document: the body nests too deep: more than 128 levels at byte 128",
            ),
        ),
        (
            post().header("content-type", "text/plain").text(DOCUMENT),
            Reply::error(
                415,
                "Please provide the body as application/json: its content type is `text/plain`",
            ),
        ),
        (
            post().text(DOCUMENT),
            Reply::error(
                415,
                "Please provide the body as application/json: its content type is missing",
            ),
        ),
        (
            post().json(&format!("\"{}\"", "x".repeat(409_601))),
            Reply::error(
                413,
                "Please provide less: the document has 409603 bytes, the limit is 409600",
            ),
        ),
    ];
    for door in FrontDoor::ALL {
        for (call, expected) in &rows {
            fixture.check(door, call, expected).await;
        }
    }
}

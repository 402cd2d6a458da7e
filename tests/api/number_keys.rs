//! Tables whose key is a number: ids in plain form in paths, and as numbers in JSON.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::app::{TestApp, document_of};

const MODULES: &str = r#"
    [defaults]
    key = { attribute = "studentId", type = "N" }

    [modules.texts]
    idempotency = "1h"

    [modules.members]
    storage = "document"
    envelope = "plain"

    [modules.shown]
    envelope = "plain"
    key_in_document = true
"#;

#[tokio::test]
async fn a_number_is_an_id_in_every_verb() {
    let app = TestApp::start(MODULES).await;
    let digits = "12345678901234567890123456789012345678";
    for number in ["42", "0", "-1.5", digits, "1e+125", "-9.9e+125", "1e-130"] {
        let path = format!("/texts/{number}");
        for (method, sent, expected) in [
            (
                "POST",
                r#"{"n":1}"#,
                format!(r#"{{"POST":{{"studentId":{number},"data":{{"n":1}}}}}}"#),
            ),
            (
                "PUT",
                "[2]",
                format!(r#"{{"PUT":{{"studentId":{number},"item":{{"data":{{"S":"[2]"}}}}}}}}"#),
            ),
            (
                "PATCH",
                r#"{"n":3}"#,
                format!(
                    r#"{{"PATCH":{{"studentId":{number},"item":{{"data":{{"S":"{{\"n\":3}}"}}}}}}}}"#
                ),
            ),
            (
                "GET",
                "",
                format!(r#"{{"GET":{{"studentId":{number},"data":"{{\"n\":3}}"}}}}"#),
            ),
        ] {
            let answer = app.send(method, &path, sent).await;
            assert_eq!(answer.body, expected, "{method} {path}");
        }
        let list = app.get("/texts").await;
        let expected = format!(
            r#"{{"LIST":{{"items":[{{"studentId":{number},"data":"{{\"n\":3}}"}}],"next":null}}}}"#
        );
        assert_eq!(list.body, expected);
        let deleted = app.send("DELETE", &path, "").await;
        let expected = format!(r#"{{"DELETE":{{"studentId":{number}}}}}"#);
        assert_eq!(deleted.body, expected);
        assert_eq!(app.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn plain_answers_have_numbers_too() {
    let app = TestApp::start(MODULES).await;
    for (module, shown) in [
        ("members", r#"{"n":1}"#),
        ("shown", r#"{"studentId":42,"n":1}"#),
    ] {
        let path = format!("/{module}/42");
        let put = app
            .send("PUT", &path, r#"{"studentId": 42.0, "n": 1}"#)
            .await;
        assert_eq!((put.status.as_u16(), put.body.as_str()), (201, shown));
        for other in [r#"{"studentId":43,"n":1}"#, r#"{"studentId":"42","n":1}"#] {
            assert_eq!(app.send("PUT", &path, other).await.status, 400, "{other}");
        }
        let list = app.get(&format!("/{module}")).await;
        let expected = format!(r#"{{"items":[{{"id":42,"item":{shown}}}],"next":null}}"#);
        assert_eq!(list.body, expected);
        let batch = json!({ "operations": [{ "op": "get", "id": 42 }] }).to_string();
        let answer = app.send("POST", &format!("/_batch/{module}"), batch).await;
        let expected = format!(r#"{{"results":[{{"id":42,"status":200,"item":{shown}}}]}}"#);
        assert_eq!(answer.body, expected);
    }
}

#[tokio::test]
async fn a_number_that_is_not_in_plain_form_is_answered_with_it() {
    let app = TestApp::start(MODULES).await;
    for (number, plain) in [
        ("042", "42"),
        ("4.20", "4.2"),
        ("1e2", "100"),
        ("-0", "0"),
        ("+1", "1"),
        ("%2B1", "1"),
        ("1E125", "1e+125"),
        (".5", "0.5"),
    ] {
        let answer = app.get(&format!("/texts/{number}")).await;
        let sentence = format!(
            "Please provide a valid studentId: the number is not in plain form; write `{plain}`"
        );
        let said = document_of(&answer.body);
        assert_eq!(answer.status, 400, "{number}: {said}");
        assert_eq!(said["ERROR"]["message"], sentence, "{number}");
    }
    let long = "1".repeat(39);
    for (number, end) in [
        ("sala90", "it is not a number"),
        ("1/2", "it is not a number"),
        ("1%20", "it is not a number"),
        ("NaN", "it is not a number"),
        (
            &*long,
            "DynamoDB keeps numbers of at most 38 digits, from 1e-130 to 9.9e125",
        ),
        (
            "1e126",
            "DynamoDB keeps numbers of at most 38 digits, from 1e-130 to 9.9e125",
        ),
    ] {
        let answer = app.get(&format!("/texts/{number}")).await;
        let said = document_of(&answer.body);
        assert_eq!(answer.status, 400, "{number}: {said}");
        let message = said["ERROR"]["message"].as_str().unwrap();
        assert!(message.ends_with(end), "{number}: {message}");
    }
    let created = app.send("POST", "/texts", "[1]").await;
    let said = document_of(&created.body);
    assert_eq!(created.status, 400, "{said}");
    assert_eq!(
        said["ERROR"]["message"],
        "Please provide studentId in the path: it is a number, and only strings are generated"
    );
}

/// DynamoDB writes large numbers out, and others write them as they like.
#[tokio::test]
async fn what_others_wrote_is_found_by_its_plain_form() {
    let app = TestApp::start(MODULES).await;
    for (number, plain) in [("1E+40", "1e+40"), ("007.50", "7.5"), ("1e2", "100")] {
        let put = app.dynamodb.put_item().table_name("texts-local");
        let put = put.item("studentId", AttributeValue::N(number.to_owned()));
        let put = put.item("data", AttributeValue::S("[1]".to_owned()));
        put.send().await.unwrap();
        let read = app.get(&format!("/texts/{plain}")).await;
        let expected = format!(r#"{{"GET":{{"studentId":{plain},"data":"[1]"}}}}"#);
        assert_eq!(read.body, expected);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/texts?limit=1{cursor}")).await;
        let page = document_of(&page.body)["LIST"].clone();
        for item in page["items"].as_array().unwrap() {
            found.push(item["studentId"].to_string());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, ["100", "1e+40", "7.5"]);
}

#[tokio::test]
async fn a_batch_takes_numbers_as_json_spells_them() {
    let app = TestApp::start(MODULES).await;
    let send = async |body: &str| app.send("POST", "/_batch/texts", body.to_owned()).await;
    for atomic in ["true", "false"] {
        let put = format!(
            r#"{{"atomic":{atomic},"operations":[{{"op":"put","id":4.20e1,"item":[1]}},{{"op":"put","id":1e40,"item":[2]}}]}}"#
        );
        let expected = r#"{"BATCH":{"results":[{"status":200,"PUT":{"studentId":42}},{"status":200,"PUT":{"studentId":1e+40}}]}}"#;
        assert_eq!(send(&put).await.body, expected);
        let get = format!(
            r#"{{"atomic":{atomic},"operations":[{{"op":"get","id":42}},{{"op":"get","id":1e+40}}]}}"#
        );
        let expected = r#"{"BATCH":{"results":[{"status":200,"GET":{"studentId":42,"data":"[1]"}},{"status":200,"GET":{"studentId":1e+40,"data":"[2]"}}]}}"#;
        assert_eq!(send(&get).await.body, expected);
    }
    for (body, sentence) in [
        (
            r#"{"operations":[{"op":"get","id":"42"}]}"#,
            "`/operations/0/id` is not an id of this module: a number is needed",
        ),
        (
            r#"{"operations":[{"op":"get","id":42},{"op":"get","id":42.0}]}"#,
            "`/operations/0` and `/operations/1` are of the same id",
        ),
    ] {
        let answer = send(body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains(sentence), "{}", answer.body);
    }
    let answer = send(r#"{"operations":[{"op":"get","id":1e126}]}"#).await;
    assert_eq!(
        document_of(&answer.body)["BATCH"]["results"][0]["status"],
        400
    );
}

#[tokio::test]
async fn a_post_with_a_key_is_done_once() {
    let app = TestApp::start(MODULES).await;
    let send = async || {
        let request = app
            .request("POST", "/texts/1.5")
            .header("content-type", "application/json")
            .header("idempotency-key", "once");
        let request = request.body("[1]".to_owned().into()).unwrap();
        app.client.send(request).await
    };
    let first = send().await;
    app.send("DELETE", "/texts/1.5", "").await;
    assert_eq!(send().await.body, first.body);
    assert_eq!(app.get("/texts/1.5").await.status, 404);
}

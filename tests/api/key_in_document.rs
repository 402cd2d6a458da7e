//! `key_in_document`: the id as a member of the document, as many clients want it.

use serde_json::json;

use crate::app::{TestApp, document_of};

const MODULES: &str = r#"
    [defaults]
    envelope = "plain"
    key_in_document = true

    [modules.texts]
    key = "id"

    [modules.rooms]
    key = "id"
    storage = "document"

    [modules.strict]
    key = "id"
    schema = { type = "object", additionalProperties = false, properties = { a = {} } }
"#;

#[tokio::test]
async fn every_answer_has_the_id_and_a_request_may_have_it() {
    let app = TestApp::start(MODULES).await;
    for module in ["texts", "rooms"] {
        let path = &format!("/{module}/x");
        for (method, sent, status, shown) in [
            ("PUT", r#"{"a":1.5}"#, 201, r#"{"id":"x","a":1.5}"#),
            (
                "PUT",
                r#"{"a": 1.5, "id": "x"}"#,
                200,
                r#"{"id":"x","a":1.5}"#,
            ),
            (
                "POST",
                r#"{"i\u0064":"\u0078","a":2}"#,
                200,
                r#"{"id":"x","a":2}"#,
            ),
            ("GET", "", 200, r#"{"id":"x","a":2}"#),
            (
                "PATCH",
                r#"{"id":"x","b":3}"#,
                200,
                r#"{"id":"x","a":2,"b":3}"#,
            ),
        ] {
            let answer = app.send(method, path, sent).await;
            let found = (answer.status.as_u16(), answer.body.as_str());
            assert_eq!(found, (status, shown), "{method} {path} {sent}");
        }
        for (method, sent) in [
            ("PUT", r#"{"id":"y","a":1}"#),
            ("PUT", r#"{"id":"x","id":"y","a":1}"#),
            ("POST", r#"{"id":1,"a":1}"#),
            ("PUT", "[1]"),
            ("PUT", r#"{"id":"x"}"#),
            ("PATCH", r#"{"id":"y"}"#),
        ] {
            let answer = app.send(method, path, sent).await;
            assert_eq!(
                answer.status.as_u16(),
                400,
                "{method} {path} {sent}: {}",
                answer.body
            );
        }
        let refused = app
            .send("POST", &format!("/{module}"), r#"{"id":"x","a":1}"#)
            .await;
        assert_eq!(refused.status.as_u16(), 400);

        let created = app.send("POST", &format!("/{module}"), r#"{"a":4}"#).await;
        assert_eq!(created.status.as_u16(), 201);
        let id = document_of(&created.body)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(created.header("location"), format!("/{module}/{id}"));

        let list = document_of(&app.get(&format!("/{module}?fields=a")).await.body);
        let mut items = list["items"].as_array().unwrap().clone();
        items.sort_by_key(|item| item["item"]["a"].to_string());
        let expected = json!([
            { "id": "x", "item": { "id": "x", "a": 2 } },
            { "id": id, "item": { "id": id, "a": 4 } },
        ]);
        assert_eq!(json!(items), expected);

        let operations = r#"{"operations":[{"op":"get","id":"x"},{"op":"put","id":"z","item":{"id":"z","a":1}},{"op":"put","id":"q","item":{"id":"z","a":1}}]}"#;
        let batch = app
            .send("POST", &format!("/_batch/{module}"), operations)
            .await;
        let results = &document_of(&batch.body)["results"];
        assert_eq!(results[0]["item"], json!({ "id": "x", "a": 2, "b": 3 }));
        assert_eq!(
            (&results[1]["status"], &results[2]["status"]),
            (&json!(204), &json!(400))
        );
    }
}

/// Others read what is stored, and the entity tag is made of it.
#[tokio::test]
async fn the_id_is_not_stored() {
    let app = TestApp::start(MODULES).await;
    let with = app.send("PUT", "/texts/x", r#"{"id":"x","a":1.10}"#).await;
    let without = app.send("PUT", "/texts/x", r#"{"a":1.10}"#).await;
    assert_eq!(with.header("etag"), without.header("etag"));
    assert_eq!(without.body, r#"{"id":"x","a":1.10}"#);
    let stored = app
        .dynamodb
        .get_item()
        .table_name("texts-local")
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S("x".into()))
        .send()
        .await
        .unwrap();
    let data = stored.item().unwrap()["data"].as_s().unwrap();
    assert_eq!(data, r#"{"a":1.10}"#);

    // What others wrote is shown under the id that the item has.
    for (data, shown) in [
        (r#" {"id":"other", "a":1}"#, r#"{"id":"x","a":1}"#),
        ("[1]", "[1]"),
        ("{}", r#"{"id":"x"}"#),
    ] {
        app.dynamodb
            .put_item()
            .table_name("texts-local")
            .item("id", aws_sdk_dynamodb::types::AttributeValue::S("x".into()))
            .item(
                "data",
                aws_sdk_dynamodb::types::AttributeValue::S(data.into()),
            )
            .send()
            .await
            .unwrap();
        assert_eq!(app.get("/texts/x").await.body, shown);
    }
}

#[tokio::test]
async fn a_schema_is_of_the_document_without_the_id() {
    let app = TestApp::start(MODULES).await;
    let written = app.send("PUT", "/strict/x", r#"{"id":"x","a":1}"#).await;
    assert_eq!(
        (written.status.as_u16(), &*written.body),
        (201, r#"{"id":"x","a":1}"#)
    );
    let described = document_of(&app.get("/_openapi.json").await.body);
    let document = &described["components"]["schemas"]["strict.Document"];
    assert_eq!(document["properties"]["id"]["type"], "string");
    assert_eq!(document.get("required"), None);
}

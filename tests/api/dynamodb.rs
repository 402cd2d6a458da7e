//! DynamoDB's limits, to the byte and to the level, and what DynamoDB refuses beyond them.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use modulo::local::{Data, Engine};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, document_of, parse};

const MODULES: &str = r#"
    [modules.modulo1]
    key = "id"

    [modules.plain]
    key = "id"
    envelope = "plain"

    [modules.rooms]
    key = "id"
    envelope = "plain"
    storage = "document"
"#;

/// What DynamoDB takes for an item.
const ITEM_BYTES: usize = 409_600;

/// A table that others have made, with an index on the texts of `attribute`.
pub(crate) async fn make_table(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    key: &str,
    attribute: &str,
) {
    let element = |name: &str| {
        let element = KeySchemaElement::builder().attribute_name(name);
        element.key_type(KeyType::Hash).build().unwrap()
    };
    let definition = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(ScalarAttributeType::S);
        definition.build().unwrap()
    };
    let all = Projection::builder().projection_type(ProjectionType::All);
    let index = GlobalSecondaryIndex::builder()
        .index_name("theirs")
        .key_schema(element(attribute))
        .projection(all.build());
    client
        .create_table()
        .table_name(table)
        .key_schema(element(key))
        .attribute_definitions(definition(key))
        .attribute_definitions(definition(attribute))
        .billing_mode(BillingMode::PayPerRequest)
        .global_secondary_indexes(index.build().unwrap())
        .send()
        .await
        .unwrap();
}

async fn batch(app: &TestApp, module: &str, operations: &Value, atomic: bool) -> Answer {
    let body = json!({ "operations": operations, "atomic": atomic });
    let path = format!("/_batch/{module}");
    app.send("POST", &path, body.to_string()).await
}

/// The statuses of a batch's operations.
#[track_caller]
fn statuses(answer: &Answer) -> Vec<u64> {
    let mut told = document_of(&answer.body);
    if told.get("BATCH").is_some() {
        told = told["BATCH"].take();
    }
    let results = told["results"].as_array();
    let results = results.unwrap_or_else(|| panic!("{}", answer.body));
    results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

/// A member with a number within so many objects, or lists.
fn nested(levels: usize) -> [String; 2] {
    [
        format!(
            r#"{{"a":{}{{"x":1}}{}}}"#,
            r#"{"a":"#.repeat(levels - 1),
            "}".repeat(levels - 1)
        ),
        format!(r#"{{"a":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels)),
    ]
}

#[tokio::test]
async fn a_value_is_within_31_objects_and_lists_at_the_most() {
    let app = TestApp::start(MODULES).await;
    app.send("PUT", "/rooms/deep", r#"{"b":1}"#).await;
    for (levels, status) in [(31, 200), (32, 400), (33, 400)] {
        for document in nested(levels) {
            for method in ["PUT", "POST", "PATCH"] {
                let answer = app.send(method, "/rooms/deep", document.clone()).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {document}");
                assert!(
                    status == 200
                        || answer
                            .body
                            .contains("nests too deep: DynamoDB takes 32 levels"),
                    "{}",
                    answer.body
                );
            }
            let put = |id: &str, item: Value| json!({ "op": "put", "id": id, "item": item });
            let deep: Value = document_of(&document);
            let operations = json!([
                put("a", json!({"b":1})),
                put("b", deep),
                put("c", json!({"b":1}))
            ]);
            let answer = batch(&app, "rooms", &operations, false).await;
            let expected = if status == 200 { 204 } else { 400 };
            assert_eq!(statuses(&answer), [204, expected, 204], "{}", answer.body);
            let answer = batch(&app, "rooms", &operations, true).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_name_has_65535_bytes_at_the_most() {
    let app = TestApp::start(MODULES).await;
    for (bytes, status) in [(65_535, 201), (65_536, 400)] {
        for document in [
            format!(r#"{{"{}":1}}"#, "n".repeat(bytes)),
            format!(r#"{{"a":[{{"{}":1}}]}}"#, "n".repeat(bytes)),
        ] {
            let path = format!("/rooms/{}", document.len());
            let answer = app.send("POST", &path, document).await;
            assert_eq!(answer.status.as_u16(), status, "{bytes} bytes");
        }
    }
}

/// No other limit stands in the way, with nothing said in `modules.toml`.
#[tokio::test]
async fn an_item_has_400_kb_at_the_most() {
    let app = TestApp::start(MODULES).await;
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let member = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length));
    let document = text(390 * 1_024);
    for (method, path, document) in [
        ("POST", "/modulo1/x", document.clone()),
        ("PUT", "/modulo1/x", document.clone()),
        ("POST", "/plain/x", document.clone()),
        ("PUT", "/plain/x", document),
        ("POST", "/rooms/x", member(390 * 1_024)),
        ("PUT", "/rooms/x", member(390 * 1_024)),
    ] {
        let answer = app.send(method, path, document).await;
        assert!(
            answer.status.is_success(),
            "{method} {path}: {}",
            answer.body
        );
    }

    // Name and value of the key, and the names of the attributes.
    let room = ITEM_BYTES - "id".len() - "x".len() - "data".len();
    let tagged = "_etag".len() + 22;
    let values = r#"{"l":[true,null,1],"m":{"k":"v"},"n":-12.5,"p":""}"#;
    let values_bytes = "l".len()
        + 3
        + (1 + 1)
        + (1 + 1)
        + (1 + 2)
        + "m".len()
        + 3
        + ("k".len() + 1 + "v".len())
        + "n".len()
        + 4
        + "p".len();
    let padded =
        |length: usize| values.replace(r#""p":"""#, &format!(r#""p":"{}""#, "x".repeat(length)));
    let native_room = ITEM_BYTES - "id".len() - "x".len() - tagged - values_bytes;
    for (path, fits, over) in [
        ("/modulo1/x", text(room), text(room + 1)),
        ("/rooms/x", padded(native_room), padded(native_room + 1)),
    ] {
        let answer = app.send("POST", path, fits).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        let bytes = over.len();
        let answer = app.send("POST", path, over).await;
        assert_eq!(answer.status, 413, "{path}");
        let expected = format!(
            "Please provide less: with this document of {bytes} bytes the item is over DynamoDB's \
             limit of 409600 bytes"
        );
        assert!(answer.body.contains(&expected), "{}", answer.body);
    }
    let long_id = "i".repeat(2_048);
    let room = room + "x".len() - long_id.len();
    for (length, status) in [(room, 200), (room + 1, 413)] {
        let answer = app
            .send("POST", &format!("/modulo1/{long_id}"), text(length))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{length}");
    }
}

#[tokio::test]
async fn an_item_that_is_too_large_is_alone_in_it() {
    let app = TestApp::start(MODULES).await;
    let operations = json!([
        { "op": "put", "id": "a", "item": 1 },
        { "op": "put", "id": "b", "item": "x".repeat(409_596) },
        { "op": "put", "id": "c", "item": 1 },
        { "op": "delete", "id": "d" },
    ]);
    let answer = batch(&app, "modulo1", &operations, false).await;
    assert_eq!(statuses(&answer), [200, 413, 200, 200], "{}", answer.body);
}

#[tokio::test]
async fn a_transaction_has_4_mb_at_the_most() {
    let app = TestApp::start(MODULES).await;
    let put = |id: usize| json!({ "op": "put", "id": id.to_string(), "item": "x".repeat(400_000) });
    let get = |id: usize| json!({ "op": "get", "id": id.to_string() });
    for (count, status) in [(10, 200), (11, 413)] {
        let puts: Value = (0..count).map(put).collect();
        let answer = batch(&app, "modulo1", &puts, true).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body.len());
        if status == 413 {
            let message = "a transaction of DynamoDB takes 4194304; send it in parts";
            assert!(answer.body.contains(message), "{}", answer.body);
        }
        // A read of so much is refused as well.
        let puts: Vec<_> = (0..count).map(put).collect();
        for put in puts {
            batch(&app, "modulo1", &json!([put]), false).await;
        }
        let gets: Value = (0..count).map(get).collect();
        let answer = batch(&app, "modulo1", &gets, true).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 413),
            "{}",
            answer.body.len()
        );
    }
}

/// The module knows nothing of an index of its table, so that only DynamoDB can refuse its items.
#[tokio::test]
async fn what_only_dynamodb_refuses_is_a_400_that_concerns_no_other_item() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let config = parse("[modules.rooms]\nkey = \"roomId\"\nstorage = \"document\"\n");
    let app = TestApp::over(&config, &engine.endpoint()).await;
    make_table(&app.dynamodb, "rooms-local", "roomId", "owner").await;
    let message = "Please provide another item or key: DynamoDB does not take this one";
    let expected = json!({ "ERROR": { "message": message } });
    app.send("POST", "/rooms/x", r#"{"a":1}"#).await;
    for (method, document) in [
        ("POST", r#"{"owner":5}"#),
        ("POST", r#"{"owner":""}"#),
        ("PUT", r#"{"owner":5}"#),
        ("PATCH", r#"{"owner":5}"#),
    ] {
        let answer = app.send(method, "/rooms/x", document).await;
        assert_eq!(answer.status, 400, "{method}: {}", answer.body);
        assert_eq!(document_of(&answer.body), expected, "{method}");
    }
    let operations = json!([
        { "op": "put", "id": "a", "item": { "owner": "ana" } },
        { "op": "put", "id": "b", "item": { "owner": 5 } },
        { "op": "put", "id": "c", "item": { "owner": "ana" } },
        { "op": "delete", "id": "x" },
    ]);
    let answer = batch(&app, "rooms", &operations, false).await;
    assert_eq!(statuses(&answer), [200, 400, 200, 200], "{}", answer.body);
    let answer = batch(&app, "rooms", &operations, true).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(document_of(&answer.body), expected);
    for (id, status) in [("a", 200), ("b", 404), ("c", 200), ("x", 404)] {
        let answer = app.get(&format!("/rooms/{id}")).await;
        assert_eq!(answer.status.as_u16(), status, "{id}");
    }
}

/// These are not the client's to mend, so that the alarm has to ring.
#[tokio::test]
async fn a_table_that_is_not_as_configured_stays_a_500() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let config = parse(
        r#"
        [defaults]
        storage = "document"

        [modules.rooms]
        key = "roomId"
        [[modules.rooms.indexes]]
        name = "by-building"
        partition = "building"

        [modules.desks]
        key = "deskId"
        "#,
    );
    let app = TestApp::over(&config, &engine.endpoint()).await;
    make_table(&app.dynamodb, "rooms-local", "roomId", "owner").await;
    make_table(&app.dynamodb, "desks-local", "id", "owner").await;
    let put = json!([{ "op": "put", "id": "x", "item": { "a": 1 } }]);
    assert_eq!(app.get("/rooms?building=A").await.status, 500);
    assert_eq!(app.get("/desks/x").await.status, 500);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = app.send(method, "/desks/x", r#"{"a":1}"#).await;
        assert_eq!(answer.status, 500, "{method}: {}", answer.body);
    }
    assert_eq!(statuses(&batch(&app, "desks", &put, false).await), [500]);
    assert_eq!(batch(&app, "desks", &put, true).await.status, 500);
}

/// A `PUT` writes an update, which DynamoDB counts otherwise than the item.
#[tokio::test]
async fn an_update_that_dynamodb_counts_as_too_large_is_a_413() {
    let app = TestApp::start(MODULES).await;
    let document = format!("\"{}\"", "x".repeat(ITEM_BYTES - 9));
    let put = app.send("PUT", "/modulo1/x", document).await;
    assert_eq!(put.status, 413, "{}", put.body);
    let key = AttributeValue::S("x".to_owned());
    let get = app.dynamodb.get_item().table_name("modulo1-local");
    let got = get.key("id", key).send().await.unwrap();
    assert_eq!(got.item, None);
}

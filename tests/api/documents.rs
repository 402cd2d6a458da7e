//! `storage = "document"`: members as native attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use serde_json::json;
use tokio::task::JoinSet;

use crate::app::{Answer, TestApp, document_of};

const MODULES: &str = r#"
    [modules.rooms]
    key = "roomId"
    storage = "document"

    [modules.plain]
    key = "id"
    storage = "document"
    envelope = "plain"
"#;

async fn attributes(app: &TestApp, id: &str) -> HashMap<String, AttributeValue> {
    let get = app.dynamodb.get_item().table_name("rooms-local");
    let get = get.key("roomId", AttributeValue::S(id.into()));
    get.send().await.unwrap().item.unwrap()
}

async fn put_foreign(app: &TestApp, table: &str, item: HashMap<String, AttributeValue>) {
    let put = app.dynamodb.put_item().table_name(table);
    put.set_item(Some(item)).send().await.unwrap();
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, message: &str) {
    let expected = json!({ "ERROR": { "message": message } });
    assert_eq!(
        (answer.status.as_u16(), document_of(&answer.body)),
        (status, expected)
    );
}

#[tokio::test]
async fn members_are_native_attributes() {
    let app = TestApp::start(MODULES).await;
    let body = r#"{"name":"Sala 90","chairs":90,"tags":["a",null,true],"at":{"x":1.50}}"#;
    let posted = app.send("POST", "/rooms/sala90", body).await;
    assert_eq!(
        posted.body,
        format!(r#"{{"POST":{{"roomId":"sala90","data":{body}}}}}"#)
    );
    let mut stored = attributes(&app, "sala90").await;
    assert!(stored.remove("_etag").is_some());
    let expected = [
        ("roomId", s("sala90")),
        ("name", s("Sala 90")),
        ("chairs", n("90")),
        (
            "tags",
            AttributeValue::L(vec![
                s("a"),
                AttributeValue::Null(true),
                AttributeValue::Bool(true),
            ]),
        ),
        ("at", AttributeValue::M([("x".to_owned(), n("1.5"))].into())),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(stored, expected.into());
    let got = app.get("/rooms/sala90").await;
    let text = r#"{"at":{"x":1.5},"chairs":90,"name":"Sala 90","tags":["a",null,true]}"#;
    assert_eq!(
        document_of(&got.body),
        json!({ "GET": { "roomId": "sala90", "data": text } })
    );
    assert_eq!(got.header("etag"), posted.header("etag"));
    let put = app
        .send("PUT", "/rooms/sala90", r#"{"chairs":91,"roomId":"sala90"}"#)
        .await;
    assert_eq!(
        put.body,
        r#"{"PUT":{"roomId":"sala90","item":{"chairs":{"N":"91"}}}}"#
    );
    let got = app.get("/rooms/sala90").await;
    assert_eq!(
        got.body,
        r#"{"GET":{"roomId":"sala90","data":"{\"chairs\":91}"}}"#
    );
}

#[tokio::test]
async fn numbers_keep_their_value() {
    let app = TestApp::start(MODULES).await;
    for (sent, kept) in [
        (
            "12345678901234567890123456789012345678",
            "12345678901234567890123456789012345678",
        ),
        ("0.1", "0.1"),
        ("1.10", "1.1"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("120E-1", "12"),
        ("-1.5e-7", "-0.00000015"),
        ("1e125", "1e+125"),
        (
            "9.9999999999999999999999999999999999999e125",
            "9.9999999999999999999999999999999999999e+125",
        ),
        ("1e-130", "1e-130"),
        ("100000000000000000000000000000000000000000", "1e+41"),
        ("0.0e999999999999999999999", "0"),
    ] {
        let put = app
            .send("PUT", "/plain/x", format!(r#"{{"n":{sent}}}"#))
            .await;
        let expected = format!(r#"{{"n":{kept}}}"#);
        assert_eq!(put.body, expected, "put {sent}");
        let got = app.get("/plain/x").await;
        assert_eq!(got.body, expected, "got {sent}");
        assert_eq!(got.header("etag"), put.header("etag"), "of {sent}");
    }
    for lost in [
        "123456789012345678901234567890123456789",
        "1.23456789012345678901234567890123456789",
        "1e126",
        "1e-131",
        "1e99999999999999999999",
    ] {
        let body = format!(r#"{{"a":[{{"n/m":{lost}}}]}}"#);
        let answer = app.send("PUT", "/rooms/x", body).await;
        assert_refused(
            &answer,
            400,
            "Please provide a JSON document: the number at `/a/0/n~1m` can't be stored: DynamoDB \
             keeps 38 digits, from 1e-130 to 9.9e125",
        );
    }
}

#[tokio::test]
async fn what_has_no_native_form_is_refused() {
    let app = TestApp::start(MODULES).await;
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    for (body, message) in [
        (
            "[1]".to_owned(),
            "it is not an object, so it has no members to store",
        ),
        (
            r#"{"roomId":"y","a":1}"#.to_owned(),
            "`/roomId` is not the id of the path; leave it out",
        ),
        (
            r#"{"_etag":1}"#.to_owned(),
            "`/_etag` is reserved; name the member otherwise",
        ),
        (
            r#"{"a":{"":1}}"#.to_owned(),
            "a member of `/a` has an empty name",
        ),
        (deep(33), "nests too deep: DynamoDB takes 32 levels"),
        (deep(120), "nests too deep: DynamoDB takes 32 levels"),
        (deep(130), "the body nests too deep: more than 128 levels"),
        (
            r#"{"a":1,"a":2}"#.to_owned(),
            "an object in it has a member twice",
        ),
        (
            r#"{"$serde_json::private::RawValue":"x"}"#.to_owned(),
            "begins with `$serde_json::private::`, which is reserved",
        ),
    ] {
        let answer = app.send("POST", "/rooms/x", body.clone()).await;
        assert_eq!(answer.status, 400, "of {body}");
        assert!(answer.body.contains(message), "of {body}: {}", answer.body);
    }
    assert_eq!(app.send("POST", "/rooms/x", deep(32)).await.status, 200);
    let created = app.send("POST", "/rooms", r#"{"roomId":"x"}"#).await;
    assert_eq!(created.status, 400);
}

/// Those of every type are shown, and a patch leaves those alone that it does not change.
#[tokio::test]
async fn foreign_attributes_are_members() {
    let app = TestApp::start(MODULES).await;
    let binary = |text: &str| Blob::new(text.as_bytes());
    let foreign = [
        ("roomId", s("x")),
        ("set", AttributeValue::Ss(vec!["b".into(), "a".into()])),
        ("numbers", AttributeValue::Ns(vec!["2".into(), "10".into()])),
        ("bytes", AttributeValue::B(binary("hi"))),
        ("many", AttributeValue::Bs(vec![binary("b"), binary("a")])),
        ("chairs", n("90")),
    ];
    let foreign: HashMap<_, _> = foreign.map(|(name, value)| (name.to_owned(), value)).into();
    put_foreign(&app, "rooms-local", foreign.clone()).await;
    let got = app.get("/rooms/x").await;
    let told =
        r#"{"bytes":"aGk=","chairs":90,"many":["YQ==","Yg=="],"numbers":[10,2],"set":["a","b"]}"#;
    assert_eq!(
        document_of(&got.body),
        json!({ "GET": { "roomId": "x", "data": told } })
    );
    let patched = app
        .send("PATCH", "/rooms/x", r#"{"chairs":91,"new":1}"#)
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    let mut stored = attributes(&app, "x").await;
    stored.remove("_etag");
    assert_eq!(stored.remove("chairs"), Some(n("91")));
    assert_eq!(stored.remove("new"), Some(n("1")));
    let sorted = |item: HashMap<String, AttributeValue>| {
        let mut item: Vec<_> = item
            .into_iter()
            .filter(|(name, _)| name != "chairs")
            .collect();
        for (_, value) in &mut item {
            if let AttributeValue::Ss(texts) | AttributeValue::Ns(texts) = value {
                texts.sort_unstable();
            }
            if let AttributeValue::Bs(values) = value {
                values.sort_unstable_by_key(|value| value.clone().into_inner());
            }
        }
        item.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        item
    };
    assert_eq!(sorted(stored), sorted(foreign));
    let removed = app
        .send("PATCH", "/rooms/x", r#"{"set":null,"new":null}"#)
        .await;
    assert_eq!(removed.status, 200, "{}", removed.body);
    let stored = attributes(&app, "x").await;
    assert!(
        !stored.contains_key("set") && !stored.contains_key("new"),
        "{stored:?}"
    );
    assert!(stored.contains_key("many"));
}

/// A PUT of what a GET has shown, with another member or not.
#[tokio::test]
async fn a_put_leaves_the_types_of_what_did_not_change() {
    let app = TestApp::start(MODULES).await;
    let blob = |text: &str| AttributeValue::B(Blob::new(text.as_bytes()));
    let foreign = |id: &str| -> HashMap<String, AttributeValue> {
        let attributes = [
            ("roomId", s(id)),
            ("set", AttributeValue::Ss(vec!["a".into(), "b".into()])),
            ("numbers", AttributeValue::Ns(vec!["10".into(), "2".into()])),
            ("bytes", blob("hi!")),
            (
                "many",
                AttributeValue::Bs(vec![Blob::new("a"), Blob::new("b")]),
            ),
            (
                "inner",
                AttributeValue::M([("b".to_owned(), blob("abc"))].into()),
            ),
            ("list", AttributeValue::L(vec![s("a")])),
            ("chairs", n("90")),
        ];
        attributes
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    };
    let sorted = |mut value: AttributeValue| {
        if let AttributeValue::Ss(texts) | AttributeValue::Ns(texts) = &mut value {
            texts.sort_unstable();
        }
        if let AttributeValue::Bs(values) = &mut value {
            values.sort_unstable_by_key(|value| value.clone().into_inner());
        }
        value
    };
    let stored = async |id: &str| {
        let mut stored = attributes(&app, id).await;
        stored.remove("_etag");
        let stored = stored.into_iter();
        stored
            .map(|(name, value)| (name, sorted(value)))
            .collect::<HashMap<_, _>>()
    };
    let shown = async |id: &str| {
        let got = document_of(&app.get(&format!("/rooms/{id}")).await.body);
        got["GET"]["data"].as_str().unwrap().to_owned()
    };

    // Written by others, once or after modulo.
    put_foreign(&app, "rooms-local", foreign("theirs")).await;
    app.send(
        "PUT",
        "/rooms/ours",
        r#"{"chairs":90,"inner":{"b":"YWJj"},"list":["a"]}"#,
    )
    .await;
    let ours = attributes(&app, "ours").await;
    let mut both = foreign("ours");
    both.insert("inner".to_owned(), ours["inner"].clone());
    both.insert("_etag".to_owned(), ours["_etag"].clone());
    put_foreign(&app, "rooms-local", both.clone()).await;
    both.remove("_etag");
    for (id, mut expected) in [("theirs", foreign("theirs")), ("ours", both)] {
        let text = shown(id).await;
        let put = app.send("PUT", &format!("/rooms/{id}"), text.clone()).await;
        assert_eq!(put.status, 200, "{}", put.body);
        assert_eq!(stored(id).await, expected);
        let text = text.replace("\"chairs\":90", "\"chairs\":91,\"new\":[2,10]");
        app.send("PUT", &format!("/rooms/{id}"), text.clone()).await;
        expected.insert("chairs".to_owned(), n("91"));
        let new = AttributeValue::L(vec![n("2"), n("10")]);
        expected.insert("new".to_owned(), new);
        assert_eq!(stored(id).await, expected);
        assert_eq!(document_of(&shown(id).await), document_of(&text));
    }

    // What changes more than one update takes.
    put_foreign(&app, "rooms-local", foreign("wide")).await;
    let more: String = (0..150).fold(String::new(), |more, at| format!("{more},\"m{at}\":{at}"));
    let text = shown("wide").await;
    let text = format!("{}{more}}}", &text[..text.len() - 1]);
    app.send("PUT", "/rooms/wide", text).await;
    let wide = stored("wide").await;
    assert_eq!(wide.get("m149"), Some(&n("149")));
    for (name, value) in foreign("wide") {
        assert_eq!(wide.get(&name), Some(&value), "{name}");
    }

    // Of one that is changed, and of one that is replaced on purpose, nothing is kept.
    put_foreign(&app, "rooms-local", foreign("other")).await;
    app.send("PUT", "/rooms/other", r#"{"set":["b","c"],"bytes":"abcd"}"#)
        .await;
    let list = AttributeValue::L(vec![s("b"), s("c")]);
    let expected = [("roomId", s("other")), ("set", list), ("bytes", s("abcd"))];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(stored("other").await, expected.into());
    put_foreign(&app, "rooms-local", foreign("posted")).await;
    let text = shown("posted").await;
    app.send("POST", "/rooms/posted", text).await;
    assert_eq!(stored("posted").await["bytes"], s("aGkh"));
}

/// Where an item may have to be read, preconditions hold as they do elsewhere.
#[tokio::test]
async fn a_put_that_may_have_to_read_holds_its_preconditions() {
    let app = TestApp::start(MODULES).await;
    let put = async |header: &str, path: &str| {
        let request = app
            .request("PUT", path)
            .header("content-type", "application/json")
            .header(header, "*");
        let body = Body::from(r#"{"bytes":"aGkh"}"#);
        app.client
            .send(request.body(body).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(put("if-match", "/plain/x").await, 412);
    assert_eq!(put("if-none-match", "/plain/x").await, 201);
    assert_eq!(put("if-none-match", "/plain/x").await, 412);
    assert_eq!(put("if-match", "/plain/x").await, 200);
    let foreign = [
        ("id".to_owned(), s("y")),
        ("bytes".to_owned(), AttributeValue::B(Blob::new("hi!"))),
    ];
    put_foreign(&app, "plain-local", foreign.into()).await;
    assert_eq!(put("if-none-match", "/plain/y").await, 412);
    assert_eq!(put("if-match", "/plain/y").await, 200);
    let get = app.dynamodb.get_item().table_name("plain-local");
    let item = get.key("id", s("y")).send().await.unwrap().item.unwrap();
    assert_eq!(item["bytes"], AttributeValue::B(Blob::new("hi!")));
    let created = app.send("PUT", "/plain/new", r#"{"bytes":"aGkh"}"#).await;
    assert_eq!(created.status, 201);
    let replaced = app.send("PUT", "/plain/new", r#"{"bytes":"aGkh"}"#).await;
    assert_eq!(replaced.status, 200);
}

async fn put_if_match(app: &TestApp, body: &str, tag: &str) -> u16 {
    let request = app
        .request("PUT", "/rooms/x")
        .header("content-type", "application/json")
        .header("if-match", tag);
    let answer = app
        .client
        .send(request.body(Body::from(body.to_owned())).unwrap());
    answer.await.status.as_u16()
}

#[tokio::test]
async fn a_write_under_a_tag_sees_every_other_write() {
    let app = TestApp::start(MODULES).await;
    let tag = async || app.get("/rooms/x").await.header("etag").to_owned();
    app.send("POST", "/rooms/x", r#"{"a":1}"#).await;
    let first = tag().await;
    // A new member leaves those that were seen as they were.
    app.send("POST", "/rooms/x", r#"{"a":1,"b":2}"#).await;
    assert_eq!(put_if_match(&app, r#"{"a":5}"#, &first).await, 412);
    let second = tag().await;
    let update = app.dynamodb.update_item().table_name("rooms-local");
    let update = update.key("roomId", s("x")).update_expression("SET a = :n");
    update
        .expression_attribute_values(":n", n("7"))
        .send()
        .await
        .unwrap();
    assert_eq!(put_if_match(&app, r#"{"a":5}"#, &second).await, 412);
    assert_eq!(put_if_match(&app, r#"{"a":5}"#, &tag().await).await, 200);
    put_foreign(&app, "rooms-local", [("roomId".to_owned(), s("x"))].into()).await;
    assert_eq!(put_if_match(&app, r#"{"a":6}"#, &tag().await).await, 200);
}

/// More members than one expression can compare or change.
#[tokio::test]
async fn a_document_may_have_many_members() {
    let app = TestApp::start(MODULES).await;
    let many = |count: usize, value: usize| {
        let members: Vec<_> = (0..count).map(|at| format!(r#""m{at}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    };
    app.send("POST", "/rooms/x", many(400, 1)).await;
    let tag = app.get("/rooms/x").await.header("etag").to_owned();
    assert_eq!(put_if_match(&app, &many(400, 2), &tag).await, 200);
    let patched = app.send("PATCH", "/rooms/x", many(399, 3)).await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    assert_eq!(attributes(&app, "x").await["m398"], n("3"));
    assert_eq!(attributes(&app, "x").await["m399"], n("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_patches_lose_nothing() {
    const WRITERS: u32 = 8;
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/rooms/x", r#"{"start":1}"#).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let app = app.clone();
        writers.spawn(async move {
            for count in 1..=5 {
                let body = format!(r#"{{"w{writer}":{count}}}"#);
                while app.send("PATCH", "/rooms/x", body.clone()).await.status == 503 {}
            }
        });
    }
    writers.join_all().await;
    let stored = attributes(&app, "x").await;
    for writer in 0..WRITERS {
        assert_eq!(
            stored.get(&format!("w{writer}")),
            Some(&n("5")),
            "{stored:?}"
        );
    }
}

//! `stamps`: who has written an item, and when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use modulo::module::api_key::NewKey;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, document_of};
use crate::command::Folder;

const MODULES: &str = r#"
    [defaults]
    key = "id"
    stamps = true
    idempotency = "1h"
    access = { guard = "people", public = ["GET", "POST", "PUT", "PATCH", "DELETE", "LIST"] }

    [modules.texts]

    [modules.plain-texts]
    envelope = "plain"

    [modules.short]
    ttl = "expiresAt"

    [modules.native]
    storage = "document"

    [modules.rooms]
    storage = "document"
    envelope = "plain"
    key_in_document = true
    ttl = "expiresAt"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    sort = "updatedAt"

    [modules.tenants]
    storage = "document"
    envelope = "plain"
    access = { guard = "people", public = [] }
    tenant = { claim = "org_id" }

    [[modules.tenants.indexes]]
    name = "by-building"
    partition = "building"
    sort = "updatedAt"
"#;

/// `ana` and `rui`, both of one tenant.
struct People {
    app: TestApp,
    ana: NewKey,
    rui: NewKey,
}

impl People {
    async fn start() -> Self {
        let (ana, rui) = (NewKey::random(), NewKey::random());
        let modules = format!(
            r#"
            [access.people]
            keys = [
                {{ name = "ana", hash = "{}", tenant = "acme" }},
                {{ name = "rui", hash = "{}", tenant = "acme" }},
            ]
            {MODULES}"#,
            ana.hash(),
            rui.hash()
        );
        let app = TestApp::start(&modules).await;
        Self { app, ana, rui }
    }

    async fn send(
        &self,
        key: Option<&NewKey>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = self.app.request(method, path);
        for (name, value) in [("content-type", "application/json")].iter().chain(headers) {
            request = request.header(*name, *value);
        }
        if let Some(key) = key {
            request = request.header("x-api-key", key.as_str());
        }
        let body = Body::from(body.to_owned());
        let answer = self.app.client.send(request.body(body).unwrap()).await;
        // So that no two writes have the same time.
        tokio::time::sleep(Duration::from_millis(3)).await;
        answer
    }

    async fn stored(&self, module: &str, id: &str) -> HashMap<String, AttributeValue> {
        let get = self.app.dynamodb.get_item();
        let get = get.table_name(format!("{module}-local"));
        let get = get.key("id", AttributeValue::S(id.to_owned()));
        get.send().await.unwrap().item.unwrap()
    }

    async fn stamps(&self, module: &str, id: &str) -> Stamps {
        let item = self.stored(module, id).await;
        let text = |name: &str| item.get(name).map(|value| value.as_s().unwrap().clone());
        Stamps {
            created_at: text("createdAt"),
            updated_at: text("updatedAt"),
            updated_by: text("updatedBy"),
        }
    }

    /// Writes as another service does, which knows of no stamps.
    async fn put(&self, module: &str, id: &str, attributes: &[(&str, AttributeValue)]) {
        let put = self.app.dynamodb.put_item();
        let mut put = put.table_name(format!("{module}-local"));
        put = put.item("id", AttributeValue::S(id.to_owned()));
        for (name, value) in attributes {
            put = put.item(*name, value.clone());
        }
        put.send().await.unwrap();
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamps {
    created_at: Option<String>,
    updated_at: Option<String>,
    updated_by: Option<String>,
}

impl Stamps {
    #[track_caller]
    fn assert_follow(&self, before: &Self, by: Option<&str>, what: &str) {
        assert_eq!(self.created_at, before.created_at, "{what}");
        assert!(
            self.updated_at > before.updated_at,
            "{what}: {self:?} after {before:?}"
        );
        assert_eq!(self.updated_by.as_deref(), by, "{what}");
    }
}

/// A time in UTC with milliseconds, so that times are ordered as their texts are.
fn is_time(text: &str) -> bool {
    let shape = text.bytes().map(|byte| match byte {
        b'0'..=b'9' => '0',
        other => char::from(other),
    });
    shape.collect::<String>() == "0000-00-00T00:00:00.000Z"
}

const ALL: [&str; 6] = [
    "texts",
    "plain-texts",
    "short",
    "native",
    "rooms",
    "tenants",
];

/// Method, path, headers and body.
type Sent<'s> = (&'s str, &'s str, &'s [(&'s str, &'s str)], &'s str);

fn id_in_table(module: &str) -> &'static str {
    if module == "tenants" { "acme/x" } else { "x" }
}

#[tokio::test]
async fn every_write_says_when_and_by_whom_and_keeps_when_the_item_was_created() {
    let people = People::start().await;
    let (ana, rui) = (Some(&people.ana), Some(&people.rui));
    for module in ALL {
        let (path, batch) = (format!("/{module}/x"), format!("/_batch/{module}"));
        let stored = id_in_table(module);
        let first = people.send(ana, "POST", &path, &[], r#"{"a":1}"#).await;
        assert!(first.status.is_success(), "{module}: {first:?}");
        let mut before = people.stamps(module, stored).await;
        assert_eq!(before.created_at, before.updated_at);
        assert!(is_time(before.created_at.as_deref().unwrap()), "{before:?}");
        assert_eq!(before.updated_by.as_deref(), Some("ana"));

        let put = r#"{"operations":[{"op":"put","id":"x","item":{"a":N}}]}"#;
        let atomic = r#"{"atomic":true,"operations":[{"op":"put","id":"x","item":{"a":N}}]}"#;
        let writes: [Sent<'_>; 9] = [
            ("POST", &path, &[], r#"{"a":N}"#),
            ("PUT", &path, &[], r#"{"a":N}"#),
            // What may be of another type in DynamoDB is written in another way.
            ("PUT", &path, &[], r#"{"a":N,"list":["b","c"]}"#),
            ("PATCH", &path, &[], r#"{"a":N}"#),
            ("POST", &path, &[("if-match", "*")], r#"{"a":N}"#),
            ("PUT", &path, &[("if-match", "*")], r#"{"a":N}"#),
            ("POST", &path, &[("idempotency-key", "k")], r#"{"a":N}"#),
            ("POST", &batch, &[], put),
            ("POST", &batch, &[], atomic),
        ];
        for (number, (method, to, headers, body)) in writes.into_iter().enumerate() {
            let body = body.replace('N', &(10 + number).to_string());
            let what = format!("{method} {to} {headers:?} {body}");
            let answer = people.send(rui, method, to, headers, &body).await;
            assert!(answer.status.is_success(), "{what}: {answer:?}");
            assert!(!answer.body.contains("\"status\":4"), "{what}: {answer:?}");
            let after = people.stamps(module, stored).await;
            after.assert_follow(&before, Some("rui"), &what);
            before = after;
        }

        let get = people.send(rui, "GET", &path, &[], "").await;
        let tag = get.header("etag");
        for method in ["POST", "PUT"] {
            let headers = [("if-match", tag)];
            // The same document: neither the tag nor the condition depends on stamps.
            let answer = people
                .send(ana, method, &path, &headers, r#"{"a":18}"#)
                .await;
            assert_eq!(answer.status, 200, "{module}: {answer:?}");
            assert_eq!(answer.header("etag"), tag, "{module}");
            let after = people.stamps(module, stored).await;
            after.assert_follow(&before, Some("ana"), method);
            before = after;
        }

        people.send(ana, "DELETE", &path, &[], "").await;
        people.send(ana, "POST", &path, &[], r#"{"a":1}"#).await;
        let anew = people.stamps(module, stored).await;
        assert!(anew.created_at > before.updated_at, "{module}");
    }
}

#[tokio::test]
async fn a_write_by_nobody_known_names_nobody() {
    let people = People::start().await;
    for module in ["texts", "rooms"] {
        let path = format!("/{module}/x");
        people
            .send(Some(&people.ana), "POST", &path, &[], r#"{"a":1}"#)
            .await;
        for (method, body) in [
            ("PUT", r#"{"a":2}"#),
            ("PATCH", r#"{"a":3}"#),
            ("POST", r#"{"a":4}"#),
        ] {
            let before = people.stamps(module, "x").await;
            people.send(None, method, &path, &[], body).await;
            let after = people.stamps(module, "x").await;
            after.assert_follow(&before, None, method);
        }
    }
}

#[tokio::test]
async fn answers_have_the_stamps_where_they_have_room() {
    let people = People::start().await;
    let ana = Some(&people.ana);
    for module in ALL {
        let path = format!("/{module}/x");
        let answer = people
            .send(ana, "POST", &path, &[], r#"{"building":"b","a":1}"#)
            .await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let get = async |path: &str| {
        let answer = people.send(ana, "GET", path, &[], "").await;
        document_of(&answer.body)
    };
    let batch = async |module: &str| {
        let body = r#"{"operations":[{"op":"get","id":"x"}]}"#;
        let path = format!("/_batch/{module}");
        let answer = people.send(ana, "POST", &path, &[], body).await;
        document_of(&answer.body)
    };
    let stamped = |mut value: Value, at: &Stamps| {
        for (name, stamp) in [
            ("createdAt", &at.created_at),
            ("updatedAt", &at.updated_at),
            ("updatedBy", &at.updated_by),
        ] {
            value[name] = json!(stamp);
        }
        value
    };

    // Beside a text, which is what it was for those who read it before.
    let at = people.stamps("texts", "x").await;
    let text = r#"{"building":"b","a":1}"#;
    let item = stamped(json!({ "id": "x", "data": text }), &at);
    assert_eq!(get("/texts/x").await, json!({ "GET": item }));
    assert_eq!(get("/texts").await["LIST"]["items"], json!([item]));
    let listed = get("/texts?fields=a").await;
    let part = stamped(json!({ "id": "x", "data": r#"{"a":1}"# }), &at);
    assert_eq!(listed["LIST"]["items"], json!([part]));
    assert_eq!(
        batch("texts").await["BATCH"]["results"],
        json!([{ "status": 200, "GET": item }])
    );

    let at = people.stamps("plain-texts", "x").await;
    let document = json!({ "building": "b", "a": 1 });
    assert_eq!(get("/plain-texts/x").await, document);
    let item = stamped(json!({ "id": "x", "item": document }), &at);
    assert_eq!(get("/plain-texts").await["items"], json!([item]));
    let mut result = item.clone();
    result["status"] = 200.into();
    assert_eq!(batch("plain-texts").await["results"], json!([result]));

    // As members of documents that are kept as members.
    let at = people.stamps("native", "x").await;
    let shown = stamped(json!({ "a": 1, "building": "b" }), &at);
    let got = get("/native/x").await;
    assert_eq!(document_of(got["GET"]["data"].as_str().unwrap()), shown);
    let at = people.stamps("rooms", "x").await;
    let shown = stamped(json!({ "id": "x", "a": 1, "building": "b" }), &at);
    assert_eq!(get("/rooms/x").await, shown);
    for path in ["/rooms", "/rooms?building=b"] {
        assert_eq!(get(path).await["items"][0]["item"], shown, "{path}");
    }
    let got = get("/rooms?fields=a,updatedBy").await;
    assert_eq!(
        got["items"][0]["item"],
        json!({ "id": "x", "a": 1, "updatedBy": "ana" })
    );
    assert_eq!(batch("rooms").await["results"][0]["item"], shown);
}

#[tokio::test]
async fn what_a_get_has_shown_can_be_sent_back() {
    let schema = r#"
        [modules.closed]
        key = "id"
        stamps = true
        storage = "document"
        envelope = "plain"
        schema = { type = "object", properties = { a = { type = "number" } }, additionalProperties = false }
    "#;
    let app = TestApp::start(schema).await;
    app.send("POST", "/closed/x", r#"{"a":1}"#).await;
    let shown = app.get("/closed/x").await;
    tokio::time::sleep(Duration::from_millis(3)).await;
    let back = app
        .send("PUT", "/closed/x", shown.body.replace(":1,", ":2,"))
        .await;
    assert_eq!(back.status, 200, "{back:?}");
    let (before, after) = (
        document_of(&shown.body),
        document_of(&app.get("/closed/x").await.body),
    );
    assert_eq!(after["a"], 2);
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert!(after["updatedAt"].as_str() > before["updatedAt"].as_str());

    // A patch is of what was shown as well, and can change no stamp.
    let patch = json!([
        { "op": "test", "path": "/createdAt", "value": before["createdAt"] },
        { "op": "replace", "path": "/createdAt", "value": "2001-01-01T00:00:00.000Z" },
        { "op": "replace", "path": "/a", "value": 3 },
    ]);
    let request = app
        .request("PATCH", "/closed/x")
        .header("content-type", "application/json-patch+json")
        .body(Body::from(patch.to_string()));
    let patched = app.client.send(request.unwrap()).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let after = document_of(&app.get("/closed/x").await.body);
    assert_eq!(after["a"], 3);
    assert_eq!(after["createdAt"], before["createdAt"]);
}

/// Found by Schemathesis: the answer of a POST had what is not stored.
#[tokio::test]
async fn a_stamp_that_is_sent_is_not_answered_as_if_it_were_stored() {
    let people = People::start().await;
    let sent = r#"{"a":1,"updatedAt":{},"updatedBy":""}"#;
    let answer = people.send(None, "POST", "/native/x", &[], sent).await;
    let told = document_of(&answer.body);
    assert_eq!(told["POST"]["data"], json!({ "a": 1 }), "{answer:?}");
}

#[tokio::test]
async fn items_of_writers_who_know_no_stamps_get_them_with_their_next_write() {
    let people = People::start().await;
    let ana = Some(&people.ana);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (module, attributes) in [
        ("texts", vec![("data", text(r#"{"a":1}"#))]),
        ("rooms", vec![("a", AttributeValue::N("1".to_owned()))]),
    ] {
        for (id, method) in [("p", "POST"), ("u", "PUT"), ("m", "PATCH")] {
            people.put(module, id, &attributes).await;
            let path = format!("/{module}/{id}");
            let shown = people.send(ana, "GET", &path, &[], "").await;
            assert!(!shown.body.contains("createdAt"), "{shown:?}");
            let answer = people.send(ana, method, &path, &[], r#"{"a":2}"#).await;
            assert_eq!(answer.status, 200, "{module} {method}: {answer:?}");
            let stamps = people.stamps(module, id).await;
            assert!(stamps.created_at.is_some(), "{module} {method}");
            assert_eq!(stamps.created_at, stamps.updated_at);
        }
    }
    // What somebody else has called so is kept, of whatever type.
    let number = AttributeValue::N("1700000000".to_owned());
    people
        .put("rooms", "own", &[("createdAt", number.clone())])
        .await;
    for method in ["POST", "PUT", "PATCH"] {
        people
            .send(ana, method, "/rooms/own", &[], r#"{"a":2}"#)
            .await;
        let stored = people.stored("rooms", "own").await;
        assert_eq!(stored["createdAt"], number, "{method}");
    }
    let shown = people.send(ana, "GET", "/rooms/own", &[], "").await;
    assert_eq!(document_of(&shown.body)["createdAt"], 1_700_000_000);
}

#[tokio::test]
async fn what_has_expired_begins_anew() {
    let people = People::start().await;
    let ana = Some(&people.ana);
    let past = AttributeValue::N("1000000000".to_owned());
    let old = AttributeValue::S("2001-09-09T01:46:40.000Z".to_owned());
    for module in ["short", "rooms"] {
        let writes: [(&str, &[(&str, &str)]); 4] = [
            ("POST", &[]),
            ("PUT", &[]),
            ("POST", &[("idempotency-key", "e")]),
            ("POST", &[("if-none-match", "*")]),
        ];
        for (number, (method, headers)) in writes.into_iter().enumerate() {
            let id = format!("x{number}");
            let attributes = [("expiresAt", past.clone()), ("createdAt", old.clone())];
            people.put(module, &id, &attributes).await;
            let path = format!("/{module}/{id}");
            let answer = people.send(ana, method, &path, headers, r#"{"a":1}"#).await;
            assert!(answer.status.is_success(), "{module} {method}: {answer:?}");
            let stamps = people.stamps(module, &id).await;
            assert_eq!(stamps.created_at, stamps.updated_at, "{module} {method}");
        }
    }
}

/// A POST that found no item can't take the time of another that came before it.
#[tokio::test]
async fn of_many_who_create_an_item_at_once_one_says_when() {
    let people = People::start().await;
    for module in ["texts", "rooms"] {
        for (round, batch) in [(0, false), (1, false), (2, true)] {
            let path = format!("/{module}/{round}");
            let writers = (0..12).map(|number| {
                let (people, path) = (&people, &path);
                async move {
                    let body = format!(r#"{{"a":{number}}}"#);
                    let answer = if batch {
                        let operation = json!({
                            "op": "put", "id": round.to_string(), "item": { "a": number },
                        });
                        let body = json!({ "atomic": number % 2 == 0, "operations": [operation] });
                        let to = format!("/_batch/{module}");
                        people.send(None, "POST", &to, &[], &body.to_string()).await
                    } else {
                        people.send(None, "POST", path, &[], &body).await
                    };
                    // Others may have been faster time and again.
                    let is_done = answer.status.is_success() && !answer.body.contains("503");
                    assert!(is_done || answer.status == 503 || batch, "{answer:?}");
                    if is_done {
                        people.stamps(module, &round.to_string()).await.created_at
                    } else {
                        None
                    }
                }
            });
            let seen = futures_util::future::join_all(writers).await;
            let seen: BTreeSet<_> = seen.into_iter().flatten().collect();
            assert_eq!(seen.len(), 1, "{module}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn an_index_can_be_in_the_order_of_the_last_writes() {
    let people = People::start().await;
    let ana = Some(&people.ana);
    for module in ["rooms", "tenants"] {
        for id in ["a", "b", "c", "a"] {
            let path = format!("/{module}/{id}");
            people
                .send(ana, "PUT", &path, &[], r#"{"building":"b"}"#)
                .await;
        }
        let list = format!("/{module}?building=b");
        let listed = people.send(ana, "GET", &list, &[], "").await;
        let listed = document_of(&listed.body);
        let ids = listed["items"].as_array().unwrap().iter();
        let ids: Vec<_> = ids.map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["b", "c", "a"], "{module}");
        let newest = &listed["items"][2]["item"]["updatedAt"];
        let since = format!("{list}&updatedAt.ge={}", newest.as_str().unwrap());
        let newest = people.send(ana, "GET", &since, &[], "").await;
        let newest = document_of(&newest.body);
        assert_eq!(newest["items"].as_array().unwrap().len(), 1, "{newest}");
        assert_eq!(newest["items"][0]["id"], "a");
    }
}

#[tokio::test]
async fn an_export_has_the_stamps_and_an_import_keeps_them_if_it_is_told_to() {
    for storage in ["json", "document"] {
        let modules =
            format!("[modules.rooms]\nkey = \"roomId\"\nstorage = \"{storage}\"\nstamps = true\n");
        let folder = Folder::with(&modules);
        let line = r#"{"id":"a","item":{"chairs":1},"attributes":{"createdAt":{"S":"2001-01-01T00:00:00.000Z"},"updatedAt":{"S":"2002-01-01T00:00:00.000Z"},"updatedBy":{"S":"ana"}}}"#;
        std::fs::write(folder.path().join("old.jsonl"), format!("{line}\n")).unwrap();
        let export = async || {
            let arguments = ["export", "rooms", "--force", "-o", "out.jsonl"];
            let (status, _, stderr) = folder.run(&arguments).await;
            assert_eq!(status, Some(0), "{stderr}");
            std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap()
        };
        let import = async |arguments: &[&str]| {
            let all = [&["import", "rooms"], arguments].concat();
            let (status, _, stderr) = folder.run(&all).await;
            assert_eq!(status, Some(0), "{stderr}");
        };
        import(&["--keep-stamps", "old.jsonl"]).await;
        assert_eq!(document_of(&export().await), document_of(line), "{storage}");
        import(&["old.jsonl"]).await;
        let anew = document_of(&export().await);
        let stamps = &anew["attributes"];
        assert!(
            is_time(stamps["createdAt"]["S"].as_str().unwrap()),
            "{anew}"
        );
        assert_ne!(
            stamps["createdAt"],
            json!({ "S": "2001-01-01T00:00:00.000Z" })
        );
        assert_eq!(stamps["createdAt"], stamps["updatedAt"]);
        assert_eq!(stamps.get("updatedBy"), None, "{anew}");
        assert_eq!(anew["item"], json!({ "chairs": 1 }));
    }
}

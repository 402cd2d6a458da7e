//! What must hold for any input.

use std::sync::LazyLock;

use axum::body::Body;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::access::{Issuer, Signer, claims};
use crate::app::{Answer, MODULES, TestApp, document_of};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static APP: LazyLock<TestApp> = LazyLock::new(|| RUNTIME.block_on(TestApp::start(MODULES)));

/// A JSON value as its parts were spelt, to be written with or without white space.
#[derive(Debug, Clone)]
enum Json {
    Scalar(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn write(&self, space: &str, text: &mut String) {
        let separate = |text: &mut String, at: usize| {
            text.push_str(space);
            if at > 0 {
                text.push(',');
                text.push_str(space);
            }
        };
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::Array(values) => {
                text.push('[');
                for (at, value) in values.iter().enumerate() {
                    separate(text, at);
                    value.write(space, text);
                }
                text.push_str(space);
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    separate(text, at);
                    text.push_str(name);
                    text.push(':');
                    value.write(space, text);
                }
                text.push('}');
            }
        }
    }

    fn text(&self, space: &str) -> String {
        let mut text = String::from(space);
        self.write(space, &mut text);
        text
    }
}

fn json_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        // Anything that needs no escape, then every kind of escape, lone surrogates included.
        "[^\"\\\\\\x00-\\x1f]{0,8}",
        r#"\\["\\/bfnrt]"#,
        "\\\\u[0-9a-fA-F]{4}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn json() -> impl Strategy<Value = Json> {
    let number = r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?";
    let scalar = prop_oneof![
        number.prop_map(Json::Scalar),
        json_string().prop_map(Json::Scalar),
        prop::sample::select(vec!["true", "false", "null"])
            .prop_map(|word| Json::Scalar(word.into())),
    ];
    scalar.prop_recursive(6, 48, 6, |inner| {
        // Names repeat, since duplicate members must survive.
        let name = prop_oneof![json_string(), Just("\"a\"".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((name, inner), 0..6).prop_map(Json::Object),
        ]
    })
}

/// A document: any JSON inside an array, so that it is not one of the empty values.
fn document() -> impl Strategy<Value = Json> {
    json().prop_map(|value| Json::Array(vec![value]))
}

fn space() -> impl Strategy<Value = String> {
    "[ \\t\\r\\n]{0,3}"
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_filter("an id has 1 to 2,048 bytes", |id| (1..=2_048)
            .contains(&id.len())),
        "[./%]{1,6}",
        "[a-z]{1,5}",
    ]
}

/// Percent-encoded as far as a URI must be, or wholly.
fn encoded(id: &str, wholly: bool) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'/' | b'.' if !wholly => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_document_survives_under_any_id(
        id in id(),
        wholly: bool,
        document in document(),
        space in space(),
        method in prop::sample::select(vec!["POST", "PUT"]),
    ) {
        let app = &*APP;
        RUNTIME.block_on(async {
            let path = format!("/modulo1/{}", encoded(&id, wholly));
            let written = app.send(method, &path, document.text(&space)).await;
            assert_eq!(written.status, 200, "of {method} {path}: {}", written.body);
            let text = document.text("");
            let (id, string) = (serde_json::to_string(&id).unwrap(), serde_json::to_string(&text).unwrap());
            let expected = match method {
                "POST" => format!(r#"{{"POST":{{"modulo1Id":{id},"data":{text}}}}}"#),
                _ => format!(r#"{{"PUT":{{"modulo1Id":{id},"item":{{"data":{{"S":{string}}}}}}}}}"#),
            };
            assert_eq!(written.body, expected);
            let read = app.get(&path).await;
            assert_eq!(read.body, format!(r#"{{"GET":{{"modulo1Id":{id},"data":{string}}}}}"#));
        });
    }

    #[test]
    fn no_request_makes_a_failure(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LIST"]),
        path in "/(modulo1|modulo2|_x|%6d)?(/?[!-~&&[^#?\"<>\\\\^`{|}]]{0,12}){0,4}(\\?[a-z=&%0-9]{0,20})?",
        content_type in prop::option::of("[ -~]{0,20}|application/(x\\+)?json(;[ -~]{0,8})?"),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            json().prop_map(|json| json.text(" ").into_bytes()),
            "[\\[\\]{}\",:0-9a-z\\\\ ]{0,64}".prop_map(String::into_bytes),
        ],
    ) {
        let app = &*APP;
        RUNTIME.block_on(async {
            let mut request = app.request(method, &path);
            if let Some(content_type) = &content_type {
                request = request.header("content-type", content_type);
            }
            let answer = app.client.send(request.body(Body::from(body)).unwrap()).await;
            assert!(!answer.status.is_server_error(), "{method} {path}: {} {}", answer.status, answer.body);
            if method != "HEAD" && answer.status != 204 {
                let json = serde_json::from_str::<serde_json::Value>(&answer.body);
                assert!(json.is_ok(), "{method} {path}: {}", answer.body);
            }
        });
    }
}

/// Tenants by a token, each with the items of a table that has a sort key.
const SORTED: &str = r#"
    [modules.bookings]
    key = { partition = "roomId", sort = "bookingId" }
    access = { guard = "main" }
    tenant = { claim = "org_id" }

    [modules.open]
    key = { partition = "roomId", sort = "bookingId" }
    envelope = "plain"
    storage = "document"

    [modules.numbers]
    key = { attribute = "n", type = "N" }
"#;

static SORTED_APP: LazyLock<SortedApp> = LazyLock::new(|| RUNTIME.block_on(SortedApp::start()));

struct SortedApp {
    app: TestApp,
    signer: Signer,
    _issuer: Issuer,
}

/// An item's tenant, its partition key and its sort key.
type Place = (String, String, String);

impl SortedApp {
    async fn start() -> Self {
        let signer = Signer::ec();
        let issuer = Issuer::start([signer.jwk("1")]).await;
        let guard = format!(
            "[access.main.jwt]\nissuer = \"https://issuer.example.com/\"\naudience = \"modulo\"\njwks = \"{}\"\n",
            issuer.url
        );
        Self {
            app: TestApp::start(&format!("{guard}{SORTED}")).await,
            signer,
            _issuer: issuer,
        }
    }

    async fn send(&self, tenant: &str, method: &str, path: &str, body: String) -> Answer {
        let claims = claims(json!({ "org_id": tenant }));
        let token = self.signer.token(json!({ "kid": "1" }), &claims);
        let request = self
            .app
            .request(method, path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        self.app
            .client
            .send(request.body(Body::from(body)).unwrap())
            .await
    }
}

fn path_of((_, partition, sort): &Place) -> String {
    format!(
        "/bookings/{}/{}",
        encoded(partition, true),
        encoded(sort, true)
    )
}

fn place() -> impl Strategy<Value = Place> {
    let part = || {
        prop_oneof![
            any::<String>().prop_filter("a key has 1 to 1,024 bytes", |text| (1..=600)
                .contains(&text.len())),
            "(a|b|a/b|a%2Fb|/|%|\\.\\.|,|\\[|\"|\\x00){1,4}",
        ]
    };
    let tenant = prop_oneof![
        any::<String>().prop_filter("a tenant has 1 to 255 bytes", |text| (1..=60)
            .contains(&text.len())),
        "(a|b|a/b|/|%){1,2}",
    ];
    (tenant, part(), part())
}

/// Two places, often with something in common.
fn places() -> impl Strategy<Value = (Place, Place)> {
    (place(), place(), 0..8_u8).prop_map(|(one, other, same)| {
        let pick = |bit: u8, one: &String, other: &String| {
            if same & bit == 0 { other } else { one }.clone()
        };
        let other = (
            pick(1, &one.0, &other.0),
            pick(2, &one.1, &other.1),
            pick(4, &one.2, &other.2),
        );
        (one, other)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_pair_of_keys_reaches_the_item_of_another(
        (one, other) in places(),
        (first, second) in (document(), document()),
    ) {
        let app = &*SORTED_APP;
        RUNTIME.block_on(async {
            for (place, document) in [(&one, &first), (&other, &second)] {
                let written = app.send(&place.0, "POST", &path_of(place), document.text(" ")).await;
                assert_eq!(written.status, 200, "{place:?}: {}", written.body);
            }
            let item = |(_, partition, sort): &Place, document: &Json| {
                let [partition, sort, data] = [partition, sort, &document.text("")]
                    .map(|text| serde_json::to_string(text).unwrap());
                format!(r#"{{"roomId":{partition},"bookingId":{sort},"data":{data}}}"#)
            };
            let first = if one == other { &second } else { &first };
            for (place, document) in [(&one, first), (&other, &second)] {
                let read = app.send(&place.0, "GET", &path_of(place), String::new()).await;
                assert_eq!(read.body, format!(r#"{{"GET":{}}}"#, item(place, document)));
            }
            // The list of a partition has what is in it and nothing else, in order.
            let mut listed = vec![item(&one, first)];
            if one != other && (&one.0, &one.1) == (&other.0, &other.1) {
                let at = usize::from(other.2.as_bytes() > one.2.as_bytes());
                listed.insert(at, item(&other, &second));
            }
            let list = format!("/bookings/{}", encoded(&one.1, true));
            let page = app.send(&one.0, "GET", &list, String::new()).await;
            let expected = format!(r#"{{"LIST":{{"items":[{}],"next":null}}}}"#, listed.join(","));
            assert_eq!(page.body, expected, "{one:?} {other:?}");
            // A key that is parted elsewhere is another.
            let swapped = (one.0.clone(), one.2.clone(), one.1.clone());
            if swapped != one && swapped != other {
                let read = app.send(&swapped.0, "GET", &path_of(&swapped), String::new()).await;
                assert_eq!(read.status, 404, "{swapped:?}: {}", read.body);
            }
            for place in [&one, &other] {
                app.send(&place.0, "DELETE", &path_of(place), String::new()).await;
                let read = app.send(&place.0, "GET", &path_of(place), String::new()).await;
                assert_eq!(read.status, 404);
            }
        });
    }

    #[test]
    fn an_item_is_the_same_by_its_path_and_in_a_batch((_, partition, sort) in place()) {
        let app = &*SORTED_APP;
        RUNTIME.block_on(async {
            let put = json!({ "operations": [
                { "op": "put", "id": [partition, sort], "item": { "n": 1 } },
            ]});
            let done = app.app.send("POST", "/_batch/open", put.to_string()).await;
            let result = &document_of(&done.body)["results"][0];
            assert_eq!(*result, json!({ "id": [partition, sort], "status": 204 }));
            let path = format!("/open/{}/{}", encoded(&partition, true), encoded(&sort, true));
            assert_eq!(app.app.get(&path).await.body, r#"{"n":1}"#);
            assert_eq!(app.app.send("DELETE", &path, "").await.status, 204);
        });
    }

    #[test]
    fn every_spelling_of_a_number_is_one_item(
        number in r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?",
    ) {
        let app = &*SORTED_APP;
        RUNTIME.block_on(async {
            let put = format!(
                r#"{{"operations":[{{"op":"put","id":{number},"item":{{"n":1}}}}]}}"#
            );
            let done = app.app.send("POST", "/_batch/numbers", put).await;
            let done = document_of(&done.body);
            let plain = done["BATCH"]["results"][0]["PUT"]["n"].to_string();
            let path = format!("/numbers/{}", encoded(&plain, true));
            let read = app.app.get(&path).await;
            assert_eq!(read.status, 200, "{number}: {plain}: {}", read.body);
            assert_eq!(read.body, format!(r#"{{"GET":{{"n":{plain},"data":"{{\"n\":1}}"}}}}"#));
            let other = app.app.get(&format!("/numbers/{}", encoded(&number, true))).await;
            let expected = if number == plain { 200 } else { 400 };
            assert_eq!(other.status, expected, "{number}: {}", other.body);
            assert_eq!(app.app.send("DELETE", &path, "").await.status, 200);
        });
    }
}

//! What must hold for any input.

use std::sync::LazyLock;

use axum::body::Body;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::app::{MODULES, TestApp};

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

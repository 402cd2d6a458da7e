//! A client's HTTP request, and the reply that the client gets, whatever stands in between.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::front_door::FrontDoor;
use crate::runtime_api::{Answer, Function};

/// What a client sends.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// As it stands on the request line: percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Payload,
}

/// A body, in the two ways that events carry one.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    None,
    Text(String),
    Binary(Vec<u8>),
}

impl Payload {
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Text(text) => Some(text.len()),
            Self::Binary(bytes) => Some(bytes.len()),
        }
    }
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: None,
            headers: Vec::new(),
            payload: Payload::None,
        }
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A JSON body with its content type.
    pub(crate) fn json(self, text: &str) -> Self {
        self.header("content-type", "application/json").text(text)
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.payload = Payload::Text(text.to_owned());
        self
    }

    /// A body that the front door passes on as base64.
    pub(crate) fn binary(mut self, bytes: &[u8]) -> Self {
        self.payload = Payload::Binary(bytes.to_owned());
        self
    }
}

/// What a client gets: all of it but `content-length` and `etag`, which must only be true.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u64,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body: Body,
    pub(crate) is_base64_encoded: bool,
}

/// JSON if the text is JSON, so that white space and order don't count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
}

/// The `x-request-id` that stands for the invocation's own.
pub(crate) const INVOCATION: &str = "(the invocation's)";

impl Reply {
    /// The usual reply: JSON, with the invocation's request id.
    pub(crate) fn json(status: u64, body: Value) -> Self {
        Self::empty(status)
            .header("content-type", "application/json")
            .body(Body::Json(body))
    }

    /// The contract's error.
    pub(crate) fn error(status: u64, message: &str) -> Self {
        Self::json(status, json!({"ERROR": {"message": message}}))
    }

    pub(crate) fn empty(status: u64) -> Self {
        let reply = Self {
            status,
            headers: BTreeMap::new(),
            body: Body::Text(String::new()),
            is_base64_encoded: false,
        };
        reply
            .header("cache-control", "no-cache")
            .header("x-content-type-options", "nosniff")
            .header("x-request-id", INVOCATION)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Reads a function's answer as the front door does: the members it knows, and no other.
    pub(crate) fn read(door: FrontDoor, answer: &Value, request_id: &str) -> Self {
        let text = answer["body"].as_str().unwrap_or_default();
        let length = answer.to_string().len();
        assert!(
            length <= door.answer_limit(),
            "{door:?} takes no answer of {length} bytes"
        );
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        let members: &[&str] = match door {
            _ if door.is_payload_1() => &["headers", "multiValueHeaders"],
            FrontDoor::AlbMultiValue => &["multiValueHeaders"],
            _ => &["headers"],
        };
        for member in members {
            let Some(map) = answer[member].as_object() else {
                assert!(door.is_payload_1(), "{door:?} wants `{member}`: {answer:#}");
                continue;
            };
            for (name, value) in map {
                let values: Vec<&str> = match value {
                    Value::String(value) if *member == "headers" => vec![value],
                    Value::Array(values) if *member == "multiValueHeaders" => {
                        values.iter().map(|v| v.as_str().unwrap()).collect()
                    }
                    _ => panic!("{door:?} takes no such `{name}` in `{member}`: {answer:#}"),
                };
                let values = values
                    .into_iter()
                    .map(|value| value.replace(request_id, INVOCATION));
                let name = name.to_ascii_lowercase();
                headers.entry(name).or_default().extend(values);
            }
        }
        if let Some(length) = headers.remove("content-length") {
            assert!(
                ![204, 304].contains(&answer["statusCode"].as_u64().expect("a status")),
                "RFC 9110, section 8.6: {answer:#}"
            );
            // HEAD's length is that of the body it leaves out.
            if !text.is_empty() {
                assert_eq!(length, [text.len().to_string()], "{answer:#}");
            }
        }
        // Which tag it is, the tests of conditions tell.
        if let Some(tag) = headers.remove("etag") {
            assert!(
                matches!(&tag[..], [tag] if tag.starts_with('"')),
                "{answer:#}"
            );
        }

        let text = text.replace(request_id, INVOCATION);
        Self {
            status: answer["statusCode"].as_u64().expect("a status"),
            headers,
            body: serde_json::from_str(&text).map_or(Body::Text(text), Body::Json),
            is_base64_encoded: answer["isBase64Encoded"].as_bool().expect("a flag"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, values) in &self.headers {
            writeln!(f, "{name}: {}", values.join(" | "))?;
        }
        if self.is_base64_encoded {
            writeln!(f, "(base64)")?;
        }
        match &self.body {
            Body::Json(json) => writeln!(f, "\n{json}"),
            Body::Text(text) => writeln!(f, "\n{text}"),
        }
    }
}

impl Function {
    /// What a client of a front door gets for a call.
    pub(crate) async fn call(&mut self, door: FrontDoor, call: &Call) -> Reply {
        self.reply(door, &door.event(call)).await
    }

    /// What a client gets for an event.
    pub(crate) async fn reply(&mut self, door: FrontDoor, event: &Value) -> Reply {
        let (request_id, answer) = self.invoke(event).await;
        match answer {
            Answer::Response(answer) => Reply::read(door, &answer, &request_id),
            Answer::Error(error) => panic!(
                "the invocation failed; a front door would answer 502: {error:#}\n\
                 the event: {event:#}\n{}",
                self.log()
            ),
        }
    }

    /// Compares a whole reply.
    #[track_caller]
    pub(crate) fn assert_reply(&self, reply: &Reply, expected: &Reply, context: &str) {
        assert!(
            reply == expected,
            "{context}\n--- expected\n{expected}--- got\n{reply}{}\n\
             the events are in tests/api/events; `RUST_LOG=debug` in the function's environment \
             makes it say more",
            self.log()
        );
    }
}

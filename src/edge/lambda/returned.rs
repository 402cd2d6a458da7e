//! What the function returns for an event.

use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

use super::event::Kind;
use crate::api::quoted::Quoted;
use crate::json::escape;
use crate::json::verbatim::Verbatim;

/// JSON for Lambda, which is made here: in it the body is a string, and `serde_json` takes twice as
/// long for one as all else takes.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Returned(Verbatim<String>);

/// An answer's body. Every answer is JSON, or a page, and so text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Text(&'a [u8]),
    /// What is still to be made a text of.
    Quoted(&'a Quoted),
}

impl Returned {
    /// What front doors make the client's answer of.
    pub(super) fn answer(
        kind: Kind,
        status: StatusCode,
        headers: &HeaderMap,
        body: Body<'_>,
    ) -> Self {
        let mut json = format!(r#"{{"statusCode":{}"#, status.as_u16()).into_bytes();
        // A REST API would add up both members.
        let (has_last, has_all) = match kind {
            Kind::Payload2 => (true, false),
            Kind::Payload1 | Kind::Rest => (false, true),
            Kind::LoadBalancer => (true, true),
        };
        if kind == Kind::LoadBalancer {
            let reason = status.canonical_reason().unwrap_or_default();
            let description = format!(r#","statusDescription":"{} {reason}""#, status.as_u16());
            json.extend_from_slice(description.as_bytes());
        }
        json.extend_from_slice(br#","headers":"#);
        members(
            headers.keys().filter(|_| has_last),
            &mut json,
            |name, json| {
                text(headers[name].as_bytes(), json);
            },
        );
        json.extend_from_slice(br#","multiValueHeaders":"#);
        members(
            headers.keys().filter(|_| has_all),
            &mut json,
            |name, json| {
                let mut before = b'[';
                for value in headers.get_all(name) {
                    json.push(before);
                    text(value.as_bytes(), json);
                    before = b',';
                }
                json.push(b']');
            },
        );
        json.extend_from_slice(br#","body":""#);
        match body {
            Body::Text(text) => {
                json.reserve(text.len() + text.len() / 4);
                escape::once_bytes(text, &mut json);
            }
            Body::Quoted(quoted) => quoted.write_string(&mut json),
        }
        json.extend_from_slice(br#"","isBase64Encoded":false"#);
        if kind == Kind::Payload2 {
            json.extend_from_slice(br#","cookies":[]"#);
        }
        json.push(b'}');
        let json = String::from_utf8(json);
        Self(Verbatim(json.unwrap_or_else(|error| {
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })))
    }

    /// Nothing, since there was no request: `{}`, which every caller takes.
    pub(super) fn nothing() -> Self {
        Self(Verbatim("{}".to_owned()))
    }
}

/// Appends an object with a member for each of these headers' names.
fn members<'h>(
    names: impl Iterator<Item = &'h HeaderName>,
    json: &mut Vec<u8>,
    value: impl Fn(&HeaderName, &mut Vec<u8>),
) {
    json.push(b'{');
    for (at, name) in names.enumerate() {
        if at > 0 {
            json.push(b',');
        }
        text(name.as_str().as_bytes(), json);
        json.push(b':');
        value(name, json);
    }
    json.push(b'}');
}

fn text(bytes: &[u8], json: &mut Vec<u8>) {
    json.push(b'"');
    escape::once_bytes(bytes, json);
    json.push(b'"');
}

//! The services that stand before a function: what each makes of a client's call, and what a
//! client gets of the function's answer.
//!
//! Every event starts as the one recorded in `tests/api/events/`, so that it has all the members
//! that the service sends, and takes its method, path, query, headers and body from the call.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::call::{Call, Payload};

/// The API Gateway stage in the recorded events that have one.
pub(crate) const STAGE: &str = "prod";

/// A service, as configured in one way, that turns HTTP into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrontDoor {
    FunctionUrl,
    HttpApi,
    HttpApiNamedStage,
    HttpApiCustomDomain,
    RestApi,
    Alb,
    AlbMultiValue,
}

impl FrontDoor {
    pub(crate) const ALL: [Self; 7] = [
        Self::FunctionUrl,
        Self::HttpApi,
        Self::HttpApiNamedStage,
        Self::HttpApiCustomDomain,
        Self::RestApi,
        Self::Alb,
        Self::AlbMultiValue,
    ];

    /// The recorded event: `POST /modulo1/sala90?lang=pt&lang=en&note=a%20b%26c`.
    pub(crate) fn recorded(self) -> Value {
        let event = match self {
            Self::FunctionUrl => include_str!("../events/function_url.json"),
            Self::HttpApi => include_str!("../events/http_api.json"),
            Self::HttpApiNamedStage => include_str!("../events/http_api_named_stage.json"),
            Self::HttpApiCustomDomain => include_str!("../events/http_api_custom_domain.json"),
            Self::RestApi => include_str!("../events/rest_api.json"),
            Self::Alb => include_str!("../events/alb.json"),
            Self::AlbMultiValue => include_str!("../events/alb_multi_value.json"),
        };
        serde_json::from_str(event).unwrap()
    }

    /// Whether the service decodes the path before the function sees it.
    pub(crate) fn decodes_path(self) -> bool {
        matches!(
            self,
            Self::HttpApi | Self::HttpApiNamedStage | Self::HttpApiCustomDomain
        )
    }

    /// What the client's URL has before the path that the call names.
    pub(crate) fn base_path(self) -> String {
        match self {
            Self::HttpApiNamedStage | Self::RestApi => format!("/{STAGE}"),
            _ => String::new(),
        }
    }

    /// The event that the service makes of a call.
    pub(crate) fn event(self, call: &Call) -> Value {
        let mut event = self.recorded();
        self.set_path(&mut event, call);
        self.set_query(&mut event, call.query.as_deref());
        self.set_headers(&mut event, call);
        event["isBase64Encoded"] = matches!(call.payload, Payload::Binary(_)).into();
        match (&call.payload, self) {
            (Payload::Text(text), _) => event["body"] = text.as_str().into(),
            (Payload::Binary(bytes), _) => event["body"] = BASE64_STANDARD.encode(bytes).into(),
            (Payload::None, Self::RestApi) => event["body"] = Value::Null,
            (Payload::None, Self::Alb | Self::AlbMultiValue) => event["body"] = "".into(),
            (Payload::None, _) => {
                event.as_object_mut().unwrap().remove("body");
            }
        }
        event
    }

    fn set_path(self, event: &mut Value, call: &Call) {
        let path = if self.decodes_path() {
            let decoded = percent_decode_str(&call.path).decode_utf8();
            decoded
                .expect("an HTTP API has no event for such a path")
                .into_owned()
        } else {
            call.path.clone()
        };
        let proxy = path.trim_start_matches('/').to_owned();
        let method = call.method.as_str();
        match self {
            Self::FunctionUrl | Self::HttpApi | Self::HttpApiCustomDomain => {
                event["requestContext"]["http"]["method"] = method.into();
                event["requestContext"]["http"]["path"] = path.as_str().into();
                event["rawPath"] = path.into();
            }
            Self::HttpApiNamedStage => {
                let staged = self.base_path() + &path;
                event["requestContext"]["http"]["method"] = method.into();
                event["requestContext"]["http"]["path"] = staged.as_str().into();
                event["rawPath"] = staged.into();
                event["pathParameters"]["proxy"] = proxy.into();
            }
            Self::RestApi => {
                event["httpMethod"] = method.into();
                event["requestContext"]["httpMethod"] = method.into();
                event["requestContext"]["path"] = (self.base_path() + &path).into();
                event["path"] = path.into();
                event["pathParameters"]["proxy"] = proxy.into();
            }
            Self::Alb | Self::AlbMultiValue => {
                event["httpMethod"] = method.into();
                event["path"] = path.into();
            }
        }
    }

    fn set_query(self, event: &mut Value, query: Option<&str>) {
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|p| !p.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs: Vec<(String, String)> = match self {
            // A load balancer passes the query on as it came.
            Self::Alb | Self::AlbMultiValue => {
                pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
            }
            _ => pairs.map(|(k, v)| (decoded(k), decoded(v))).collect(),
        };
        let empty = pairs.is_empty();
        match self {
            Self::FunctionUrl
            | Self::HttpApi
            | Self::HttpApiNamedStage
            | Self::HttpApiCustomDomain => {
                event["rawQueryString"] = query.unwrap_or_default().into();
                event["queryStringParameters"] = joined(&pairs);
                if empty {
                    event
                        .as_object_mut()
                        .unwrap()
                        .remove("queryStringParameters");
                }
            }
            Self::RestApi => {
                let or_null = |value| if empty { Value::Null } else { value };
                event["queryStringParameters"] = or_null(last(&pairs));
                event["multiValueQueryStringParameters"] = or_null(all(&pairs));
            }
            Self::Alb => event["queryStringParameters"] = last(&pairs),
            Self::AlbMultiValue => event["multiValueQueryStringParameters"] = all(&pairs),
        }
    }

    fn set_headers(self, event: &mut Value, call: &Call) {
        let own = match self {
            Self::AlbMultiValue => &event["multiValueHeaders"],
            _ => &event["headers"],
        };
        let mut headers: Vec<(String, String)> = own
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| {
                !["content-type", "content-length", "cookie"]
                    .contains(&name.to_ascii_lowercase().as_str())
            })
            .map(|(name, value)| {
                let value = value.get(0).unwrap_or(value);
                (name.clone(), value.as_str().unwrap().to_owned())
            })
            .collect();
        if let Some(length) = call.payload.length() {
            headers.push(("content-length".to_owned(), length.to_string()));
        }
        headers.extend(call.headers.iter().cloned());
        match self {
            Self::RestApi => {
                // A REST API keeps the spelling of names, and clients differ in it.
                for (name, _) in &mut headers {
                    *name = title_case(name);
                }
                event["headers"] = last(&headers);
                event["multiValueHeaders"] = all(&headers);
            }
            Self::AlbMultiValue => event["multiValueHeaders"] = all(&headers),
            Self::Alb => event["headers"] = last(&headers),
            _ => event["headers"] = joined(&headers),
        }
    }
}

/// `{name: value}`, the last value of each.
fn last(pairs: &[(String, String)]) -> Value {
    let pairs = pairs.iter().cloned();
    Value::Object(pairs.map(|(name, value)| (name, value.into())).collect())
}

/// `{name: "value,value"}`.
fn joined(pairs: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        let value = match map.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.clone(),
        };
        map.insert(name.clone(), value.into());
    }
    Value::Object(map)
}

/// `{name: [value, value]}`.
fn all(pairs: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        let values = map.entry(name.clone()).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(value.as_str().into());
    }
    Value::Object(map)
}

/// `content-type` as `Content-Type`.
fn title_case(name: &str) -> String {
    let mut start = true;
    let cased = name.chars().map(|c| {
        let cased = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        cased
    });
    cased.collect()
}

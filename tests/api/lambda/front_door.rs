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
    /// With IAM's authorisation, which `CloudFront`'s origin access control needs.
    FunctionUrlCloudFront,
    CargoLambdaWatch,
    HttpApi,
    HttpApiNamedStage,
    HttpApiCustomDomain,
    /// A custom domain whose events have the stage all the same, as many report that they do.
    HttpApiCustomDomainStage,
    HttpApiPayload1,
    HttpApiPayload1NamedStage,
    RestApi,
    /// A custom domain whose path `/v1` is mapped to the API.
    RestApiBasePathMapping,
    /// The function is at `/api/{proxy+}`.
    RestApiPrefix,
    Alb,
    AlbMultiValue,
}

impl FrontDoor {
    pub(crate) const ALL: [Self; 14] = [
        Self::FunctionUrl,
        Self::FunctionUrlCloudFront,
        Self::CargoLambdaWatch,
        Self::HttpApi,
        Self::HttpApiNamedStage,
        Self::HttpApiCustomDomain,
        Self::HttpApiCustomDomainStage,
        Self::HttpApiPayload1,
        Self::HttpApiPayload1NamedStage,
        Self::RestApi,
        Self::RestApiBasePathMapping,
        Self::RestApiPrefix,
        Self::Alb,
        Self::AlbMultiValue,
    ];

    /// The recorded event: `POST /modulo1/sala90?lang=pt&lang=en&note=a%20b%26c`.
    pub(crate) fn recorded(self) -> Value {
        let event = match self {
            Self::FunctionUrl => include_str!("../events/function_url.json"),
            Self::FunctionUrlCloudFront => include_str!("../events/function_url_cloudfront.json"),
            Self::CargoLambdaWatch => include_str!("../events/cargo_lambda_watch.json"),
            Self::HttpApi => include_str!("../events/http_api.json"),
            Self::HttpApiNamedStage => include_str!("../events/http_api_named_stage.json"),
            Self::HttpApiCustomDomain => include_str!("../events/http_api_custom_domain.json"),
            Self::HttpApiCustomDomainStage => {
                include_str!("../events/http_api_custom_domain_stage.json")
            }
            Self::HttpApiPayload1 => include_str!("../events/http_api_payload_1.json"),
            Self::HttpApiPayload1NamedStage => {
                include_str!("../events/http_api_payload_1_named_stage.json")
            }
            Self::RestApi => include_str!("../events/rest_api.json"),
            Self::RestApiBasePathMapping => {
                include_str!("../events/rest_api_base_path_mapping.json")
            }
            Self::RestApiPrefix => include_str!("../events/rest_api_prefix.json"),
            Self::Alb => include_str!("../events/alb.json"),
            Self::AlbMultiValue => include_str!("../events/alb_multi_value.json"),
        };
        serde_json::from_str(event).unwrap()
    }

    /// Whether the service decodes the path before the function sees it.
    pub(crate) fn decodes_path(self) -> bool {
        matches!(
            self,
            Self::HttpApi
                | Self::HttpApiNamedStage
                | Self::HttpApiCustomDomain
                | Self::HttpApiCustomDomainStage
                | Self::HttpApiPayload1
                | Self::HttpApiPayload1NamedStage
        )
    }

    pub(crate) fn is_load_balancer(self) -> bool {
        matches!(self, Self::Alb | Self::AlbMultiValue)
    }

    /// Whether events and answers have the shape of a REST API's.
    pub(crate) fn is_payload_1(self) -> bool {
        self.is_rest_api()
            || matches!(
                self,
                Self::HttpApiPayload1 | Self::HttpApiPayload1NamedStage
            )
    }

    /// How long an answer may be, in bytes of JSON.
    pub(crate) fn answer_limit(self) -> usize {
        if self.is_load_balancer() {
            1_000_000
        } else {
            6 * 1_024 * 1_024
        }
    }

    fn is_rest_api(self) -> bool {
        matches!(
            self,
            Self::RestApi | Self::RestApiBasePathMapping | Self::RestApiPrefix
        )
    }

    /// Whether the service makes an event of a request to this path: `ANY /{proxy+}` matches no
    /// empty one.
    pub(crate) fn reaches(self, path: &str) -> bool {
        self != Self::HttpApiCustomDomainStage || !path.trim_matches('/').is_empty()
    }

    /// What the client's URL has before the path that the call names.
    pub(crate) fn base_path(self) -> String {
        match self {
            Self::HttpApiNamedStage | Self::HttpApiPayload1NamedStage | Self::RestApi => {
                format!("/{STAGE}")
            }
            Self::RestApiBasePathMapping => "/v1".to_owned(),
            Self::RestApiPrefix => format!("/{STAGE}/api"),
            _ => String::new(),
        }
    }

    /// What the event's path has before the path that the call names.
    fn prefix(self) -> String {
        match self {
            Self::HttpApiNamedStage
            | Self::HttpApiPayload1NamedStage
            | Self::HttpApiCustomDomainStage => format!("/{STAGE}"),
            Self::RestApiBasePathMapping => "/v1".to_owned(),
            Self::RestApiPrefix => "/api".to_owned(),
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
            (Payload::None, _) if self.is_payload_1() => event["body"] = Value::Null,
            (Payload::None, _) if self.is_load_balancer() => event["body"] = "".into(),
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
        let whole = self.prefix() + &path;
        if event["pathParameters"].is_object() {
            event["pathParameters"]["proxy"] = proxy.into();
        }
        if self.is_payload_1() || self.is_load_balancer() {
            event["httpMethod"] = method.into();
            event["path"] = whole.as_str().into();
        }
        if self.is_payload_1() {
            event["requestContext"]["httpMethod"] = method.into();
            event["requestContext"]["path"] = match self {
                Self::RestApi | Self::RestApiPrefix => format!("/{STAGE}{whole}").into(),
                _ => whole.into(),
            };
        } else if !self.is_load_balancer() {
            event["requestContext"]["http"]["method"] = method.into();
            event["requestContext"]["http"]["path"] = whole.as_str().into();
            event["rawPath"] = whole.into();
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
            _ if self.is_payload_1() => {
                let or_null = |value| if empty { Value::Null } else { value };
                event["queryStringParameters"] = or_null(last(&pairs));
                event["multiValueQueryStringParameters"] = or_null(all(&pairs));
            }
            Self::Alb => event["queryStringParameters"] = last(&pairs),
            Self::AlbMultiValue => event["multiValueQueryStringParameters"] = all(&pairs),
            _ => {
                event["rawQueryString"] = query.unwrap_or_default().into();
                event["queryStringParameters"] = joined(&pairs);
                if empty {
                    event
                        .as_object_mut()
                        .unwrap()
                        .remove("queryStringParameters");
                }
            }
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
            _ if self.is_payload_1() => {
                // A REST API keeps the spelling of names, and clients differ in it.
                if self.is_rest_api() {
                    for (name, _) in &mut headers {
                        *name = title_case(name);
                    }
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

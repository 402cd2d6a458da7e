//! What each kind of event is, and what it says of the client's URL, before `lambda_http` reads it.
//!
//! `lambda_http` tries one kind after another, and does not tell a REST API's event from an HTTP
//! API's of payload 1.0. It makes a URL of the event's parts, which normalises the path, may put the
//! stage into it, and panics on a host or a query that it can't make a URL of. A client can send
//! such, so nothing is left to it.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::de::{DeserializeOwned, Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::access::rate_limit::ClientAddress;
use crate::api::answer_limit::AnswerLimit;
use crate::module::Modules;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

const NO_RECORDS: &str = "the event has messages of a queue, a topic, a stream or a bucket, which \
    this function does not take";
const UNREADABLE: &str = "the event has a `requestContext`, but is not a request of a function \
    URL, an HTTP API, a REST API or a load balancer";

/// What can't stand in a URI's query, whether or not it is still percent-encoded.
const ILLEGAL_IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
/// What can't stand in a URI's path, whether or not it is still percent-encoded.
const ILLEGAL: &AsciiSet = &ILLEGAL_IN_QUERY
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What has to be encoded in a path that was decoded on its way.
const DECODED: &AsciiSet = &ILLEGAL.add(b'%');

/// What Lambda invokes the function with: a request, or what has nothing to do with HTTP, such as a
/// schedule, or the ping of a plug-in that keeps functions warm.
#[derive(Debug)]
pub struct Event(pub(super) Option<HttpEvent>);

/// A request that a front door made an event of.
#[derive(Debug)]
pub(super) struct HttpEvent {
    pub(super) request: LambdaRequest,
    /// Which kind of API it is of, where that cannot be seen by the request's type.
    api: Api,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Http,
    Rest,
}

/// The members by which events are distinguished.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(rename = "httpMethod")]
    http_method: Option<IgnoredAny>,
    #[serde(rename = "requestContext")]
    context: Option<ContextProbe>,
    #[serde(rename = "Records", alias = "records")]
    records: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ContextProbe {
    http: Option<IgnoredAny>,
    elb: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let Ok(probe) = serde_json::from_str::<Probe<'_>>(text) else {
            return Ok(Self(None));
        };
        let is_http_api = match probe.version {
            Some(version) => version.get() == r#""1.0""#,
            None => false,
        };
        let (request, api) = match probe.context {
            // To answer is to say that they are done, and then they are gone.
            None if probe.records.is_some() => return Err(D::Error::custom(NO_RECORDS)),
            None => return Ok(Self(None)),
            Some(context) if context.http.is_some() => {
                (read(text).map(LambdaRequest::ApiGatewayV2), Api::Http)
            }
            Some(context) if context.elb.is_some() => {
                (read(text).map(LambdaRequest::Alb), Api::Rest)
            }
            Some(_) if is_http_api => (read(text).map(LambdaRequest::ApiGatewayV1), Api::Http),
            Some(_) if probe.http_method.is_some() => {
                (read(text).map(LambdaRequest::ApiGatewayV1), Api::Rest)
            }
            Some(_) => (None, Api::Rest),
        };
        // What `serde_json` says of it may quote what the client sent.
        let request = request.ok_or_else(|| D::Error::custom(UNREADABLE))?;
        Ok(Self(Some(HttpEvent { request, api })))
    }
}

/// A member that is null is as good as absent, which not all of the event types know.
fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let read = serde_json::from_str(text);
    read.ok().or_else(|| {
        let mut event = serde_json::from_str(text).ok()?;
        drop_nulls(&mut event);
        serde_json::from_str(&event.to_string()).ok()
    })
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}

/// What the front door tells of the client's URL, and what it takes for an answer.
#[derive(Debug)]
pub(super) struct Edge {
    /// Path and query, the path percent-encoded once, from where the API's own paths begin.
    pub(super) target: PathAndQuery,
    /// What the client's URL has before that path, as far as the event tells.
    pub(super) base_path: String,
    /// The host that the client asked.
    pub(super) host: Option<HeaderValue>,
    /// The address that the front door saw, if it tells.
    pub(super) client: Option<ClientAddress>,
    /// How long the answer can be.
    pub(super) answer_limit: AnswerLimit,
}

/// Takes it out of the event.
pub(super) fn take_edge(event: &mut HttpEvent, modules: &Modules) -> Edge {
    let api = event.api;
    match &mut event.request {
        LambdaRequest::ApiGatewayV2(event) => {
            let context = &mut event.request_context;
            let path = event.raw_path.take().unwrap_or_default();
            let query = event.raw_query_string.take().unwrap_or_default();
            let host = event.headers.remove(HOST);
            let client = address(context.http.source_ip.as_deref());
            let domain = context.domain_name.take().unwrap_or_default();
            // A function URL has the path as it was sent. So has `cargo lambda watch`, whose event
            // is that of an HTTP API without an id.
            if domain.contains(".lambda-url.") || context.apiid.is_none() {
                return Edge {
                    target: target(utf8_percent_encode(&path, ILLEGAL), &query),
                    base_path: String::new(),
                    host,
                    client,
                    answer_limit: AnswerLimit::Lambda,
                };
            }
            let route = event.route_key.as_deref().unwrap_or_default();
            let split = Front {
                api,
                domain: &domain,
                stage: context.stage.as_deref(),
                route: route.split_once(' ').map_or(route, |(_, route)| route),
                parameters: &event.path_parameters,
            }
            .split(&path, modules);
            Edge {
                target: target(utf8_percent_encode(split.path, DECODED), &query),
                base_path: split.base_path,
                host,
                client,
                answer_limit: AnswerLimit::Lambda,
            }
        }
        LambdaRequest::ApiGatewayV1(event) => {
            let context = &mut event.request_context;
            let path = event.path.take().unwrap_or_default();
            let query = either(
                &mut event.multi_value_query_string_parameters,
                &mut event.query_string_parameters,
            );
            let split = Front {
                api,
                domain: context.domain_name.as_deref().unwrap_or_default(),
                stage: context.stage.as_deref(),
                route: event.resource.as_deref().unwrap_or_default(),
                parameters: &event.path_parameters,
            }
            .split(&path, modules);
            // A REST API has the path as it was sent, an HTTP API has it decoded.
            let escaped = match api {
                Api::Http => DECODED,
                Api::Rest => ILLEGAL,
            };
            let path = utf8_percent_encode(split.path, escaped);
            let host = event.headers.remove(HOST);
            keep_repeated(&mut event.headers, &event.multi_value_headers);
            let edge = Edge {
                target: target(path, &query.to_query_string()),
                base_path: split.base_path,
                host,
                client: address(context.identity.source_ip.as_deref()),
                answer_limit: AnswerLimit::Lambda,
            };
            // `lambda_http` takes it for the host where there is no header.
            context.domain_name = None;
            edge
        }
        LambdaRequest::Alb(event) => {
            let path = event.path.take().unwrap_or_default();
            let query = either(
                &mut event.multi_value_query_string_parameters,
                &mut event.query_string_parameters,
            );
            let client =
                forwarded(&event.headers).or_else(|| forwarded(&event.multi_value_headers));
            let host = event.headers.remove(HOST);
            keep_repeated(&mut event.headers, &event.multi_value_headers);
            Edge {
                target: target(utf8_percent_encode(&path, ILLEGAL), &as_sent(&query)),
                base_path: String::new(),
                host,
                client,
                answer_limit: AnswerLimit::LoadBalancer,
            }
        }
        // No kind that this crate's features let `lambda_http` read.
        _ => Edge {
            target: PathAndQuery::from_static("/"),
            base_path: String::new(),
            host: None,
            client: None,
            answer_limit: AnswerLimit::Lambda,
        },
    }
}

/// What an API of API Gateway tells of the beginning of a path.
struct Front<'e> {
    api: Api,
    domain: &'e str,
    stage: Option<&'e str>,
    /// The route or resource that the path matched, such as `/api/{proxy+}`.
    route: &'e str,
    /// The values of what stands in braces there.
    parameters: &'e HashMap<String, String>,
}

/// A path in two.
struct Split<'p> {
    /// What the client's URL has before it.
    base_path: String,
    path: &'p str,
}

impl Front<'_> {
    /// Finds where the API's own paths begin: after the stage, after what a custom domain maps to
    /// the API, and after what the route has before its greedy parameter.
    fn split<'p>(&self, path: &'p str, modules: &Modules) -> Split<'p> {
        let is_own_domain = self.domain.contains(".execute-api.");
        let stage = self.stage.filter(|&stage| stage != "$default");
        let in_route = self.greedy(path, modules);
        let begin = in_route.unwrap_or_else(|| {
            // On its own domain a REST API leaves the stage out, and an HTTP API always has it. On
            // a custom one both are seen, and a module may be meant.
            let is_stage = |stage: &&str| match (self.api, is_own_domain) {
                (Api::Rest, true) => false,
                (Api::Http, true) => true,
                (_, false) => modules.find(stage).is_none(),
            };
            let stage = stage.filter(is_stage);
            stage.map_or(0, |stage| path.len() - without(stage, path).len())
        });
        let (base, rest) = path.split_at(begin);
        let base_path = match (self.api, stage) {
            (Api::Rest, Some(stage)) if is_own_domain => format!("/{stage}{base}"),
            // Whoever asks a custom domain of an HTTP API does not write the stage.
            (Api::Http, Some(stage)) if !is_own_domain => without(stage, base).to_owned(),
            _ => base.to_owned(),
        };
        Split {
            base_path,
            path: if rest.is_empty() { "/" } else { rest },
        }
    }

    /// Where in the path the route's greedy parameter begins, or the first module before it: with
    /// the route `/modulo1/{id+}` the parameter is an id.
    fn greedy(&self, path: &str, modules: &Modules) -> Option<usize> {
        let (literal, name) = self.route.strip_suffix("+}")?.rsplit_once("/{")?;
        let begin = begin_of(self.parameters.get(name)?, path)?;
        // An empty segment is none of a prefix.
        let mut begin = path[..begin].trim_end_matches('/').len();
        let is_own = |name: &str| name.starts_with('_') || modules.find(name).is_some();
        let segments = literal.split('/').skip(1);
        for _ in segments.skip_while(|segment| !is_own(segment)) {
            begin = path[..begin].rfind('/')?;
        }
        Some(begin)
    }
}

/// Where in `path` the `/` is after which it ends with `value`, of which it is not known whether it
/// was decoded.
fn begin_of(value: &str, path: &str) -> Option<usize> {
    let (value, trimmed) = (value.trim_matches('/'), path.trim_end_matches('/'));
    let ends_with = |value: &str| trimmed.strip_suffix(value)?.strip_suffix('/').map(str::len);
    ends_with(value)
        .or_else(|| ends_with(&percent_decode_str(value).decode_utf8().ok()?))
        .or_else(|| {
            // No mapping and no route is deeper, and each is a comparison of the whole.
            let slashes = trimmed.match_indices('/').map(|(at, _)| at).take(16);
            let is_value = |at: &usize| percent_decode_str(&trimmed[at + 1..]).eq(value.bytes());
            slashes.into_iter().find(is_value)
        })
}

/// An address, which may have a port after it and, if it is one of IPv6, brackets around it.
fn address(text: Option<&str>) -> Option<ClientAddress> {
    let text = text?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(ClientAddress)
}

/// Takes out of `last`, which has the last value of each header, those of which `all` has all
/// values: `lambda_http` has the former win, so that of two credentials one would be overlooked.
fn keep_repeated(last: &mut HeaderMap, all: &HeaderMap) {
    for name in all.keys() {
        last.remove(name);
    }
}

/// A load balancer adds the address that it saw to what the client sent.
fn forwarded(headers: &HeaderMap) -> Option<ClientAddress> {
    let last = headers.get_all(X_FORWARDED_FOR).iter().next_back()?;
    address(last.to_str().ok()?.rsplit(',').next())
}

/// The path without the stage, if it begins with it.
fn without<'p>(stage: &str, path: &'p str) -> &'p str {
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .unwrap_or(path)
}

/// The values of repeated parameters where the event has them, else the last ones.
fn either(all: &mut QueryMap, last: &mut QueryMap) -> QueryMap {
    let (all, last) = (std::mem::take(all), std::mem::take(last));
    if all.is_empty() { last } else { all }
}

/// A load balancer leaves the query's parts percent-encoded.
fn as_sent(query: &QueryMap) -> String {
    let mut text = String::new();
    for (name, value) in query.iter() {
        let separator = if text.is_empty() { "" } else { "&" };
        let _ = write!(text, "{separator}{name}={value}");
    }
    text
}

/// A path that can't be one leads nowhere, as `/` does.
fn target(path: impl Display, query: &str) -> PathAndQuery {
    let separator = if query.is_empty() { "" } else { "?" };
    let query = utf8_percent_encode(query, ILLEGAL_IN_QUERY);
    format!("{path}{separator}{query}")
        .parse()
        .ok()
        .filter(|target: &PathAndQuery| target.path().starts_with('/'))
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
}

//! What each kind of event is, and the request that it says a client has sent.
//!
//! Nothing is left to a library: `lambda_http` makes a URL of the event's parts, which normalises the
//! path, may put the stage into it, and panics on a host or a query that it can't make a URL of. A
//! client can send such. It also reads an event once for each kind.

use std::fmt::{Display, Write};
use std::mem::take;
use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::sent::{Context, Headers, Identity, Pairs, Sent};
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
    pub(super) kind: Kind,
    sent: Sent,
}

/// How an event says its request, and how it wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Payload 2.0: of a function URL, or of an HTTP API.
    Payload2,
    /// Payload 1.0 of an HTTP API.
    Payload1,
    /// Of a REST API.
    Rest,
    LoadBalancer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Http,
    Rest,
}

/// The members by which an event that can't be read is distinguished.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "requestContext")]
    context: Option<ContextProbe>,
    #[serde(rename = "Records", alias = "records")]
    records: Option<IgnoredAny>,
}

/// What is not an object is no request's.
#[derive(Deserialize)]
struct ContextProbe {}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The runtime's own reader notes the path of each member, for its error.
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if let Ok(sent) = serde_json::from_str::<Sent>(text)
            && let Some(kind) = Kind::of(&sent)
        {
            return Ok(Self(Some(HttpEvent { kind, sent })));
        }
        match serde_json::from_str(text) {
            // What `serde_json` says of it may quote what the client sent.
            Ok(Probe {
                context: Some(_), ..
            }) => Err(D::Error::custom(UNREADABLE)),
            // To answer is to say that they are done, and then they are gone.
            Ok(Probe {
                records: Some(_), ..
            }) => Err(D::Error::custom(NO_RECORDS)),
            _ => Ok(Self(None)),
        }
    }
}

impl Kind {
    /// That of a request's event, which says its method.
    fn of(sent: &Sent) -> Option<Self> {
        let context = sent.request_context.as_ref()?;
        if let Some(http) = &context.http {
            http.method.as_ref()?;
            return Some(Self::Payload2);
        }
        sent.http_method.as_ref()?;
        Some(if context.elb.is_some() {
            Self::LoadBalancer
        } else if sent.version.as_deref() == Some("1.0") {
            Self::Payload1
        } else {
            Self::Rest
        })
    }
}

/// The request of an event.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Path and query, the path percent-encoded once, from where the API's own paths begin.
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// What the client's URL has before that path, as far as the event tells.
    pub(super) base_path: String,
    /// The address that the front door saw, if it tells.
    pub(super) client: Option<ClientAddress>,
    /// How long the answer can be.
    pub(super) answer_limit: AnswerLimit,
}

/// An event whose body is not what it says.
#[derive(Debug, thiserror::Error)]
#[error("the event says that its body is Base64, which it is not")]
pub(super) struct InvalidBase64;

impl HttpEvent {
    /// What the client has asked for.
    pub(super) fn asked(self, modules: &Modules) -> Result<Asked, InvalidBase64> {
        let Self { kind, mut sent } = self;
        let body = match sent.body.take() {
            None => Body::empty(),
            Some(text) if sent.is_base64_encoded == Some(true) => {
                Body::from(STANDARD.decode(text).map_err(|_| InvalidBase64)?)
            }
            Some(text) => Body::from(text),
        };
        Ok(match kind {
            Kind::Payload2 => of_payload_2(sent, body, modules),
            Kind::Payload1 => of_payload_1(sent, body, Api::Http, modules),
            Kind::Rest => of_payload_1(sent, body, Api::Rest, modules),
            Kind::LoadBalancer => of_load_balancer(sent, body),
        })
    }
}

fn of_payload_2(mut sent: Sent, body: Body, modules: &Modules) -> Asked {
    let context = sent.request_context.take().unwrap_or_default();
    let path = sent.raw_path.take().unwrap_or_default();
    let query = sent.raw_query_string.take().unwrap_or_default();
    let domain = context.domain_name.unwrap_or_default();
    let http = context.http;
    let client = http
        .as_ref()
        .and_then(|http| address(http.source_ip.as_deref()));
    // A function URL has the path as it was sent. So has `cargo lambda watch`, whose event is that of
    // an HTTP API without an id.
    let (target, base_path) = if domain.contains(".lambda-url.") || context.api_id.is_none() {
        let target = target(utf8_percent_encode(&path, ILLEGAL), &query);
        (target, String::new())
    } else {
        let route = sent.route_key.as_deref().unwrap_or_default();
        let split = Front {
            api: Api::Http,
            domain: &domain,
            stage: context.stage.as_deref(),
            route: route.split_once(' ').map_or(route, |(_, route)| route),
            parameters: sent.path_parameters.as_ref(),
        }
        .split(&path, modules);
        let target = target(utf8_percent_encode(split.path, DECODED), &query);
        (target, split.base_path)
    };
    Asked {
        method: http.and_then(|http| http.method).unwrap_or_default(),
        target,
        headers: taken(&mut sent.headers),
        body,
        base_path,
        client,
        answer_limit: AnswerLimit::Lambda,
    }
}

fn of_payload_1(mut sent: Sent, body: Body, api: Api, modules: &Modules) -> Asked {
    let context = sent.request_context.take().unwrap_or_default();
    let Context {
        domain_name,
        stage,
        identity,
        ..
    } = context;
    let path = sent.path.take().unwrap_or_default();
    let query = query_of(&mut sent);
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query.0);
    let split = Front {
        api,
        domain: domain_name.as_deref().unwrap_or_default(),
        stage: stage.as_deref(),
        route: sent.resource.as_deref().unwrap_or_default(),
        parameters: sent.path_parameters.as_ref(),
    }
    .split(&path, modules);
    // A REST API has the path as it was sent, an HTTP API has it decoded.
    let escaped = match api {
        Api::Http => DECODED,
        Api::Rest => ILLEGAL,
    };
    let path = utf8_percent_encode(split.path, escaped);
    let Identity { source_ip } = identity.unwrap_or_default();
    Asked {
        method: sent.http_method.take().unwrap_or_default(),
        target: target(path, &encoded.finish()),
        headers: headers_of(&mut sent),
        body,
        base_path: split.base_path,
        client: address(source_ip.as_deref()),
        answer_limit: AnswerLimit::Lambda,
    }
}

fn of_load_balancer(mut sent: Sent, body: Body) -> Asked {
    let path = sent.path.take().unwrap_or_default();
    let query = query_of(&mut sent);
    let headers = headers_of(&mut sent);
    Asked {
        method: sent.http_method.take().unwrap_or_default(),
        target: target(utf8_percent_encode(&path, ILLEGAL), &as_sent(&query)),
        client: forwarded(&headers),
        headers,
        body,
        base_path: String::new(),
        answer_limit: AnswerLimit::LoadBalancer,
    }
}

fn taken(headers: &mut Option<Headers>) -> HeaderMap {
    let Headers(headers) = headers.take().unwrap_or_default();
    headers
}

/// All values of each header where the event has them, else the last one: of two credentials none is
/// to be overlooked.
fn headers_of(sent: &mut Sent) -> HeaderMap {
    let mut all = taken(&mut sent.multi_value_headers);
    let mut last = taken(&mut sent.headers);
    for name in all.keys() {
        last.remove(name);
    }
    if all.is_empty() {
        return last;
    }
    all.extend(last);
    all
}

/// The values of repeated parameters where the event has them, else the last ones.
fn query_of(sent: &mut Sent) -> Pairs {
    let all = sent.multi_value_query_string_parameters.take();
    let all = all.filter(|all| !all.0.is_empty());
    let last = take(&mut sent.query_string_parameters);
    all.or(last).unwrap_or_default()
}

/// What an API of API Gateway tells of the beginning of a path.
struct Front<'e> {
    api: Api,
    domain: &'e str,
    stage: Option<&'e str>,
    /// The route or resource that the path matched, such as `/api/{proxy+}`.
    route: &'e str,
    /// The values of what stands in braces there.
    parameters: Option<&'e Pairs>,
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
        let begin = begin_of(self.parameters?.get(name)?, path)?;
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

/// A load balancer leaves the query's parts percent-encoded.
fn as_sent(query: &Pairs) -> String {
    let mut text = String::new();
    for (name, value) in &query.0 {
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

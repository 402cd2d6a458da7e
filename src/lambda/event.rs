//! What each kind of event says of the client's URL, before `lambda_http` reads it.
//!
//! `lambda_http` makes a URL of the event's parts, which normalises the path, may put the stage
//! into it, and panics on a host or a query that it can't make a URL of. A client can send such, so
//! nothing is left to it.

use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::rate_limit::ClientAddress;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

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

/// What the front door tells of the client's URL.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// Path and query, the path percent-encoded once and without the stage.
    pub(super) target: PathAndQuery,
    /// What the client's URL has before that path: nothing, or `/` and the stage.
    pub(super) base_path: String,
    /// The host that the client asked.
    pub(super) host: Option<HeaderValue>,
    /// The address that the front door saw, if it tells.
    pub(super) client: Option<ClientAddress>,
}

/// Takes it out of the event.
pub(super) fn take_edge(event: &mut LambdaRequest) -> Edge {
    match event {
        LambdaRequest::ApiGatewayV2(event) => {
            let context = &mut event.request_context;
            let domain = context.domain_name.take().unwrap_or_default();
            let base_path = base_path(&domain, context.stage.as_deref());
            let path = event.raw_path.take().unwrap_or_default();
            // A function URL has the path as it was sent, an HTTP API has it decoded.
            let path = if domain.contains(".lambda-url.") {
                utf8_percent_encode(&path, ILLEGAL)
            } else {
                utf8_percent_encode(without(&base_path, &path), DECODED)
            };
            let query = event.raw_query_string.take().unwrap_or_default();
            Edge {
                target: target(path, &query),
                base_path,
                host: event.headers.remove(HOST),
                client: address(context.http.source_ip.as_deref()),
            }
        }
        // The others have the path as it was sent, and never with a stage.
        LambdaRequest::ApiGatewayV1(event) => {
            let context = &mut event.request_context;
            let domain = context.domain_name.take().unwrap_or_default();
            let path = event.path.take().unwrap_or_default();
            let query = either(
                &mut event.multi_value_query_string_parameters,
                &mut event.query_string_parameters,
            );
            let host = event.headers.remove(HOST);
            keep_repeated(&mut event.headers, &event.multi_value_headers);
            Edge {
                target: target(
                    utf8_percent_encode(&path, ILLEGAL),
                    &query.to_query_string(),
                ),
                base_path: base_path(&domain, context.stage.as_deref()),
                host,
                client: address(context.identity.source_ip.as_deref()),
            }
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
            }
        }
        // No kind that this crate's features let `lambda_http` read.
        _ => Edge {
            target: PathAndQuery::from_static("/"),
            base_path: String::new(),
            host: None,
            client: None,
        },
    }
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

/// On a domain of its own an API's stage is no part of the path.
fn base_path(domain: &str, stage: Option<&str>) -> String {
    match stage {
        Some(stage) if stage != "$default" && domain.contains(".execute-api.") => {
            format!("/{stage}")
        }
        _ => String::new(),
    }
}

fn without<'p>(base_path: &str, path: &'p str) -> &'p str {
    match path.strip_prefix(base_path) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
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

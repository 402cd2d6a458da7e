//! Who may use the console: its own page, and programs of this machine.
//!
//! Its port is open to every page of every browser on this machine, and what it passes on reaches an
//! API that may be private.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal;
use crate::api::envelope;
use crate::console;
use crate::edge::serve::{Hosts, check_host};
use crate::module::Envelope;

/// The names by which the console may be asked.
pub(super) struct Gate(Hosts);

impl Gate {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(Hosts::new(address, &[]))
    }
}

/// Refuses a `Host` that is not this machine's own, and what a browser sends for another page.
pub(super) async fn check(gate: Arc<Gate>, request: Request, next: Next) -> Response {
    if let Err(error) = check_host(&request, &gate.0) {
        return envelope::rendered(error.into_response(), Envelope::Verb);
    }
    if !is_link_to_the_page(&request) && is_of_another_page(request.headers()) {
        return refusal(
            StatusCode::FORBIDDEN,
            "A page of another origin sent this request: only the console's own page may",
        );
    }
    next.run(request).await
}

/// A link from elsewhere may lead to the page, which has no data in it and can't be framed.
fn is_link_to_the_page(request: &Request) -> bool {
    let path = request.uri().path().trim_end_matches('/');
    let is_navigation = request
        .headers()
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    request.method() == Method::GET && is_navigation && (path.is_empty() || path == console::PATH)
}

fn is_of_another_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    let is_of_another_site = site.is_some_and(|site| site != "same-origin" && site != "none");
    let own = headers
        .get(HOST)
        .map(|host| [b"http://", host.as_bytes()].concat());
    let mut origins = headers.get_all(ORIGIN).iter();
    let has_another_origin = origins.any(|origin| own.as_deref() != Some(origin.as_bytes()));
    is_of_another_site || has_another_origin
}

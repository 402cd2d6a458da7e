//! The names by which the server may be asked.
//!
//! A web page can make its own name resolve to this machine's address ("DNS rebinding"). Its
//! requests are then of the page's own origin, and it may read the answers. But they bear its name
//! in `Host`: a server that answers by its own names only is safe. An address can't be made to
//! resolve to another, so where other machines may ask, they may ask by any address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::Request;
use axum::http::header::{HOST, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Version};

use crate::api::error::ApiError;

/// A name of the server, as `--host` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// `*`: whatever a client says.
    Any,
    /// A name, in lower case.
    Name(String),
}

/// Why a text is not a valid name of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid host name; write it without scheme, port and path, as in api.example.com")]
pub struct InvalidHostName;

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let authority: Authority = text.parse().map_err(|_| InvalidHostName)?;
        // Neither a port nor a user's name.
        if authority.host() != text || text.contains('*') {
            return Err(InvalidHostName);
        }
        Ok(Self::Name(without_dot(text).to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::Name(name) => name,
        })
    }
}

/// The names that a server answers to.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Vec<String>,
    takes_any: bool,
    takes_addresses: bool,
}

impl Hosts {
    /// This machine's own names and `names`; and all addresses, where `listening` is one that
    /// other machines can reach.
    #[must_use]
    pub fn new(listening: SocketAddr, names: &[HostName]) -> Self {
        let given = names.iter().filter_map(|name| match name {
            HostName::Any => None,
            HostName::Name(name) => Some(name.clone()),
        });
        Self {
            names: given.collect(),
            takes_any: names.contains(&HostName::Any),
            takes_addresses: !listening.ip().is_loopback(),
        }
    }

    fn has(&self, host: &str) -> bool {
        let host = without_dot(host);
        let is_named = || {
            self.names
                .iter()
                .any(|name| host.eq_ignore_ascii_case(name))
        };
        self.takes_any
            || host.eq_ignore_ascii_case("localhost")
            || address(host).is_some_and(|ip| self.takes_addresses || ip.is_loopback())
            || is_named()
    }
}

/// `example.com.` is `example.com`.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            Some(address.into())
        }
        None => Some(IpAddr::V4(host.parse().ok()?)),
    }
}

/// Refuses what HTTP forbids and hyper leaves to its user
/// ([hyper#3857](https://github.com/hyperium/hyper/issues/3857)), and names that are not the
/// server's.
pub(crate) fn check(request: &Request, hosts: &Hosts) -> Result<(), ApiError> {
    let headers = request.headers();
    let mut hosts_sent = headers.get_all(HOST).iter();
    let header = hosts_sent.next();
    if hosts_sent.next().is_some() {
        return Err(ApiError::InvalidHost);
    }
    let header = header.map(|host| host.to_str().map_err(|_| ApiError::InvalidHost));
    // A target with a host counts more than the header (RFC 9112, section 3.2.2).
    match (request.uri().authority(), header.transpose()?) {
        (Some(authority), _) => is_ours(authority.as_str(), hosts)?,
        (None, Some(host)) => is_ours(host, hosts)?,
        (None, None) if request.version() < Version::HTTP_11 => {}
        (None, None) => return Err(ApiError::InvalidHost),
    }
    if !is_known(request.method()) {
        return Err(ApiError::UnknownMethod);
    }
    if has_unknown_coding(headers) {
        return Err(ApiError::UnknownTransferCoding);
    }
    Ok(())
}

fn is_ours(host: &str, hosts: &Hosts) -> Result<(), ApiError> {
    let authority: Authority = host.parse().map_err(|_| ApiError::InvalidHost)?;
    // What is left is the port, unless a user's name stands before the host.
    match host.strip_prefix(authority.host()) {
        Some("" | ":") => {}
        Some(_) if authority.port_u16().is_some() => {}
        _ => return Err(ApiError::InvalidHost),
    }
    if hosts.has(authority.host()) {
        Ok(())
    } else {
        Err(ApiError::ForeignHost)
    }
}

/// The methods of [IANA's registry](https://www.iana.org/assignments/http-methods): those that a
/// module does not serve are a 405, all other words a 501.
const REGISTERED: [&str; 39] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

fn is_known(method: &Method) -> bool {
    // What nearly every request has, without a search.
    matches!(
        *method,
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::HEAD
    ) || REGISTERED.contains(&method.as_str())
}

/// Of `gzip, chunked`, hyper undoes the second only.
fn has_unknown_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn hosts(listening: &str, names: &[&str]) -> Hosts {
        let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        Hosts::new(listening.parse().unwrap(), &names)
    }

    fn status(hosts: &Hosts, host: &str) -> u16 {
        let request = Request::get("/").header(HOST, host);
        let checked = check(&request.body(Body::empty()).unwrap(), hosts);
        checked.map_or_else(|error| error.status().as_u16(), |()| 200)
    }

    #[test]
    fn on_loopback_it_answers_by_its_own_names() {
        let hosts = hosts("127.0.0.1:3000", &["Rooms.test"]);
        for host in [
            "localhost",
            "LocalHost:1",
            "localhost.",
            "127.0.0.1:3000",
            "[::1]:3000",
            "rooms.test",
            "ROOMS.test:80",
        ] {
            assert_eq!(status(&hosts, host), 200, "{host}");
        }
        for host in [
            "rebind.example",
            "localhost.rebind.example",
            "rebind.example:3000",
            "192.168.1.5",
            "[fe80::1]",
            "127.0.0.1.rebind.example",
            "2130706433",
            "0x7f.1",
            // A valid name (RFC 3986, section 3.2.2).
            "localhost,b",
        ] {
            assert_eq!(status(&hosts, host), 421, "{host}");
        }
        for host in ["", "a b", "user@localhost", "localhost:x", "localhost/x"] {
            assert_eq!(status(&hosts, host), 400, "{host:?}");
        }
    }

    #[test]
    fn elsewhere_it_answers_by_any_address_too() {
        let hosts = hosts("0.0.0.0:3000", &["api.example.com"]);
        for host in [
            "10.0.3.7:3000",
            "[2001:db8::1]",
            "localhost",
            "api.example.com",
        ] {
            assert_eq!(status(&hosts, host), 200, "{host}");
        }
        for host in ["rebind.example", "www.api.example.com"] {
            assert_eq!(status(&hosts, host), 421, "{host}");
        }
    }

    #[test]
    fn any_name_is_taken_where_that_is_asked_for() {
        assert_eq!(status(&hosts("127.0.0.1:1", &["*"]), "rebind.example"), 200);
    }

    #[test]
    fn a_name_has_no_port_and_no_scheme() {
        for text in ["", "a:1", "http://a", "a/b", "u@a", "*.example.com"] {
            assert_eq!(text.parse::<HostName>(), Err(InvalidHostName), "{text}");
        }
    }
}

//! Which pages may call the API from a browser: CORS, as the Fetch standard has it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{ETAG, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Uri};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};

use crate::module::live::Live;

/// What a page of another origin may read of an answer, beside what the standard lets it.
const EXPOSED: [HeaderName; 6] = [
    ETAG,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-request-id"),
];

/// The origins whose pages may call, and the layer that lets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors(Live<Sharing, CorsLayer>);

/// Whose pages may call, and how long a browser need not ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sharing {
    origins: Vec<Origin>,
    max_age: Duration,
}

impl Cors {
    /// How long a browser need not ask again, where nothing is said.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_mins(10);

    pub(crate) fn new(origins: Vec<Origin>, max_age: Duration) -> Self {
        let allowed = if origins.contains(&Origin::Any) {
            AllowOrigin::from(Any)
        } else {
            AllowOrigin::list(origins.iter().filter_map(Origin::header).cloned())
        };
        let layer = CorsLayer::new()
            .allow_origin(allowed)
            // A request's headers do no more than its method does. There are no cookies to guard:
            // a page that has no token or key of its own sends none.
            .allow_headers(AllowHeaders::mirror_request())
            .allow_methods(AllowMethods::mirror_request())
            .expose_headers(EXPOSED)
            .max_age(max_age);
        Self(Live {
            data: Sharing { origins, max_age },
            state: layer,
        })
    }

    /// The origins, in the file's order.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.0.data.origins
    }

    /// How long a browser need not ask again.
    #[must_use]
    pub fn max_age(&self) -> Duration {
        self.0.data.max_age
    }

    /// Whether no origin is named, so that browsers keep to their own.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.origins().is_empty()
    }

    /// What answers preflights, and gives the other answers their headers.
    pub fn layer(&self) -> &CorsLayer {
        &self.0.state
    }
}

/// An origin, written as browsers send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `*`
    Any,
    /// A scheme and a host, and a port that is not the scheme's own.
    One(HeaderValue),
}

/// Schemes whose pages have no origin that could be named (theirs is `null`), and those that no page
/// has.
const NO_ORIGIN: [&str; 9] = [
    "about",
    "blob",
    "data",
    "file",
    "ftp",
    "javascript",
    "view-source",
    "ws",
    "wss",
];

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// Neither a web server's, nor that of an app's or an extension's pages.
    #[error(
        "it is not a scheme and a host, as in \"https://app.example.com\" or \
         \"capacitor://localhost\""
    )]
    Shape,
    /// No page has an origin of this scheme.
    #[error("no page has an origin that begins with `{0}://`")]
    Scheme(String),
    /// An origin, but in other words than a browser's.
    #[error("browsers write it `{0}`")]
    Spelling(String),
}

impl Origin {
    fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::Any => None,
            Self::One(value) => Some(value),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            self.header()
                .and_then(|value| value.to_str().ok())
                .unwrap_or("*"),
        )
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin::Shape)?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(InvalidOrigin::Shape);
        };
        if host.is_empty() || host.contains('*') {
            return Err(InvalidOrigin::Shape);
        }
        let scheme = scheme.to_ascii_lowercase();
        let own_port = match &*scheme {
            "https" => Some(443),
            "http" => Some(80),
            // It would never be sent; a misspelt `https` neither.
            scheme if NO_ORIGIN.contains(&scheme) || strsim::levenshtein(scheme, "https") < 3 => {
                return Err(InvalidOrigin::Scheme(scheme.to_owned()));
            }
            _ => None,
        };
        // Of other schemes, browsers leave the host as it is.
        let host = match own_port {
            Some(_) => host.to_ascii_lowercase(),
            None => host.to_owned(),
        };
        let mut sent = format!("{scheme}://{host}");
        if let Some(port) = uri.port_u16().filter(|&port| Some(port) != own_port) {
            sent = format!("{sent}:{port}");
        }
        if sent != text {
            return Err(InvalidOrigin::Spelling(sent));
        }
        let value = HeaderValue::from_str(text).map_err(|_| InvalidOrigin::Shape)?;
        Ok(Self::One(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for legal in [
            "*",
            "https://app.example.com",
            "http://localhost:5173",
            "http://[::1]:8080",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "http://tauri.localhost",
            "com.example.app://localhost:8080",
            "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
            "moz-extension://2bd1c1b3-1ff5-4e0f-8c6d-5f3d2d1f3a11",
            "safari-web-extension://8A2F7E1C-2B0D-4D55-9D8C-9E0C2F4A5B6D",
        ] {
            let origin = legal.parse::<Origin>().expect(legal);
            assert_eq!(origin.to_string(), legal);
        }
        for (written, told) in [
            (
                "https://app.example.com/",
                "browsers write it `https://app.example.com`",
            ),
            (
                "https://App.example.com",
                "browsers write it `https://app.example.com`",
            ),
            (
                "https://app.example.com:443",
                "browsers write it `https://app.example.com`",
            ),
            (
                "Capacitor://localhost/",
                "browsers write it `capacitor://localhost`",
            ),
            (
                "http://user@localhost:80/x",
                "browsers write it `http://localhost`",
            ),
        ] {
            let invalid = written.parse::<Origin>().expect_err(written);
            assert_eq!(invalid.to_string(), told);
        }
        for illegal in [
            "",
            "null",
            "app.example.com",
            "capacitor:",
            "capacitor://",
            "https://*.example.com",
            "chrome-extension://*",
        ] {
            assert_eq!(
                illegal.parse::<Origin>(),
                Err(InvalidOrigin::Shape),
                "{illegal}"
            );
        }
        for scheme in ["ftp", "file", "wss", "htps", "httpss", "htt", "hhtp"] {
            let parsed = format!("{scheme}://app.example.com").parse::<Origin>();
            assert_eq!(parsed, Err(InvalidOrigin::Scheme(scheme.to_owned())));
        }
    }
}

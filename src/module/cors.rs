//! Which pages may call the API from a browser: CORS, as the Fetch standard has it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// Whose pages may call, and how long a browser need not ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<Origin>,
    max_age: Duration,
}

impl Cors {
    /// How long a browser need not ask again, where nothing is said.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_mins(10);

    pub(crate) const fn new(origins: Vec<Origin>, max_age: Duration) -> Self {
        Self { origins, max_age }
    }

    /// The origins, in the file's order.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// How long a browser need not ask again.
    #[must_use]
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Whether no origin is named, so that browsers keep to their own.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.origins.is_empty()
    }
}

/// An origin, written as browsers send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `*`
    Any,
    /// A scheme and a host, and a port that is not the scheme's own.
    One(String),
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

/// Why a text is not an origin.
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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::One(origin) => origin,
        })
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let url = Url::parse(text).map_err(|_| InvalidOrigin::Shape)?;
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || host.contains('*') {
            return Err(InvalidOrigin::Shape);
        }
        let scheme = url.scheme();
        // Such an origin would never be sent; that of a misspelt `https` neither.
        let has_no_origin = NO_ORIGIN.contains(&scheme) || strsim::levenshtein(scheme, "https") < 3;
        if has_no_origin && !matches!(scheme, "http" | "https") {
            return Err(InvalidOrigin::Scheme(scheme.to_owned()));
        }
        let mut sent = format!("{scheme}://{host}");
        // The scheme's own port is none.
        if let Some(port) = url.port() {
            sent = format!("{sent}:{port}");
        }
        if sent == text {
            Ok(Self::One(sent))
        } else {
            Err(InvalidOrigin::Spelling(sent))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for valid in [
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
            let origin = valid.parse::<Origin>().expect(valid);
            assert_eq!(origin.to_string(), valid);
        }
        for (written, message) in [
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
                "https://café.example",
                "browsers write it `https://xn--caf-dma.example`",
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
            assert_eq!(invalid.to_string(), message);
        }
        for invalid in [
            "",
            "null",
            "app.example.com",
            "capacitor:",
            "capacitor://",
            "https://*.example.com",
            "chrome-extension://*",
        ] {
            assert_eq!(
                invalid.parse::<Origin>(),
                Err(InvalidOrigin::Shape),
                "{invalid}"
            );
        }
        for scheme in ["ftp", "file", "wss", "htps", "httpss", "htt", "hhtp"] {
            let parsed = format!("{scheme}://app.example.com").parse::<Origin>();
            assert_eq!(parsed, Err(InvalidOrigin::Scheme(scheme.to_owned())));
        }
    }
}

//! URLs of what issuers publish.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// A URL whose answer nobody on the way can change: `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecureUrl(Url);

/// Why a text is not a [`SecureUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// No URL.
    #[error("it is not a URL")]
    NotUrl,
    /// Others could change the answer on its way.
    #[error("it must begin with `https://`, but for a server on this machine")]
    Insecure,
    /// A password would be in every log.
    #[error("it must not have a user's name")]
    User,
}

impl SecureUrl {
    fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether following it from `self` leads to no place that is less secure.
    pub(crate) fn may_lead_to(&self, other: &Self) -> bool {
        other.is_https() || !self.is_https()
    }

    /// Its host.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Its scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The address that its host is, if it is no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Whether its host is this machine.
    pub(crate) fn is_here(&self) -> bool {
        is_here(&self.0)
    }
}

fn is_here(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

impl FromStr for SecureUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The standard of browsers, as which `url` reads, forgives what other programs refuse.
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        {
            return Err(InvalidUrl::NotUrl);
        }
        let (_, rest) = text.split_once("://").ok_or(InvalidUrl::Insecure)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(InvalidUrl::NotUrl);
        }
        if authority.contains('@') {
            return Err(InvalidUrl::User);
        }
        let url: Url = text.parse().map_err(|_| InvalidUrl::NotUrl)?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_here(&url) => Ok(Self(url)),
            _ => Err(InvalidUrl::Insecure),
        }
    }
}

impl fmt::Display for SecureUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_change_on_the_way_is_a_secure_url() {
        for (text, shown) in [
            ("https://issuer.example.com", "https://issuer.example.com/"),
            (
                "https://issuer.example.com/a?b=c",
                "https://issuer.example.com/a?b=c",
            ),
            (
                "http://127.0.0.1:8080/jwks.json",
                "http://127.0.0.1:8080/jwks.json",
            ),
            ("http://[::1]/", "http://[::1]/"),
            ("http://localhost/@", "http://localhost/@"),
        ] {
            let url = text.parse::<SecureUrl>().map(|url| url.to_string());
            assert_eq!(url.as_deref(), Ok(shown));
        }
        for (text, invalid) in [
            ("issuer.example.com", InvalidUrl::Insecure),
            ("https:issuer.example.com", InvalidUrl::Insecure),
            ("https:///issuer.example.com", InvalidUrl::NotUrl),
            ("https://issuer.example.com\\@other", InvalidUrl::NotUrl),
            ("https://issuer example.com", InvalidUrl::NotUrl),
            ("https://issuer.example.com:x/", InvalidUrl::NotUrl),
            ("https://me@issuer.example.com/", InvalidUrl::User),
            ("http://issuer.example.com/", InvalidUrl::Insecure),
            ("ftp://localhost/", InvalidUrl::Insecure),
        ] {
            assert_eq!(text.parse::<SecureUrl>(), Err(invalid), "{text}");
        }
    }
}

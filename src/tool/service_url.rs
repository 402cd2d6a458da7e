//! The address of a service that a command asks.

use std::fmt;
use std::str::FromStr;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use url::{Host, Url};

use crate::aws::trust::TLS;

/// An argument that may have a credential in it. Neither clap's errors nor debug output quote it.
#[derive(Clone)]
pub(crate) struct Unquoted(String);

impl Unquoted {
    pub(crate) fn parse<T: FromStr>(&self) -> Result<T, T::Err> {
        self.0.parse()
    }
}

impl From<String> for Unquoted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Unquoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unquoted")
    }
}

/// Where a service is: what stands before the module's name.
#[derive(Debug, Clone)]
pub(crate) struct ServiceUrl(Url);

/// Why a text is not a [`ServiceUrl`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidServiceUrl {
    #[error("not a valid URL, such as https://api.example.com/v1")]
    NotUrl,
    #[error("it has a user's name; send credentials with --header")]
    User,
    #[error("it has a query or a fragment; end it before the module's name")]
    Query,
}

impl FromStr for ServiceUrl {
    type Err = InvalidServiceUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| InvalidServiceUrl::NotUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            Err(InvalidServiceUrl::NotUrl)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(InvalidServiceUrl::User)
        } else if url.query().is_some() || url.fragment().is_some() {
            Err(InvalidServiceUrl::Query)
        } else {
            Ok(Self(url))
        }
    }
}

impl ServiceUrl {
    /// What sends requests to it.
    pub(crate) fn connector(&self) -> Connector {
        let proxy = if self.is_here() {
            ProxyConfig::disabled()
        } else {
            ProxyConfig::from_env()
        };
        Connector::builder()
            .proxy_config(proxy)
            .tls_provider(TLS)
            .build()
    }

    /// Whether its host is this machine, to which a proxy of the environment does not lead.
    fn is_here(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_at_a_url_without_credentials() {
        let shown = |text: &str| match text.parse::<ServiceUrl>() {
            Ok(url) => url.to_string(),
            Err(invalid) => format!("{invalid}"),
        };
        assert_eq!(shown("http://127.0.0.1:3000/"), "http://127.0.0.1:3000");
        assert_eq!(
            shown("https://api.example.com/v1/"),
            "https://api.example.com/v1"
        );
        insta::assert_snapshot!(shown("api.example.com"), @"not a valid URL, such as https://api.example.com/v1");
        insta::assert_snapshot!(shown("https://me:secret@example.com"), @"it has a user's name; send credentials with --header");
        insta::assert_snapshot!(shown("https://example.com/?a=b"), @"it has a query or a fragment; end it before the module's name");
    }
}

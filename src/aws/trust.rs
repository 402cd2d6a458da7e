//! Whom the function believes to be AWS.
//!
//! The SDK reads all certificate authorities of the system before its first call, twice, which was
//! nine tenths of a start. AWS's endpoints have certificates of Amazon's own authority only, so
//! those few are read for them, and nothing before a connection is opened.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// Whose TLS is spoken, to whomever.
pub(crate) const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// The roots of Amazon Trust Services.
const AMAZON: &str = include_str!("trust/amazon.pem");

/// What the names of AWS's endpoints end with where Amazon's authority vouches for them. In China,
/// and in the partitions that the internet does not reach, others do.
const AWS: [&str; 2] = [".amazonaws.com", ".api.aws"];

/// Who vouches for AWS's own endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Amazon's own authority, and no other.
    Amazon,
    /// Whoever the system trusts, or the authorities that its variables name.
    System,
}

/// The SDK's way to AWS: by TLS under Amazon's roots to AWS's own endpoints, under the system's to
/// all others, and without TLS to an emulator.
#[derive(Debug)]
pub struct AwsClient {
    trust: Trust,
    /// One for each pair of time limits; all calls of a client have the same.
    connectors: RwLock<Vec<(Limits, SharedHttpConnector)>>,
}

type Limits = (Option<Duration>, Option<Duration>);

impl AwsClient {
    /// Nothing is read or opened before the first call.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            connectors: RwLock::default(),
        }
    }

    fn known(&self, limits: Limits) -> Option<SharedHttpConnector> {
        let connectors = self.connectors.read();
        find(&connectors.unwrap_or_else(PoisonError::into_inner), limits)
    }
}

fn find(
    connectors: &[(Limits, SharedHttpConnector)],
    limits: Limits,
) -> Option<SharedHttpConnector> {
    let mut connectors = connectors.iter();
    let known = connectors.find(|(known, _)| *known == limits);
    known.map(|(_, connector)| connector.clone())
}

impl HttpClient for AwsClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        if let Some(connector) = self.known(limits) {
            return connector;
        }
        let connectors = self.connectors.write();
        let mut connectors = connectors.unwrap_or_else(PoisonError::into_inner);
        // Another request may have been faster.
        find(&connectors, limits).unwrap_or_else(|| {
            let connector =
                SharedHttpConnector::new(ByEndpoint::new(self.trust, settings, components));
            connectors.push((limits, connector.clone()));
            connector
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

/// Who vouches for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authority {
    Nobody,
    Amazon,
    System,
}

impl Authority {
    fn of(uri: &str, trust: Trust) -> Self {
        let Some(rest) = uri.strip_prefix("https://") else {
            return Self::Nobody;
        };
        let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
        if trust == Trust::Amazon && AWS.iter().any(|suffix| host.ends_with(suffix)) {
            Self::Amazon
        } else {
            Self::System
        }
    }

    fn roots(self) -> TrustStore {
        match self {
            Self::Nobody => TrustStore::empty(),
            Self::Amazon => TrustStore::empty().with_pem_certificate(AMAZON),
            Self::System => TrustStore::default(),
        }
    }
}

/// Connections, by who vouches for the other end.
#[derive(Debug)]
struct ByEndpoint {
    builder: ConnectorBuilder,
    trust: Trust,
    connectors: [OnceLock<Connector>; 3],
}

impl ByEndpoint {
    fn new(trust: Trust, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> Self {
        let mut builder = Connector::builder()
            .connector_settings(settings.clone())
            .proxy_config(ProxyConfig::from_env());
        builder.set_sleep_impl(components.sleep_impl());
        Self {
            builder,
            trust,
            connectors: Default::default(),
        }
    }

    fn open(&self, authority: Authority) -> Connector {
        let context = TlsContext::builder().with_trust_store(authority.roots());
        self.builder
            .clone()
            .tls_provider(TLS)
            .tls_context(context.build().expect("a trust store is all it needs"))
            .build()
    }
}

impl HttpConnector for ByEndpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let authority = Authority::of(request.uri(), self.trust);
        self.connectors[authority as usize]
            .get_or_init(|| self.open(authority))
            .call(request)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn amazons_roots_are_those_of_the_table() {
        let certificates = AMAZON.split("-----BEGIN CERTIFICATE-----").skip(1);
        let fingerprints = certificates.map(|certificate| {
            let (text, _) = certificate
                .split_once("-----END CERTIFICATE-----")
                .expect("a whole certificate");
            let der = STANDARD.decode(text.replace('\n', "")).expect("base64");
            let bytes: Vec<_> = Sha256::digest(der)
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect();
            bytes.join(":")
        });
        let rows = include_str!("trust/README.md").lines().skip(6);
        let documented = rows.map_while(|row| row.split('`').nth(1));
        assert_eq!(
            fingerprints.collect::<Vec<_>>(),
            documented.collect::<Vec<_>>()
        );
    }

    #[test]
    fn who_vouches_for_an_endpoint() {
        for (uri, authority) in [
            ("http://127.0.0.1:4566/", Authority::Nobody),
            (
                "http://dynamodb.us-east-1.amazonaws.com/",
                Authority::Nobody,
            ),
            (
                "https://dynamodb.us-east-1.amazonaws.com/",
                Authority::Amazon,
            ),
            (
                "https://dynamodb.us-east-1.amazonaws.com:443/",
                Authority::Amazon,
            ),
            (
                "https://123456789012.ddb.us-east-1.amazonaws.com",
                Authority::Amazon,
            ),
            ("https://dynamodb.us-east-1.api.aws/", Authority::Amazon),
            (
                "https://dynamodb.cn-north-1.amazonaws.com.cn/",
                Authority::System,
            ),
            (
                "https://localhost.localstack.cloud:4566/",
                Authority::System,
            ),
            ("https://amazonaws.com.example/", Authority::System),
            ("https://example/?x=.amazonaws.com", Authority::System),
        ] {
            assert_eq!(Authority::of(uri, Trust::Amazon), authority, "{uri}");
        }
        let own = Authority::of("https://dynamodb.us-east-1.amazonaws.com/", Trust::System);
        assert_eq!(own, Authority::System);
    }
}

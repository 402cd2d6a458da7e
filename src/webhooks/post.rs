//! An event on its way, to an address that was looked at and by no detour: a name is resolved once,
//! and what it leads to is connected to only if it may be (no DNS rebinding).

use std::error::Error;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use tokio::net::lookup_host;

use crate::aws::trust::TLS;
use crate::module::webhook::{Reach, Webhook};

/// How long a receiver may take to answer.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// As much of an answer is read, so that the connection can be used again.
const MAX_BYTES: usize = 65_536;

/// The only name that leads to this machine.
const HERE: &str = "localhost";

/// Shared by all webhooks that reach as far. Made on first need, since reading the system's certificates
/// takes time.
static TO_INTERNET: LazyLock<Connector> = LazyLock::new(|| connector(Reach::Internet));
static TO_PRIVATE: LazyLock<Connector> = LazyLock::new(|| connector(Reach::Private));

fn connector(reach: Reach) -> Connector {
    let builder = Connector::builder().tls_provider(TLS);
    builder.build_with_resolver(CheckedNames(reach))
}

/// Why an event did not arrive, or was not answered.
pub(super) type PostError = Box<dyn Error + Send + Sync>;

/// What a receiver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Sends `body` with these headers. Redirects are not followed.
pub(super) async fn post(
    webhook: &Webhook,
    headers: &[(&'static str, &str)],
    body: String,
) -> Result<Answer, PostError> {
    const USER_AGENT: &str = concat!("modulo/", env!("CARGO_PKG_VERSION"));
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri(webhook.url().to_string())?;
    for (name, value) in headers.iter().copied().chain([("user-agent", USER_AGENT)]) {
        request.headers_mut().try_insert(name, value.to_owned())?;
    }
    let connector = match webhook.reach() {
        Reach::Internet => &TO_INTERNET,
        Reach::Private => &TO_PRIVATE,
    };
    let response = connector.call(request).await?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_BYTES).collect();
    // What the status says does not depend on it.
    let body = body.await.map(|body| body.to_bytes().into());
    Ok(Answer {
        status,
        body: body.unwrap_or_default(),
    })
}

/// Resolves names to the addresses that events may be sent to.
#[derive(Debug, Clone)]
struct CheckedNames(Reach);

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads to no {1}")]
struct NoAddress(String, &'static str);

impl ResolveDns for CheckedNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = lookup_host((name, 0)).await;
            let found = found.map_err(ResolveDnsError::new)?;
            let addresses: Vec<_> = found
                .map(|address| address.ip())
                .filter(|address| may_be(name, *address, self.0))
                .collect();
            if addresses.is_empty() {
                let missing = match self.0 {
                    Reach::Internet => {
                        "public address, and nothing is sent to private networks without private = true"
                    }
                    Reach::Private => "address of another machine",
                };
                return Err(ResolveDnsError::new(NoAddress(name.to_owned(), missing)));
            }
            Ok(addresses)
        })
    }
}

/// Whether events for that name may be sent to that address.
fn may_be(name: &str, address: IpAddr, reach: Reach) -> bool {
    if name == HERE {
        address.is_loopback()
    } else {
        reach.has(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_but_localhost_leads_to_this_machine() {
        let may_be = |name, address: &str| {
            let address = address.parse().expect("an address");
            [Reach::Internet, Reach::Private].map(|reach| may_be(name, address, reach))
        };
        assert_eq!(may_be("localhost", "127.0.0.1"), [true; 2]);
        assert_eq!(may_be("localhost", "::1"), [true; 2]);
        assert_eq!(may_be("localhost", "8.8.8.8"), [false; 2]);
        assert_eq!(may_be("erp.example.com", "8.8.8.8"), [true; 2]);
        for here in ["127.0.0.1", "::1", "169.254.169.254"] {
            assert_eq!(may_be("erp.example.com", here), [false; 2], "{here}");
        }
        for private in ["10.0.0.1", "fd12::1"] {
            assert_eq!(
                may_be("erp.example.com", private),
                [false, true],
                "{private}"
            );
        }
    }
}

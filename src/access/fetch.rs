//! What issuers publish, by HTTP: bounded in size, in time and in redirects.

use std::error::Error;
use std::io::Read;
use std::sync::LazyLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Limited};
use url::Url;

use crate::aws::trust::TLS;
use crate::module::secure_url::SecureUrl;

/// How long an answer may be, as it is sent and without its compression.
const MAX_BYTES: usize = 262_144;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 3;

/// How long an answer may take, with all redirects.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Shared by all issuers that a proxy of the environment may lead to. Made on first need, since reading
/// the system's certificates takes time.
static ELSEWHERE: LazyLock<Connector> = LazyLock::new(|| connector(ProxyConfig::from_env()));

/// Shared by all issuers on this machine.
static HERE: LazyLock<Connector> = LazyLock::new(|| connector(ProxyConfig::disabled()));

fn connector(proxy: ProxyConfig) -> Connector {
    Connector::builder()
        .proxy_config(proxy)
        .tls_provider(TLS)
        .build()
}

/// Why there is no answer. Quotes no more of one than a host.
pub(super) type FetchError = Box<dyn Error + Send + Sync>;

impl SecureUrl {
    /// What is there.
    pub(super) async fn get(&self) -> Result<Vec<u8>, FetchError> {
        let got = tokio::time::timeout(TIME_LIMIT, self.follow()).await;
        got.unwrap_or_else(|elapsed| Err(elapsed.into()))
    }

    async fn follow(&self) -> Result<Vec<u8>, FetchError> {
        let mut url = self.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = url.ask().await?;
            match response.status().as_u16() {
                200 => return read(response).await,
                301 | 302 | 303 | 307 | 308 => url = url.redirected(&response)?,
                status => return Err(format!("it answers with the status {status}").into()),
            }
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times").into())
    }

    async fn ask(&self) -> Result<HttpResponse, FetchError> {
        const USER_AGENT: &str = concat!("modulo/", env!("CARGO_PKG_VERSION"));
        let mut request = HttpRequest::get(self.to_string())?;
        let headers = request.headers_mut();
        // Firewalls refuse who does not say who it is.
        headers.insert("user-agent", USER_AGENT);
        headers.insert("accept", "application/json");
        headers.insert("accept-encoding", "gzip");
        let connector = if self.is_here() { &HERE } else { &ELSEWHERE };
        Ok(connector.call(request).await?)
    }

    /// Where a redirect leads: within the host that is trusted, and not out of `https`.
    fn redirected(&self, response: &HttpResponse) -> Result<Self, FetchError> {
        let location = response.headers().get("location");
        let location = location.ok_or("it redirects, and does not say where to")?;
        let target = Url::parse(&self.to_string()).and_then(|url| url.join(location));
        let target = target.map_err(|_| "it redirects to what is no URL")?;
        let host = target.host_str().unwrap_or_default();
        if !self.host().eq_ignore_ascii_case(host) {
            return Err(format!("it redirects to another host, `{host}`").into());
        }
        let invalid = |invalid| format!("it redirects to a URL that can't be used: {invalid}");
        let target: Self = target.as_str().parse().map_err(invalid)?;
        if !self.may_lead_to(&target) {
            return Err("it redirects out of `https`".into());
        }
        Ok(target)
    }
}

async fn read(response: HttpResponse) -> Result<Vec<u8>, FetchError> {
    let coding = response.headers().get("content-encoding");
    let coding = coding.unwrap_or("identity").trim().to_ascii_lowercase();
    let body = Limited::new(response.into_body(), MAX_BYTES).collect();
    let body = body.await?.to_bytes();
    match &*coding {
        "" | "identity" => Ok(body.into()),
        "gzip" | "x-gzip" => {
            let limit = u64::try_from(MAX_BYTES)? + 1;
            let mut text = Vec::new();
            let mut decoder = MultiGzDecoder::new(&*body).take(limit);
            decoder.read_to_end(&mut text)?;
            if text.len() > MAX_BYTES {
                return Err(format!("it is longer than {MAX_BYTES} bytes").into());
            }
            Ok(text)
        }
        _ => Err("its content coding is not gzip, which alone is accepted".into()),
    }
}

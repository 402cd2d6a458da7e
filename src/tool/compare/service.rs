//! A service under comparison: its address, and how it is asked.

use std::str::FromStr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use tokio::time::{sleep, timeout};

use crate::telemetry::chain::Chain;
use crate::tool::service_url::ServiceUrl;

/// How long an answer may take. No front door of Lambda waits longer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long an answer may be; one of Lambda has 6 MB at the most.
const MAX_BYTES: usize = 16 << 20;

/// How often a request is sent that gets no answer, or one that asks to wait.
const TRIES: u32 = 4;

/// The pause after the first try, which doubles with each, unless the answer says how long to wait.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A header of every request. Debug output does not show its value, which may be a credential.
#[derive(Debug, Clone)]
pub(super) struct Header(HeaderName, HeaderValue);

/// Why a text is not a [`Header`]. Does not quote it.
#[derive(Debug, thiserror::Error)]
#[error("not a valid header, such as 'authorization: Bearer TOKEN'")]
pub(super) struct InvalidHeader;

impl FromStr for Header {
    type Err = InvalidHeader;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or(InvalidHeader)?;
        let name = name.trim().parse().map_err(|_| InvalidHeader)?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| InvalidHeader)?;
        value.set_sensitive(true);
        Ok(Self(name, value))
    }
}

/// A module of one of the two services.
pub(super) struct Service {
    /// Its URL, up to the id.
    url: String,
    /// What the report calls it.
    pub(super) name: &'static str,
    headers: Vec<Header>,
    connector: Connector,
}

/// What a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Why a service was asked in vain.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {reason}")]
pub(super) struct NoAnswerError {
    url: String,
    reason: String,
}

/// What comes of sending a request once.
enum Try {
    Answered(Answer),
    /// Another one may bring more, after a while if that is known.
    Again(String, Option<Duration>),
}

impl Service {
    pub(super) fn new(
        name: &'static str,
        url: &ServiceUrl,
        module: &str,
        headers: Vec<Header>,
    ) -> Self {
        Self {
            url: format!("{url}/{module}"),
            name,
            headers,
            connector: url.connector(),
        }
    }

    pub(super) async fn get(&self, id: &str) -> Result<Answer, NoAnswerError> {
        self.ask(&Method::GET, id, None).await
    }

    /// Sends a request, again if it gets no answer: all that are sent here can be repeated.
    pub(super) async fn ask(
        &self,
        method: &Method,
        id: &str,
        body: Option<(&'static str, &str)>,
    ) -> Result<Answer, NoAnswerError> {
        let url = format!("{}/{id}", self.url);
        let failed = |reason| NoAnswerError {
            url: url.clone(),
            reason,
        };
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let request = self.request(method, &url, body);
            let request = request.map_err(|error| failed(error.to_string()))?;
            let (reason, wait) = match timeout(TIME_LIMIT, self.send(request)).await {
                Ok(Try::Answered(answer)) => return Ok(answer),
                Ok(Try::Again(reason, wait)) => (reason, wait),
                Err(_) => (
                    format!("no answer in {} seconds", TIME_LIMIT.as_secs()),
                    None,
                ),
            };
            if tries == TRIES {
                return Err(failed(reason));
            }
            sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE)).await;
            tries += 1;
            pause *= 2;
        }
    }

    fn request(
        &self,
        method: &Method,
        url: &str,
        body: Option<(&'static str, &str)>,
    ) -> Result<HttpRequest, Box<dyn std::error::Error>> {
        const AGENT: &str = concat!("modulo/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(USER_AGENT, AGENT);
        for Header(name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = match body {
            None => request.body(SdkBody::empty())?,
            Some((media_type, text)) => request
                .header(CONTENT_TYPE, media_type)
                .body(SdkBody::from(text))?,
        };
        Ok(request.try_into()?)
    }

    async fn send(&self, request: HttpRequest) -> Try {
        let response = match self.connector.call(request).await {
            Ok(response) => response,
            Err(error) => return Try::Again(Chain(&error).to_string(), None),
        };
        let status = response.status().as_u16();
        if matches!(status, 429 | 503) {
            let wait = retry_after(&response);
            return Try::Again(format!("it answers {status} again and again"), wait);
        }
        match Limited::new(response.into_body(), MAX_BYTES)
            .collect()
            .await
        {
            Ok(body) => Try::Answered(Answer {
                status,
                body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            }),
            Err(error) => Try::Again(Chain(&*error).to_string(), None),
        }
    }
}

/// How long an answer asks to wait, if it says so in seconds.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_s_value_is_not_shown() {
        let header: Header = "Authorization: Bearer planted".parse().expect("valid");
        assert_eq!(header.0, "authorization");
        assert_eq!(header.1, "Bearer planted");
        assert!(!format!("{header:?}").contains("planted"));
        let invalid = "planted".parse::<Header>().expect_err("it has no colon");
        assert!(!invalid.to_string().contains("planted"));
    }
}

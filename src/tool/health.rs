//! `modulo health`: whether a server answers, for what restarts it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Bytes;
use axum::http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::environment;
use super::serve::{ADDRESS, ADDRESS_VARIABLE};
use crate::api::health::{LIVE, READY};
use crate::edge::serve::say;

/// How long an answer may take. The server itself waits three seconds for its tables.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// As much of an answer is read.
const MAX_BYTES: usize = 64 << 10;

/// Ask a running `modulo serve` whether it can serve; the exit status is 0 if it can
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server's address [default: that of `modulo serve`, `http://127.0.0.1:3000` or the port of `MODULO_ADDR`]
    #[arg(value_parser = url)]
    url: Option<String>,
    /// Ask only whether it runs, and not whether its tables can be used
    #[arg(long)]
    live: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let server = self.url.unwrap_or_else(|| {
            let address = environment::variable(ADDRESS_VARIABLE);
            url_of(address.as_deref().unwrap_or(ADDRESS))
        });
        let path = if self.live { LIVE } else { READY };
        let url = format!("{}{path}", server.trim_end_matches('/'));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let asked = runtime.block_on(async { timeout(TIME_LIMIT, ask(&url)).await });
        let (status, body) = asked
            .map_err(anyhow::Error::from)
            .flatten()
            .with_context(|| format!("{url} does not answer"))?;
        if status != 200 {
            bail!("{url} answers {status}: {body}");
        }
        say(&format!("{url} answers 200: {body}\n"));
        Ok(())
    }
}

async fn ask(url: &str) -> anyhow::Result<(u16, String)> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(url.parse()?).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).trim_end().to_owned()))
}

/// Where this machine reaches a server that listens on `address`.
fn url_of(address: &str) -> String {
    match address.parse::<SocketAddr>() {
        Ok(socket) if socket.ip().is_unspecified() => {
            let loopback: IpAddr = match socket {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            format!("http://{}", SocketAddr::new(loopback, socket.port()))
        }
        _ => format!("http://{address}"),
    }
}

/// An address of a server without TLS, which `modulo serve` leaves to a proxy.
fn url(text: &str) -> Result<String, &'static str> {
    let is_url = text
        .parse::<Uri>()
        .is_ok_and(|url| url.scheme_str() == Some("http") && url.host().is_some());
    if is_url {
        Ok(text.to_owned())
    } else {
        Err("not a valid URL of `modulo serve`, such as http://127.0.0.1:3000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_this_machine() {
        for (address, url) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:3000", "http://[::1]:3000"),
            ("192.168.1.5:1", "http://192.168.1.5:1"),
            ("localhost:3000", "http://localhost:3000"),
        ] {
            assert_eq!(url_of(address), url);
        }
    }
}

//! `modulo console`: the console of an API that is somewhere else.

mod gate;
mod passage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use self::gate::Gate;
use self::passage::Passage;
use super::arguments::socket_address;
use super::service_url::{ServiceUrl, Unquoted};
use crate::console;
use crate::edge::serve::say;

/// See and mend the items of a deployed API in a browser
///
/// Listens on this machine only, and passes the page's calls on to the API: to no other address, and
/// with no credentials but those that are filled in on the page.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the API is: its URL without a module's name
    #[arg(long, value_name = "URL")]
    url: Unquoted,
    /// The address to listen on, a loopback address
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3001", value_parser = loopback)]
    addr: SocketAddr,
    /// The API's description, as `modulo openapi` prints it, where the API does not serve one
    #[arg(long, value_name = "FILE")]
    description: Option<PathBuf>,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let url: ServiceUrl = self.url.parse().context("--url is not usable")?;
        let description = self.description.as_deref().map(read).transpose()?;
        Runtime::new()?.block_on(serve(url, self.addr, description))
    }
}

/// The description in a file, which has to be JSON.
fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    if serde_json::from_str::<IgnoredAny>(&text).is_err() {
        bail!("{name} is not JSON; make it with: modulo openapi > {name}");
    }
    Ok(text)
}

/// An address that only this machine reaches: whoever reaches it can send requests to the API.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = socket_address(text).ok_or("not a valid address, such as 127.0.0.1:3001")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        let port = address.port();
        Err(format!(
            "other machines could send requests through it; use 127.0.0.1:{port}"
        ))
    }
}

async fn serve(
    url: ServiceUrl,
    addr: SocketAddr,
    description: Option<String>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(addr).await.with_context(|| {
        format!("cannot listen on {addr}; choose another address with --addr, as in --addr 127.0.0.1:3002")
    })?;
    let address = listener.local_addr()?;
    say(&format!(
        "The console of {url} is at http://{address}{}\nOnly this machine reaches it. Ctrl-C stops.\n",
        console::PATH
    ));
    let router = router(url, address, description);
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// The page, and all other paths as the API answers them.
fn router(url: ServiceUrl, address: SocketAddr, description: Option<String>) -> Router {
    let passage = Arc::new(Passage::new(url));
    let described = if let Some(text) = description {
        get(async move || ([(CONTENT_TYPE, "application/json")], text))
    } else {
        let passage = Arc::clone(&passage);
        get(async move |request| passage.pass_to("/_openapi.json", request).await)
    };
    let gate = Arc::new(Gate::new(address));
    Router::new()
        .route(console::DESCRIPTION, described)
        .fallback(async move |request| passage.pass(request).await)
        .merge(console::page_of_other().route("/", get(to_the_page)))
        .layer(middleware::from_fn(move |request, next| {
            gate::check(Arc::clone(&gate), request, next)
        }))
}

async fn to_the_page() -> (StatusCode, [(HeaderName, &'static str); 1]) {
    (StatusCode::SEE_OTHER, [(LOCATION, console::PATH)])
}

/// An answer of the console's own, in the shape of the API's.
fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({ "ERROR": { "message": message } });
    (status, Json(body)).into_response()
}

//! The console: a page to see and to mend items in a browser.
//!
//! It is a client of the API like any other. What it knows of the modules stands in the API's
//! description, and all that it does are the API's calls. Only the tool has it: no byte of it is in
//! the function.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::Uri;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::error::ApiError;
use crate::api::own_path::only;
use crate::config::Config;
use crate::json::content_tag;
use crate::openapi::docs;

/// Where the page is.
pub(crate) const PATH: &str = "/_console";

/// Where the page asks for the API's description.
pub(crate) const DESCRIPTION: &str = "/_console/openapi.json";

/// Nothing from elsewhere, and no text that is read as a script or as HTML: with
/// `require-trusted-types-for`, the browser refuses `innerHTML` too.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const PAGE: &str = include_str!("console/page/index.html");

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("console/page/", $name)))),+]
    };
}

/// What the page loads.
const FILES: &[(&str, &str)] = files![
    "style.css",
    "main.js",
    "api.js",
    "changes.js",
    "conflict.js",
    "csv.js",
    "describe.js",
    "diff.js",
    "form.js",
    "history.js",
    "html.js",
    "item.js",
    "json.js",
    "list.js",
    "nav.js",
    "notice.js",
    "session.js",
    "text.js",
    "transfer.js",
    "words.js",
    "words.en.js",
    "words.pt-BR.js",
    "vendor/htm.js",
    "vendor/preact.js",
    "vendor/hooks.js",
];

/// What stands in the path of each file, so that a browser keeps it as long as it is the same.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let texts: String = FILES.iter().map(|(_, text)| *text).collect();
    content_tag::of(&texts)
});

/// The page of an API that tells of changes, and what it asks for: the description of all modules of
/// `config`, however long it is.
pub(crate) fn router(config: &Arc<Config>) -> Router {
    page(" data-tells-changes").route(DESCRIPTION, docs::description(config, usize::MAX))
}

/// The page of an API that is elsewhere, without the description.
pub(crate) fn page_of_other() -> Router {
    page("")
}

fn page(tells: &'static str) -> Router {
    let page = || only(get(async move |uri| index(&uri, tells)));
    Router::new()
        .route("/_console", page())
        .route("/_console/", page())
        .route("/_console/{version}/{*name}", only(get(file)))
}

/// The page, whose references are relative: a base path or a stage may stand before its own.
fn index(uri: &Uri, tells: &str) -> Response {
    let here = if uri.path().ends_with('/') {
        ""
    } else {
        "_console/"
    };
    let text = PAGE.replace("{files}", &format!("{here}{}", *VERSION));
    let text = text.replace("{tells}", tells);
    answer("text/html; charset=utf-8", "no-cache", text)
}

async fn file(Path((version, name)): Path<(String, String)>) -> Result<Response, ApiError> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let (name, text) = found
        .filter(|_| version == *VERSION)
        .ok_or(ApiError::NotFound)?;
    let media_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    Ok(answer(
        media_type,
        "public, max-age=31536000, immutable",
        *text,
    ))
}

fn answer(media_type: &'static str, caching: &'static str, text: impl Into<String>) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text.into()).into_response()
}

//! The API's description as it is served: the document, and a page to read and try it.
//!
//! The page asks for nothing that is not here, and runs nothing that stands in it: its policy
//! forbids both.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use headers::{ETag, HeaderMapExt, IfNoneMatch};

use crate::api::answer_limit::AnswerLimit;
use crate::api::error::ApiError;
use crate::api::own_path::only;
use crate::api::precondition::entity_tag;
use crate::config::Config;
use crate::openapi::{self, Undescribed};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// The document, made when it is first asked for: a start does not wait for it.
#[derive(Debug)]
struct Description {
    config: Arc<Config>,
    /// How long it may be.
    limit: usize,
    document: OnceLock<(Bytes, ETag)>,
}

impl Description {
    fn document(&self) -> Result<&(Bytes, ETag), ApiError> {
        if let Some(made) = self.document.get() {
            return Ok(made);
        }
        let text = openapi::document(&self.config, None, self.limit)?;
        let tag = entity_tag(&text);
        Ok(self.document.get_or_init(|| (text.into(), tag)))
    }
}

impl From<Undescribed> for ApiError {
    fn from(undescribed: Undescribed) -> Self {
        match undescribed {
            Undescribed::Schema(invalid) => Self::Schema(invalid),
            Undescribed::TooLarge { limit } => Self::DescriptionTooLarge { limit },
        }
    }
}

/// The routes of the description, or none where the configuration turns them off. The page links to
/// the console where there is one.
pub fn router(config: &Arc<Config>, has_console: bool) -> Router {
    if !config.service.docs {
        return Router::new();
    }
    let limit = AnswerLimit::Lambda.body_bytes();
    let page = || only(get(async move |uri: Uri| page(&uri, has_console)));
    Router::new()
        .route("/_openapi.json", description(config, limit))
        .route("/_docs", page())
        .route("/_docs/", page())
        .route(
            "/_docs/page.js",
            only(get(async || file("text/javascript; charset=utf-8", SCRIPT))),
        )
        .route(
            "/_docs/page.css",
            only(get(async || file("text/css; charset=utf-8", STYLE))),
        )
}

/// The description as it is served, of `limit` bytes at the most.
pub(crate) fn description(config: &Arc<Config>, limit: usize) -> MethodRouter {
    only(get(document)).with_state(Arc::new(Description {
        config: Arc::clone(config),
        limit,
        document: OnceLock::new(),
    }))
}

/// `GET /_openapi.json`
async fn document(
    State(description): State<Arc<Description>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (text, tag) = description.document()?;
    let known: Option<IfNoneMatch> = headers.typed_get();
    if known.is_some_and(|known| !known.precondition_passes(tag)) {
        return Err(ApiError::NotModified(tag.clone()));
    }
    let mut answer = ([(CONTENT_TYPE, "application/json")], text.clone()).into_response();
    answer.headers_mut().typed_insert(tag.clone());
    Ok(answer)
}

/// `GET /_docs`, whose references are relative, since a front door may have put a stage before the
/// path.
fn page(uri: &Uri, has_console: bool) -> Response {
    let here = if uri.path().ends_with('/') {
        "../"
    } else {
        "./"
    };
    let mut text = PAGE.replace(r#"href="./""#, &format!(r#"href="{here}""#));
    if has_console {
        text = text.replace(
            r#"name="console" content="""#,
            r#"name="console" content="_console""#,
        );
    }
    file("text/html; charset=utf-8", text)
}

fn file(media_type: &'static str, text: impl Into<String>) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text.into()).into_response()
}

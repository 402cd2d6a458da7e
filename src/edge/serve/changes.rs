//! `GET /_changes/<module>`: a module's changes as they are made, as
//! [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
//!
//! Whoever may list a module may see its changes. So such a request passes the layers as one for the
//! list, and is answered here in its place.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval_at};

use super::connections::Endless;
use crate::api::error::ApiError;
use crate::api::middleware::around::{Inner, Next};
use crate::api::mount::Mount;
use crate::aws::failure::Failure;
use crate::change::{Change, Record, Source};
use crate::config::Config;
use crate::local::{Position, Reader, StreamError, Streams};
use crate::module::Module;
use crate::module::call::Call;
use crate::module::tenant::Tenant;
use crate::store::StoreError;
use crate::telemetry::chain::Chain;

/// What the paths begin with, before the module's name.
const PATHS: &str = "/_changes/";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Of nginx, which otherwise keeps an answer until some of it has gathered.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How often a proxy sees something of a connection on which nothing happens.
const PING: Duration = Duration::from_secs(15);

/// What all listeners need.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    streams: Option<Streams>,
    config: watch::Sender<Arc<Config>>,
    is_stopped: watch::Sender<bool>,
}

/// Is in the extensions of a request for changes, with its `Last-Event-ID`.
#[derive(Debug, Clone)]
struct Listens(Option<HeaderValue>);

/// Has a request for a module's changes pass as one for its list.
pub(super) fn as_list(mut request: Request) -> Request {
    let name = request.uri().path().strip_prefix(PATHS);
    // No module's name begins with `_`.
    let name = name.filter(|name| !name.contains('/') && !name.starts_with('_'));
    let (Some(name), &Method::GET) = (name, request.method()) else {
        return request;
    };
    if let Ok(list) = format!("/{name}").parse::<Uri>() {
        let after = request.headers().get(LAST_EVENT_ID).cloned();
        *request.uri_mut() = list;
        request.extensions_mut().insert(Listens(after));
    }
    request
}

/// The layer that answers such requests.
pub(super) async fn answer<S: Inner>(
    changes: Changes,
    mut request: Request,
    next: Next<S>,
) -> Response {
    let extensions = request.extensions_mut();
    let Some(Listens(after)) = extensions.remove() else {
        return next.run(request).await;
    };
    let Some(mount) = extensions.remove::<Mount>() else {
        return ApiError::NotFound.into_response();
    };
    let answered = changes.listen(&mount, after.as_ref()).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

impl Changes {
    /// Those of `streams`, if there are any, to the modules of `config`.
    pub(super) fn new(streams: Option<Streams>, config: &Arc<Config>) -> Self {
        Self {
            streams,
            config: watch::Sender::new(Arc::clone(config)),
            is_stopped: watch::Sender::new(false),
        }
    }

    /// Ends what is sent of modules that `config` has otherwise: whoever listens has to ask again.
    pub(super) fn edit(&self, config: &Arc<Config>) {
        self.config.send_replace(Arc::clone(config));
    }

    /// Ends all that is sent.
    pub(super) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    fn source(&self, module: &Module) -> Source {
        let service = &self.config.borrow().service;
        Source::new(&service.name, &service.stage, module.name())
    }

    async fn listen(
        &self,
        mount: &Mount,
        after: Option<&HeaderValue>,
    ) -> Result<Response, ApiError> {
        if mount.call != Some(Call::List) {
            return Err(mount.not_allowed());
        }
        let tenant = mount.items()?.tenant().cloned();
        let streams = self.streams.as_ref().ok_or(ApiError::NoChanges)?;
        let module = mount.module();
        let stream = streams.of(module.table().name()).await?;
        let position = match after {
            Some(after) => {
                let position = after.to_str().ok().and_then(|text| text.parse().ok());
                position.ok_or(ApiError::ChangesGone)?
            }
            None => stream.end().await?,
        };
        let begin = beginning(&position);
        let listener = Listener {
            reader: stream.read(position)?,
            source: self.source(module),
            module: Arc::clone(module),
            tenant,
            config: self.config.subscribe(),
            is_stopped: self.is_stopped.subscribe(),
            pings: interval_at(Instant::now() + PING, PING),
        };
        let events = stream::unfold((Some(begin), listener), async |(begin, mut listener)| {
            let text = match begin {
                Some(begin) => begin,
                None => listener.next().await?,
            };
            Some((Ok::<_, axum::Error>(text), (None, listener)))
        });
        let headers = [
            (CONTENT_TYPE, "text/event-stream"),
            (CACHE_CONTROL, "no-store"),
            (ACCEL_BUFFERING, "no"),
        ];
        let mut response = (headers, Body::from_stream(events)).into_response();
        response.extensions_mut().insert(Endless);
        Ok(response)
    }
}

/// Waits until it is true.
async fn become_true(value: &mut watch::Receiver<bool>) {
    // What it is read from goes with the process.
    let _ = value.wait_for(|is_true| *is_true).await;
}

/// The first lines: a client that loses the connection before the first event goes on here.
fn beginning(position: &Position) -> String {
    format!("retry: 1000\nid: {position}\n\n")
}

/// One who listens.
struct Listener {
    reader: Reader,
    module: Arc<Module>,
    /// Whose changes they may see, where the module has tenants.
    tenant: Option<Tenant>,
    source: Source,
    config: watch::Receiver<Arc<Config>>,
    is_stopped: watch::Receiver<bool>,
    pings: Interval,
}

impl Listener {
    /// The next lines, once there are any.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                () = become_true(&mut self.is_stopped) => return None,
                edited = self.config.changed() => {
                    edited.ok()?;
                    if !self.is_mounted() {
                        return None;
                    }
                }
                _ = self.pings.tick() => return Some(":\n\n".to_owned()),
                records = self.reader.next() => {
                    let events = match records {
                        Ok(records) => self.events(records),
                        Err(error) => {
                            tracing::warn!("changes end: {}", Chain(&error));
                            return None;
                        }
                    };
                    if !events.is_empty() {
                        return Some(events);
                    }
                }
            }
        }
    }

    /// Whether the module is as it was when access to it was granted.
    fn is_mounted(&mut self) -> bool {
        let config = self.config.borrow_and_update();
        config.modules.get(self.module.name()) == Some(&self.module)
    }

    fn events(&self, records: Vec<Record>) -> String {
        let events = records.into_iter().filter_map(|record| {
            let position = self.reader.stream().behind(&record);
            let change = match Change::of(record, &self.module) {
                Ok(change) => change?,
                Err(error) => {
                    tracing::warn!("a change is left out: {error}");
                    return None;
                }
            };
            if change.tenant() != self.tenant.as_ref() {
                return None;
            }
            // Others may have written JSON with line breaks, which end a line of an event.
            let event = change.to_event(&self.source).replace(['\r', '\n'], " ");
            let kind = change.kind();
            Some(format!("id: {position}\nevent: {kind}\ndata: {event}\n\n"))
        });
        events.collect()
    }
}

impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Gone(_) => Self::ChangesGone,
            error => Self::Store(StoreError::Other(Failure(Chain(&error).to_string()))),
        }
    }
}

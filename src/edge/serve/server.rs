//! HTTP/1 and HTTP/2 on a socket, for as many clients and as long as the [`Limits`] say.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tower::ServiceExt;

use super::connections::{Activity, Connections, Endless, Registered};
use super::host::{self, Hosts};
use super::limits::{HEAD_BYTES, Limits};
use super::memory::{Memory, Received, Sent};
use super::socket::Socket;
use crate::access::rate_limit::ClientAddress;
use crate::api::envelope;
use crate::api::error::{ApiError, Crowded};
use crate::api::health;
use crate::api::middleware::{self, App};
use crate::api::router;
use crate::config::Config;
use crate::module::Envelope;

/// How long to wait where the system has no descriptor for one more connection, or where all
/// connections are being worked on: not long, since a client waits.
const PAUSE: Duration = Duration::from_millis(50);

/// How many requests one HTTP/2 connection has at a time, and how many bytes of each body its
/// client sends ahead.
const STREAMS: u32 = 32;
const WINDOW_BYTES: u32 = 65_535;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say
/// so.
const PING: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What is served, until an edit puts something else in its place.
#[derive(Debug)]
pub struct Routes {
    current: ArcSwap<Mounted>,
    hosts: Arc<Hosts>,
}

#[derive(Debug)]
struct Mounted {
    app: App,
    /// Answers what [`host::check`] refuses: with a request id and a line in the log as all
    /// answers, but of no module.
    refusing: App,
}

impl Mounted {
    fn new(config: &Config, app: App, hosts: &Arc<Hosts>) -> Self {
        let hosts = Arc::clone(hosts);
        let refuse = tower::service_fn(move |request: Request| {
            let refused = host::check(&request, &hosts).into_response();
            async { Ok(refused) }
        });
        Self {
            app,
            refusing: middleware::stack(|request| request, config, router::Routes::new(refuse)),
        }
    }
}

impl Routes {
    /// `app`, which is made of `config`, for those who ask by one of `hosts`.
    #[must_use]
    pub fn new(config: &Config, app: App, hosts: Hosts) -> Self {
        let hosts = Arc::new(hosts);
        Self {
            current: ArcSwap::from_pointee(Mounted::new(config, app, &hosts)),
            hosts,
        }
    }

    /// Puts `app`, which is made of `config`, in its place. A request is finished by the routes it
    /// began with.
    pub fn mount(&self, config: &Config, app: App) {
        let mounted = Mounted::new(config, app, &self.hosts);
        self.current.store(Arc::new(mounted));
    }

    fn app(&self, request: &Request) -> App {
        let mounted = self.current.load();
        match host::check(request, &self.hosts) {
            Ok(()) => mounted.app.clone(),
            Err(_) => mounted.refusing.clone(),
        }
    }
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: Limits,
}

/// What all connections have in common.
#[derive(Debug)]
struct Shared {
    routes: Arc<Routes>,
    memory: Arc<Memory>,
}

impl Server {
    /// Listens on `address`, a host and a port.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn bind(address: &str, limits: Limits) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            limits,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests by `routes` until `stop`, and then until those in flight are answered.
    pub async fn run(self, routes: Arc<Routes>, stop: impl Future<Output = ()>) {
        let Self { listener, limits } = self;
        let connections = Arc::new(Connections::default());
        let shared = Arc::new(Shared {
            routes,
            memory: Arc::new(Memory::new(&limits, Arc::clone(&connections))),
        });
        let protocols = Arc::new(protocols());
        let mut ticks = interval(limits.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let accept_all = async {
            loop {
                let Some((stream, address)) = accept(&listener, &connections).await else {
                    continue;
                };
                while connections.len() >= limits.connections && !connections.drop_one() {
                    tokio::select! {
                        () = connections.ended() => {}
                        () = sleep(PAUSE) => {}
                    }
                }
                let (shared, protocols) = (Arc::clone(&shared), Arc::clone(&protocols));
                connections.add(address, |activity, registered| {
                    serve(stream, address, shared, protocols, activity, registered)
                });
            }
        };
        let sweep_forever = async {
            loop {
                ticks.tick().await;
                connections.sweep(&limits);
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept_all => {}
            () = sweep_forever => {}
        }
        drop(listener);
        connections.finish();
        while connections.len() > 0 {
            tokio::select! {
                () = connections.ended() => {}
                _ = ticks.tick() => connections.sweep(&limits),
            }
        }
    }
}

/// The next connection, unless it was gone before it could be had.
async fn accept(listener: &TcpListener, connections: &Connections) -> Option<(TcpStream, IpAddr)> {
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address.ip())),
        Err(error) => {
            let is_the_clients = matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
            );
            if !is_the_clients {
                // EMFILE, ENFILE, ENOMEM: it stays in the backlog, and can be had once others go.
                tracing::warn!(%error, "cannot accept a connection");
                connections.drop_one();
                sleep(PAUSE).await;
            }
            None
        }
    }
}

fn protocols() -> auto::Builder<TokioExecutor> {
    let mut protocols = auto::Builder::new(TokioExecutor::new());
    protocols.http1().max_buf_size(HEAD_BYTES);
    let head_bytes = u32::try_from(HEAD_BYTES).expect("it is small");
    protocols
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(head_bytes)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(WINDOW_BYTES as usize);
    protocols
}

/// Serves a connection to its end.
async fn serve(
    stream: TcpStream,
    address: IpAddr,
    shared: Arc<Shared>,
    protocols: Arc<auto::Builder<TokioExecutor>>,
    activity: Arc<Activity>,
    registered: Registered,
) {
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&activity)));
    let watched = Arc::clone(&activity);
    let service = service_fn(move |request| {
        let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
        async move { Ok::<_, Infallible>(answer(&shared, &activity, address, request).await) }
    });
    let mut connection = pin!(protocols.serve_connection(socket, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = watched.asked_to_finish() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection has ended");
    }
    drop(registered);
}

async fn answer(
    shared: &Shared,
    activity: &Arc<Activity>,
    address: IpAddr,
    request: hyper::Request<Incoming>,
) -> Response<Sent> {
    let in_flight = activity.begin(request.version() == hyper::Version::HTTP_2);
    // Whoever asks whether the server is alive must not wait for those that keep it busy.
    let is_probe = request.uri().path() == health::LIVE;
    let mut permits = Vec::new();
    if !is_probe {
        match shared.memory.request().await {
            Ok(permit) => permits.push(permit),
            Err(crowded) => return refuse(crowded).map(|body| Sent::new(body, in_flight)),
        }
    }
    let mut request = request.map(|body| {
        let memory = Arc::clone(&shared.memory);
        Body::new(Received::new(body, in_flight.clone(), memory))
    });
    request.extensions_mut().insert(ClientAddress(address));
    let app = shared.routes.app(&request);
    let answered = app.oneshot(request).await;
    let mut response = answered.unwrap_or_else(|never| match never {});
    // It may have been answered without the rest of the body, which the client still owes.
    in_flight.work();
    let bytes = response.body().size_hint();
    match shared
        .memory
        .answer(bytes.upper().unwrap_or(bytes.lower()))
        .await
    {
        Ok(permit) => permits.extend(permit),
        Err(crowded) => response = refuse(crowded),
    }
    if response.extensions().get::<Endless>().is_some() {
        in_flight.goes_on();
    }
    in_flight.answered(permits);
    response.map(|body| Sent::new(body, in_flight))
}

fn refuse(crowded: Crowded) -> Response {
    envelope::rendered(ApiError::Crowded(crowded).into_response(), Envelope::Verb)
}

//! The router's own time of a GET and of a POST, against a bare axum handler that makes the same
//! call of the SDK.
//!
//! ```text
//! cargo bench --bench router
//! ```
//!
//! Criterion's figures come first, through sockets to a DynamoDB that always gives the same
//! answer. The table after them takes the subjects in turn, a few requests each, so that its
//! ratios hold where the machine's speed drifts.

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path as PathParameter, Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use criterion::Criterion;
use modulo::name::Stage;
use modulo::store::Store;
use modulo::{app, config};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use figures::{Figure, table};

mod dynamodb;
mod figures;
mod modules;

type Service = BoxCloneSyncService<Request, Response, std::convert::Infallible>;

const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

/// The table's measure: rounds, and requests of each subject in a round.
const ROUNDS: usize = 300;
const REQUESTS: u32 = 20;

fn main() {
    // As the function's own, but for where the lines go.
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(io::sink);
    tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::INFO)
        .with(lines)
        .init();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be had");
    let dynamodb = start_dynamodb();
    let subjects = [
        ("bare", bare(&shared(dynamodb))),
        ("modulo, 2 modules", modulo(2, &shared(dynamodb))),
        ("modulo, 1,000 modules", modulo(1_000, &shared(dynamodb))),
    ];

    let mut criterion = Criterion::default().configure_from_args();
    for method in [Method::GET, Method::POST] {
        let mut group = criterion.benchmark_group(method.as_str());
        for (name, service) in &subjects {
            group.bench_function(*name, |bencher| {
                bencher.iter(|| runtime.block_on(request(service, &method)));
            });
        }
        group.finish();
    }
    criterion.final_summary();

    let names = subjects.each_ref().map(|(name, _)| (*name).to_owned());
    let figures = [("GET, µs", Method::GET), ("POST, µs", Method::POST)].map(|(name, method)| {
        interleaved(
            &runtime,
            name,
            &method,
            subjects.each_ref().map(|(_, service)| service),
        )
    });
    println!("{}", table(&names, 0, &figures));
}

/// Its own thread has it, so that the subjects' is theirs alone.
fn start_dynamodb() -> SocketAddr {
    let (sender, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be had");
        runtime.block_on(async {
            let address = dynamodb::start().await.expect("a port is free");
            sender.send(address).expect("the bench waits for it");
            std::future::pending::<()>().await;
        });
    });
    address.recv().expect("the thread sends it")
}

fn shared(dynamodb: SocketAddr) -> SdkConfig {
    let credentials = Credentials::for_tests();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(format!("http://{dynamodb}"))
        .build()
}

fn modulo(modules: usize, shared: &SdkConfig) -> Service {
    let text = modules::toml(modules);
    let config = config::parse(&text, Path::new("modules.toml"), &Stage::default(), [])
        .expect("the modules are legal");
    app(&config.into(), &Store::new(shared))
}

fn bare(shared: &SdkConfig) -> Service {
    let routes = Router::new()
        .route("/modulo1/{*id}", get(bare_get).post(bare_post))
        .with_state(Client::new(shared));
    BoxCloneSyncService::new(routes)
}

async fn bare_get(
    State(client): State<Client>,
    PathParameter(id): PathParameter<String>,
) -> String {
    let output = client
        .get_item()
        .table_name("modulo1-local")
        .key("modulo1Id", AttributeValue::S(id))
        .projection_expression("#key, #data")
        .expression_attribute_names("#key", "modulo1Id")
        .expression_attribute_names("#data", "data")
        .send()
        .await
        .expect("the endpoint answers");
    let data = output.item.and_then(|mut item| item.remove("data"));
    match data {
        Some(AttributeValue::S(text)) => text,
        other => panic!("the item's data is {other:?}"),
    }
}

async fn bare_post(
    State(client): State<Client>,
    PathParameter(id): PathParameter<String>,
    document: String,
) -> String {
    client
        .put_item()
        .table_name("modulo1-local")
        .item("modulo1Id", AttributeValue::S(id))
        .item("data", AttributeValue::S(document.clone()))
        .send()
        .await
        .expect("the endpoint answers");
    document
}

/// One request, from its arrival to the whole of its answer.
async fn request(service: &Service, method: &Method) {
    let body = match *method {
        Method::POST => Body::from(DOCUMENT),
        _ => Body::empty(),
    };
    let request = Request::builder()
        .method(method)
        .uri("/modulo1/sala90")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body)
        .expect("the request is legal");
    let answer = service
        .clone()
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {});
    assert!(answer.status().is_success(), "answered {answer:?}");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    black_box(body.expect("the answer is in memory"));
}

fn interleaved<const N: usize>(
    runtime: &Runtime,
    name: &'static str,
    method: &Method,
    services: [&Service; N],
) -> Figure {
    let mut values = vec![Vec::with_capacity(ROUNDS); N];
    for _ in 0..ROUNDS {
        for (service, values) in services.iter().zip(&mut values) {
            let began = Instant::now();
            runtime.block_on(async {
                for _ in 0..REQUESTS {
                    request(service, method).await;
                }
            });
            let each: Duration = began.elapsed() / REQUESTS;
            values.push(each.as_secs_f64() * 1e6);
        }
    }
    Figure {
        name,
        digits: 1,
        values,
    }
}

//! The router's own time of a GET, a POST, a list and a batch, against a bare axum handler that
//! makes the same calls of the SDK.
//!
//! ```text
//! cargo bench --bench router
//! ```
//!
//! Criterion's figures come first, through sockets to a DynamoDB that always gives the same
//! answer. The table after them takes the subjects in turn, a few requests each, so that its
//! ratios hold where the machine's speed drifts; it has the processor's time of this side alone.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path as PathParameter, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use axum::routing::{get, post};
use criterion::Criterion;
use modulo::aws::trust::{AwsClient, Trust};
use modulo::module::name::Stage;
use modulo::store::Store;
use modulo::telemetry::{self, Filter, Format};
use modulo::{app, config};
use nix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use figures::{Figure, table};
use issuer::Issuer;

mod dynamodb;
mod figures;
mod issuer;
mod modules;

type Service = BoxCloneSyncService<Request, Response, std::convert::Infallible>;

const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

/// The table's measure: rounds, and requests of each subject in a round.
const ROUNDS: usize = 300;
const REQUESTS: u32 = 20;

/// One kind of request.
struct Call {
    name: &'static str,
    method: Method,
    path: &'static str,
    body: String,
}

impl Call {
    fn all() -> [Self; 5] {
        let call = |name, method, path, body| Self {
            name,
            method,
            path,
            body,
        };
        let batch = |operation: fn(usize) -> serde_json::Value| {
            let operations: Vec<_> = (0..dynamodb::ITEMS).map(operation).collect();
            json!({ "operations": operations }).to_string()
        };
        let gets = batch(|n| json!({ "op": "get", "id": format!("sala{n}") }));
        let puts = batch(
            |n| json!({ "op": "put", "id": format!("sala{n}"), "item": { "chairs": n, "description": "Sala 90" } }),
        );
        let item = "/modulo1/sala90";
        [
            call("GET, µs", Method::GET, item, String::new()),
            call("POST, µs", Method::POST, item, DOCUMENT.to_owned()),
            call(
                "list of 100, µs",
                Method::GET,
                "/modulo1?limit=100",
                String::new(),
            ),
            call(
                "batch of 100 gets, µs",
                Method::POST,
                "/_batch/modulo1",
                gets,
            ),
            call(
                "batch of 100 puts, µs",
                Method::POST,
                "/_batch/modulo1",
                puts,
            ),
        ]
    }
}

fn main() {
    // As the function's own, but for where the lines go.
    telemetry::init_to(io::sink, Format::Json, None, &Filter::default());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be had");
    let dynamodb = start_dynamodb();
    let subjects = [
        ("bare", bare(&shared(dynamodb))),
        ("modulo, 2 modules", modulo(2, &shared(dynamodb))),
        ("modulo, 1,000 modules", modulo(1_000, &shared(dynamodb))),
        ("modulo, guarded", guarded(2, &shared(dynamodb))),
    ];

    let mut criterion = Criterion::default().configure_from_args();
    let calls = Call::all();
    for call in &calls {
        let mut group = criterion.benchmark_group(call.name);
        for (name, service) in &subjects {
            group.bench_function(*name, |bencher| {
                bencher.iter(|| runtime.block_on(request(service, call)));
            });
        }
        group.finish();
    }
    criterion.final_summary();

    let names = subjects.each_ref().map(|(name, _)| (*name).to_owned());
    let figures = calls.each_ref().map(|call| {
        let services = subjects.each_ref().map(|(_, service)| service);
        interleaved(&runtime, call, services)
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
            let address = dynamodb::start(Duration::ZERO)
                .await
                .expect("a port is free");
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
        .http_client(AwsClient::new(Trust::System))
        .build()
}

fn modulo(modules: usize, shared: &SdkConfig) -> Service {
    let text = modules::toml(modules);
    let config = config::parse(&text, Path::new("modules.toml"), &Stage::default(), [])
        .expect("the modules are valid");
    app(&config.into(), &Store::new(shared))
}

/// Every request has a token, of which the signature and the claims are checked; the key is there.
fn guarded(modules: usize, shared: &SdkConfig) -> Service {
    let issuer = Issuer::new();
    let folder = tempfile::tempdir().expect("a folder can be had");
    let file = folder.path().join("modules.toml");
    let text = issuer::GUARD.to_owned() + &modules::toml(modules);
    std::fs::write(&file, text).expect("the folder is writable");
    std::fs::write(folder.path().join("jwks.json"), issuer.jwks()).expect("the folder is writable");
    let config = config::check(&file, &Stage::default(), []).expect("the modules are valid");
    let authorization = format!("Bearer {}", issuer.token());
    let authorization: HeaderValue = authorization.parse().expect("a token is ASCII");
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request| {
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, authorization.clone());
            request
        })
        .service(app(&config.into(), &Store::new(shared)));
    BoxCloneSyncService::new(service)
}

fn bare(shared: &SdkConfig) -> Service {
    let routes = Router::new()
        .route("/modulo1/{*id}", get(bare_get).post(bare_post))
        .route("/modulo1", get(bare_list))
        .route("/_batch/modulo1", post(bare_batch))
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

/// The texts, one a line.
async fn bare_list(State(client): State<Client>) -> String {
    let output = client
        .scan()
        .table_name("modulo1-local")
        .limit(100)
        .projection_expression("#key, #data")
        .expression_attribute_names("#key", "modulo1Id")
        .expression_attribute_names("#data", "data")
        .send()
        .await
        .expect("the endpoint answers");
    texts(output.items())
}

fn texts(items: &[std::collections::HashMap<String, AttributeValue>]) -> String {
    assert_eq!(items.len(), dynamodb::ITEMS);
    let texts = items.iter().filter_map(|item| item["data"].as_s().ok());
    texts.map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// The operations are read, since there is no call without them, and done as the SDK takes them.
async fn bare_batch(State(client): State<Client>, body: String) -> String {
    let body: serde_json::Value = serde_json::from_str(&body).expect("the request is JSON");
    let operations = body["operations"].as_array().expect("it is a batch");
    let id = |operation: &serde_json::Value| {
        AttributeValue::S(operation["id"].as_str().expect("it has an id").to_owned())
    };
    if operations[0]["op"] == "get" {
        let keys = operations
            .iter()
            .map(|operation| [("modulo1Id".to_owned(), id(operation))].into());
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", "modulo1Id")
            .expression_attribute_names("#data", "data")
            .build()
            .expect("it has keys");
        let call = client.batch_get_item().request_items("modulo1-local", keys);
        let output = call.send().await.expect("the endpoint answers");
        return texts(&output.responses().expect("it has items")["modulo1-local"]);
    }
    let mut calls = JoinSet::new();
    for operations in operations.chunks(25) {
        let puts = operations.iter().map(|operation| {
            let put = PutRequest::builder()
                .item("modulo1Id", id(operation))
                .item("data", AttributeValue::S(operation["item"].to_string()))
                .build()
                .expect("it has an item");
            WriteRequest::builder().put_request(put).build()
        });
        let call = client
            .batch_write_item()
            .request_items("modulo1-local", puts.collect());
        calls.spawn(call.send());
    }
    for done in calls.join_all().await {
        done.expect("the endpoint answers");
    }
    String::new()
}

/// One request, from its arrival to the whole of its answer.
async fn request(service: &Service, call: &Call) {
    let request = Request::builder()
        .method(&call.method)
        .uri(call.path)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(Body::from(call.body.clone()))
        .expect("the request is valid");
    let answer = service
        .clone()
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {});
    assert!(answer.status().is_success(), "answered {answer:?}");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    black_box(body.expect("the answer is in memory"));
}

fn interleaved<const N: usize>(runtime: &Runtime, call: &Call, services: [&Service; N]) -> Figure {
    let mut values = vec![Vec::with_capacity(ROUNDS); N];
    for _ in 0..ROUNDS {
        for (service, values) in services.iter().zip(&mut values) {
            let began = processor_us();
            runtime.block_on(async {
                for _ in 0..REQUESTS {
                    request(service, call).await;
                }
            });
            values.push((processor_us() - began) / f64::from(REQUESTS));
        }
    }
    Figure {
        name: call.name.to_owned(),
        digits: 1,
        values,
    }
}

/// What this thread has had of the processor, in microseconds.
fn processor_us() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every Linux has it");
    time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3
}

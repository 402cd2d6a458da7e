//! `POST /_batch/<module>`.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use modulo::local::{self, Data, Engine};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{Answer, MODULES, TestApp, document_of, parse};

const MORE: &str = r#"
    [modules.plain]
    key = "id"
    envelope = "plain"
    storage = "document"

    [modules.read]
    key = "id"
    methods = ["GET"]
"#;

async fn start() -> TestApp {
    TestApp::start(&format!("{MODULES}{MORE}")).await
}

async fn batch(app: &TestApp, module: &str, body: &Value) -> Answer {
    app.send("POST", &format!("/_batch/{module}"), body.to_string())
        .await
}

#[track_caller]
fn assert_results(answer: &Answer, expected: &Value) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut told = document_of(&answer.body);
    if told.get("BATCH").is_some() {
        told = told["BATCH"].take();
    }
    assert_eq!(told, json!({ "results": expected }));
}

#[tokio::test]
async fn each_operation_has_its_own_answer_in_its_place() {
    let app = start().await;
    app.send("POST", "/modulo1/a", r#"{"n":1.10}"#).await;
    app.send("POST", "/modulo1/c", "1").await;
    let operations = json!({ "operations": [
        { "op": "get", "id": "a" },
        { "op": "put", "id": "b/ç", "item": { "n": 2 } },
        { "op": "get", "id": "none" },
        { "op": "delete", "id": "c" },
        { "op": "put", "id": "d" },
        { "op": "put", "id": "e", "item": {} },
        { "op": "get", "id": "x".repeat(2_049) },
        { "op": "delete", "id": "none too" },
    ] });
    let answer = batch(&app, "modulo1", &operations).await;
    let error = |message: &str| json!({ "message": message });
    assert_results(
        &answer,
        &json!([
            { "status": 200, "GET": { "modulo1Id": "a", "data": "{\"n\":1.10}" } },
            { "status": 200, "PUT": { "modulo1Id": "b/ç" } },
            { "status": 404, "ERROR": error("Resource does not exist") },
            { "status": 200, "DELETE": { "modulo1Id": "c" } },
            { "status": 400, "ERROR": error("Please provide some data") },
            { "status": 400, "ERROR": error("Please provide some data") },
            { "status": 400, "ERROR": error(
                "Please provide a valid modulo1Id: the id has 2049 bytes, at most 2048 are possible"
            ) },
            { "status": 200, "DELETE": { "modulo1Id": "none too" } },
        ]),
    );
    assert_eq!(app.get("/modulo1/b/%C3%A7").await.status, 200);
    assert_eq!(app.get("/modulo1/c").await.status, 404);
}

#[tokio::test]
async fn a_plain_batch_has_documents_and_problems() {
    let app = start().await;
    app.send("POST", "/plain/a", r#"{"n":1}"#).await;
    let operations = json!({ "operations": [
        { "op": "get", "id": "a" },
        { "op": "put", "id": "b", "item": { "n": 2 } },
        { "op": "put", "id": "c", "item": [1] },
        { "op": "get", "id": "none" },
        { "op": "put", "id": "d" },
        { "op": "get", "id": "" },
    ] });
    let answer = batch(&app, "plain", &operations).await;
    let problem = |status: u16, title: &str, detail: &str| json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    let refused = |id: &str, detail: &str| json!({ "id": id, "status": 400, "problem": problem(400, "Bad Request", detail) });
    let missing = problem(404, "Not Found", "Resource does not exist");
    assert_results(
        &answer,
        &json!([
            { "id": "a", "status": 200, "item": { "n": 1 } },
            { "id": "b", "status": 204 },
            refused("c", "Please provide a JSON document: it is not an object, so it has no members to store"),
            { "id": "none", "status": 404, "problem": missing },
            refused("d", "Please provide some data"),
            refused("", "Please provide a valid id: the id is empty"),
        ]),
    );
}

#[tokio::test]
async fn a_hundred_operations_fit() {
    let app = start().await;
    let puts: Vec<_> = (0..100)
        .map(|at| json!({ "op": "put", "id": format!("i{at}"), "item": { "at": at } }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": puts })).await;
    assert!(!answer.body.contains("ERROR"), "{}", answer.body);
    let gets: Vec<_> = (0..100)
        .map(|at| json!({ "op": "get", "id": format!("i{at}") }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": gets })).await;
    let results = document_of(&answer.body)["BATCH"]["results"].take();
    for (at, result) in results.as_array().unwrap().iter().enumerate() {
        assert_eq!(result["GET"]["data"], format!(r#"{{"at":{at}}}"#));
    }
    let one_more = json!({ "operations": vec![json!({ "op": "get", "id": "x" }); 101] });
    let refused = batch(&app, "modulo1", &one_more).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let app = start().await;
    for (body, message) in [
        (json!([]), "expected an object with `operations`"),
        (
            json!({ "operations": [] }),
            "it has 0 operations, from 1 to 100 are possible",
        ),
        (
            json!({ "operations": [{ "op": "patch", "id": "x" }] }),
            "unknown variant `patch`",
        ),
        (
            json!({ "operations": [{ "op": "get" }] }),
            "missing field `id`",
        ),
        (
            json!({ "operations": [{ "op": "get", "id": "x", "if": 1 }] }),
            "unknown field `if`",
        ),
        (
            json!({ "operations": [{ "op": "get", "id": "x" }, { "op": "put", "id": "x", "item": 1 }] }),
            "`/operations/0` and `/operations/1` are of the same id",
        ),
        (
            json!({ "atomic": true, "operations": [{ "op": "get", "id": "x" }, { "op": "delete", "id": "y" }] }),
            "an atomic batch has only gets, or no gets",
        ),
    ] {
        let answer = batch(&app, "modulo1", &body).await;
        assert_eq!(answer.status, 400, "of {body}: {}", answer.body);
        assert!(answer.body.contains(message), "of {body}: {}", answer.body);
    }
    let nowhere = batch(&app, "none", &json!({})).await;
    assert_eq!(
        (nowhere.status.as_u16(), &*nowhere.body),
        (404, r#"{"ERROR":{"message":"Not found"}}"#)
    );
    let got = app.get("/_batch/modulo1").await;
    assert_eq!(
        (got.status.as_u16(), got.header("allow")),
        (405, "POST, OPTIONS")
    );
    let options = app.send("OPTIONS", "/_batch/modulo1", Body::empty()).await;
    assert_eq!(
        (options.status.as_u16(), options.header("allow")),
        (204, "POST, OPTIONS")
    );
}

#[tokio::test]
async fn an_operation_needs_its_verb() {
    let app = start().await;
    let operations = json!({ "operations": [
        { "op": "get", "id": "a" },
        { "op": "put", "id": "b", "item": 1 },
        { "op": "delete", "id": "c" },
    ] });
    let answer = batch(&app, "read", &operations).await;
    let refused = json!({ "status": 405, "ERROR": { "message": "Method not allowed" } });
    let missing = json!({ "status": 404, "ERROR": { "message": "Resource does not exist" } });
    assert_results(&answer, &json!([missing, refused, refused]));
}

#[tokio::test]
async fn an_atomic_batch_that_is_refused_with_405_says_what_is_allowed() {
    let app = TestApp::start("[modules.read]\nkey = \"id\"\nmethods = [\"GET\"]\n").await;
    let operations = json!({ "operations": [{ "op": "delete", "id": "a" }], "atomic": true });
    let answer = batch(&app, "read", &operations).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "POST, OPTIONS")
    );
}

#[tokio::test]
async fn what_is_atomic_is_done_wholly_or_not_at_all() {
    let app = start().await;
    let writes = |last: Value| {
        json!({ "atomic": true, "operations": [
            { "op": "put", "id": "a", "item": { "n": 1 } },
            { "op": "delete", "id": "b" },
            { "op": "put", "id": "c", "item": last },
        ] })
    };
    let refused = batch(&app, "modulo1", &writes(json!({}))).await;
    assert_eq!(refused.status, 400);
    let message = "`/operations/2`: Please provide some data";
    assert_eq!(
        document_of(&refused.body),
        json!({ "ERROR": { "message": message } })
    );
    assert_eq!(app.get("/modulo1/a").await.status, 404);
    let done = batch(&app, "modulo1", &writes(json!(3))).await;
    assert_results(
        &done,
        &json!([
            { "status": 200, "PUT": { "modulo1Id": "a" } },
            { "status": 200, "DELETE": { "modulo1Id": "b" } },
            { "status": 200, "PUT": { "modulo1Id": "c" } },
        ]),
    );
    let gets = json!({ "atomic": true, "operations": [
        { "op": "get", "id": "c" }, { "op": "get", "id": "b" }, { "op": "get", "id": "a" },
    ] });
    assert_results(
        &batch(&app, "modulo1", &gets).await,
        &json!([
            { "status": 200, "GET": { "modulo1Id": "c", "data": "3" } },
            { "status": 404, "ERROR": { "message": "Resource does not exist" } },
            { "status": 200, "GET": { "modulo1Id": "a", "data": "{\"n\":1}" } },
        ]),
    );
}

/// More than an answer can hold: what has no room is told so, nothing is cut.
#[tokio::test]
async fn an_answer_always_fits() {
    let app = start().await;
    let document = format!("\"{}\"", "x".repeat(350_000));
    for at in 0..20 {
        app.send("POST", &format!("/modulo1/{at}"), document.clone())
            .await;
    }
    let gets: Vec<_> = (0..20)
        .map(|at| json!({ "op": "get", "id": at.to_string() }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": gets })).await;
    assert!(serde_json::to_string(&answer.body).unwrap().len() < 6 * 1_024 * 1_024);
    let results = document_of(&answer.body)["BATCH"]["results"].take();
    let statuses: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses[..17], [200; 17]);
    assert_eq!(statuses[17..], [413; 3]);
}

/// An item that is too large for DynamoDB, with its key, fails by itself.
#[tokio::test]
async fn one_item_too_large_fails_alone() {
    let app = TestApp::start("[modules.big]\nkey = 'id'\nmax_bytes = 409600").await;
    let large = "x".repeat(409_598);
    let operations = json!({ "operations": [
        { "op": "put", "id": "a", "item": 1 },
        { "op": "put", "id": "b", "item": large },
        { "op": "put", "id": "c", "item": 1 },
    ] });
    let answer = batch(&app, "big", &operations).await;
    let results = document_of(&answer.body)["BATCH"]["results"].take();
    let statuses: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses, [200, 413, 200], "{}", answer.body);
    let mut atomic = operations;
    atomic["atomic"] = true.into();
    let answer = batch(&app, "big", &atomic).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
}

/// Forwards to an engine; of a batch only the first half, and says of the rest that there was no
/// capacity for it.
struct Busy {
    engine: String,
    client: Http<HttpConnector, Body>,
}

async fn forward(State(busy): State<Arc<Busy>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut body: Value =
        serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    let target = parts.headers["x-amz-target"].to_str().unwrap().to_owned();
    let mut left = json!({});
    let (kind, is_batch) = match target.rsplit('.').next().unwrap() {
        "BatchGetItem" => ("UnprocessedKeys", true),
        "BatchWriteItem" => ("UnprocessedItems", true),
        _ => ("", false),
    };
    if is_batch {
        for (table, all) in body["RequestItems"].as_object_mut().unwrap() {
            let mut rest = all.clone();
            let halve = |all: &mut Value, rest: &mut Value| {
                let (all, rest) = (all.as_array_mut().unwrap(), rest.as_array_mut().unwrap());
                let half = all.len().div_ceil(2);
                all.truncate(half);
                rest.drain(..half);
                rest.is_empty()
            };
            let is_whole = if kind == "UnprocessedKeys" {
                halve(&mut all["Keys"], &mut rest["Keys"])
            } else {
                halve(all, &mut rest)
            };
            if !is_whole {
                left[table] = rest;
            }
        }
    }
    parts.uri = format!("{}/", busy.engine).parse().unwrap();
    parts.headers.remove("content-length");
    let request = Request::from_parts(parts, Body::from(body.to_string()));
    let answer = busy.client.request(request).await.unwrap();
    let (mut parts, body) = answer.into_parts();
    let mut body: Value =
        serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    if is_batch {
        body[kind] = left;
        parts.headers.clear();
    }
    Response::from_parts(parts, Body::from(body.to_string()))
}

#[tokio::test]
async fn what_is_left_unprocessed_is_tried_again() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let busy = Arc::new(Busy {
        engine: engine.endpoint(),
        client: Http::builder(TokioExecutor::new()).build_http(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let proxy = Router::new().fallback(forward).with_state(busy);
    tokio::spawn(async { axum::serve(listener, proxy).await });
    let config = parse(MODULES);
    let app = TestApp::over(&config, &endpoint).await;
    local::create_tables(&app.dynamodb, config.modules.tables())
        .await
        .unwrap();
    let puts: Vec<_> = (0..8)
        .map(|at| json!({ "op": "put", "id": format!("{at}"), "item": 1 }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": puts })).await;
    assert!(!answer.body.contains("ERROR"), "{}", answer.body);
    let gets: Vec<_> = (0..8)
        .map(|at| json!({ "op": "get", "id": format!("{at}") }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": gets })).await;
    assert!(!answer.body.contains("ERROR"), "{}", answer.body);
    // So many that the attempts run out: each of these says so, and none is said to be done.
    let puts: Vec<_> = (100..140)
        .map(|at| json!({ "op": "put", "id": format!("{at}"), "item": 1 }))
        .collect();
    let answer = batch(&app, "modulo1", &json!({ "operations": puts })).await;
    let results = document_of(&answer.body)["BATCH"]["results"].take();
    let mut refused = 0;
    for (at, result) in results.as_array().unwrap().iter().enumerate() {
        let key = AttributeValue::S((100 + at).to_string());
        let get = app
            .dynamodb
            .get_item()
            .table_name("modulo1-local")
            .key("modulo1Id", key);
        let is_there = get.send().await.unwrap().item.is_some();
        assert_eq!(
            result["status"],
            if is_there { 200 } else { 503 },
            "of {at}"
        );
        refused += usize::from(!is_there);
    }
    assert!(refused > 0);
}

//! A DynamoDB that gives every call of a kind the same answer, so that what differs between two
//! figures is not its doing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::serve::Listener;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The item that `GetItem` finds, in modulo1's table.
const ITEM: &str = r#"{"Item":{"modulo1Id":{"S":"sala90"},"data":{"S":"{\"description\":\"Sala 90\",\"chairs\":90}"}}}"#;

/// The same in a table that has the sort key [`SORT`] as well.
const SORTED_ITEM: &str = r#"{"Item":{"modulo1Id":{"S":"sala90"},"sortId":{"S":"b1"},"data":{"S":"{\"description\":\"Sala 90\",\"chairs\":90}"}}}"#;

/// The sort key of that table.
pub const SORT: &str = "sortId";

/// What the ids begin with whose documents have as many KB as the number after it.
pub const KILOBYTES: &str = "kb";

/// How many items a `Scan`, a `Query` and a `BatchGetItem` find: sala0, sala1, …
pub const ITEMS: usize = 100;

/// What calls with many items are answered, and how long every answer takes.
struct Answers {
    scan: String,
    query: String,
    batch: String,
    delay: Duration,
}

impl Answers {
    fn new(delay: Duration) -> Self {
        let items = (0..ITEMS).map(|n| {
            json!({ "modulo1Id": { "S": format!("sala{n}") }, "data": { "S": format!(r#"{{"description":"Sala {n}","chairs":{n}}}"#) } })
        });
        let items: Vec<_> = items.collect();
        let of_partition = (0..ITEMS).map(|n| {
            json!({ "modulo1Id": { "S": "sala90" }, SORT: { "S": format!("b{n:02}") }, "data": { "S": format!(r#"{{"description":"Sala {n}","chairs":{n}}}"#) } })
        });
        let of_partition: Vec<_> = of_partition.collect();
        Self {
            query: json!({ "Items": of_partition, "Count": ITEMS, "ScannedCount": ITEMS })
                .to_string(),
            scan: json!({ "Items": items, "Count": ITEMS, "ScannedCount": ITEMS }).to_string(),
            batch: json!({ "Responses": { "modulo1-local": items } }).to_string(),
            delay,
        }
    }
}

/// Listens on a free port of the loopback device, for as long as the runtime lives.
pub async fn start(delay: Duration) -> std::io::Result<SocketAddr> {
    serve(TcpListener::bind("127.0.0.1:0").await?, delay)
}

/// As [`start`], by whatever comes in at `listener`.
pub fn serve<L: Listener<Addr = SocketAddr>>(
    listener: L,
    delay: Duration,
) -> std::io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let answers = Router::new().fallback(answer);
    let server = axum::serve(listener, answers.with_state(Arc::new(Answers::new(delay))));
    tokio::spawn(server.into_future());
    Ok(address)
}

/// A document of so many KB.
pub fn document(kilobytes: usize) -> String {
    json!({ "text": "x".repeat(kilobytes * 1_024 - 11) }).to_string()
}

/// The item of the id in a `GetItem`.
fn item(call: &[u8]) -> String {
    let call: serde_json::Value = serde_json::from_slice(call).unwrap_or_default();
    let id = call["Key"]["modulo1Id"]["S"].as_str().unwrap_or_default();
    match id.strip_prefix(KILOBYTES).map(str::parse) {
        Some(Ok(kilobytes)) => {
            json!({ "Item": { "modulo1Id": { "S": id }, "data": { "S": document(kilobytes) } } })
                .to_string()
        }
        _ if call["Key"].get(SORT).is_some() => SORTED_ITEM.to_owned(),
        _ => ITEM.to_owned(),
    }
}

async fn answer(
    State(answers): State<Arc<Answers>>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    if !answers.delay.is_zero() {
        sleep(answers.delay).await;
    }
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    let (status, body) = match target {
        Some(b"DynamoDB_20120810.GetItem") => (StatusCode::OK, item(&body)),
        Some(b"DynamoDB_20120810.Scan") => (StatusCode::OK, answers.scan.clone()),
        Some(b"DynamoDB_20120810.Query") => (StatusCode::OK, answers.query.clone()),
        Some(b"DynamoDB_20120810.BatchGetItem") => (StatusCode::OK, answers.batch.clone()),
        Some(
            b"DynamoDB_20120810.PutItem"
            | b"DynamoDB_20120810.UpdateItem"
            | b"DynamoDB_20120810.BatchWriteItem",
        ) => (StatusCode::OK, "{}".to_owned()),
        _ => (StatusCode::BAD_REQUEST, "{}".to_owned()),
    };
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        (
            "x-amzn-requestid",
            "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG",
        ),
    ];
    (status, headers, body)
}

//! A DynamoDB that gives every call of a kind the same answer, so that what differs between two
//! figures is not its doing.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
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

/// What the ids begin with whose documents have as many KB as the number after it; of a partition, all
/// of its items together.
pub const KILOBYTES: &str = "kb";

/// What they begin with whose documents are one long text, of which nothing is escaped.
pub const PLAIN_KILOBYTES: &str = "plain";

/// How many items a `Scan`, a `Query` and a `BatchGetItem` find: sala0, sala1, …
pub const ITEMS: usize = 100;

/// What calls with many items are answered, and how long every answer takes.
struct Answers {
    scan: String,
    query: String,
    batch: String,
    /// To calls that name documents by their size: there are few such calls, and many of each.
    of_size: Mutex<HashMap<Bytes, Bytes>>,
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
            of_size: Mutex::default(),
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

/// The document that the id of an item names, if it names one by its size.
pub fn document(id: &str) -> Option<String> {
    let (name, _) = id.split_once('.').unwrap_or((id, ""));
    if let Some(kilobytes) = name.strip_prefix(PLAIN_KILOBYTES) {
        let text = "x".repeat(kilobytes.parse::<usize>().ok()? * 1_024 - 11);
        return Some(json!({ "text": text }).to_string());
    }
    let bytes = name.strip_prefix(KILOBYTES)?.parse::<usize>().ok()? * 1_024;
    Some(document_of(bytes))
}

/// As people have it: a quote every nine bytes, and some texts in another language than English.
fn document_of(bytes: usize) -> String {
    let mut text = r#"{"description":"Escola Estadual João Goulart","rooms":["#.to_owned();
    for n in 0.. {
        let building = ["Bloco A", "Anexo", "Prédio novo"][n % 3];
        let room = json!({
            "name": format!("Sala {n}"), "building": building,
            "floor": n % 4, "chairs": 20 + n % 31, "area": 38.5, "is_open": n % 5 > 0,
            "equipment": ["projetor multimídia", "quadro branco", "ar-condicionado"],
            "note": "Às terças há reunião de pais das 14h às 16h; \"não marcar aulas\", pede a coordenação",
            "teacher": null
        });
        let room = room.to_string();
        if text.len() + room.len() + 3 > bytes {
            break;
        }
        if n > 0 {
            text.push(',');
        }
        text += &room;
    }
    text + "]}"
}

/// The item of a document's size, or the items.
fn of_size(target: &str, call: &serde_json::Value) -> Option<serde_json::Value> {
    let item = |id: &str| {
        let document = document(id)?;
        Some(json!({ "modulo1Id": { "S": id }, "data": { "S": document } }))
    };
    match target {
        "GetItem" => Some(json!({ "Item": item(call["Key"]["modulo1Id"]["S"].as_str()?)? })),
        "Query" => {
            let mut values = call["ExpressionAttributeValues"].as_object()?.values();
            let partition = values.next()?["S"].as_str()?;
            let kilobytes: usize = partition.strip_prefix(KILOBYTES)?.parse().ok()?;
            let document = document_of(kilobytes * 1_024 / ITEMS);
            let items = (0..ITEMS).map(|n| {
                json!({ "modulo1Id": { "S": partition }, SORT: { "S": format!("b{n:02}") }, "data": { "S": document } })
            });
            let items: Vec<_> = items.collect();
            Some(json!({ "Items": items, "Count": ITEMS, "ScannedCount": ITEMS }))
        }
        "BatchGetItem" => {
            let keys = call["RequestItems"]["modulo1-local"]["Keys"].as_array()?;
            let items = keys.iter().map(|key| item(key["modulo1Id"]["S"].as_str()?));
            let items: Vec<_> = items.collect::<Option<_>>()?;
            Some(json!({ "Responses": { "modulo1-local": items } }))
        }
        _ => None,
    }
}

impl Answers {
    /// The answer to a call that names documents by their size.
    fn of_size(&self, target: &str, call: &Bytes) -> Option<Bytes> {
        let mut known = self.of_size.lock().expect("nobody panics with it");
        if let Some(answer) = known.get(call) {
            return Some(answer.clone());
        }
        let answer = of_size(target, &serde_json::from_slice(call).ok()?)?;
        let answer = Bytes::from(answer.to_string());
        known.insert(call.clone(), answer.clone());
        Some(answer)
    }
}

/// The item of the id in a `GetItem`.
fn item(call: &[u8]) -> &'static str {
    let call: serde_json::Value = serde_json::from_slice(call).unwrap_or_default();
    if call["Key"].get(SORT).is_some() {
        SORTED_ITEM
    } else {
        ITEM
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
    let target = headers.get("x-amz-target").map(HeaderValue::to_str);
    let target = target.and_then(|target| target.ok()?.strip_prefix("DynamoDB_20120810."));
    let target = target.unwrap_or_default();
    let small = |answer: &str| Bytes::from(answer.to_owned());
    let (status, body) = match target {
        "GetItem" | "Query" | "BatchGetItem"
            if let Some(answer) = answers.of_size(target, &body) =>
        {
            (StatusCode::OK, answer)
        }
        "GetItem" => (StatusCode::OK, small(item(&body))),
        "Scan" => (StatusCode::OK, small(&answers.scan)),
        "Query" => (StatusCode::OK, small(&answers.query)),
        "BatchGetItem" => (StatusCode::OK, small(&answers.batch)),
        "PutItem" | "UpdateItem" | "BatchWriteItem" => (StatusCode::OK, small("{}")),
        _ => (StatusCode::BAD_REQUEST, small("{}")),
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

//! The worst request of each kind that a client may send, each to a function started for it: how
//! much memory the function had at the most, and the processor's time.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::subject;

const MODULES: &str = r#"
    [defaults]
    key = "id"

    [modules.texts]

    [modules.members]
    storage = "document"

    [modules.expressions]
    schema = "expression.json"

    [modules.choices]
    schema = { items = { anyOf = [{ type = "string" }, { type = "null" }, { type = "object" }] } }

    [modules.numbers]
    schema = { items = { anyOf = [{ type = "string" }, { type = "number" }] } }

    [modules.sets]
    schema = { uniqueItems = true }
"#;

const EXPRESSION: &str = r##"{
    "$ref": "#/$defs/expr",
    "$defs": { "expr": { "oneOf": [
        { "type": "number" },
        { "type": "object", "properties": { "args": { "items": { "$ref": "#/$defs/expr" } }, "op": { "const": "add" } } },
        { "type": "object", "properties": { "args": { "items": { "$ref": "#/$defs/expr" } }, "op": { "const": "mul" } } },
        { "type": "object", "properties": { "args": { "items": { "$ref": "#/$defs/expr" } }, "op": { "const": "neg" } } }
    ] } }
}"##;

/// How many objects are in the document that takes the most memory for its bytes: 384 KB. Of a
/// larger one, a JSON Patch may not make a copy.
const OBJECTS: usize = 48_000;

/// That document. A tree of it takes a hundred times its text.
static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| format!(r#"{{"a":[{}]}}"#, vec![r#"{"a":0}"#; OBJECTS].join(",")));

/// A request, and the status that it must have.
pub struct Case {
    pub name: &'static str,
    pub event: Bytes,
    pub status: u16,
}

/// Writes what lies beside the binary.
pub fn write(root: &Path) -> Result<()> {
    fs::write(root.join("modules.toml"), MODULES)?;
    fs::write(root.join("expression.json"), EXPRESSION)?;
    Ok(())
}

const JSON: &str = "application/json";
const OPERATIONS: &str = "application/json-patch+json";

/// The requests.
#[expect(clippy::too_many_lines, reason = "one list, a case a row")]
pub fn cases() -> Result<Vec<Case>> {
    let document = DOCUMENT.as_str();
    let other = document.replacen("\"a\"", "\"b\"", 1);
    // Its texts could be binary values of another program.
    let unclear = document.replace("{\"a\":0}", "{\"a\":\"\"}");
    let unclear = unclear.replacen(",{\"a\":\"\"}", "", OBJECTS / 8);
    let copies = r#"{"op":"copy","from":"/a","path":"/b"},{"op":"remove","path":"/b"}"#;
    let copies = format!("[{}]", [copies; 6].join(","));
    let batch = |operations: Vec<String>, atomic: bool| {
        let operations = operations.join(",");
        format!(r#"{{"atomic":{atomic},"operations":[{operations}]}}"#)
    };
    let put = |id: usize| format!(r#"{{"op":"put","id":"{id}","item":{document}}}"#);
    let puts = batch((0..16).map(put).collect(), false);
    let two_puts = batch((0..2).map(put).collect(), true);
    let get = |id: usize| format!(r#"{{"op":"get","id":"{id}"}}"#);
    let gets = batch((0..100).map(get).collect(), false);
    let numbers = format!("[{}]", vec!["0"; 204_000].join(","));
    let close = (0..16_000).map(|at| format!("0.1000000000000000{at:05}1"));
    let close = format!("[{}]", close.collect::<Vec<_>>().join(","));
    let expression = r#"{"op":"add","args":["#.repeat(12) + "\"x\"" + &"]}".repeat(12);
    let cases: [(&str, &str, &str, &str, &str, u16); 21] = [
        ("GET, text", "GET", "/texts/x", "", "", 200),
        ("GET, native", "GET", "/members/x", "", "", 200),
        ("list, text", "GET", "/texts", "", "", 200),
        ("list, native", "GET", "/members", "", "", 200),
        ("POST, text", "POST", "/texts/x", JSON, document, 200),
        ("POST, native", "POST", "/members/x", JSON, document, 200),
        ("PUT, text", "PUT", "/texts/x", JSON, document, 200),
        ("PUT, native", "PUT", "/members/x", JSON, document, 200),
        (
            "PUT, native, of unclear types",
            "PUT",
            "/members/x",
            JSON,
            &unclear,
            200,
        ),
        ("merge patch, text", "PATCH", "/texts/x", JSON, &other, 413),
        (
            "merge patch, native",
            "PATCH",
            "/members/x",
            JSON,
            &other,
            413,
        ),
        (
            "JSON patch, text",
            "PATCH",
            "/texts/x",
            OPERATIONS,
            &copies,
            200,
        ),
        (
            "JSON patch, native",
            "PATCH",
            "/members/x",
            OPERATIONS,
            &copies,
            200,
        ),
        (
            "batch of puts, text",
            "POST",
            "/_batch/texts",
            JSON,
            &puts,
            200,
        ),
        (
            "batch of puts, native",
            "POST",
            "/_batch/members",
            JSON,
            &puts,
            200,
        ),
        (
            "atomic puts, native",
            "POST",
            "/_batch/members",
            JSON,
            &two_puts,
            200,
        ),
        (
            "batch of gets, native",
            "POST",
            "/_batch/members",
            JSON,
            &gets,
            200,
        ),
        (
            "anyOf of numbers that fit",
            "PUT",
            "/numbers/x",
            JSON,
            &numbers,
            200,
        ),
        (
            "anyOf of numbers that do not",
            "PUT",
            "/choices/x",
            JSON,
            &numbers,
            422,
        ),
        (
            "oneOf in oneOf",
            "PUT",
            "/expressions/x",
            JSON,
            &expression,
            422,
        ),
        (
            "uniqueItems of close numbers",
            "PUT",
            "/sets/x",
            JSON,
            &close,
            200,
        ),
    ];
    let cases = cases.map(|(name, method, path, content_type, body, status)| {
        let mut event: Value = serde_json::from_slice(&subject::post())?;
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["path"] = path.into();
        event["requestContext"]["http"]["method"] = method.into();
        event["headers"]["content-type"] = content_type.into();
        event["headers"]["content-length"] = body.len().to_string().into();
        event["body"] = body.into();
        Ok(Case {
            name,
            event: event.to_string().into(),
            status,
        })
    });
    cases.into_iter().collect()
}

/// Listens as a DynamoDB in which every item has the document, however its module keeps it.
pub async fn dynamodb() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::disable());
    tokio::spawn(axum::serve(listener, answers).into_future());
    Ok(address)
}

/// The same as DynamoDB's attributes, of a text and of native members.
static TEXT: LazyLock<String> =
    LazyLock::new(|| format!(r#""data":{{"S":{}}}"#, json!(DOCUMENT.as_str())));
static NATIVE: LazyLock<String> = LazyLock::new(|| {
    let objects = vec![r#"{"M":{"a":{"N":"0"}}}"#; OBJECTS].join(",");
    format!(r#""a":{{"L":[{objects}]}}"#)
});

/// Items of the table, with these ids.
fn items(table: &str, ids: &[&str]) -> String {
    let members = if table == "members-local" {
        &NATIVE
    } else {
        &TEXT
    };
    let items = ids
        .iter()
        .map(|id| format!(r#"{{"id":{{"S":"{id}"}},{}}}"#, members.as_str()));
    items.collect::<Vec<_>>().join(",")
}

async fn answer(headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let call = || serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    let answer = match target {
        Some(b"DynamoDB_20120810.GetItem") => {
            let item = items(call()["TableName"].as_str().unwrap_or_default(), &["x"]);
            format!(r#"{{"Item":{item}}}"#)
        }
        // As much as DynamoDB reads for a page.
        Some(b"DynamoDB_20120810.Scan") => {
            let table = call()["TableName"].as_str().unwrap_or_default().to_owned();
            format!(r#"{{"Items":[{}]}}"#, items(&table, &["x", "y", "z"]))
        }
        Some(b"DynamoDB_20120810.BatchGetItem") => batch(&call()),
        _ => "{}".to_owned(),
    };
    let headers = [("content-type", "application/x-amz-json-1.0")];
    (headers, answer)
}

/// No more items than DynamoDB answers at once, and the keys of the rest.
fn batch(call: &Value) -> String {
    let asked = call["RequestItems"].as_object();
    let Some((table, asked)) = asked.and_then(|tables| tables.iter().next()) else {
        return "{}".to_owned();
    };
    let keys = asked["Keys"].as_array().map_or(&[][..], Vec::as_slice);
    let (now, later) = keys.split_at(keys.len().min(45));
    let ids: Vec<_> = now
        .iter()
        .filter_map(|key| key["id"]["S"].as_str())
        .collect();
    let left = if later.is_empty() {
        json!({})
    } else {
        json!({ table: { "Keys": later } })
    };
    let items = items(table, &ids);
    format!(r#"{{"Responses":{{"{table}":[{items}]}},"UnprocessedKeys":{left}}}"#)
}

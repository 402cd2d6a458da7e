//! A DynamoDB that gives every `GetItem` and `PutItem` the same answer, so that what differs between
//! two figures is not its doing.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use tokio::net::TcpListener;

/// The item that every `GetItem` finds, in modulo1's table.
const ITEM: &str = r#"{"Item":{"modulo1Id":{"S":"sala90"},"data":{"S":"{\"description\":\"Sala 90\",\"chairs\":90}"}}}"#;

/// Listens on a free port of the loopback device, for as long as the runtime lives.
pub async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = axum::serve(listener, Router::new().fallback(answer));
    tokio::spawn(server.into_future());
    Ok(address)
}

/// Takes the whole body, for the connection to be used again.
async fn answer(headers: HeaderMap, _: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    let (status, body) = match target {
        Some(b"DynamoDB_20120810.GetItem") => (StatusCode::OK, ITEM),
        Some(b"DynamoDB_20120810.PutItem") => (StatusCode::OK, "{}"),
        _ => (StatusCode::BAD_REQUEST, "{}"),
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

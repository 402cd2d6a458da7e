//! What DynamoDB is sent beside the call itself.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::MODULES;
use crate::runtime_api::Function;

/// The headers of the function's first call, as they are on the wire.
async fn first_headers() -> String {
    let dynamodb = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", dynamodb.local_addr().unwrap());
    let _function = Function::start(MODULES, &[], &endpoint).await;
    let (mut call, _) = dynamodb.accept().await.unwrap();
    let mut sent = Vec::new();
    while !sent.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        assert_ne!(call.read_buf(&mut sent).await.unwrap(), 0, "the end");
    }
    String::from_utf8(sent).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn a_call_names_its_caller_and_signs_what_dynamodb_reads() {
    let headers = first_headers().await;
    let name = format!("\r\nuser-agent: modulo/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(headers.contains(&name), "{headers}");
    let signed = "signedheaders=content-length;content-type;host;x-amz-date;x-amz-target,";
    assert!(headers.contains(signed), "{headers}");
    for left_out in [
        "x-amz-user-agent",
        "amz-sdk-request",
        "amz-sdk-invocation-id",
    ] {
        assert!(!headers.contains(&format!("\r\n{left_out}:")), "{headers}");
    }
}

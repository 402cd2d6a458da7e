//! Whose credentials the function signs with, if they are not in its environment.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::MODULES;
use crate::runtime_api::Function;

/// As for a function that Lambda resumes from a snapshot.
#[tokio::test]
async fn credentials_may_be_behind_a_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (signatures, mut signed) = mpsc::unbounded_channel();
    let credentials = async |headers: HeaderMap| {
        if headers
            .get(AUTHORIZATION)
            .is_none_or(|it| it != "the-token")
        {
            return StatusCode::FORBIDDEN.into_response();
        }
        let credentials = json!({
            "AccessKeyId": "ASIABEHINDAURL",
            "SecretAccessKey": "secret",
            "Token": "session",
            "Expiration": "2099-01-01T00:00:00Z",
        });
        Json(credentials).into_response()
    };
    let dynamodb = async move |headers: HeaderMap| {
        let signature = headers[AUTHORIZATION].to_str().unwrap().to_owned();
        signatures.send(signature).unwrap();
        ([(CONTENT_TYPE, "application/x-amz-json-1.0")], "{}")
    };
    let router = Router::new()
        .route("/credentials", get(credentials))
        .fallback(dynamodb);
    tokio::spawn(async { axum::serve(listener, router).await });
    let url = format!("{endpoint}/credentials");
    let variables = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-token"),
    ];
    let mut function = Function::start(MODULES, &variables, &endpoint).await;
    let signature = function.wait_for("the first call", signed.recv()).await;
    let signature = signature.unwrap();
    assert!(
        signature.contains("Credential=ASIABEHINDAURL/"),
        "{signature}"
    );
}

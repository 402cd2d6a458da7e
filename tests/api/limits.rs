//! What is too much of a request, and too many of them.

use axum::body::Body;
use axum::http::StatusCode;

use crate::app::{Answer, PARTNERS, TestApp, document_of};
use crate::command::Folder;

const MODULES: &str = r#"
    [defaults]
    rate_limit = { requests = 3, per = "1h" }

    [modules.rooms]
    key = "roomId"

    [modules.teachers]
    key = "teacherId"

    [modules.orders]
    key = "orderId"
    access = { guard = "partners" }
"#;

fn modules() -> String {
    format!("{MODULES}{PARTNERS}")
}

async fn with_key(app: &TestApp, key: &str) -> Answer {
    let request = app.request("GET", "/orders/x").header("x-api-key", key);
    app.client.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_caller_who_calls_too_often_is_reported_when_to_come_back() {
    let app = TestApp::start(&modules()).await;
    for _ in 0..3 {
        assert_eq!(with_key(&app, "first").await.status, StatusCode::NOT_FOUND);
    }
    let refused = with_key(&app, "first").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    // A third of an hour for each request.
    assert!((1..=1_200).contains(&seconds), "{seconds}");
    let message = "Try again later: this API does not let one caller call so often";
    assert_eq!(document_of(&refused.body)["ERROR"]["message"], message);

    // Another caller is not to suffer for it, nor is who asks what there is.
    assert_eq!(with_key(&app, "second").await.status, StatusCode::NOT_FOUND);
    let request = app.request("OPTIONS", "/orders/x").body(Body::empty());
    let options = app.client.send(request.unwrap()).await;
    assert_eq!(options.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn each_module_counts_for_itself() {
    let app = TestApp::start(&modules()).await;
    for _ in 0..3 {
        assert_eq!(app.get("/rooms/x").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        app.get("/rooms").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(app.get("/teachers/x").await.status, StatusCode::NOT_FOUND);
}

/// The address of a client of `modulo serve` is known, so that one can't use up another's share.
#[tokio::test]
async fn callers_without_a_name_are_reported_apart_by_address() {
    let served = Folder::with(&modules()).serve(&["--memory"]).await;
    let ask = |from: [u8; 4]| {
        let client = reqwest::Client::builder().local_address(std::net::IpAddr::from(from));
        let request = client
            .build()
            .unwrap()
            .get(format!("{}/rooms/x", served.url));
        async { request.send().await.unwrap().status().as_u16() }
    };
    for _ in 0..3 {
        assert_eq!(ask([127, 0, 0, 1]).await, 404);
    }
    assert_eq!(ask([127, 0, 0, 1]).await, 429);
    assert_eq!(ask([127, 0, 0, 2]).await, 404);
}

/// They are counted before anything is checked, or else a flood of them costs a signature each.
#[tokio::test]
async fn wrong_credentials_are_counted_by_address() {
    let app = TestApp::start(&modules()).await;
    let served = Folder::with(&modules()).serve(&["--memory"]).await;
    let ask = |from: [u8; 4], key: &'static str| {
        let client = reqwest::Client::builder().local_address(std::net::IpAddr::from(from));
        let request = client.build().unwrap();
        let request = request.get(format!("{}/orders/x", served.url));
        async move {
            let request = request.header("x-api-key", key);
            request.send().await.unwrap().status().as_u16()
        }
    };
    let (here, there) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    for _ in 0..3 {
        assert_eq!(ask(here, "wrong").await, 401);
    }
    assert_eq!(ask(here, "wrong").await, 429);
    assert_eq!(
        ask(here, "first").await,
        429,
        "nothing of there is looked at"
    );
    assert_eq!(ask(there, "first").await, 404);
    assert_eq!(ask(there, "wrong").await, 401);

    // Where no address is known, one caller does not shut out the others.
    for _ in 0..3 {
        assert_eq!(with_key(&app, "wrong").await.status, 401);
    }
    assert_eq!(with_key(&app, "wrong").await.status, 429);
    assert_eq!(with_key(&app, "first").await.status, 404);
}

/// Of whatever comes of them.
#[tokio::test]
async fn requests_that_are_not_permitted_are_counted() {
    let modules = modules().replace(
        r#"access = { guard = "partners" }"#,
        r#"access = { guard = "partners", scopes = { GET = ["rooms:read"] } }"#,
    );
    let app = TestApp::start(&modules).await;
    for status in [403, 403, 403, 429] {
        assert_eq!(with_key(&app, "first").await.status.as_u16(), status);
    }
    for status in [401, 401, 401, 429] {
        assert_eq!(app.get("/orders/x").await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn headers_and_queries_are_bounded() {
    let app = TestApp::start(crate::app::MODULES).await;
    let fits = "x".repeat(30_000);
    let over = "x".repeat(32_768);
    for (value, status) in [(&fits, 404), (&over, 431)] {
        let request = app.request("GET", "/modulo1/x").header("x-note", value);
        let answer = app.client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status);
        if status == 431 {
            let message = document_of(&answer.body)["ERROR"]["message"].clone();
            let message = message.as_str().unwrap();
            assert!(message.ends_with("bytes, the limit is 32768"), "{message}");
        }
    }
    for (query, status) in [(fits, 404), (over, 404), ("x".repeat(32_769), 414)] {
        let answer = app.get(&format!("/modulo1/x?{query}")).await;
        assert_eq!(answer.status.as_u16(), status);
    }
    let message = "Please provide less: the query has 32769 bytes, the limit is 32768";
    let answer = app.get(&format!("/modulo1?{}", "x".repeat(32_769))).await;
    assert_eq!(document_of(&answer.body)["ERROR"]["message"], message);
}

//! The table of calls: each of its rows is served, described, and refused where it is not.

use axum::http::StatusCode;
use modulo::module::call::{Body, Call, PathKind};
use modulo::module::{Verb, Verbs};
use modulo::openapi;
use serde_json::Value;

use crate::app::{Answer, TestApp, parse};

fn body_of(call: Call) -> &'static str {
    match call.row().body {
        Body::None => "",
        Body::Document | Body::Patch => r#"{"chairs": 90}"#,
        Body::Batch => r#"{"operations": [{"op": "put", "id": "sala90", "item": {"chairs": 90}}]}"#,
    }
}

async fn send(app: &TestApp, call: Call) -> Answer {
    let path = match call.row().path {
        PathKind::Batch => "/_batch/rooms",
        PathKind::Collection => "/rooms",
        PathKind::Item => "/rooms/sala90",
    };
    app.send(call.row().method, path, body_of(call)).await
}

#[tokio::test]
async fn each_call_finds_the_item_in_the_order_of_the_table() {
    let app = TestApp::start("[modules.rooms]\nkey = 'roomId'").await;
    for &call in Call::ALL {
        let answer = send(&app, call).await;
        assert!(answer.status.is_success(), "{call:?}: {answer:?}");
        let name = format!("{{\"{}\":", call.name());
        assert!(answer.body.starts_with(&name), "{call:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_call_is_served_and_described_where_the_module_has_its_verb() {
    for &verb in Verb::ALL {
        let modules = format!("[modules.rooms]\nkey = 'roomId'\nmethods = ['{verb}']");
        let app = TestApp::start(&modules).await;
        let document = openapi::document(&parse(&modules), None, 1_000_000).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        for &call in Call::ALL {
            let is_served = call.is_served(Verbs::from_iter([verb]));
            let answer = send(&app, call).await;
            let is_refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_refused, !is_served, "{call:?} of {verb}: {answer:?}");

            let row = call.row();
            let path = match row.path {
                PathKind::Batch => "/_batch/rooms",
                PathKind::Collection => "/rooms",
                PathKind::Item => "/rooms/{id}",
            };
            let described = &document["paths"][path][row.method.to_lowercase()];
            assert_eq!(described.is_object(), is_served, "{call:?} of {verb}");
        }
    }
}

//! The table of calls: each of its rows is served, described, and refused where it is not.

use axum::http::StatusCode;
use modulo::module::call::{Body, Call, PathKind};
use modulo::module::{Verb, Verbs};
use modulo::openapi;
use serde_json::Value;

use crate::app::{Answer, TestApp, parse};

/// A kind of key, with an id in a path and in a batch, and what stands for it in a description.
struct Kind {
    key: &'static str,
    partition: &'static str,
    id: &'static str,
    json: &'static str,
    described: [&'static str; 2],
}

const KINDS: [Kind; 2] = [
    Kind {
        key: "'roomId'",
        partition: "",
        id: "sala90",
        json: r#""sala90""#,
        described: ["", "{id}"],
    },
    Kind {
        key: "{ partition = 'roomId', sort = 'bookingId' }",
        partition: "sala90",
        id: "sala90/b1",
        json: r#"["sala90", "b1"]"#,
        described: ["{partition}", "{partition}/{sort}"],
    },
];

impl Kind {
    fn body_of(&self, call: Call) -> String {
        match call.row().body {
            Body::None => String::new(),
            Body::Document | Body::Patch => r#"{"chairs": 90}"#.to_owned(),
            Body::Batch => format!(
                r#"{{"operations": [{{"op": "put", "id": {}, "item": {{"chairs": 90}}}}]}}"#,
                self.json
            ),
        }
    }

    async fn send(&self, app: &TestApp, call: Call) -> Answer {
        let path = path_of(call, [self.partition, self.id]);
        app.send(call.row().method, &path, self.body_of(call)).await
    }
}

fn path_of(call: Call, [partition, id]: [&str; 2]) -> String {
    match call.row().path {
        PathKind::Batch => "/_batch/rooms".to_owned(),
        PathKind::Collection => "/rooms".to_owned(),
        PathKind::Partition => format!("/rooms/{partition}"),
        PathKind::Item => format!("/rooms/{id}"),
        PathKind::History => format!("/_history/rooms/{id}"),
    }
}

#[tokio::test]
async fn each_call_finds_the_item_in_the_order_of_the_table() {
    for kind in KINDS {
        let modules = format!("[modules.rooms]\nhistory = '90d'\nkey = {}", kind.key);
        let app = TestApp::start(&modules).await;
        let config = parse(&modules);
        let module = config.modules.find("rooms").unwrap();
        for call in Call::ALL.iter().filter(|call| call.is_of(module.key())) {
            let answer = kind.send(&app, *call).await;
            assert!(answer.status.is_success(), "{call:?}: {answer:?}");
            let name = format!("{{\"{}\":", call.name());
            assert!(answer.body.starts_with(&name), "{call:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_call_is_served_and_described_where_the_module_has_its_verb() {
    for kind in KINDS {
        for &verb in Verb::ALL {
            let modules = format!(
                "[modules.rooms]\nhistory = '90d'\nkey = {}\nmethods = ['{verb}']",
                kind.key
            );
            let app = TestApp::start(&modules).await;
            let config = parse(&modules);
            let document = openapi::document(&config, None, 1_000_000).unwrap();
            let document: Value = serde_json::from_str(&document).unwrap();
            let module = config.modules.find("rooms").unwrap();
            for &call in Call::ALL.iter().filter(|call| call.is_of(module.key())) {
                let is_served = call.is_served(Verbs::from_iter([verb]));
                let answer = kind.send(&app, call).await;
                let is_refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
                assert_eq!(is_refused, !is_served, "{call:?} of {verb}: {answer:?}");

                let path = path_of(call, kind.described);
                let described = &document["paths"][path][call.row().method.to_lowercase()];
                assert_eq!(described.is_object(), is_served, "{call:?} of {verb}");
            }
        }
    }
}

//! A write that is done, whose answer is lost, and that is tried again.

use std::sync::Arc;

use axum::body::Body;
use modulo::config::Config;
use modulo::local::{self, Data, Engine};

use crate::app::{TestApp, parse};
use crate::proxy::{Fault, Proxy, with_long_delay};

const MODULES: &str = r#"
    [modules.texts]
    key = "id"

    [modules.members]
    key = "id"
    storage = "document"

    [modules.remembered]
    key = "id"
    idempotency = "1h"
"#;

/// The modules' tables, and an app with nothing between it and them.
struct Tables {
    engine: Engine,
    config: Arc<Config>,
    direct: TestApp,
}

impl Tables {
    async fn make() -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let config = parse(MODULES);
        let direct = TestApp::over(&config, &engine.endpoint()).await;
        local::create_tables(&direct.dynamodb, config.modules.tables())
            .await
            .unwrap();
        Self {
            engine,
            config,
            direct,
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_neither_done_again_nor_refused() {
    let Tables {
        engine,
        config,
        direct,
    } = Tables::make().await;
    let append = r#"[{"op":"add","path":"/a/-","value":1}]"#;
    let patch = ("content-type", "application/json-patch+json");
    let empty = r#"{"a":[]}"#;
    for module in ["texts", "members"] {
        let item = format!("/{module}/x");
        let begin = async || {
            let begun = direct.send("POST", &item, empty).await;
            begun.header("etag").to_owned()
        };
        let tag = begin().await;
        // With a tag, or for a patch, the item is read first.
        for (method, header, body, lost, status, after) in [
            ("PATCH", patch, append, 1, 504, Some(r#"{"a":[1]}"#)),
            (
                "PUT",
                ("if-match", &*tag),
                r#"{"a":[2]}"#,
                1,
                504,
                Some(r#"{"a":[2]}"#),
            ),
            (
                "POST",
                ("if-match", "*"),
                r#"{"a":[3]}"#,
                0,
                200,
                Some(r#"{"a":[3]}"#),
            ),
            ("DELETE", ("if-match", &*tag), "", 1, 504, None),
            ("DELETE", ("if-match", "*"), "", 0, 504, None),
            ("DELETE", ("x-no", "condition"), "", 0, 200, None),
        ] {
            begin().await;
            let schedule = match lost {
                0 => |n, _: &mut _| (n == 0).then_some(Fault::CutsAfter),
                _ => |n, _: &mut _| (n == 1).then_some(Fault::CutsAfter),
            };
            let (_, endpoint) = Proxy::start(0, schedule, &engine.endpoint()).await;
            let app = TestApp::over(&config, &endpoint).await;
            let mut request = app.request(method, &item).header(header.0, header.1);
            if header != patch {
                request = request.header("content-type", "application/json");
            }
            let answer = app
                .client
                .send(request.body(Body::from(body)).unwrap())
                .await;
            let of = format!("{method} {item} {header:?}: {}", answer.body);
            assert_eq!(answer.status, status, "{of}");
            let found = direct.get(&item).await;
            match after {
                Some(text) => {
                    let text = serde_json::to_string(text).unwrap();
                    assert!(found.body.contains(&text), "{of}, then {}", found.body);
                }
                None => assert_eq!(found.status, 404, "{of}"),
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_was_done_and_then_undone_by_another_is_not_refused() {
    let Tables {
        engine,
        config,
        direct,
    } = Tables::make().await;
    let begun = direct.send("POST", "/members/x", r#"{"a":"b"}"#).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    // The first try is done, and the second one comes when another has deleted the item.
    let schedule = |n, _: &mut _| match n {
        0 => Some(Fault::CutsAfter),
        1 => Some(Fault::DelaysRequest),
        _ => None,
    };
    let (_, endpoint) = Proxy::start(with_long_delay(1), schedule, &engine.endpoint()).await;
    let app = TestApp::over(&config, &endpoint).await;
    let put = app.request("PUT", "/members/x").header("if-match", "*");
    let put = put.header("content-type", "application/json");
    let put = put.body(Body::from(r#"{"a":"c"}"#)).unwrap();
    let deletes = async {
        while !direct.get("/members/x").await.body.contains('c') {}
        direct.send("DELETE", "/members/x", "").await
    };
    let (answer, gone) = tokio::join!(app.client.send(put), deletes);
    assert_eq!(gone.status, 200, "{}", gone.body);
    // It was done: to say that nothing was there, or anything else was, would be wrong.
    assert_eq!(answer.status, 504, "{}", answer.body);
}

#[tokio::test]
async fn an_item_that_was_created_is_reported_so_though_the_answer_was_lost() {
    let Tables { engine, config, .. } = Tables::make().await;
    let schedule = |n, _: &mut _| (n == 0).then_some(Fault::CutsAfter);
    let (_, endpoint) = Proxy::start(0, schedule, &engine.endpoint()).await;
    let app = TestApp::over(&config, &endpoint).await;
    let created = app.send("POST", "/texts", "[1]").await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(app.get(created.header("location")).await.status, 200);
}

#[tokio::test]
async fn a_post_with_a_key_is_done_once_though_its_answer_was_lost() {
    let Tables {
        engine,
        config,
        direct,
    } = Tables::make().await;
    // That of the first call, and those of all attempts: the first is answered, the others are not.
    let once = |n, _: &mut _| (n == 0).then_some(Fault::CutsAfter);
    let always = |_, _: &mut _| Some(Fault::CutsAfter);
    let mut ids = Vec::new();
    for key in ["once", "always"] {
        let (_, endpoint) = match key {
            "once" => Proxy::start(0, once, &engine.endpoint()).await,
            _ => Proxy::start(0, always, &engine.endpoint()).await,
        };
        let app = TestApp::over(&config, &endpoint).await;
        let post = async |app: &TestApp| {
            let request = app.request("POST", "/remembered");
            let request = request
                .header("content-type", "application/json")
                .header("idempotency-key", key);
            app.client
                .send(request.body(Body::from("[1]")).unwrap())
                .await
        };
        let first = post(&app).await;
        assert_eq!(
            first.status,
            if key == "once" { 201 } else { 503 },
            "{}",
            first.body
        );
        let again = post(&direct).await;
        assert_eq!(again.status, 201, "{}", again.body);
        if key == "once" {
            assert_eq!(again.header("location"), first.header("location"));
        }
        ids.push(again.header("location").to_owned());
    }
    let scan = direct.dynamodb.scan().table_name("remembered-local");
    assert_eq!(scan.send().await.unwrap().count, 2, "{ids:?}");
}

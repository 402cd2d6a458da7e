//! `ttl` and `default_ttl`: items that end.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;

use crate::app::{TestApp, document_of};

const MODULES: &str = r#"
    [modules.json]
    key = "id"
    ttl = "expiresAt"

    [modules.short]
    key = "id"
    ttl = "expiresAt"
    default_ttl = "1h"

    [modules.native]
    key = "id"
    ttl = "expiresAt"
    default_ttl = "1h"
    storage = "document"
    envelope = "plain"
"#;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// When an item expires.
async fn expiry(app: &TestApp, table: &str, id: &str) -> Option<u64> {
    let get = app.dynamodb.get_item().table_name(table);
    let get = get.key("id", AttributeValue::S(id.into()));
    let item = get.send().await.unwrap().item.unwrap();
    Some(item.get("expiresAt")?.as_n().unwrap().parse().unwrap())
}

/// Puts an item's end into the past, as time would.
async fn expire(app: &TestApp, table: &str, id: &str) {
    let update = app.dynamodb.update_item().table_name(table);
    let update = update
        .key("id", AttributeValue::S(id.into()))
        .update_expression("SET expiresAt = :past, remains = :past")
        .expression_attribute_values(":past", AttributeValue::N((now() - 10).to_string()));
    update.send().await.unwrap();
}

#[tokio::test]
async fn an_item_says_its_own_end_or_has_the_default() {
    let app = TestApp::start(MODULES).await;
    let soon = now() + 100;
    for path in ["/json/own", "/short/own", "/native/own"] {
        let body = format!(r#"{{"a":1,"expiresAt":{soon}}}"#);
        assert!(
            app.send("POST", path, body.clone())
                .await
                .status
                .is_success()
        );
        let table = format!("{}-local", path.split('/').nth(1).unwrap());
        assert_eq!(
            expiry(&app, &table, "own").await,
            Some(soon),
            "of POST {path}"
        );
        app.send("PUT", path, body.replace("\"a\":1", "\"a\":2"))
            .await;
        assert_eq!(
            expiry(&app, &table, "own").await,
            Some(soon),
            "of PUT {path}"
        );
        let later = format!(r#"{{"expiresAt":{}}}"#, soon + 1);
        assert_eq!(app.send("PATCH", path, later).await.status, 200);
        assert_eq!(
            expiry(&app, &table, "own").await,
            Some(soon + 1),
            "of PATCH {path}"
        );
    }
    app.send("POST", "/json/none", r#"{"a":1}"#).await;
    assert_eq!(expiry(&app, "json-local", "none").await, None);
    for table in ["short", "native"] {
        for method in ["POST", "PUT"] {
            let path = format!("/{table}/default");
            app.send(method, &path, r#"{"a":1}"#).await;
            let end = expiry(&app, &format!("{table}-local"), "default")
                .await
                .unwrap();
            assert!(
                (3_590..=3_610).contains(&(end - now())),
                "of {method} {path}"
            );
        }
        // A patch is no new beginning.
        let path = format!("/{table}/default");
        let before = expiry(&app, &format!("{table}-local"), "default").await;
        app.send("PATCH", &path, r#"{"a":2}"#).await;
        assert_eq!(
            expiry(&app, &format!("{table}-local"), "default").await,
            before
        );
    }
    let told = document_of(&app.get("/native/default").await.body);
    assert_eq!(
        told["expiresAt"],
        expiry(&app, "native-local", "default").await.unwrap()
    );
}

#[tokio::test]
async fn an_end_that_is_no_time_is_refused() {
    let app = TestApp::start(MODULES).await;
    for end in ["\"tomorrow\"", "-1", "1.5", "null", "1e30"] {
        for path in ["/json/x", "/native/x"] {
            let answer = app
                .send("POST", path, format!(r#"{{"expiresAt":{end}}}"#))
                .await;
            assert_eq!(answer.status, 400, "of {end} to {path}");
            let told = "`/expiresAt` says when the item expires and must be a whole number of \
                        seconds since 1970";
            assert!(answer.body.contains(told), "{}", answer.body);
        }
    }
    let exponent = app.send("POST", "/json/x", r#"{"expiresAt":9.9e9}"#).await;
    assert_eq!(exponent.status, 200);
    assert_eq!(expiry(&app, "json-local", "x").await, Some(9_900_000_000));
}

/// The year 58000 is a mistake that nobody sees: the item never goes.
#[tokio::test]
async fn a_time_in_milliseconds_is_refused() {
    let app = TestApp::start(MODULES).await;
    let told = "`/expiresAt` says that the item expires after the year 9999; write it in seconds \
                since 1970, not in milliseconds";
    for module in ["json", "native"] {
        let path = format!("/{module}/x");
        app.send("POST", &path, r#"{"a":1}"#).await;
        for end in ["253402300800", "1700000000000", "1.7e12"] {
            let body = format!(r#"{{"expiresAt":{end}}}"#);
            for method in ["POST", "PUT", "PATCH"] {
                let answer = app.send(method, &path, body.clone()).await;
                assert_eq!(answer.status, 400, "{method} {body}");
                assert!(answer.body.contains(told), "{}", answer.body);
            }
            let put = format!(r#"{{"operations":[{{"op":"put","id":"x","item":{body}}}]}}"#);
            let answer = app.send("POST", &format!("/_batch/{module}"), put).await;
            assert!(answer.body.contains(told), "{}", answer.body);
        }
        let last = app.send("POST", &path, r#"{"expiresAt":253402300799}"#);
        assert!(last.await.status.is_success(), "{module}");
    }
}

#[tokio::test]
async fn what_has_expired_is_not_there() {
    let app = TestApp::start(MODULES).await;
    for module in ["json", "short", "native"] {
        let (path, table) = (format!("/{module}/x"), format!("{module}-local"));
        let begin = async || {
            app.send("POST", &path, r#"{"a":1}"#).await;
            expire(&app, &table, "x").await;
        };
        begin().await;
        assert_eq!(app.get(&path).await.status, 404, "{module}");
        let list = app.get(&format!("/{module}")).await.body;
        assert!(!list.contains("\"x\""), "{list}");
        assert_eq!(
            app.send("PATCH", &path, r#"{"a":2}"#).await.status,
            404,
            "{module}"
        );
        let send = async |(header, value): (&str, &str)| {
            let request = app
                .request("PUT", &path)
                .header("content-type", "application/json")
                .header(header, value);
            let body = Body::from(r#"{"a":2}"#);
            app.client
                .send(request.body(body).unwrap())
                .await
                .status
                .as_u16()
        };
        assert_eq!(send(("if-match", "*")).await, 412, "{module}");
        assert!(send(("if-none-match", "*")).await < 300, "{module}");
        assert_eq!(app.get(&path).await.status, 200, "{module}");
        begin().await;
        let put = app.send("PUT", &path, r#"{"a":2}"#).await;
        let created = if module == "native" { 201 } else { 200 };
        assert_eq!(put.status, created, "{module}: {}", put.body);
        assert_eq!(app.get(&path).await.status, 200, "{module}");
        // Nothing of the dead item lives on in the new one.
        let get = app.dynamodb.get_item().table_name(&table);
        let get = get.key("id", AttributeValue::S("x".into()));
        assert!(
            !get.send()
                .await
                .unwrap()
                .item
                .unwrap()
                .contains_key("remains"),
            "{module}"
        );
    }
}

/// Pages are full although most of what lies between their items has expired.
#[tokio::test]
async fn expired_items_do_not_make_pages_short() {
    let app = TestApp::start(MODULES).await;
    for at in 0..60 {
        let end = if at % 3 == 0 {
            now() + 1_000
        } else {
            now() - 1_000
        };
        let body = format!(r#"{{"expiresAt":{end}}}"#);
        app.send("POST", &format!("/json/{at}"), body).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/json?limit=7{cursor}")).await;
        let page = document_of(&page.body);
        let items = page["LIST"]["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["LIST"]["next"].as_str() {
            Some(next) => {
                assert_eq!(items.len(), 7);
                cursor = format!("&cursor={next}");
            }
            None => break,
        }
    }
    seen.sort_unstable();
    let mut expected: Vec<_> = (0..60).step_by(3).map(|at: u32| at.to_string()).collect();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

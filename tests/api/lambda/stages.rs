//! An API Gateway stage is no part of the path, even where a module bears its name.

use serde_json::{Value, json};

use super::front_door::STAGE;
use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};

/// `lambda_http` asks only whether it is set.
const IGNORE_STAGE: &str = "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH";

#[tokio::test]
async fn a_module_may_bear_the_stage_s_name() {
    check_paths(Fixture::start().await).await;
}

#[tokio::test]
async fn lambda_http_s_switch_changes_nothing() {
    for value in ["true", "false", ""] {
        check_paths(Fixture::with(&[(IGNORE_STAGE, value)]).await).await;
    }
}

async fn check_paths(mut fixture: Fixture) {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let answer = |verb: &str, key: &str, id: &str, data: &Value| {
        Reply::json(200, json!({verb: {key: id, "data": data}}))
    };
    let text = Value::from(DOCUMENT);
    let rows = [
        ("/modulo1/x", "modulo1Id", "x"),
        ("/modulo1/prod/x", "modulo1Id", "prod/x"),
        ("/prod/x", "prodId", "x"),
        ("/prod/prod", "prodId", "prod"),
        ("/prod/prod/x", "prodId", "prod/x"),
        ("/prod/modulo1/x", "prodId", "modulo1/x"),
        ("/prod/$default", "prodId", "$default"),
    ];
    for door in FrontDoor::ALL {
        for (path, key, id) in rows {
            let post = Call::new("POST", path).json(DOCUMENT);
            let posted = answer("POST", key, id, &document);
            fixture.check(door, &post, &posted).await;
            let got = answer("GET", key, id, &text);
            fixture.check(door, &Call::new("GET", path), &got).await;
        }
        let no_id = Reply::error(400, "Please provide prodId");
        for path in ["/prod", "/prod/"] {
            fixture
                .check(door, &Call::new("DELETE", path), &no_id)
                .await;
        }
        let not_found = Reply::error(404, "Not found");
        for path in ["/", "/production/x", "/pro/x"] {
            fixture
                .check(door, &Call::new("GET", path), &not_found)
                .await;
        }
    }
}

/// An HTTP API's root: the stage and nothing after it.
#[tokio::test]
async fn the_stage_alone_is_no_module() {
    let mut fixture = Fixture::start().await;
    let door = FrontDoor::HttpApiNamedStage;
    for path in [format!("/{STAGE}"), format!("/{STAGE}/")] {
        let mut event = door.event(&Call::new("DELETE", "/"));
        event["rawPath"] = path.as_str().into();
        event["requestContext"]["http"]["path"] = path.into();
        let reply = fixture.function.reply(door, &event).await;
        let expected = Reply::error(404, "Not found");
        let context = format!("{event:#}");
        fixture.function.assert_reply(&reply, &expected, &context);
    }
}

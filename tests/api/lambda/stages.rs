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
            if !door.reaches(path) {
                continue;
            }
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

/// With the stage or without it, where no route says which: many report the one, and an API whose
/// stage is called as a module needs the other.
#[tokio::test]
async fn a_custom_domain_s_path_may_begin_with_the_stage() {
    let modules = "[modules.modulo1]\nkey = 'modulo1Id'";
    let mut fixture = Fixture::of(modules, &[]).await;
    let posted = json!({"POST": {"modulo1Id": "x", "data": [1]}});
    for door in [FrontDoor::HttpApiCustomDomain, FrontDoor::HttpApiPayload1] {
        for (path, expected) in [
            ("/prod/modulo1/x", Reply::json(200, posted.clone())),
            ("/modulo1/x", Reply::json(200, posted.clone())),
            ("/prod", Reply::error(404, "Not found")),
            ("/prod/", Reply::error(404, "Not found")),
            ("/production/modulo1/x", Reply::error(404, "Not found")),
        ] {
            let mut event = door.event(&Call::new("POST", path).json("[1]"));
            event["requestContext"]["domainName"] = "api.example.com".into();
            event["requestContext"]["stage"] = STAGE.into();
            let reply = fixture.function.reply(door, &event).await;
            let context = format!("{event:#}");
            fixture.function.assert_reply(&reply, &expected, &context);
        }
        // Its clients don't write the stage.
        let mut event = door.event(&Call::new("POST", "/prod/modulo1").json("[1]"));
        event["requestContext"]["domainName"] = "api.example.com".into();
        event["requestContext"]["stage"] = STAGE.into();
        let reply = fixture.function.reply(door, &event).await;
        let location = &reply.headers["location"][0];
        assert!(location.starts_with("/modulo1/"), "{reply}");
    }
}

/// A greedy parameter is the whole path, or an id, and comes decoded or not.
#[tokio::test]
async fn a_route_may_be_one_module_s() {
    let mut fixture = Fixture::start().await;
    let door = FrontDoor::RestApi;
    for (resource, path, parameter, value, id) in [
        ("/modulo1/{id+}", "/modulo1/a", "id", "a", "a"),
        ("/modulo1/{id+}", "/v1/modulo1/a", "id", "a", "a"),
        (
            "/modulo1/{id+}",
            "/v1/modulo1/prod/a",
            "id",
            "prod/a",
            "prod/a",
        ),
        ("/api/modulo1/{id+}", "/api/modulo1/a", "id", "a", "a"),
        (
            "/{tenant}/{proxy+}",
            "/t/modulo1/a",
            "proxy",
            "modulo1/a",
            "a",
        ),
        (
            "/{proxy+}",
            "/v1/modulo1/a%20b",
            "proxy",
            "modulo1/a%20b",
            "a b",
        ),
        (
            "/{proxy+}",
            "/v1/modulo1/a%20b",
            "proxy",
            "modulo1/a b",
            "a b",
        ),
        (
            "/{proxy+}",
            "/v1/modulo1/a%2Fb",
            "proxy",
            "modulo1/a/b",
            "a/b",
        ),
        ("/{proxy+}", "/v1/modulo1/a/", "proxy", "modulo1/a", "a/"),
    ] {
        let mut event = door.event(&Call::new("POST", path).json("[1]"));
        event["resource"] = resource.into();
        event["pathParameters"] = json!({parameter: value});
        let reply = fixture.function.reply(door, &event).await;
        let expected = json!({"POST": {"modulo1Id": id, "data": [1]}});
        let context = format!("{event:#}");
        let expected = Reply::json(200, expected);
        fixture.function.assert_reply(&reply, &expected, &context);
    }
}

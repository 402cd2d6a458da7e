//! Every verb and the contract's common errors, through every front door.

use serde_json::{Value, json};

use super::call::Body;
use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};

/// What every collection answers to a method that it doesn't serve, and to OPTIONS.
const ALLOW: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What every item answers to OPTIONS beside that.
const ACCEPT_PATCH: &str =
    "application/merge-patch+json, application/json-patch+json, application/json";

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

fn put_reply(id: &str) -> Reply {
    let item = json!({"data": {"S": DOCUMENT}});
    Reply::json(200, json!({"PUT": {"modulo1Id": id, "item": item}}))
}

fn get_reply(id: &str) -> Reply {
    Reply::json(200, json!({"GET": {"modulo1Id": id, "data": DOCUMENT}}))
}

fn post_reply(id: &str) -> Reply {
    Reply::json(200, json!({"POST": {"modulo1Id": id, "data": document()}}))
}

/// The events as recorded, byte for byte, cookies and query and all.
#[tokio::test]
async fn recorded_events_are_answered() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        let reply = fixture.function.reply(door, &door.recorded()).await;
        let context = format!("the recorded event of {door:?}");
        fixture
            .function
            .assert_reply(&reply, &post_reply("sala90"), &context);
    }
}

#[tokio::test]
async fn recorded_events_without_a_client_are_answered() {
    let rows = [
        (
            FrontDoor::RestApi,
            include_str!("../events/rest_api_console_test.json"),
            Reply::error(404, "Resource does not exist"),
        ),
        (
            FrontDoor::Alb,
            include_str!("../events/alb_health_check.json"),
            Reply::error(404, "Not found"),
        ),
        (
            FrontDoor::AlbMultiValue,
            include_str!("../events/alb_multi_value_health_check.json"),
            Reply::error(404, "Not found"),
        ),
    ];
    let mut fixture = Fixture::start().await;
    for (door, event, expected) in rows {
        let event: Value = serde_json::from_str(event).unwrap();
        let reply = fixture.function.reply(door, &event).await;
        let context = format!("{event:#} through {door:?}");
        fixture.function.assert_reply(&reply, &expected, &context);
    }
}

#[tokio::test]
async fn every_verb_through_every_front_door() {
    let mut fixture = Fixture::start().await;
    let path = "/modulo1/sala90";
    let absent = Reply::error(404, "Resource does not exist");
    let empty = |reply: Reply| reply.body(Body::Text(String::new()));
    let unless_any = |method| Call::new(method, path).header("if-none-match", "*");
    for door in FrontDoor::ALL {
        let steps = [
            (Call::new("GET", path), absent.clone()),
            (Call::new("HEAD", path), empty(absent.clone())),
            (Call::new("POST", path).json(DOCUMENT), post_reply("sala90")),
            (Call::new("GET", path), get_reply("sala90")),
            (Call::new("HEAD", path), empty(get_reply("sala90"))),
            (unless_any("GET"), Reply::empty(304)),
            (unless_any("HEAD"), Reply::empty(304)),
            (Call::new("PUT", path).json(DOCUMENT), put_reply("sala90")),
            (
                Call::new("DELETE", path),
                Reply::json(200, json!({"DELETE": {"modulo1Id": "sala90"}})),
            ),
            (Call::new("GET", path), absent.clone()),
            (
                Call::new("OPTIONS", path),
                Reply::empty(204)
                    .header("allow", ALLOW)
                    .header("accept-patch", ACCEPT_PATCH),
            ),
        ];
        for (call, expected) in steps {
            fixture.check(door, &call, &expected).await;
        }
    }
}

#[tokio::test]
async fn errors_of_the_path_and_the_method() {
    let mut fixture = Fixture::start().await;
    let no_id = Reply::error(400, "Please provide modulo1Id");
    let not_found = Reply::error(404, "Not found");
    let not_allowed = Reply::error(405, "Method not allowed").header("allow", ALLOW);
    let rows = [
        (Call::new("PUT", "/modulo1").json(DOCUMENT), no_id.clone()),
        (Call::new("PUT", "/modulo1/").json(DOCUMENT), no_id.clone()),
        (Call::new("DELETE", "/modulo1"), no_id.clone()),
        (Call::new("DELETE", "/modulo1/"), no_id),
        (Call::new("GET", "/"), not_found.clone()),
        (Call::new("GET", "//"), not_found.clone()),
        (Call::new("GET", "/nowhere/x"), not_found.clone()),
        (
            Call::new("POST", "/nowhere/x").json(DOCUMENT),
            not_found.clone(),
        ),
        (Call::new("GET", "/_nowhere"), not_found.clone()),
        (Call::new("GET", "/Modulo1/x"), not_found.clone()),
        (Call::new("GET", "//modulo1/x"), not_found.clone()),
        (Call::new("GET", "/../modulo1/x"), not_found),
        (Call::new("TRACE", "/modulo1/x"), not_allowed.clone()),
        (Call::new("BREW", "/modulo1/x"), not_allowed),
    ];
    for door in FrontDoor::ALL {
        for (call, expected) in rows.iter().filter(|(call, _)| door.reaches(&call.path)) {
            fixture.check(door, call, expected).await;
        }
    }
}

/// `POST /modulo1` answers with the new item's place, which a client must find where it called.
#[tokio::test]
async fn a_new_item_is_found_at_its_location() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        for path in ["/modulo1", "/modulo1/"] {
            let call = Call::new("POST", path).json(DOCUMENT);
            let reply = fixture.function.call(door, &call).await;
            let Body::Json(body) = &reply.body else {
                panic!("{reply}")
            };
            let id = body["POST"]["modulo1Id"].as_str().unwrap().to_owned();
            let mut expected = post_reply(&id);
            expected.status = 201;
            let location = format!("{}/modulo1/{id}", door.base_path());
            let expected = expected.header("location", &location);
            let context = format!("{call:?} through {door:?}");
            fixture.function.assert_reply(&reply, &expected, &context);

            let call = Call::new("GET", &format!("/modulo1/{id}"));
            fixture.check(door, &call, &get_reply(&id)).await;
        }
    }
}

/// The stage that names the tables is modulo's own, whatever API Gateway's is called.
#[tokio::test]
async fn tables_are_those_of_the_function_s_stage() {
    let mut fixture = Fixture::with(&[("MODULO_STAGE", "staging")]).await;
    for door in FrontDoor::ALL {
        let call = Call::new("POST", "/modulo1/sala90").json(DOCUMENT);
        fixture.check(door, &call, &post_reply("sala90")).await;
    }
}

#[tokio::test]
async fn one_process_answers_fifty_events() {
    let mut fixture = Fixture::start().await;
    for n in 0..50 {
        let door = FrontDoor::ALL[n % FrontDoor::ALL.len()];
        let id = format!("n{n}");
        let path = format!("/modulo1/{id}");
        let call = Call::new("POST", &path).json(DOCUMENT);
        fixture.check(door, &call, &post_reply(&id)).await;
        fixture
            .check(door, &Call::new("GET", &path), &get_reply(&id))
            .await;
    }
}

//! From init to SIGTERM: what a function does besides answering.

use std::time::Duration;

use serde_json::json;

use super::silent::{HELD_ID, SilentDynamoDb};
use super::{Call, Fixture, FrontDoor, MODULES, Reply};
use crate::runtime_api::{Answer, Exit, Function};

/// Nothing listens there; for tests that never reach DynamoDB.
const NOWHERE: &str = "http://127.0.0.1:9";

#[track_caller]
fn assert_clean(exit: &Exit) {
    assert!(exit.status.success(), "SIGTERM must end it well: {exit:#?}");
    assert_eq!(exit.init_error, None, "{exit:#?}");
}

#[tokio::test]
async fn sigterm_ends_an_idle_function() {
    let Fixture { mut function, .. } = Fixture::start().await;
    function.idle().await;
    function.terminate();
    assert_clean(&function.exit().await);
}

#[tokio::test]
async fn sigterm_ends_a_function_that_has_answered() {
    let mut fixture = Fixture::start().await;
    let call = Call::new("GET", "/modulo1/x");
    fixture.function.call(FrontDoor::FunctionUrl, &call).await;
    fixture.function.terminate();
    assert_clean(&fixture.function.exit().await);
}

#[tokio::test]
async fn sigterm_waits_for_the_invocation_in_flight() {
    let dynamodb = SilentDynamoDb::start().await;
    let mut function = Function::start(MODULES, &[], &dynamodb.endpoint).await;
    let door = FrontDoor::FunctionUrl;
    let event = door.event(&Call::new("GET", &format!("/modulo1/{HELD_ID}")));
    let invocation = function.deliver(event.to_string(), Duration::from_secs(29));
    let request_id = invocation.request_id.clone();
    function
        .wait_for("a call to DynamoDB", dynamodb.holding())
        .await;
    function.terminate();
    dynamodb.release();

    let Answer::Response(answer) = function.answer(invocation).await else {
        panic!("the invocation failed\n{}", function.log())
    };
    let reply = Reply::read(door, &answer, &request_id);
    let expected = Reply::json(200, json!({"GET": {"modulo1Id": HELD_ID, "data": "[90]"}}));
    function.assert_reply(&reply, &expected, "SIGTERM in flight");
    assert_clean(&function.exit().await);
}

/// Lambda would kill the function and the client would get a 502; it answers in time instead, and
/// can answer the next event too.
#[tokio::test]
async fn a_deadline_is_answered_before_it_passes() {
    let dynamodb = SilentDynamoDb::start().await;
    let mut function = Function::start(MODULES, &[], &dynamodb.endpoint).await;
    function.idle().await;
    let door = FrontDoor::FunctionUrl;
    let event = door.event(&Call::new("GET", &format!("/modulo1/{HELD_ID}")));
    for time_left in [1500, 700].map(Duration::from_millis) {
        // Panics with the log if the answer comes after the deadline.
        let (request_id, answer) = function.invoke_with_deadline(&event, time_left).await;
        let Answer::Response(answer) = answer else {
            panic!("{answer:?}\n{}", function.log())
        };
        let reply = Reply::read(door, &answer, &request_id);
        let expected = Reply::error(504, "Try again later");
        let context = format!("{time_left:?} before the deadline");
        function.assert_reply(&reply, &expected, &context);
    }
    let call = Call::new("GET", "/modulo1/answered");
    let reply = function.call(door, &call).await;
    let expected = Reply::error(404, "Resource does not exist");
    function.assert_reply(&reply, &expected, "after the deadlines");
}

/// An event that arrives after its deadline is answered all the same, at once.
#[tokio::test]
async fn no_time_left_at_all() {
    let dynamodb = SilentDynamoDb::start().await;
    let mut function = Function::start(MODULES, &[], &dynamodb.endpoint).await;
    let door = FrontDoor::FunctionUrl;
    let event = door.event(&Call::new("GET", &format!("/modulo1/{HELD_ID}")));
    let invocation = function.deliver(event.to_string(), Duration::ZERO);
    let request_id = invocation.request_id.clone();
    let Answer::Response(answer) = function.answer(invocation).await else {
        panic!("the invocation failed\n{}", function.log())
    };
    let reply = Reply::read(door, &answer, &request_id);
    let expected = Reply::error(504, "Try again later");
    function.assert_reply(&reply, &expected, "deadline passed");
}

/// DynamoDB is not asked anything at init that it must answer.
#[tokio::test]
async fn init_needs_no_dynamodb() {
    let mut function = Function::start(MODULES, &[], NOWHERE).await;
    function.idle().await;
    let call = Call::new("GET", "/modulo1/x");
    let reply = function.call(FrontDoor::FunctionUrl, &call).await;
    let expected = Reply::error(503, "Try again later").header("retry-after", "1");
    function.assert_reply(&reply, &expected, "DynamoDB can't be reached");
}

#[track_caller]
fn assert_init_failed(exit: &Exit, words: &[&str]) {
    assert!(
        !exit.status.success(),
        "a broken init must say so: {exit:#?}"
    );
    assert_eq!(exit.polls, 0, "it must not ask for events: {exit:#?}");
    for word in words {
        assert!(
            exit.stderr.contains(word),
            "stderr lacks `{word}`: {exit:#?}"
        );
    }
    assert!(!exit.stderr.contains("panicked"), "{exit:#?}");
}

/// All its faults at once, in the log.
#[tokio::test]
async fn a_broken_modules_toml_fails_init() {
    let broken = r#"
[modules.modulo1]
key = "modulo1Id"
methodz = ["GET"]

[modules._hidden]
key = "hiddenId"

[modules.modulo2]
"#;
    let function = Function::start(broken, &[], NOWHERE).await;
    let words = [
        "modules.toml",
        "methodz",
        "methods",
        "_hidden",
        "modulo2",
        "key",
    ];
    assert_init_failed(&function.exit().await, &words);
}

#[tokio::test]
async fn a_modules_toml_that_is_not_toml_fails_init() {
    let function = Function::start("[modules.modulo1\n", &[], NOWHERE).await;
    assert_init_failed(&function.exit().await, &["modules.toml", "1"]);
}

#[tokio::test]
async fn a_missing_modules_toml_fails_init() {
    let function = Function::start(None, &[], NOWHERE).await;
    assert_init_failed(&function.exit().await, &["modules.toml"]);
}

#[tokio::test]
async fn a_bad_stage_fails_init() {
    let function = Function::start(MODULES, &[("MODULO_STAGE", "não serve")], NOWHERE).await;
    assert_init_failed(&function.exit().await, &["MODULO_STAGE", "não serve"]);
}

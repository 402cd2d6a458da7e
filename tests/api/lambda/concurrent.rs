//! Several invocations at a time, as Lambda's managed instances send them.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::silent::{HELD_ID, SilentDynamoDb};
use super::{Call, Fixture, FrontDoor, MODULES, Reply};
use crate::runtime_api::{Answer, Function};

const DOOR: FrontDoor = FrontDoor::FunctionUrl;
const CONCURRENCY: [(&str, &str); 1] = [("AWS_LAMBDA_MAX_CONCURRENCY", "8")];

#[tokio::test]
async fn a_request_that_waits_holds_up_no_other() {
    let dynamodb = SilentDynamoDb::start().await;
    let mut function = Function::start(MODULES, &CONCURRENCY, &dynamodb.endpoint).await;
    let held = DOOR.event(&Call::new("GET", &format!("/modulo1/{HELD_ID}")));
    let held = function.deliver(held.to_string(), Duration::from_secs(29));
    let request_id = held.request_id.clone();
    function
        .wait_for("a call to DynamoDB", dynamodb.holding())
        .await;

    let other = function.call(DOOR, &Call::new("GET", "/modulo1/x")).await;
    let expected = Reply::error(404, "Resource does not exist");
    function.assert_reply(&other, &expected, "while another waits");

    function.terminate();
    dynamodb.release();
    let Answer::Response(answer) = function.answer(held).await else {
        panic!("the invocation failed\n{}", function.log())
    };
    let reply = Reply::read(DOOR, &answer, &request_id);
    let expected = Reply::json(200, json!({"GET": {"modulo1Id": HELD_ID, "data": "[90]"}}));
    function.assert_reply(&reply, &expected, "SIGTERM in flight");
    assert!(function.exit().await.status.success());
}

#[tokio::test]
async fn each_of_many_gets_its_own_answer() {
    let mut fixture = Fixture::with(&CONCURRENCY).await;
    let mut answers = JoinSet::new();
    for n in 0..200 {
        let post = Call::new("POST", &format!("/modulo1/room{n}")).json(&format!("[{n},1]"));
        let event = DOOR.event(&post).to_string();
        let invocation = fixture.function.deliver(event, Duration::from_secs(29));
        answers.spawn(async move { (n, invocation.answered().await) });
    }
    for (n, (request_id, answer)) in answers.join_all().await {
        let Answer::Response(answer) = answer else {
            panic!("{answer:?}\n{}", fixture.function.log())
        };
        let id = format!("room{n}");
        let posted = json!({"POST": {"modulo1Id": id, "data": [n, 1]}});
        let reply = Reply::read(DOOR, &answer, &request_id);
        let expected = Reply::json(200, posted);
        fixture.function.assert_reply(&reply, &expected, &id);
        assert_eq!(fixture.stored(&id).await, Some(format!("[{n},1]")));
    }
}

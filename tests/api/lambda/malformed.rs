//! Events that no front door would make: a function may fail them but must live on.

use serde_json::{Value, json};

use super::{Call, Fixture, FrontDoor, Reply};
use crate::runtime_api::Answer;

/// A good event after the bad one: the same process answers it.
async fn check_alive(fixture: &mut Fixture, after: &str) {
    let door = FrontDoor::FunctionUrl;
    let call = Call::new("GET", "/modulo1/alive");
    let reply = fixture.function.call(door, &call).await;
    let expected = Reply::error(404, "Resource does not exist");
    let context = format!("after {after}");
    fixture.function.assert_reply(&reply, &expected, &context);
}

/// What has nothing to do with HTTP is no failure, and is neither logged nor counted.
#[tokio::test]
async fn an_event_that_is_no_request_is_answered_with_nothing() {
    let mut fixture = Fixture::start().await;
    for event in [
        "null",
        "17",
        "\"text\"",
        "[]",
        "[null,null,null,null]",
        "{}",
        r#"{"hello":"world"}"#,
        r#"{"source":"serverless-plugin-warmup"}"#,
        r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#,
        r#"{"version":"2.0"}"#,
        r#"{"version":2}"#,
        r#"{"httpMethod":"GET"}"#,
        r#"{"requestContext":null}"#,
        r#"{"requestContext":"text"}"#,
    ] {
        let answer = fixture.function.invoke_text(event).await;
        assert!(
            matches!(&answer, Answer::Response(answer) if *answer == json!({})),
            "`{event}` got {answer:?}\n{}",
            fixture.function.log()
        );
    }
    assert_eq!(fixture.function.output("stdout"), "");
    check_alive(&mut fixture, "events that are no requests").await;
    let line = fixture.function.output("stdout");
    assert!(line.contains(r#""faas.coldstart":true"#), "{line}");
}

#[tokio::test]
async fn an_event_of_another_kind_fails_alone() {
    let mut fixture = Fixture::start().await;
    for event in [
        // To answer these is to tell AWS that the messages are dealt with.
        r#"{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}"#,
        r#"{"eventSource":"aws:kafka","records":{"topic-0":[]}}"#,
        // Requests of services that the function can't answer, and what is not whole.
        r#"{"requestContext":{"elb":{}}}"#,
        r#"{"requestContext":{"http":{}}}"#,
        r#"{"requestContext":{"connectionId":"a=","eventType":"CONNECT"}}"#,
        r#"{"version":"2.0","path":"/","method":"GET","requestContext":{"serviceArn":"a"}}"#,
        // Lambda refuses these; the function can't know that.
        "",
        "{\"version\":",
        "\u{0}",
    ] {
        let answer = fixture.function.invoke_text(event).await;
        assert!(
            matches!(answer, Answer::Error(_)),
            "`{event}` got {answer:?}\n{}",
            fixture.function.log()
        );
        check_alive(&mut fixture, event).await;
    }
}

/// Members that are there but make no sense. Whether that is an error of the invocation or a
/// reply is the runtime crate's affair; that nothing is done to a table, and the function's life,
/// is ours.
#[tokio::test]
async fn an_event_with_a_senseless_member_fails_alone() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        let call = Call::new("POST", "/modulo1/x").json(r#"{"a":1}"#);
        for (pointer, value) in [
            ("/isBase64Encoded", json!(true)),
            ("/isBase64Encoded", json!("yes")),
            ("/body", json!({"a": {}})),
            ("/rawPath", Value::Null),
            ("/rawPath", json!("")),
            ("/rawPath", json!("modulo1/x")),
            ("/rawPath", json!("http://example.com/nowhere")),
            ("/path", Value::Null),
            ("/path", json!("")),
            ("/path", json!("modulo1/x")),
            ("/path", json!("http://example.com/nowhere")),
            ("/httpMethod", json!("")),
            ("/httpMethod", json!("P OST")),
            ("/requestContext/http/method", json!("P OST")),
            ("/headers/x-forwarded-proto", json!(":")),
            ("/headers/content-type", json!("a\nb")),
            ("/headers/Content-Type", json!("a\nb")),
            ("/multiValueHeaders/content-type", json!(["a\nb"])),
            ("/multiValueHeaders/Content-Type", json!(["a\nb"])),
            ("/headers/bad name", json!("x")),
            ("/headers", json!("x")),
            ("/multiValueHeaders", json!("x")),
            ("/requestContext", json!({})),
            ("/requestContext/stage", json!("../..")),
        ] {
            let mut event = door.event(&call);
            if !replace(&mut event, pointer, value.clone()) {
                continue;
            }
            fixture.function.invoke(&event).await;
            let after = format!("{door:?} with {pointer} = {value}");
            check_alive(&mut fixture, &after).await;
        }
    }
}

/// Puts `value` at the pointer if the event has its parent; says whether it did.
fn replace(event: &mut Value, pointer: &str, value: Value) -> bool {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match event.pointer_mut(parent).and_then(Value::as_object_mut) {
        Some(parent) => {
            parent.insert(name.to_owned(), value);
            true
        }
        None => false,
    }
}

/// Whoever has decoded it before is wrong, and not the client.
#[tokio::test]
async fn a_body_that_is_not_the_base64_it_claims_to_be() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        for body in ["%%%", "e30", "e30=e30=", "{\"a\":1}", "\u{1f3b8}"] {
            let mut event = door.event(&Call::new("POST", "/modulo1/x").json("{}"));
            event["body"] = body.into();
            event["isBase64Encoded"] = true.into();
            fixture.function.invoke(&event).await;
            let after = format!("`{body}` as base64 through {door:?}");
            check_alive(&mut fixture, &after).await;
            assert_eq!(fixture.stored("x").await, None, "{after}");
        }
    }
}

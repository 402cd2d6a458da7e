//! Members of events that nothing depends on: absent or null, they spoil nothing.

use serde_json::Value;

use super::{Call, DOCUMENT, Fixture, FrontDoor};
use crate::runtime_api::Answer;

/// What tells the kinds of events apart, or how a client asked.
const NEEDED: &[&str] = &[
    "/httpMethod",
    "/requestContext",
    "/requestContext/elb",
    "/requestContext/http",
    "/requestContext/http/method",
    "/requestContext/httpMethod",
];

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    if let Value::Object(members) = value {
        for (name, value) in members {
            let pointer = format!("{at}/{name}");
            pointers(value, &pointer, found);
            found.push(pointer);
        }
    }
}

fn without(event: &Value, pointer: &str) -> Value {
    let mut event = event.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(name);
    event
}

fn nulled(event: &Value, pointer: &str) -> Value {
    let mut event = event.clone();
    *event.pointer_mut(pointer).unwrap() = Value::Null;
    event
}

#[tokio::test]
async fn any_member_may_be_absent_or_null() {
    let mut fixture = Fixture::start().await;
    let mut failed = Vec::new();
    for door in FrontDoor::ALL {
        let event = door.event(&Call::new("PUT", "/modulo1/x").json(DOCUMENT));
        let mut members = Vec::new();
        pointers(&event, "", &mut members);
        members.retain(|pointer| !NEEDED.contains(&pointer.as_str()));
        for pointer in members {
            let is_value = pointer.starts_with("/headers/")
                || pointer.starts_with("/multiValueHeaders/")
                || pointer.starts_with("/queryStringParameters/")
                || pointer.starts_with("/multiValueQueryStringParameters/")
                || pointer.starts_with("/pathParameters/")
                || pointer.starts_with("/stageVariables/");
            let mut events = vec![without(&event, &pointer)];
            // No service names what is not there.
            if !is_value {
                events.push(nulled(&event, &pointer));
            }
            for event in events {
                let (_, answer) = fixture.function.invoke(&event).await;
                let is_answered = matches!(
                    &answer,
                    Answer::Response(answer) if answer["statusCode"].as_u64().is_some_and(|s| s < 500)
                );
                if !is_answered {
                    failed.push(format!("{door:?} without {pointer}: {answer:?}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

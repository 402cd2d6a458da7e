//! What is written to a deployed module, what has to be told of it, and the queues that it goes through.

use std::fmt::Display;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use modulo::module::queue;
use serde_json::{Value, json};

use crate::contract::Visitor;
use crate::project::{Doors, Project};
use crate::tables::{account, wait};

/// The emulator looks at queues and streams once in a while, and the pauses after failures grow.
pub(crate) const WITHIN: Duration = Duration::from_secs(90);

/// What the names end in of queues and topics that keep an order.
pub(crate) const FIFO: &str = ".fifo";

pub(crate) const ACCOUNT: &str = "us-east-1:000000000000";

fn queues() -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(account())
}

pub(crate) fn arn_of_queue(name: &str) -> String {
    format!("arn:aws:sqs:{ACCOUNT}:{name}")
}

/// A queue of the test's own.
pub(crate) struct Queue {
    url: String,
    pub(crate) arn: String,
}

impl Queue {
    pub(crate) fn new(name: &str, attributes: &[(Attribute, &str)]) -> Self {
        let mut call = queues().create_queue().queue_name(name);
        if name.ends_with(FIFO) {
            call = call.attributes(Attribute::FifoQueue, "true");
        }
        for (attribute, value) in attributes {
            call = call.attributes(attribute.clone(), *value);
        }
        let made = wait(call.send()).expect("a queue is possible");
        Self {
            url: made.queue_url.expect("it has a URL"),
            arn: arn_of_queue(name),
        }
    }

    /// That of a deployment.
    pub(crate) fn of_deployment(name: &str) -> Self {
        let found = wait(queues().get_queue_url().queue_name(name).send());
        Self {
            url: (found.expect("it is deployed").queue_url).expect("it has a URL"),
            arn: arn_of_queue(name),
        }
    }

    /// The next messages, which are deleted, once there are so many.
    pub(crate) fn messages(&self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        let mut bodies = Vec::new();
        while bodies.len() < count {
            let late = began.elapsed() > WITHIN;
            assert!(!late, "{} of {count} came: {bodies:#?}", bodies.len());
            let call = queues().receive_message().queue_url(&self.url);
            let call = call.max_number_of_messages(10).wait_time_seconds(1);
            let received = wait(call.send()).expect("the queue is there");
            for message in received.messages() {
                let body = message.body().expect("it has a body");
                bodies.push(serde_json::from_str(body).expect("JSON"));
                let call = queues().delete_message().queue_url(&self.url);
                let call = call.set_receipt_handle(message.receipt_handle.clone());
                wait(call.send()).expect("it can be deleted");
            }
        }
        bodies
    }

    /// Puts an event there as the second function does.
    pub(crate) fn put(&self, event: &Value) {
        let text = |member: &str| event[member].as_str().expect("a text").to_owned();
        let call = queues().send_message().queue_url(&self.url);
        let call = call.message_body(event.to_string());
        let call = call.message_group_id(text("subject"));
        let call = call.message_deduplication_id(text("id"));
        wait(call.send()).expect("the queue takes it");
    }

    pub(crate) fn set(&self, attribute: Attribute, value: &str) {
        let call = queues().set_queue_attributes().queue_url(&self.url);
        let set = wait(call.attributes(attribute, value).send());
        set.expect("the queue takes it");
    }

    /// Waits until there are messages of that kind.
    pub(crate) fn wait_for(&self, messages: &Attribute) {
        let began = Instant::now();
        loop {
            let call = queues().get_queue_attributes().queue_url(&self.url);
            let found = wait(call.attribute_names(messages.clone()).send());
            let found = found.expect("the queue is there").attributes;
            if found.expect("it has some")[messages] != "0" {
                return;
            }
            assert!(began.elapsed() < WITHIN, "{}: {messages} is 0", self.arn);
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

pub(crate) fn send(doors: &Doors, method: &str, path: &str, body: &str) {
    let visitor = Visitor::new(doors.iter().next().expect("there is one"));
    let answer = visitor.send(method, path, "application/json", body);
    assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
}

/// Creates an item of a module, changes it, and deletes it.
pub(crate) fn write(doors: &Doors, module: &str) {
    let path = format!("/{module}/sala 90");
    send(doors, "POST", &path, r#"{"chairs":1}"#);
    send(doors, "PUT", &path, r#"{"chairs":2}"#);
    // The same again changes nothing that anybody sees.
    send(doors, "PUT", &path, r#"{"chairs":2}"#);
    send(doors, "DELETE", &path, "");
}

/// What [`write`] has to be told.
#[track_caller]
pub(crate) fn assert_told(events: &[Value], module: &str) {
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let data = &event["data"];
            json!([
                event["type"],
                data["module"],
                data["id"],
                data["before"],
                data["after"]
            ])
        })
        .collect();
    let (one, two) = (json!({ "chairs": 1 }), json!({ "chairs": 2 }));
    let id = "sala 90";
    assert_eq!(
        told,
        [
            json!(["modulo.item.created", module, id, null, one]),
            json!(["modulo.item.updated", module, id, one, two]),
            json!(["modulo.item.deleted", module, id, two, null]),
        ]
    );
}

/// The name of the queue of somebody whom a module tells.
pub(crate) fn queue_of(project: &Project, module: &str, whose: &impl Display) -> String {
    queue::name(
        &project.service().parse().expect("valid"),
        &"local".parse().expect("valid"),
        &module.parse().expect("valid"),
        whose,
    )
}

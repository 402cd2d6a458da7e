//! Changes of deployed modules, sent by the second function to a bus, a queue and a topic: through the
//! streams of the tables and a queue for each module's events.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use modulo::module::queue;
use serde_json::{Value, json};

use crate::project::{Doors, Project};
use crate::tables::{account, wait};
use crate::told::{ACCOUNT, FIFO, Queue, WITHIN, arn_of_queue, assert_told, queue_of, send, write};

fn buses() -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(account())
}

fn topics() -> aws_sdk_sns::Client {
    aws_sdk_sns::Client::new(account())
}

/// A bus, and a queue of its events from this source.
fn behind_bus(bus: &str, source: &str) -> Queue {
    let queue = Queue::new(&format!("{bus}-bus"), &[]);
    let call = buses().create_event_bus().name(bus).send();
    wait(call).expect("a bus is possible");
    let rule = format!("{bus}-rule");
    let pattern = json!({ "source": [source] }).to_string();
    let call = buses().put_rule().name(&rule).event_bus_name(bus);
    wait(call.event_pattern(pattern).send()).expect("a rule is possible");
    let target = aws_sdk_eventbridge::types::Target::builder();
    let target = target.id("queue").arn(&queue.arn).build();
    let call = buses().put_targets().rule(&rule).event_bus_name(bus);
    let put = call.targets(target.expect("it is whole")).send();
    wait(put).expect("a target is possible");
    queue
}

/// The ARN of a FIFO topic, and a queue of all that it is sent.
fn with_queue_behind(topic: &str) -> (String, Queue) {
    let queue = Queue::new(&format!("{topic}-topic{FIFO}"), &[]);
    let call = topics().create_topic().name(format!("{topic}{FIFO}"));
    let made = wait(call.attributes("FifoTopic", "true").send()).expect("a topic is possible");
    let arn = made.topic_arn.expect("it has an ARN");
    subscribe(&arn, None, &queue);
    (arn, queue)
}

/// Has what a topic is sent, as it is, sent to a queue; of it what the filter says, if there is one.
fn subscribe(topic: &str, filter: Option<&Value>, to: &Queue) {
    let call = topics().subscribe().topic_arn(topic).protocol("sqs");
    let mut call = call
        .endpoint(&to.arn)
        .attributes("RawMessageDelivery", "true");
    if let Some(filter) = filter {
        call = call.attributes("FilterPolicy", filter.to_string());
    }
    wait(call.send()).expect("a subscription is possible");
}

fn deploy(project: &mut Project) -> Doors {
    let deployed = project.deploy(&[]);
    deployed.unwrap_or_else(|why| panic!("{why}"))
}

/// The events of a bus, which keeps no order, in that of [`write`].
#[track_caller]
fn of_bus(messages: Vec<Value>, source: &str) -> Vec<Value> {
    let events = messages.into_iter().map(|message| {
        let event = message["detail"].clone();
        assert_eq!(message["source"], source, "{message}");
        assert_eq!(message["detail-type"], event["type"], "{message}");
        event
    });
    let mut events: Vec<_> = events.collect();
    let types = ["created", "updated", "deleted"].map(|kind| format!("modulo.item.{kind}"));
    events.sort_by_key(|event| types.iter().position(|kind| event["type"] == **kind));
    events
}

#[test]
fn changes_are_sent_to_a_bus_a_queue_and_a_topic_in_order() {
    let mut project = Project::empty("local");
    let name = project.service();
    let source = format!("modulo/{name}/local/bookings");
    let behind_bus = behind_bus(&name, &source);
    let own = Queue::new(&format!("{name}-own.fifo"), &[]);
    let short = [(Attribute::MaximumMessageSize, "1024")];
    let short = Queue::new(&format!("{name}-short"), &short);
    let (topic, behind_topic) = with_queue_behind(&name);
    let of_deleted = Queue::new(&format!("{name}-deleted.fifo"), &[]);
    let filter = json!({ "type": ["modulo.item.deleted"] });
    subscribe(&topic, Some(&filter), &of_deleted);
    project.write_modules(&format!(
        r#"
[modules.bookings]
key = "id"
events = {{ bus = "{name}" }}

[modules.guests]
key = "id"
stamps = true
events = {{ topic = "{topic}" }}

[modules.rooms]
key = "id"
storage = "document"
events = {{ queue = "{}" }}

[modules.notes]
key = "id"
events = {{ queue = "{}" }}
"#,
        own.arn, short.arn
    ));
    let doors = deploy(&mut project);
    for module in ["bookings", "guests", "rooms"] {
        write(&doors, module);
    }
    send(&doors, "PUT", "/notes/1", r#"{"v":1}"#);
    let long = json!({ "text": "long ".repeat(1_000) });
    send(&doors, "PUT", "/notes/2", &long.to_string());
    send(&doors, "PUT", "/notes/1", r#"{"v":2}"#);

    assert_told(&own.messages(3), "rooms");
    assert_told(&behind_topic.messages(3), "guests");
    let deleted = of_deleted.messages(1);
    assert_eq!(deleted[0]["type"], "modulo.item.deleted");
    assert_told(&of_bus(behind_bus.messages(3), &source), "bookings");

    // What can never be sent is among the dead letters at once, and holds up nothing.
    let versions: Vec<_> = short.messages(2);
    let versions: Vec<_> = versions
        .iter()
        .map(|event| &event["data"]["after"])
        .collect();
    assert_eq!(versions, [&json!({ "v": 1 }), &json!({ "v": 2 })]);
    replay(&project, "notes");
    // It is there again, and comes through where the limit is higher.
    let dead = Queue::of_deployment(&queue::dead_letters(&queue_of(
        &project,
        "notes",
        &queue::EVENTS,
    )));
    dead.wait_for(&Attribute::ApproximateNumberOfMessages);
    short.set(Attribute::MaximumMessageSize, "1048576");
    replay(&project, "notes");
    assert_eq!(short.messages(1)[0]["data"]["after"], long);
}

/// `modulo webhooks replay`, once there is an event to be sent again.
fn replay(project: &Project, module: &str) {
    let began = Instant::now();
    loop {
        let said = project.modulo(&["webhooks", "replay", "--module", module]);
        let said = said.unwrap_or_else(|why| panic!("{why}"));
        if said.contains(": 1 event to be sent again") {
            return;
        }
        assert!(began.elapsed() < WITHIN, "{said}");
    }
}

#[test]
fn what_a_destination_misses_is_sent_once_it_is_there() {
    let mut project = Project::empty("local");
    let name = project.service();
    let late = format!("{name}-late.fifo");
    project.write_modules(&format!(
        r#"
[modules.bookings]
key = "id"
events = {{ bus = "{name}" }}

[modules.guests]
key = "id"
events = {{ topic = "arn:aws:sns:{ACCOUNT}:{name}.fifo" }}

[modules.rooms]
key = "id"
events = {{ queue = "{}" }}
"#,
        arn_of_queue(&late)
    ));
    let doors = deploy(&mut project);
    // What a bus or a topic gets before anybody listens is lost: all of that is done in the pause after
    // an attempt, which is 5 s at the least.
    let attempt = |module: &str| {
        write(&doors, module);
        let queue = Queue::of_deployment(&queue_of(&project, module, &queue::EVENTS));
        queue.wait_for(&Attribute::ApproximateNumberOfMessagesNotVisible);
        std::thread::sleep(Duration::from_secs(2));
    };
    attempt("bookings");
    let source = format!("modulo/{name}/local/bookings");
    let behind_bus = behind_bus(&name, &source);
    attempt("guests");
    let (_, behind_topic) = with_queue_behind(&name);
    attempt("rooms");
    let own = Queue::new(&late, &[]);

    assert_told(&own.messages(3), "rooms");
    assert_told(&behind_topic.messages(3), "guests");
    assert_told(&of_bus(behind_bus.messages(3), &source), "bookings");
}

//! The versions of a deployed module's items, kept by the second function from the table's stream.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract::Visitor;
use crate::project::Project;
use crate::told::WITHIN;

#[test]
fn versions_of_a_deployed_module_are_kept_and_read() {
    let modules = r#"
[modules.rooms]
key = "roomId"
history = "90d"

[modules.bookings]
key = { partition = "roomId", sort = "at" }
storage = "document"
envelope = "plain"
history = "1d"
"#;
    let mut project = Project::new("local", modules);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    let visitor = Visitor::new(doors.iter().next().expect("there is one"));
    let send = |method: &str, path: &str, body: &'static str| {
        let answer = visitor.send(method, path, "application/json", body);
        assert!(answer.status().is_success(), "{method}: {answer:?}");
    };
    let get = |path: &str| -> (u16, Value) {
        let answer = visitor.send("GET", path, "application/json", "");
        (answer.status().as_u16(), answer.json().expect("JSON"))
    };
    let so_many = |path: &str, count: usize| {
        let began = Instant::now();
        loop {
            let (status, body) = get(&format!("/_history{path}"));
            assert_eq!(status, 200, "{body}");
            let page = if body["GET"].is_object() {
                &body["GET"]
            } else {
                &body
            };
            let versions = page["versions"].as_array().expect("a list").clone();
            if versions.len() >= count {
                assert_eq!(versions.len(), count, "{body}");
                return versions;
            }
            assert!(began.elapsed() < WITHIN, "{body}");
            std::thread::sleep(Duration::from_millis(500));
        }
    };

    send("POST", "/rooms/sala 90", r#"{"chairs":1}"#);
    std::thread::sleep(Duration::from_millis(1_100));
    send("PUT", "/rooms/sala 90", r#"{"chairs":2}"#);
    // The same again changes nothing that anybody sees.
    send("PUT", "/rooms/sala 90", r#"{"chairs":2}"#);
    std::thread::sleep(Duration::from_millis(1_100));
    send("DELETE", "/rooms/sala 90", "");
    send("POST", "/bookings/sala 90/1", r#"{"who":"Ana"}"#);

    let versions = so_many("/rooms/sala 90", 3);
    let told: Vec<_> = versions
        .iter()
        .map(|version| json!([version["kind"], version["data"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["deleted", null]),
            json!(["updated", r#"{"chairs":2}"#]),
            json!(["created", r#"{"chairs":1}"#]),
        ]
    );
    for (version, expected) in
        versions
            .iter()
            .zip([None, Some(r#"{"chairs":2}"#), Some(r#"{"chairs":1}"#)])
    {
        let time = version["time"].as_str().expect("a time");
        let (status, body) = get(&format!("/rooms/sala 90?at={time}"));
        let is_there = expected.is_some();
        assert_eq!(status == 200, is_there, "{status}: {body}");
        assert!(
            !is_there || body["GET"]["data"] == json!(expected),
            "{body}"
        );
    }
    let (status, body) = get("/rooms/sala 90?at=2020-01-01T00:00:00Z");
    assert_eq!(status, 404, "{body}");

    let versions = so_many("/bookings/sala 90/1", 1);
    assert_eq!(versions[0]["item"], json!({ "who": "Ana" }));
}

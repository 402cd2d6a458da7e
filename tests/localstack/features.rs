//! What a module can have beyond the contract, in a deployed function.

use serde_json::{Value, json};

use crate::contract::Visitor;
use crate::project::Project;

const MODULES: &str = r#"
[modules.rooms]
key = "roomId"
envelope = "plain"
storage = "document"
schema = "schemas/room.json"
ttl = "expiresAt"
default_ttl = "1h"

[[modules.rooms.indexes]]
name = "by-building"
partition = "building"
sort = { attribute = "floor", type = "N" }
"#;

const SCHEMA: &str = r#"{ "properties": { "chairs": { "type": "integer", "minimum": 1 } } }"#;

/// The table's index, the packed schema, and the paths of the function's own, through every door.
#[test]
fn indexes_schemas_and_the_description_are_deployed() {
    let mut project = Project::new("local", MODULES);
    project.write("schemas/room.json", SCHEMA);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    for door in doors.iter() {
        let visitor = Visitor::new(door);
        let answer = |method: &str, path: &str, body: &str| {
            let response = visitor.send(method, path, "application/json", body);
            let status = response.status().as_u16();
            let text = response.text().expect("a body");
            let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            (status, body)
        };
        let batch = json!({ "operations": [
            { "op": "put", "id": "a", "item": { "building": "A", "floor": 1, "chairs": 9 } },
            { "op": "put", "id": "b", "item": { "building": "A", "floor": 3, "chairs": 8 } },
            { "op": "put", "id": "c", "item": { "building": "A", "chairs": 0 } },
        ] });
        let (_, told) = answer("POST", "/_batch/rooms", &batch.to_string());
        let statuses = [0, 1, 2].map(|at| told["results"][at]["status"].clone());
        assert_eq!(statuses, [204, 204, 422], "{door}: {told}");
        let query = "/rooms?building=A&floor.ge=2&fields=chairs";
        let page = json!({ "items": [{ "id": "b", "item": { "chairs": 8 } }], "next": null });
        assert_eq!(answer("GET", query, ""), (200, page), "{door}");
        let (status, told) = answer("PATCH", "/rooms/b", r#"{"chairs":0}"#);
        assert_eq!(
            (status, &told["errors"][0]["pointer"]),
            (422, &json!("/chairs")),
            "{door}"
        );
        let (status, described) = answer("GET", "/_openapi.json", "");
        assert_eq!(status, 200, "{door}: {described}");
        assert!(
            described["paths"]["/rooms/{id}"]["patch"].is_object(),
            "{door}"
        );
        let (status, page) = answer("GET", "/_docs", "");
        assert_eq!(status, 200, "{door}");
        assert!(page.to_string().contains("_docs/page.js"), "{door}: {page}");
    }
}

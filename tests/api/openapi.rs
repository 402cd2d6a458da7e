//! The API's description: the document, and the page of it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::StatusCode;
use modulo::openapi;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, document_of, parse};
use crate::command::Folder;

/// Both envelopes, both storages, whatever else changes what a module serves or takes.
const EVERYTHING: &str = include_str!("../openapi/modules.toml");

const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

async fn send(app: &TestApp, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(app.request(method, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    app.client.send(request.body(Body::empty()).unwrap()).await
}

/// A path of the document with a value for each parameter that every kind of key takes.
fn filled(path: &str) -> String {
    ["{id}", "{partition}", "{sort}"]
        .iter()
        .fold(path.to_owned(), |path, name| path.replace(name, "1"))
}

#[tokio::test]
async fn routes_and_tables_are_those_of_the_document() {
    let app = TestApp::start(EVERYTHING).await;
    let config = parse(EVERYTHING);
    let document: Value = serde_json::from_str(&app.get("/_openapi.json").await.body).unwrap();
    let paths = document["paths"].as_object().unwrap();

    for (path, described) in paths {
        let answer = send(&app, "OPTIONS", &filled(path), &[]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
        let served: BTreeSet<_> = answer.header("allow").split(", ").collect();
        let methods = METHODS
            .iter()
            .filter(|method| described.get(method).is_some());
        let methods: Vec<_> = methods.map(|method| method.to_uppercase()).collect();
        let methods: BTreeSet<_> = methods.iter().map(String::as_str).collect();
        let is_own = !["/_batch/", "/_history/"]
            .iter()
            .any(|of| path.starts_with(of));
        if path.starts_with("/_") && is_own {
            assert!(methods.is_subset(&served), "{path}: {served:?}");
        } else {
            assert_eq!(methods, served, "{path}");
        }
    }

    let modules = || config.modules.iter();
    let expected: BTreeSet<_> = modules()
        .flat_map(|module| {
            let name = module.name();
            let paths = if module.key().sort().is_none() {
                vec![format!("/{name}/{{id}}")]
            } else {
                let partition = format!("/{name}/{{partition}}");
                vec![format!("{partition}/{{sort}}"), partition]
            };
            let history = module.history().map(|_| format!("/_history{}", paths[0]));
            [format!("/{name}"), format!("/_batch/{name}")]
                .into_iter()
                .chain(history)
                .chain(paths)
        })
        .chain(["/_docs", "/_health", "/_health/ready", "/_openapi.json"].map(str::to_owned))
        .collect();
    assert_eq!(paths.keys().cloned().collect::<BTreeSet<_>>(), expected);

    let tables = app.dynamodb.list_tables().send().await.unwrap();
    let tables: BTreeSet<_> = tables.table_names().iter().cloned().collect();
    let expected = config.modules.tables();
    let expected: BTreeSet<_> = expected.map(|table| table.name().to_string()).collect();
    assert_eq!(tables, expected);
}

/// Who shows nothing is let in just where the document asks for nothing.
#[tokio::test]
async fn what_a_call_asks_of_its_caller_is_in_the_document() {
    let app = TestApp::start(EVERYTHING).await;
    let document: Value = serde_json::from_str(&app.get("/_openapi.json").await.body).unwrap();
    let mut guarded = 0;
    for (path, described) in document["paths"].as_object().unwrap() {
        for (method, operation) in described.as_object().unwrap() {
            let security = operation["security"].as_array();
            let is_guarded = security.is_some_and(|all| !all.iter().any(|one| *one == json!({})));
            let answer = send(&app, &method.to_uppercase(), &filled(path), &[]).await;
            let is_refused = answer.status == StatusCode::UNAUTHORIZED;
            assert_eq!(is_refused, is_guarded, "{method} {path}");
            assert_eq!(
                security.is_some(),
                operation["responses"].get("401").is_some()
            );
            guarded += usize::from(is_guarded);
        }
    }
    assert!(guarded > 10, "only {guarded} operations are guarded");
}

#[test]
fn guards_are_security_schemes() {
    let config = parse(
        r#"
        [modules.rooms]
        key = "roomId"

        [modules.rooms.access]
        guard = "main"
        public = ["GET"]
        scopes = { DELETE = ["rooms:write", "rooms:admin"] }

        [modules.open]
        key = "id"

        [access.main]
        jwt = { issuer = "i", audience = "a", jwks = "https://issuer.example.com/jwks.json", scopes_claim = ["realm_access", "roles"] }
        "#,
    );
    let document = openapi::document(&config, None, usize::MAX).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let scheme = &document["components"]["securitySchemes"]["main"];
    assert_eq!(
        scheme["description"],
        "A token of the API's issuer. Its scopes are what its claim `realm_access.roles` has."
    );
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
    let item = &document["paths"]["/rooms/{id}"];
    assert_eq!(item["delete"]["security"], json!([{ "main": [] }]));
    let told = item["delete"]["description"].as_str().unwrap();
    assert!(told.ends_with("The caller needs the scopes `rooms:write`, `rooms:admin`."));
    // So that what asks for nothing says so.
    assert_eq!(document["security"], json!([]));
    assert_eq!(item["put"]["security"], json!([{ "main": [] }]));
    assert_eq!(item["get"]["security"], Value::Null);
    assert!(item["delete"]["responses"].get("403").is_some());
    assert!(item["put"]["responses"].get("403").is_none());
    // One of its operations may be a GET.
    let batch = &document["paths"]["/_batch/rooms"]["post"]["security"];
    assert_eq!(*batch, json!([{ "main": [] }, {}]));
    assert_eq!(
        document["paths"]["/open/{id}"]["put"]["security"],
        Value::Null
    );
}

/// As `who_may_not_read_a_document_does_not_get_it_by_changing_it` has it.
#[test]
fn a_patch_is_described_with_the_document_for_those_who_may_read_it() {
    let config = parse(
        r#"
        [defaults]
        key = "id"
        envelope = "plain"

        [modules.open]

        [modules.drops]
        methods = ["POST", "PATCH"]

        [modules.rooms.access]
        guard = "partners"
        scopes = { GET = ["read"], PATCH = ["change"] }

        [modules.boxes.access]
        guard = "partners"
        public = ["PATCH"]

        [modules.orders.access]
        guard = "partners"
        scopes = { GET = ["read"], PATCH = ["read", "change"] }

        [access.partners]
        keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]
        "#,
    );
    let document = openapi::document(&config, None, usize::MAX).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    for (module, expected) in [
        ("open", vec!["200"]),
        ("drops", vec!["204"]),
        ("rooms", vec!["200", "204"]),
        ("boxes", vec!["200", "204"]),
        ("orders", vec!["200"]),
    ] {
        let responses = &document["paths"][format!("/{module}/{{id}}")]["patch"]["responses"];
        let statuses = responses.as_object().unwrap().keys();
        let done: Vec<_> = statuses.filter(|status| status.starts_with('2')).collect();
        assert_eq!(done, expected, "{module}");
    }
}

/// Every reference, wherever it stands.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    // The refusals that there are depend on what modules ask for, alone and together.
    let [guard, tenants, scopes] = [
        "access = { guard = 'main' }",
        "access = { guard = 'main' }\ntenant = { claim = 'org' }",
        "access = { guard = 'main', scopes = { PUT = ['w'] } }",
    ];
    let main = "[access.main]\njwt = { issuer = 'i', audience = 'a', jwks = 'https://issuer.example.com/jwks.json' }";
    let plain = "envelope = 'plain'";
    let rooms = |settings: &str| format!("[modules.rooms]\nkey = 'id'\n{settings}\n{main}");
    let mut configurations = vec![EVERYTHING.to_owned()];
    for settings in [
        guard,
        tenants,
        scopes,
        "rate_limit = { requests = 9, per = '1s' }",
        "idempotency = '1h'",
    ] {
        configurations.push(rooms(settings));
        configurations.push(rooms(&format!("{settings}\n{plain}")));
    }
    for text in configurations {
        let document = openapi::document(&parse(&text), None, usize::MAX).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        let mut referred = BTreeSet::new();
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} in {text}");
            // Generators name what they make after components, and find nothing within one.
            assert_eq!(pointer.split('/').count(), 4, "{reference} in {text}");
            referred.insert(pointer);
        }
        for kind in ["schemas", "parameters", "headers", "responses"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let pointer = format!("/components/{kind}/{name}");
                assert!(
                    referred.contains(&*pointer),
                    "nothing refers to {pointer} in {text}"
                );
            }
        }
    }
}

/// The document of `modules`.
#[track_caller]
fn described(modules: &str) -> Value {
    document_of(&openapi::document(&parse(modules), None, usize::MAX).unwrap())
}

/// Tools that read OpenAPI look for what an `$id` names elsewhere, and know no anchors and no
/// `$defs` within a component.
#[test]
fn what_a_schema_refers_to_is_a_component() {
    let document = described(
        r##"
        [modules.rooms]
        key = "roomId"

        [modules.rooms.schema]
        "$id" = "https://example.com/schemas/room.json"
        "$schema" = "https://json-schema.org/draft/2020-12/schema"
        "$dynamicAnchor" = "node"
        type = "object"
        properties.chair = { "$ref" = "#/$defs/chair" }
        properties.other = { "$ref" = "room.json#/$defs/chair" }
        properties.door = { "$ref" = "https://example.com/schemas/door.json" }
        properties.near = { "$ref" = "#near" }
        properties.within = { "$dynamicRef" = "#node" }
        properties.copy = { "$ref" = "#/properties/near" }
        properties."$ref" = { type = "string" }
        properties.fixed = { const = { "$ref" = "#/nowhere" } }
        "$defs".chair = { type = "integer" }
        "$defs".unused = { type = "null" }
        "$defs".door = { "$id" = "door.json", items = { "$ref" = "#/$defs/lock" }, "$defs" = { lock = { "$ref" = "room.json" } } }
        "$defs".near = { "$anchor" = "near", type = "array" }

        [modules.trees]
        key = "treeId"

        [modules.trees.schema]
        "$schema" = "https://json-schema.org/draft/2019-09/schema"
        "$recursiveAnchor" = true
        items = { "$recursiveRef" = "#" }

        [modules.old]
        key = "id"

        [modules.old.schema]
        "$schema" = "http://json-schema.org/draft-07/schema#"
        "$id" = "http://example.com/old"
        properties.a = { "$ref" = "#b" }
        definitions.b = { "$id" = "#b", type = "boolean" }
        "##,
    );
    let schemas = &document["components"]["schemas"];
    let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let room = &schemas["rooms.Document"];
    assert_eq!(
        *room,
        json!({
            "type": "object",
            "properties": {
                "$ref": { "type": "string" },
                "chair": to("rooms.Document.chair"),
                "copy": to("rooms.Document.near"),
                "door": to("rooms.Document.door_json"),
                "fixed": { "const": { "$ref": "#/nowhere" } },
                "near": to("rooms.Document.near2"),
                "other": to("rooms.Document.chair"),
                "within": to("rooms.Document"),
            },
        })
    );
    assert_eq!(
        schemas["rooms.Document.chair"],
        json!({ "type": "integer" })
    );
    assert_eq!(schemas["rooms.Document.near2"], json!({ "type": "array" }));
    assert_eq!(schemas["rooms.Document.near"], to("rooms.Document.near2"));
    let door = json!({ "items": to("rooms.Document.lock") });
    assert_eq!(schemas["rooms.Document.door_json"], door);
    assert_eq!(schemas["rooms.Document.lock"], to("rooms.Document"));
    assert_eq!(schemas.get("rooms.Document.unused"), None);
    assert_eq!(
        schemas["trees.Document"],
        json!({ "items": to("trees.Document") })
    );
    assert_eq!(schemas["old.Document.b"], json!({ "type": "boolean" }));
}

/// `{"building": ""}` fits a schema that says nothing of it, and is no key of an index.
#[test]
fn a_schema_and_what_an_index_asks_for_are_described_together() {
    let document = described(
        r#"
        [modules.teachers]
        key = "teacherId"
        storage = "document"
        ttl = "expiresAt"

        [modules.teachers.schema]
        type = "object"
        required = ["name"]
        properties.name = { type = "string", maxLength = 40 }
        properties.floor = { type = "integer" }

        [[modules.teachers.indexes]]
        name = "by-building"
        partition = "building"
        sort = { attribute = "floor", type = "N" }

        [[modules.teachers.indexes]]
        name = "by-name"
        partition = "name"
        "#,
    );
    let schemas = &document["components"]["schemas"];
    let teacher = &schemas["teachers.Document"];
    let properties = json!({
        "name": { "type": "string", "minLength": 1, "maxLength": 40 },
        "floor": { "type": "integer" },
        "building": { "type": "string", "minLength": 1, "maxLength": 2_048 },
        "expiresAt": {
            "description": "When the item expires, in seconds since 1970.",
            "type": "integer",
            "minimum": 0,
            "maximum": 253_402_300_799_u64,
        },
    });
    assert_eq!(teacher["properties"], properties);
    assert_eq!(teacher["required"], json!(["name"]));
    let batch = &schemas["teachers.Operation"]["properties"]["item"];
    assert_eq!(batch["$ref"], "#/components/schemas/teachers.Document");
    // With `fields`, a list has members missing.
    let described = described(
        "[modules.t]\nkey = 'id'\nenvelope = 'plain'\nschema = { type = 'object', required = ['a'], properties = { a = { type = 'string' } } }",
    );
    let schemas = &described["components"]["schemas"];
    let item = &schemas["t.Item"]["properties"]["item"]["$ref"];
    assert_eq!(*item, "#/components/schemas/t.Part");
    assert_eq!(schemas["t.Part"]["properties"]["a"]["type"], "string");
    assert_eq!(schemas["t.Part"].get("required"), None);
}

#[test]
fn what_the_service_says_of_itself_is_in_the_document() {
    let document = described(
        r#"
        [service]
        title = "Rooms"
        version = "1.4.0"
        description = "The rooms of the school."
        contact = { name = "The school", email = "api@school.example" }
        licence = "MIT"
        servers = ["https://api.school.example/v1", "/v1"]

        [modules.rooms]
        key = "roomId"
        "#,
    );
    assert_eq!(
        document["info"],
        json!({
            "title": "Rooms",
            "version": "1.4.0",
            "description": "The rooms of the school.",
            "contact": { "name": "The school", "email": "api@school.example" },
            "license": { "name": "MIT", "identifier": "MIT" },
        })
    );
    let servers = json!([{ "url": "https://api.school.example/v1" }, { "url": "/v1" }]);
    assert_eq!(document["servers"], servers);

    let other = described(
        r#"
        [service]
        licence = { name = "Terms of use", url = "https://school.example/terms" }
        [modules.rooms]
        key = "roomId"
        "#,
    );
    let licence = json!({ "name": "Terms of use", "url": "https://school.example/terms" });
    assert_eq!(other["info"]["license"], licence);
    assert_eq!(other["info"]["title"], "modulo");
    assert_eq!(other["servers"], json!([{ "url": "." }]));
}

fn many(count: usize) -> String {
    let module = |number| format!("[modules.m{number}]\nkey = \"id\"\n");
    (0..count).map(module).collect::<Vec<_>>().concat()
}

/// Lambda answers with 6 MB at the most, in which the document is a string.
#[tokio::test]
async fn two_hundred_modules_fit_into_an_answer_and_too_many_are_an_error_of_ours() {
    let app = TestApp::over(&parse(&many(200)), "http://127.0.0.1:1").await;
    let answer = app.get("/_openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    let event = serde_json::to_string(&answer.body).unwrap();
    assert!(event.len() < 6 * 1_024 * 1_024, "{} bytes", event.len());

    let app = TestApp::over(&parse(&many(1_000)), "http://127.0.0.1:1").await;
    let answer = app.get("/_openapi.json").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let message = document_of(&answer.body)["ERROR"]["message"].to_string();
    assert!(
        message.contains("print it with `modulo openapi`"),
        "{message}"
    );
}

#[test]
fn no_two_operations_have_one_id() {
    let document = openapi::document(&parse(EVERYTHING), None, usize::MAX).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut seen = BTreeSet::new();
    for id in operations.map(|operation| operation["operationId"].as_str().unwrap()) {
        assert!(seen.insert(id), "{id} is there twice");
    }
    assert!(seen.len() > 50, "only {} operations", seen.len());
}

#[test]
fn the_document() {
    let config = parse(
        r##"
        [modules.notes]
        key = "noteId"
        methods = ["GET", "PUT", "PATCH"]

        [modules.notes.schema]
        type = "object"
        required = ["text"]
        examples = [{ text = "Bring chairs", parts = [] }]
        properties.text.type = "string"
        properties.parts.items = { "$ref" = "#" }
        properties.default = { "$ref" = "#/$defs/word" }
        "$defs".word.const = { "$ref" = "#" }

        [modules.rooms]
        key = "roomId"
        envelope = "plain"
        storage = "document"
        methods = ["POST", "DELETE", "LIST"]
        ttl = "expiresAt"

        [[modules.rooms.indexes]]
        name = "by-building"
        partition = "building"
        sort = { attribute = "floor", type = "N" }
        "##,
    );
    let document = openapi::document(&config, Some("https://api.example.com"), usize::MAX).unwrap();
    let version = concat!(r#""version": ""#, env!("CARGO_PKG_VERSION"), r#"""#);
    let document = format!("{:#}", document_of(&document));
    insta::assert_snapshot!(document.replace(version, r#""version": "<version>""#));
}

#[tokio::test]
async fn the_command_prints_what_the_function_answers() {
    let app = TestApp::start(EVERYTHING).await;
    let answer = app.get("/_openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let tag = answer.header("etag");

    let folder = Folder::with(EVERYTHING);
    let printed = folder.modulo(&["openapi"]).output().await.unwrap();
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, document_of(&answer.body));

    let known = send(&app, "GET", "/_openapi.json", &[("if-none-match", tag)]).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    assert_eq!((known.header("etag"), known.body.as_str()), (tag, ""));
    let other = send(&app, "GET", "/_openapi.json", &[("if-none-match", "\"x\"")]).await;
    assert_eq!(other.body, answer.body);

    let url = "https://api.example.com/v1";
    let printed = folder.modulo(&["openapi", "--server", url]).output();
    let printed: Value = serde_json::from_slice(&printed.await.unwrap().stdout).unwrap();
    assert_eq!(printed["servers"][0]["url"], url);
}

#[tokio::test]
async fn the_page_asks_for_nothing_from_elsewhere() {
    let app = TestApp::start(EVERYTHING).await;
    for (path, base) in [("/_docs", "./"), ("/_docs/", "../")] {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.body.contains(&format!(r#"<base href="{base}">"#)));
        let references: Vec<_> = page.body.split("\"_docs/").skip(1).collect();
        assert_eq!(references.len(), 2);
        for reference in references {
            let file = reference.split('"').next().unwrap();
            let answer = app.get(&format!("/_docs/{file}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{file}");
        }
    }
    let refused = app.send("POST", "/_docs", "{}").await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(
        refused.body,
        r#"{"ERROR":{"message":"Method not allowed"}}"#
    );
}

#[tokio::test]
async fn both_can_be_turned_off() {
    let app = TestApp::start("[service]\ndocs = false\n[modules.rooms]\nkey = \"roomId\"\n").await;
    for path in ["/_openapi.json", "/_docs", "/_docs/", "/_docs/page.js"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body, r#"{"ERROR":{"message":"Not found"}}"#);
    }
}

#[tokio::test]
async fn what_webhooks_are_sent_is_described() {
    let modules = r#"
        [modules.rooms]
        key = "roomId"
        [modules.told]
        key = "id"
        [[modules.told.webhooks]]
        url = "https://erp.example.com/hooks"
        secret = { env = "HOOK_SECRET" }
    "#;
    let document = openapi::document(&parse(modules), None, usize::MAX).unwrap();
    assert!(!document.contains("erp.example.com"), "{document}");
    let document: Value = serde_json::from_str(&document).unwrap();
    let webhooks = document["webhooks"].as_object().unwrap();
    assert_eq!(webhooks.keys().collect::<Vec<_>>(), ["told.changed"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&webhooks["told.changed"]).unwrap());
}

//! What a module can have beyond the contract, in a deployed function.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::{Visitor, client};
use crate::emulator::{authorization, emulator};
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

[modules.bookings]
key = { partition = "roomId", sort = { attribute = "day", type = "N" } }
envelope = "plain"

[access.parameter]
jwt = { issuer = "i", audience = "a", secret = { ssm = "/modulo-tests/jwt" } }

[access.secret]
jwt = { issuer = "i", audience = "a", secret = { secretsmanager = "modulo-tests/jwt" } }

[modules.orders]
key = "orderId"
idempotency = "1h"
tenant = { claim = "org_id" }
access = { guard = "parameter" }

[modules.invoices]
key = "invoiceId"
stamps = true
access = { guard = "secret" }
"#;

/// A project with these modules, and more.
pub(crate) fn project(stage: &'static str, more: &str) -> Project {
    let project = Project::new(stage, &format!("{MODULES}{more}"));
    project.write("schemas/room.json", SCHEMA);
    project
}

const PARAMETER: &str = "the secret in the parameter store";
const SECRET: &str = "the secret in the secrets manager";

/// Puts both secrets where the guards look for them.
fn plant_secrets() {
    let parameter = json!({
        "Name": "/modulo-tests/jwt", "Value": PARAMETER, "Type": "SecureString", "Overwrite": true,
    });
    let secret = json!({
        "Name": "modulo-tests/jwt", "SecretString": SECRET, "ClientRequestToken": Uuid::now_v7().to_string(),
    });
    for (service, target, body) in [
        ("ssm", "AmazonSSM.PutParameter", parameter),
        ("secretsmanager", "secretsmanager.CreateSecret", secret),
    ] {
        let request = reqwest::blocking::Client::new()
            .post(&emulator().endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", authorization(service));
        let answer = request.body(body.to_string()).send().expect("an answer");
        let (status, told) = (answer.status(), answer.text().expect("a text"));
        let is_there = told.contains("ResourceExistsException");
        assert!(status.is_success() || is_there, "{target}: {status} {told}");
    }
}

/// A token of the issuer that shares `secret`.
fn token(secret: &str, org_id: &str) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    let claims = json!({
        "iss": "i", "aud": "a", "sub": "ana", "org_id": org_id, "exp": now.as_secs() + 3_600,
    });
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = base64(br#"{"alg":"HS256"}"#);
    let message = format!("{header}.{}", base64(claims.to_string().as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", base64(signature.as_ref()))
}

const SCHEMA: &str = r#"{ "properties": { "chairs": { "type": "integer", "minimum": 1 } } }"#;

/// The table's index and sort key, the packed schema, and the paths of the function's own, through
/// every door.
#[test]
fn indexes_schemas_and_the_description_are_deployed() {
    let mut project = project("local", "");
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
        for day in [2, 10] {
            let (status, told) = answer("POST", &format!("/bookings/sala 90/{day}"), "[1]");
            assert!([201, 200].contains(&status), "{door}: {told}");
        }
        let page = json!({ "items": [{ "id": ["sala 90", 10], "item": [1] }], "next": null });
        let query = "/bookings/sala 90?day.gt=2&consistent=true";
        assert_eq!(answer("GET", query, ""), (200, page), "{door}");
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

/// DynamoDB says of an item that is to be replaced when it was created.
fn assert_keeps_creation(door: &str, token: &str) {
    let send = |method: &str, path: &str, body: &'static str| {
        let request = client(door)
            .request(method.parse().expect("a method"), format!("{door}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let response = request.body(body).send().expect("an answer");
        assert!(
            response.status().is_success(),
            "{method} {path}: {response:?}"
        );
        response.json::<Value>().expect("JSON")
    };
    send("DELETE", "/invoices/a", "");
    let mut stamps = Vec::new();
    for (path, body) in [
        ("/invoices/a", "[1]"),
        ("/invoices/a", "[2]"),
        (
            "/_batch/invoices",
            r#"{"atomic":true,"operations":[{"op":"put","id":"a","item":[3]}]}"#,
        ),
        (
            "/_batch/invoices",
            r#"{"operations":[{"op":"put","id":"a","item":[4]}]}"#,
        ),
    ] {
        send("POST", path, body);
        let got = send("GET", "/invoices/a?consistent=true", "");
        assert_eq!(got["GET"]["updatedBy"], "ana", "{door}: {got}");
        let stamp = |name: &str| got["GET"][name].as_str().expect("a stamp").to_owned();
        stamps.push((stamp("createdAt"), stamp("updatedAt")));
    }
    assert!(
        stamps.is_sorted_by(|a, b| a.0 == b.0 && a.1 < b.1),
        "{door}: {stamps:?}"
    );
}

/// The role may read the secrets, the table of keys is there, and so is the index of tenants.
#[test]
fn guards_with_secrets_tenants_and_idempotency_keys_are_deployed() {
    plant_secrets();
    let mut project = project("local", "");
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    for door in doors.iter() {
        let send = |method: &str, path: &str, token: &str| {
            let request = client(door)
                .request(method.parse().expect("a method"), format!("{door}{path}"))
                .header("authorization", format!("Bearer {token}"))
                .header("idempotency-key", door);
            let request = match method {
                "POST" => request
                    .header("content-type", "application/json")
                    .body("[1]"),
                _ => request,
            };
            let response = request.send().expect("an answer");
            (response.status().as_u16(), response.text().expect("a body"))
        };
        for (module, secret, other) in [
            ("/orders", PARAMETER, SECRET),
            ("/invoices", SECRET, PARAMETER),
        ] {
            let (status, told) = send("GET", module, &token(secret, "acme"));
            assert_eq!(status, 200, "{door}{module}: {told}");
            let (status, told) = send("GET", module, &token(other, "acme"));
            assert_eq!(status, 401, "{door}{module}: {told}");
        }
        assert_keeps_creation(door, &token(SECRET, "acme"));
        let acme = token(PARAMETER, "acme");
        let first = send("POST", "/orders", &acme);
        assert_eq!(
            (first.0, &first),
            (201, &send("POST", "/orders", &acme)),
            "{door}"
        );
        let listed = |token: &str| send("GET", "/orders", token).1;
        assert!(listed(&acme).contains("[1]"), "{door}: {}", listed(&acme));
        let none = json!({ "LIST": { "items": [], "next": null } });
        let others = listed(&token(PARAMETER, "globex"));
        assert_eq!(
            serde_json::from_str::<Value>(&others).ok(),
            Some(none),
            "{door}"
        );
    }
}

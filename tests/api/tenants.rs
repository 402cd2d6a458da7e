//! Tenants: what is one's is out of every other's reach.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use modulo::local::{self, Data, Engine};
use modulo::module::api_key::NewKey;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::access::{Signer, claims, told};
use crate::app::{Answer, TestApp, document_of, parse};
use crate::command::Folder;

const MODULES: &str = r#"
    [defaults]
    key = "id"
    access = { guard = "partners" }
    tenant = { claim = "org_id" }
    ttl = "expiresAt"

    [modules.texts]

    [modules.rooms]
    storage = "document"
    envelope = "plain"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    sort = { attribute = "floor", type = "N" }

    [[modules.rooms.indexes]]
    name = "by-building-and-name"
    partition = "building"
    sort = "name"

    [[modules.rooms.indexes]]
    name = "by-floor"
    partition = { attribute = "floor", type = "N" }
"#;

/// A guard with a key for each tenant, and one for somebody of no tenant, whose name is "".
fn guard(tenants: &[&str]) -> (String, BTreeMap<String, NewKey>) {
    let mut keys = BTreeMap::new();
    let mut lines = Vec::new();
    for (number, tenant) in tenants.iter().chain([&""]).enumerate() {
        let key = NewKey::random();
        let of = if tenant.is_empty() {
            String::new()
        } else {
            format!(", tenant = {tenant:?}")
        };
        let hash = key.hash();
        lines.push(format!("{{ name = \"k{number}\", hash = \"{hash}\"{of} }}"));
        keys.insert((*tenant).to_owned(), key);
    }
    let guard = format!("[access.partners]\nkeys = [{}]\n", lines.join(", "));
    (guard, keys)
}

struct Tenants {
    app: TestApp,
    keys: BTreeMap<String, NewKey>,
}

impl Tenants {
    async fn start(tenants: &[&str]) -> Self {
        let (guard, keys) = guard(tenants);
        let app = TestApp::start(&format!("{guard}{MODULES}")).await;
        Self { app, keys }
    }

    async fn send(&self, tenant: &str, method: &str, path: &str, body: &str) -> Answer {
        let request = self
            .app
            .request(method, path)
            .header("content-type", "application/json")
            .header("x-api-key", self.keys[tenant].as_str());
        let body = Body::from(body.to_owned());
        self.app.client.send(request.body(body).unwrap()).await
    }

    async fn ok(&self, tenant: &str, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.send(tenant, method, path, body).await;
        let shown = format!("{tenant}: {method} {path}: {}", answer.body);
        assert!(answer.status.is_success(), "{shown}");
        answer
    }

    /// The ids of a list, page by page.
    async fn ids(&self, tenant: &str, list: &str) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        let and = if list.contains('?') { '&' } else { '?' };
        loop {
            let path = format!("{list}{and}limit=2{cursor}");
            let page = document_of(&self.ok(tenant, "GET", &path, "").await.body);
            let page = page.get("LIST").unwrap_or(&page);
            let items = page["items"].as_array().unwrap();
            ids.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }

    /// A table's items as they are, by their keys.
    async fn table(&self, name: &str) -> BTreeMap<String, BTreeMap<String, AttributeValue>> {
        let scan = self.app.dynamodb.scan().table_name(name);
        let items = scan.send().await.unwrap().items.unwrap().into_iter();
        items
            .map(|item| {
                (
                    item["id"].as_s().unwrap().clone(),
                    item.into_iter().collect(),
                )
            })
            .collect()
    }
}

#[tokio::test]
async fn the_same_id_is_another_item_for_another_tenant() {
    let tenants = Tenants::start(&["acme", "acme/eu"]).await;
    for module in ["texts", "rooms"] {
        let path = format!("/{module}/eu/1");
        for (tenant, method) in [("acme", "POST"), ("acme/eu", "PUT")] {
            let body = format!(r#"{{"of":"{tenant}"}}"#);
            let missing = tenants.send(tenant, "GET", &path, "").await;
            assert_eq!(missing.status, 404, "{}", missing.body);
            tenants.ok(tenant, method, &path, &body).await;
        }
        tenants.ok("acme", "PATCH", &path, r#"{"n":1}"#).await;
        let read = tenants.ok("acme", "GET", &path, "").await;
        let other = tenants.ok("acme/eu", "GET", &path, "").await;
        if module == "rooms" {
            assert_eq!(read.body, r#"{"n":1,"of":"acme"}"#);
            assert_eq!(other.body, r#"{"of":"acme/eu"}"#);
        } else {
            let data = r#"{"GET":{"id":"eu/1","data":"{\"of\":\"acme/eu\"}"}}"#;
            assert_eq!(other.body, data);
        }
        let created = tenants
            .ok("acme", "POST", &format!("/{module}"), r#"{"n":2}"#)
            .await;
        let location = created.header("location").to_owned();
        assert_eq!(
            tenants.ok("acme", "GET", &location, "").await.status,
            200,
            "{location}"
        );
        assert_eq!(
            tenants.send("acme/eu", "GET", &location, "").await.status,
            404
        );
        let list = format!("/{module}");
        assert_eq!(tenants.ids("acme", &list).await.len(), 2);
        assert_eq!(tenants.ids("acme/eu", &list).await, ["eu/1"]);

        // What is in the table is as it is told.
        let table = tenants.table(&format!("{module}-local")).await;
        let keys: Vec<_> = table.keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 3);
        assert!(keys.contains(&"acme/eu/1") && keys.contains(&"acme%2Feu/eu/1"));
        for (key, item) in &table {
            let tenant = key.split_once('/').unwrap().0;
            assert_eq!(item["_tenant"].as_s().unwrap(), tenant);
        }

        tenants.ok("acme", "DELETE", &path, "").await;
        assert_eq!(tenants.send("acme", "GET", &path, "").await.status, 404);
        assert_eq!(tenants.ids("acme/eu", &list).await, ["eu/1"]);
    }
}

#[tokio::test]
async fn a_batch_is_confined_as_each_request_is() {
    let tenants = Tenants::start(&["acme", "other"]).await;
    for module in ["texts", "rooms"] {
        let path = format!("/_batch/{module}");
        let item = format!("/{module}/a");
        tenants.ok("other", "POST", &item, r#"{"n":1}"#).await;
        for atomic in [false, true] {
            let batch = async |operations: Value| {
                let body = json!({ "atomic": atomic, "operations": operations });
                let answer = tenants.ok("acme", "POST", &path, &body.to_string()).await;
                let body = document_of(&answer.body);
                let results = body.get("BATCH").unwrap_or(&body)["results"].clone();
                let statuses = results.as_array().unwrap().iter();
                let statuses: Vec<_> = statuses.map(|r| r["status"].as_u64().unwrap()).collect();
                (statuses, answer.body)
            };
            let get = json!([{ "op": "get", "id": "a" }, { "op": "get", "id": "b" }]);
            assert_eq!(batch(get.clone()).await.0, [404, 404]);
            let writes = json!([
                { "op": "put", "id": "a", "item": { "n": 2 } },
                { "op": "put", "id": "b", "item": { "n": 3 } },
            ]);
            assert!(batch(writes).await.0.iter().all(|status| *status < 300));
            let (statuses, body) = batch(get).await;
            assert_eq!(statuses, [200, 200]);
            assert!(body.contains(r#""id":"a""#), "{body}");
            assert_eq!(tenants.ids("acme", &format!("/{module}")).await, ["a", "b"]);
            let deletes = json!([{ "op": "delete", "id": "a" }, { "op": "delete", "id": "b" }]);
            assert!(batch(deletes).await.0.iter().all(|status| *status < 300));
        }
        let other = tenants.ok("other", "GET", &item, "").await;
        assert!(other.body.contains('1'), "{}", other.body);
        let left = tenants.table(&format!("{module}-local")).await;
        assert_eq!(left.into_keys().collect::<Vec<_>>(), ["other/a"]);
    }
}

#[tokio::test]
async fn an_index_has_each_tenants_items_apart() {
    let tenants = Tenants::start(&["acme", "other"]).await;
    for tenant in ["acme", "other"] {
        for (id, body) in [
            ("1", r#"{"building":"A","floor":1.0,"name":"x"}"#),
            ("2", r#"{"building":"A","floor":10,"name":"y"}"#),
            ("3", r#"{"building":"B","floor":1e1}"#),
        ] {
            tenants
                .ok(tenant, "POST", &format!("/rooms/{id}"), body)
                .await;
        }
    }
    tenants.ok("other", "DELETE", "/rooms/2", "").await;
    let ids = async |tenant: &str, query: &str| tenants.ids(tenant, query).await.join(" ");
    for (query, expected) in [
        ("building=A", "1 2"),
        ("building=A&order=desc", "2 1"),
        ("building=A&floor.gt=1", "2"),
        ("building=A&name.begins_with=x", "1"),
        ("floor=10.0", "2 3"),
        ("floor=1", "1"),
        ("building=acme/A", ""),
        ("building=other/A", ""),
    ] {
        let query = format!("/rooms?{query}");
        assert_eq!(ids("acme", &query).await, expected, "{query}");
        assert!(!ids("other", &query).await.contains('2'), "{query}");
    }

    // An index follows what a change makes of a member.
    tenants
        .ok("acme", "PATCH", "/rooms/1", r#"{"building":"C"}"#)
        .await;
    tenants
        .ok(
            "acme",
            "PATCH",
            "/rooms/2",
            r#"{"building":null,"floor":null}"#,
        )
        .await;
    tenants
        .ok("acme", "PUT", "/rooms/3", r#"{"floor":10}"#)
        .await;
    for (query, expected) in [
        ("building=A", ""),
        ("building=C", "1"),
        ("building=B", ""),
        ("floor=10", "3"),
    ] {
        assert_eq!(
            ids("acme", &format!("/rooms?{query}")).await,
            expected,
            "{query}"
        );
    }
    let table = tenants.table("rooms-local").await;
    let marks = |key: &str| -> Vec<(String, String)> {
        let marks = table[key]
            .iter()
            .filter(|(name, _)| name.starts_with("_tenant"));
        marks
            .map(|(name, value)| (name.clone(), value.as_s().unwrap().clone()))
            .collect()
    };
    let mark = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(marks("acme/2"), [mark("_tenant", "acme")]);
    assert_eq!(
        marks("acme/1"),
        [
            mark("_tenant", "acme"),
            mark("_tenant.building", "acme/C"),
            mark("_tenant.floor", "acme/1"),
        ]
    );
}

#[tokio::test]
async fn nothing_of_a_tenant_is_in_a_document_or_its_tag() {
    let tenants = Tenants::start(&["acme", "other"]).await;
    let body = r#"{"building":"A","floor":1}"#;
    let mut tags = Vec::new();
    for tenant in ["acme", "other"] {
        let written = tenants.ok(tenant, "POST", "/rooms/1", body).await;
        let read = tenants.ok(tenant, "GET", "/rooms/1", "").await;
        assert_eq!((written.body.as_str(), read.body.as_str()), (body, body));
        assert_eq!(written.header("etag"), read.header("etag"));
        tags.push(read.header("etag").to_owned());
    }
    assert_eq!(tags[0], tags[1]);
    let page = tenants
        .ok("acme", "GET", "/rooms?fields=_tenant,floor", "")
        .await;
    assert_eq!(
        page.body,
        r#"{"items":[{"id":"1","item":{"floor":1}}],"next":null}"#
    );
    for member in ["_tenant", "_tenant.building", "_tenant.x"] {
        let body = json!({ member: "other" }).to_string();
        for (method, path) in [
            ("POST", "/rooms"),
            ("PUT", "/rooms/1"),
            ("PATCH", "/rooms/1"),
        ] {
            let answer = tenants.send("acme", method, path, &body).await;
            assert_eq!(answer.status, 400, "{}", answer.body);
            let detail = document_of(&answer.body)["detail"].clone();
            let expected = format!(
                "Please provide a JSON document: `/{member}` is reserved; name the member otherwise"
            );
            assert_eq!(detail, expected);
        }
    }
    tenants
        .ok(
            "acme",
            "PUT",
            "/rooms/1",
            r#"{"_tenants":1,"a":{"_tenant":2}}"#,
        )
        .await;
    // A text is no business of anybody's.
    tenants
        .ok("acme", "PUT", "/texts/1", r#"{"_tenant":"other"}"#)
        .await;
}

#[tokio::test]
async fn a_cursor_is_of_one_tenant() {
    let tenants = Tenants::start(&["acme", "other"]).await;
    for list in ["/texts", "/rooms", "/rooms?building=A"] {
        let module = list.split('?').next().unwrap();
        for tenant in ["acme", "other"] {
            for id in ["1", "2", "3"] {
                let body = r#"{"building":"A","floor":1}"#;
                tenants
                    .ok(tenant, "PUT", &format!("{module}/{id}"), body)
                    .await;
            }
        }
        let and = if list.contains('?') { '&' } else { '?' };
        let page = tenants
            .ok("other", "GET", &format!("{list}{and}limit=1"), "")
            .await;
        let page = document_of(&page.body);
        let next = page.get("LIST").unwrap_or(&page)["next"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("{list}{and}cursor={next}");
        assert_eq!(tenants.ok("other", "GET", &path, "").await.status, 200);
        assert_eq!(
            tenants.send("acme", "GET", &path, "").await.status,
            400,
            "{list}"
        );
        assert_eq!(tenants.ids("acme", list).await, ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn what_a_tenants_list_or_id_cannot_be_is_reported() {
    let tenants = Tenants::start(&["acme"]).await;
    let message = async |path: &str| {
        let answer = tenants.send("acme", "GET", path, "").await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        document_of(&answer.body)["ERROR"]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        message("/texts?consistent=true").await,
        "Please provide a valid query: the list of a tenant's items has no consistent reads; \
         leave `consistent` out"
    );
    tenants
        .ok("acme", "GET", "/texts?consistent=false", "")
        .await;
    let longest = "x".repeat(1_024 - "acme/".len());
    assert_eq!(
        message(&format!("/texts/{longest}x")).await,
        "Please provide a valid id: the id has 1020 bytes, at most 1019 are possible"
    );
    for module in ["texts", "rooms"] {
        let path = format!("/{module}/{longest}");
        tenants.ok("acme", "PUT", &path, r#"{"n":1}"#).await;
        assert_eq!(
            tenants.ids("acme", &format!("/{module}")).await,
            [longest.as_str()]
        );
        let body = json!({ "operations": [{ "op": "get", "id": format!("{longest}x") }] });
        let answer = tenants
            .ok(
                "acme",
                "POST",
                &format!("/_batch/{module}"),
                &body.to_string(),
            )
            .await;
        assert!(
            answer.body.contains("at most 1019 are possible"),
            "{}",
            answer.body
        );
    }
    let value = "x".repeat(1_025);
    let answer = tenants
        .send(
            "acme",
            "PUT",
            "/rooms/1",
            &json!({ "building": value }).to_string(),
        )
        .await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    // Of the longest name, the longest value, too.
    let name = "/".repeat(255);
    let tenants = Tenants::start(&[&name]).await;
    let body = json!({ "building": "x".repeat(1_024) }).to_string();
    tenants
        .ok(&name, "PUT", &format!("/rooms/{}", "y".repeat(258)), &body)
        .await;
    let answer = tenants
        .send(&name, "PUT", &format!("/rooms/{}", "y".repeat(259)), &body)
        .await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn what_has_expired_is_in_no_tenants_list() {
    let tenants = Tenants::start(&["acme"]).await;
    for module in ["texts", "rooms"] {
        for (id, seconds) in [("1", 1), ("2", 4_000_000_000_u64), ("3", 2)] {
            let body = format!(r#"{{"building":"A","expiresAt":{seconds}}}"#);
            tenants
                .ok("acme", "POST", &format!("/{module}/{id}"), &body)
                .await;
        }
        assert_eq!(tenants.ids("acme", &format!("/{module}")).await, ["2"]);
        // What begins anew is its tenant's too.
        tenants
            .ok("acme", "PUT", &format!("/{module}/1"), r#"{"n":1}"#)
            .await;
        assert_eq!(tenants.ids("acme", &format!("/{module}")).await, ["1", "2"]);
    }
}

/// Modules behind an issuer of tokens that all have the same `sub`.
struct Issued {
    app: TestApp,
    signer: Signer,
}

impl Issued {
    async fn start(modules: &str) -> Self {
        const SECRET: &str = "planted: at least thirty-two bytes";
        let guard = r#"
            [access.main]
            jwt = { issuer = "https://issuer.example.com/", audience = "modulo", secret = { env = "JWT_SECRET" } }
        "#;
        let environment = [("JWT_SECRET".to_owned(), SECRET.to_owned())];
        let stage = modulo::module::name::Stage::default();
        let text = format!("{guard}{modules}");
        let config = modulo::config::parse(&text, "modules.toml".as_ref(), &stage, environment);
        Self {
            app: TestApp::serve(&config.unwrap().into()).await,
            signer: Signer::Secret(SECRET.into()),
        }
    }

    /// A request with this claim `https://example.com/org`.
    fn request(&self, claim: &Value, method: &str, path: &str) -> axum::http::request::Builder {
        let claims = claims(json!({ "https://example.com/org": claim }));
        let token = self.signer.token(json!({}), &claims);
        self.app
            .request(method, path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
    }

    async fn call(&self, claim: &Value, method: &str, path: &str, body: &str) -> Answer {
        let request = self.request(claim, method, path);
        let request = request.body(body.to_owned().into()).unwrap();
        self.app.client.send(request).await
    }
}

#[tokio::test]
async fn a_claim_says_whose_a_token_is() {
    let issued = Issued::start(
        r#"
        [defaults]
        key = "id"
        access = { guard = "main", scopes = { DELETE = ["rooms:admin"] } }

        [modules.rooms]
        tenant = { claim = "https://example.com/org" }

        [modules.halls]
        tenant = { claim = "sub" }

        [modules.shared]
        "#,
    )
    .await;
    let app = &issued.app;
    let call = async |claim: Value, method: &str, path: &str, body: &str| {
        issued.call(&claim, method, path, body).await
    };
    let org = || json!("org_\"é\"");
    assert_eq!(call(org(), "POST", "/rooms/1", "[1]").await.status, 200);
    assert_eq!(call(org(), "GET", "/rooms/1", "").await.status, 200);
    assert_eq!(call(json!("org_"), "GET", "/rooms/1", "").await.status, 404);
    assert_eq!(call(org(), "POST", "/halls/1", "[1]").await.status, 200);
    for (claim, method, path) in [
        (Value::Null, "GET", "/rooms/1"),
        (json!(1), "GET", "/rooms/1"),
        (json!(["org_1"]), "GET", "/rooms"),
        (json!({ "id": "org_1" }), "PUT", "/rooms/1"),
        (json!(""), "POST", "/rooms"),
        (json!("x".repeat(256)), "GET", "/rooms/1"),
        (json!(true), "POST", "/_batch/rooms"),
    ] {
        let answer = call(claim.clone(), method, path, "[1]").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&answer), @r#"
            403 Forbidden Bearer realm="main", error="insufficient_scope", error_description="it is of no tenant"
            {"ERROR":{"message":"Please provide a token of a tenant: its claim `https://example.com/org` must be a text of 1 to 255 bytes"}}
            "#);
        }
        // Other modules have no tenants.
        assert_eq!(call(claim, "GET", "/shared", "").await.status, 200);
    }
    // The scope is asked for all the same, and nobody is anybody's.
    let refused = call(org(), "DELETE", "/rooms/1", "").await;
    assert!(refused.body.contains("rooms:admin"), "{}", refused.body);
    assert_eq!(app.get("/rooms/1").await.status, 401);
    assert_eq!(app.send("POST", "/_batch/rooms", "{}").await.status, 401);
    assert_eq!(app.send("OPTIONS", "/rooms", "").await.status, 204);
}

/// Somebody may be of two tenants, and use the same idempotency keys for both.
#[tokio::test]
async fn what_is_done_once_is_done_for_each_tenant() {
    let issued = Issued::start(
        r#"
        [defaults]
        key = "id"
        access = { guard = "main" }
        tenant = { claim = "https://example.com/org" }
        idempotency = "24h"

        [modules.rooms]
        "#,
    )
    .await;
    for path in ["/rooms", "/rooms/1"] {
        let mut created = Vec::new();
        for _ in 0..2 {
            for tenant in ["acme", "other"] {
                let request = issued.request(&json!(tenant), "POST", path);
                let request = request.header("idempotency-key", path);
                let request = request.body(r#"{"n":1}"#.into()).unwrap();
                let answer = issued.app.client.send(request).await;
                assert!(answer.status.is_success(), "{}", answer.body);
                created.push(answer.body);
            }
        }
        assert_eq!(created[..2], created[2..], "each the second time");
        for (tenant, told) in ["acme", "other"].iter().zip(&created) {
            let id = document_of(told)["POST"]["id"].as_str().unwrap().to_owned();
            let item = format!("/rooms/{id}");
            let read = issued.call(&json!(tenant), "GET", &item, "").await;
            assert_eq!(read.status, 200, "{tenant}: {}", read.body);
        }
    }
    let list = issued.call(&json!("acme"), "GET", "/rooms", "").await;
    let items = document_of(&list.body)["LIST"]["items"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(items, 2, "{}", list.body);
}

#[tokio::test]
async fn a_key_of_no_tenant_reaches_nothing() {
    let tenants = Tenants::start(&["acme"]).await;
    tenants.ok("acme", "POST", "/texts/1", "[1]").await;
    for path in ["/texts/1", "/texts", "/texts/acme/1"] {
        let answer = tenants.send("", "GET", path, "").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&answer), @r#"
            403 Forbidden ApiKey realm="partners", error="insufficient_scope", error_description="it is of no tenant"
            {"ERROR":{"message":"Please provide a key of a tenant"}}
            "#);
        }
    }
}

/// On a laptop, an edit of the file: the index is made, and what is there is nobody's.
#[tokio::test]
async fn a_table_that_is_there_gets_the_index() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let (guard, keys) = guard(&["acme"]);
    let serve = async |text: &str| {
        let config = parse(text);
        let app = TestApp::over(&config, &engine.endpoint()).await;
        let made = local::create_tables(&app.dynamodb, config.modules.tables()).await;
        made.unwrap();
        app
    };
    let open = MODULES
        .replace("tenant = { claim = \"org_id\" }", "")
        .replace("access = { guard = \"partners\" }", "");
    let app = serve(&open).await;
    app.send("POST", "/rooms/1", r#"{"building":"A"}"#).await;
    let app = serve(&format!("{guard}{MODULES}")).await;
    let tenants = Tenants { app, keys };
    assert_eq!(
        tenants.send("acme", "GET", "/rooms/1", "").await.status,
        404
    );
    tenants
        .ok("acme", "POST", "/rooms/2", r#"{"building":"A","floor":1}"#)
        .await;
    assert_eq!(tenants.ids("acme", "/rooms").await, ["2"]);
    assert_eq!(tenants.ids("acme", "/rooms?building=A").await, ["2"]);
}

#[tokio::test]
async fn what_is_exported_says_whose_it_is() {
    let (guard, _) = guard(&["acme"]);
    let folder = Folder::with(&format!("{guard}{MODULES}"));
    let lines = concat!(
        r#"{"id":"1","tenant":"acme","item":{"building":"A","floor":1}}"#,
        "\n",
        r#"{"id":"2","tenant":"acme","item":{"floor":1},"attributes":{"tags":{"SS":["a"]}}}"#,
        "\n",
        r#"{"id":"1","tenant":"a/b é","item":{"building":"A"}}"#,
        "\n",
        r#"{"id":"1","tenant":null,"item":{"n":1}}"#,
        "\n",
    );
    let path = |name: &str| folder.path().join(name).display().to_string();
    for module in ["texts", "rooms"] {
        let lines = match module {
            // Beside a text, all other attributes are told again with it.
            "texts" => lines.replace(r#","attributes":{"tags":{"SS":["a"]}}"#, ""),
            _ => lines.to_owned(),
        };
        std::fs::write(path("lines"), &lines).unwrap();
        let (status, _, said) = folder.run(&["import", module, &path("lines")]).await;
        assert_eq!(status, Some(0), "{said}");
        let (status, exported, said) = folder.run(&["export", module]).await;
        assert_eq!(status, Some(0), "{said}");
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text
                .lines()
                .map(document_of)
                .map(|line| line.to_string())
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&exported).len(), 4, "{exported}");
        for (told, sent) in sorted(&exported).iter().zip(sorted(&lines)) {
            let (told, sent) = (document_of(told), document_of(&sent));
            assert_eq!(
                (&told["tenant"], &told["id"], &told["item"]),
                (&sent["tenant"], &sent["id"], &sent["item"])
            );
        }
        // It is the same when it is imported again.
        std::fs::write(path("again"), &exported).unwrap();
        let (status, _, said) = folder.run(&["import", module, &path("again")]).await;
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(folder.run(&["export", module]).await.1, exported);
    }
    for (line, expected) in [
        (r#"{"id":"1","item":{"n":1}}"#, "`tenant` is missing"),
        (
            r#"{"tenant":"","id":"1","item":{"n":1}}"#,
            "`tenant` can't be ``: 1 to 255 bytes are needed",
        ),
        (
            r#"{"tenant":"a","id":"1","attributes":{"_tenant":{"S":"b"}}}"#,
            "`attributes` has `_tenant`",
        ),
        (
            "{\"tenant\":\"a\",\"id\":\"1\",\"item\":[1]}\n{\"tenant\":\"a\",\"id\":\"1\",\"item\":[1]}",
            "line 1 has the same id",
        ),
    ] {
        std::fs::write(path("wrong"), line).unwrap();
        let (status, _, said) = folder.run(&["import", "texts", &path("wrong")]).await;
        assert_eq!(status, Some(1), "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    }
    let folder = Folder::with("[modules.rooms]\nkey = \"id\"\n");
    std::fs::write(folder.path().join("lines"), lines).unwrap();
    let lines = folder.path().join("lines").display().to_string();
    let (status, _, said) = folder.run(&["import", "rooms", &lines]).await;
    assert_eq!(status, Some(1));
    assert!(said.contains("the module has no tenants"), "{said}");
}

/// What is imported is what its tenant sees.
#[tokio::test]
async fn a_tenant_finds_what_was_imported() {
    let (guard, keys) = guard(&["acme", "other"]);
    let folder = Folder::with(&format!("{guard}{MODULES}"));
    let lines = "{\"tenant\":\"acme\",\"id\":\"1\",\"item\":{\"building\":\"A\",\"floor\":1}}\n";
    std::fs::write(folder.path().join("lines"), lines).unwrap();
    let file = folder.path().join("lines").display().to_string();
    let (status, _, said) = folder.run(&["import", "rooms", &file]).await;
    assert_eq!(status, Some(0), "{said}");
    let served = folder.serve(&[]).await;
    let list = async |tenant: &str, query: &str| {
        let request = axum::http::Request::get(format!("{}/rooms{query}", served.url));
        let request = request.header("x-api-key", keys[tenant].as_str());
        served
            .client
            .send(request.body(Body::empty()).unwrap())
            .await
            .body
    };
    for query in ["", "?building=A"] {
        assert!(list("acme", query).await.contains(r#""id":"1""#));
        assert!(!list("other", query).await.contains(r#""id":"1""#));
    }
}

#[tokio::test]
async fn where_tenants_are_is_listed() {
    let (guard, _) = guard(&["acme"]);
    let folder = Folder::with(&format!("{guard}{MODULES}"));
    for command in ["check", "routes"] {
        let (_, said, _) = folder.run(&[command]).await;
        let line = "Confined to the caller's tenant: rooms (`org_id`), texts (`org_id`).\n";
        assert!(said.contains(line), "{said}");
    }
}

const A: &str = "a";
const B: &str = "a/b";
const MARKER: &str = "planted-b";

/// Ids of B's items, and so what A tries.
const IDS: [&str; 8] = ["x", "b/x", "a/b/x", "a%2Fb/x", "../a%2Fb/x", "/", "%", "😀"];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: LazyLock<Shared> = LazyLock::new(|| RUNTIME.block_on(Shared::start()));

/// B's items, and what is B's alone.
struct Shared {
    tenants: Tenants,
    items: BTreeMap<&'static str, BTreeMap<String, BTreeMap<String, AttributeValue>>>,
    cursors: Vec<String>,
}

impl Shared {
    async fn start() -> Self {
        let tenants = Tenants::start(&[A, B]).await;
        let mut cursors = Vec::new();
        for module in ["texts", "rooms"] {
            for id in IDS {
                let path = format!("/{module}/{}", encoded(id));
                let body = json!({ "building": "A", "floor": 1, "name": MARKER }).to_string();
                tenants.ok(B, "PUT", &path, &body).await;
            }
            for query in ["limit=1", "limit=1&building=A", "limit=1&floor=1"] {
                let path = format!("/{module}?{query}");
                let answer = tenants.send(B, "GET", &path, "").await;
                let page = document_of(&answer.body);
                let next = page.get("LIST").unwrap_or(&page)["next"].as_str();
                cursors.extend(next.map(str::to_owned));
            }
        }
        let mut shared = Self {
            tenants,
            items: BTreeMap::new(),
            cursors,
        };
        for table in ["texts-local", "rooms-local"] {
            let items = shared.tenants.table(table).await;
            shared.items.insert(table, items);
        }
        shared
    }

    /// B's items are what they were, and what else is there is A's.
    async fn check(&self) {
        for (table, before) in &self.items {
            let mut now = self.tenants.table(table).await;
            let others = now.extract_if(.., |key, _| key.starts_with("a/"));
            for (key, item) in others {
                assert_eq!(item["_tenant"].as_s().unwrap(), "a", "{key}");
            }
            assert_eq!(&now, before);
        }
    }
}

fn encoded(id: &str) -> String {
    percent_encode(id.as_bytes(), NON_ALPHANUMERIC).to_string()
}

#[derive(Debug, Clone)]
struct Sent {
    method: &'static str,
    path: String,
    body: String,
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&IDS[..]).prop_map(str::to_owned),
        // Not `_tenant`: the log tells that name of a member, and would seem to tell an id.
        "(a|b|a/b|a%2Fb|a%252Fb|_tenants|\\.\\.|/|%|x){1,4}",
        "[./%]{1,6}",
        any::<String>().prop_filter("no id", |id| !id.is_empty() && id.len() < 300),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "building": "A", "floor": 1 })),
        Just(json!({ "building": "a%2Fb/A", "name": "a/b" })),
        Just(json!({ "_tenant": "a%2Fb" })),
        Just(json!({ "_tenant.building": "a%2Fb/A" })),
        Just(json!({ "id": "a%2Fb/x", "n": 1 })),
        Just(json!([1])),
    ]
}

fn cursor() -> impl Strategy<Value = String> {
    let part = prop_oneof![id(), Just("a%2Fb/x".to_owned()), "[0-9]{1,3}"];
    prop_oneof![
        (0..16_usize).prop_map(|at| {
            let cursors = &SHARED.cursors;
            cursors[at % cursors.len()].clone()
        }),
        prop::collection::vec(part, 0..4)
            .prop_map(|parts| URL_SAFE_NO_PAD.encode(json!(parts).to_string())),
        // B's, with another id or another end.
        (0..16_usize, id()).prop_map(|(at, id)| {
            let cursors = &SHARED.cursors;
            let json = URL_SAFE_NO_PAD
                .decode(&cursors[at % cursors.len()])
                .unwrap();
            let mut parts: Vec<String> = serde_json::from_slice(&json).unwrap();
            parts[0] = id;
            URL_SAFE_NO_PAD.encode(json!(parts).to_string())
        }),
    ]
}

fn module() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["texts", "rooms"])
}

fn sent() -> impl Strategy<Value = Sent> {
    let methods = prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    let item =
        (methods.clone(), module(), id(), document()).prop_map(|(method, module, id, document)| {
            Sent {
                method,
                path: format!("/{module}/{}", encoded(&id)),
                body: document.to_string(),
            }
        });
    let path = (
        methods,
        "/(texts|rooms)(/[!-~&&[^#?\"<>\\\\^`{|}]]{0,12}){0,3}",
        document(),
    )
        .prop_map(|(method, path, document)| Sent {
            method,
            path,
            body: document.to_string(),
        });
    let query = prop_oneof![
        Just(String::new()),
        Just("&fields=_tenant,_tenant.building,name,id".to_owned()),
        Just("&building=A".to_owned()),
        Just("&building=A&floor.ge=0&order=desc".to_owned()),
        Just("&floor=1".to_owned()),
        Just("&consistent=true".to_owned()),
        id().prop_map(|id| format!("&building={}", encoded(&id))),
        id().prop_map(|id| format!("&_tenant={}", encoded(&id))),
    ];
    let list = (module(), query, prop::option::of(cursor())).prop_map(|(module, query, cursor)| {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        Sent {
            method: "GET",
            path: format!("/{module}?limit=100{query}{cursor}"),
            body: String::new(),
        }
    });
    let operation = (
        prop::sample::select(vec!["get", "put", "delete"]),
        id(),
        document(),
    )
        .prop_map(|(op, id, item)| match op {
            "put" => json!({ "op": op, "id": id, "item": item }),
            _ => json!({ "op": op, "id": id }),
        });
    let operations = prop::collection::vec(operation, 1..6);
    let batch =
        (module(), operations, any::<bool>()).prop_map(|(module, operations, atomic)| Sent {
            method: "POST",
            path: format!("/_batch/{module}"),
            body: json!({ "operations": operations, "atomic": atomic }).to_string(),
        });
    prop_oneof![4 => item, 1 => path, 3 => list, 3 => batch]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_tenant_sends_another_has_lost_and_told_nothing(
        all in prop::collection::vec(sent(), 1..12),
    ) {
        let shared = &*SHARED;
        RUNTIME.block_on(async {
            for Sent { method, path, body } in &all {
                let answer = shared.tenants.send(A, method, path, body).await;
                assert!(!answer.status.is_server_error(), "{method} {path} {body}: {}", answer.body);
                let told = format!("{:?} {}", answer.headers, answer.body);
                assert!(!told.contains(MARKER), "{method} {path} {body}: {told}");
            }
            shared.check().await;
        });
    }
}

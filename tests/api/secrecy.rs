//! What must not be in the log: both programs are sent a word in each place of a request that a
//! client can fill, with all that can be refused, while they log as much as they can.
//!
//! What the other tests send is looked for by [`crate::watch`].

use axum::body::Body;
use axum::http::Request;
use modulo::local::{Data, Engine};
use modulo::{config, local};
use serde_json::json;

use crate::app::document_of;
use crate::command::Folder;
use crate::lambda::{Call, FrontDoor};
use crate::runtime_api::Function;

/// The word that is sent, and that no line may have; in lower case, since names of headers are.
const PLANTED: &str = "planted";

/// Modules of every kind: both storages and envelopes, both guards, a schema, and what else makes
/// a request be refused.
const MODULES: &str = r#"
    [access.partners]
    keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]

    [access.main]
    jwt = { issuer = "https://issuer.example.com/", audience = "modulo", secret = { env = "JWT_SECRET" } }

    [defaults]
    key = "id"

    [modules.texts]
    max_bytes = 1000
    cors = { origins = ["https://app.example.com"] }

    [modules.rooms]
    envelope = "plain"
    storage = "document"
    ttl = "expiresAt"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    sort = { attribute = "floor", type = "N" }

    [modules.strict]
    schema = { properties = { chairs = { type = "integer" } }, additionalProperties = false }

    [modules.once]
    idempotency = "24h"

    [modules.keyed]
    access = { guard = "partners" }

    [modules.signed]
    access = { guard = "main" }

    [modules.rare]
    rate_limit = { requests = 1, per = "1d" }
"#;

/// What is long enough to be a secret of HS256.
const SECRET: &str = "a secret of at least 32 bytes, which is no word";

/// Headers that a client can fill, each with the word in it. `x-request-id` is not among them: it
/// is the one header that is logged, and says so.
const HEADERS: &[(&str, &str)] = &[
    ("accept", "application/planted"),
    ("accept-language", "planted"),
    ("authorization", "Bearer planted.planted.planted"),
    ("baggage", "planted=planted"),
    ("cookie", "planted=planted"),
    ("forwarded", "for=planted"),
    ("idempotency-key", "planted key"),
    ("if-match", "\"planted\""),
    ("if-modified-since", "planted"),
    ("if-none-match", "\"planted\""),
    ("origin", "https://planted.example.com"),
    ("access-control-request-headers", "planted"),
    ("access-control-request-method", "planted"),
    ("range", "planted=0-1"),
    ("referer", "https://planted.example.com/"),
    ("traceparent", "00-planted"),
    ("tracestate", "planted=planted"),
    ("user-agent", "planted"),
    ("via", "planted"),
    ("x-api-key", "planted"),
    ("x-forwarded-for", "planted"),
    ("x-forwarded-host", "planted"),
    ("x-forwarded-proto", "planted"),
    ("x-http-method-override", "planted"),
    ("x-planted", "planted"),
];

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const OPERATIONS: &str = "application/json-patch+json";

/// Method, target, media type and body of what is refused, each in another way, and of what is not.
#[expect(clippy::too_many_lines, reason = "one list of requests")]
fn planted() -> Vec<(&'static str, String, String, String)> {
    let mut all = Vec::new();
    let mut add = |method: &'static str, target: &str, media_type: &str, body: &str| {
        let owned = [target, media_type, body].map(str::to_owned);
        let [target, media_type, body] = owned;
        all.push((method, target, media_type, body));
    };
    let long = PLANTED.repeat(300);
    for target in [
        "/planted",
        "/planted/planted",
        "/_planted",
        "/_batch/planted",
        "/texts/planted",
        "/texts/planted%ff",
        &format!("/texts/{long}"),
        "/texts?planted=1",
        "/texts?limit=planted",
        "/texts?limit=1&limit=planted",
        "/texts?planted=1&planted=2",
        "/texts?cursor=planted",
        "/texts?consistent=planted",
        "/texts?fields=planted,",
        "/texts?order=planted",
        "/rooms?building=planted",
        &format!("/rooms?building={long}"),
        "/rooms?building=A&floor=planted",
        "/rooms?building=A&floor.planted=1",
        "/rooms?building.planted=A",
        "/rooms?floor=1&planted=1",
        "/rooms?building=A&cursor=planted",
        &format!("/texts?planted={}", PLANTED.repeat(5_000)),
        "/keyed/planted",
        "/signed/planted",
        "/rare/planted",
        "/rare/planted",
        "/_health?planted",
        "/_openapi.json?planted",
    ] {
        add("GET", target, JSON, "");
    }
    for (media_type, body) in [
        ("text/planted", "\"planted\""),
        ("planted", "\"planted\""),
        ("application/json; planted=planted", "\"planted\""),
        (JSON, "planted"),
        (JSON, "{\"planted\":"),
        (JSON, "{\"planted\" \"planted\"}"),
        (JSON, "\"planted"),
        (JSON, "\"planted\\x\""),
        (JSON, "[\"planted\"] planted"),
        (JSON, "{\"planted\":\"planted\"}"),
        (JSON, "{\"planted\":1,\"planted\":2}"),
        (JSON, "{\"$serde_json::private::planted\":\"planted\"}"),
        (JSON, "{\"planted\":1e999}"),
        (JSON, "{\"id\":\"planted\"}"),
        (JSON, "{\"_tenant_planted\":\"planted\"}"),
        (JSON, "{\"expiresAt\":\"planted\"}"),
        (JSON, "{\"building\":[\"planted\"]}"),
        (JSON, "{\"floor\":\"planted\"}"),
        (JSON, "{\"chairs\":\"planted\",\"planted\":\"planted\"}"),
        (JSON, &format!("[\"{long}\"]")),
        (
            JSON,
            &format!(
                "{}{}",
                "{\"planted\":".repeat(60),
                "1".to_owned() + &"}".repeat(60)
            ),
        ),
        (
            JSON,
            &format!(
                "{}{}",
                "{\"planted\":".repeat(200),
                "1".to_owned() + &"}".repeat(200)
            ),
        ),
    ] {
        for path in [
            "/texts/planted",
            "/rooms/planted",
            "/strict/planted",
            "/once",
        ] {
            add("POST", path, media_type, body);
        }
    }
    for (media_type, body) in [
        ("application/planted+json", "{\"planted\":1}"),
        (MERGE, "{\"planted\":"),
        (MERGE, "{\"planted\":1,\"planted\":2}"),
        (MERGE, "{\"chairs\":\"planted\"}"),
        (OPERATIONS, "{\"planted\":1}"),
        (OPERATIONS, "[{\"op\":\"planted\",\"path\":\"/planted\"}]"),
        (OPERATIONS, "[{\"op\":\"remove\",\"path\":\"planted\"}]"),
        (
            OPERATIONS,
            "[{\"op\":\"remove\",\"path\":\"/planted/planted\"}]",
        ),
        (OPERATIONS, "[{\"op\":\"planted\"}]"),
        (
            OPERATIONS,
            "[{\"op\":\"test\",\"path\":\"\",\"value\":\"planted\"}]",
        ),
        (
            OPERATIONS,
            "[{\"op\":\"move\",\"from\":\"/planted\",\"path\":\"/planted\"}]",
        ),
        (
            OPERATIONS,
            "[{\"op\":\"add\",\"path\":\"/chairs\",\"value\":\"planted\"}]",
        ),
    ] {
        for path in ["/texts/x", "/rooms/x", "/strict/x"] {
            add("PATCH", path, media_type, body);
        }
    }
    for body in [
        "planted",
        "{\"planted\":[]}",
        "{\"operations\":\"planted\"}",
        "{\"operations\":[{\"op\":\"planted\",\"id\":\"planted\"}]}",
        "{\"operations\":[{\"op\":\"get\",\"id\":\"x\",\"planted\":1}]}",
        "{\"operations\":[{\"op\":\"get\",\"id\":\"planted\",\"item\":\"planted\"}]}",
        "{\"operations\":[{\"op\":\"get\",\"id\":\"planted\"},{\"op\":\"get\",\"id\":\"planted\"}]}",
        "{\"operations\":[{\"op\":\"put\",\"id\":\"planted\",\"item\":{\"chairs\":\"planted\"}}]}",
        "{\"atomic\":true,\"operations\":[{\"op\":\"put\",\"id\":\"planted\",\"item\":{\"chairs\":\"planted\",\"expiresAt\":\"planted\"}}]}",
        "{\"atomic\":\"planted\",\"operations\":[]}",
    ] {
        for path in ["/_batch/texts", "/_batch/rooms", "/_batch/strict"] {
            add("POST", path, JSON, body);
        }
    }
    for method in ["PLANTED", "TRACE", "OPTIONS", "DELETE", "HEAD"] {
        add(method, "/texts/planted?planted", JSON, "");
    }
    all
}

/// Levels of our own and of others', above and below what is told by itself.
const FILTERS: &[&str] = &[
    "trace",
    "debug",
    "off,lambda_runtime=trace,hyper=trace,hyper_util=trace,h2=trace,aws_smithy_runtime=trace,aws_sigv4=trace,aws_runtime=trace,dynoxide=trace,modulo=trace",
];

#[track_caller]
fn assert_is_clean(said: &str, of: &str) {
    let line = said
        .lines()
        .find(|line| line.to_ascii_lowercase().contains(PLANTED));
    assert_eq!(line, None, "of {of}");
}

/// Headers with the word, and what the request needs besides.
fn headers(media_type: &str) -> impl Iterator<Item = (&str, &str)> {
    let own = [("content-type", media_type), ("x-request-id", "known")];
    HEADERS.iter().copied().chain(own)
}

#[tokio::test]
async fn the_server_logs_nothing_of_a_request() {
    for filter in FILTERS {
        let folder = Folder::with(MODULES);
        let variables = [("RUST_LOG", *filter), ("JWT_SECRET", SECRET)];
        let served = folder.serve_with(&variables, &["--memory"]).await;
        for path in ["/texts/x", "/rooms/x", "/strict/x"] {
            served.send("POST", path, "{\"chairs\":1}").await;
        }
        let mut refused = 0;
        for (method, target, media_type, body) in planted() {
            let send = async |is_bare: bool| {
                let mut request = Request::builder()
                    .method(method)
                    .uri(format!("{}{target}", served.url));
                for (name, value) in headers(&media_type) {
                    // Of two conditions one would hide what else is refused.
                    if !is_bare || !name.starts_with("if-") && name != "idempotency-key" {
                        request = request.header(name, value);
                    }
                }
                let body = Body::from(body.clone());
                served.client.send(request.body(body).unwrap()).await
            };
            for is_bare in [true, false] {
                refused += usize::from(send(is_bare).await.status.is_client_error());
            }
        }
        assert!(refused > 250, "only {refused} were refused");
        let said = served.output().await;
        assert!(said.matches("request.id=known").count() > refused, "{said}");
        assert_is_clean(&said, filter);
    }
}

#[tokio::test]
async fn the_function_logs_nothing_of_an_event() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = aws_sdk_dynamodb::Client::new(&local::settings(&engine.endpoint()).await);
    let stage = modulo::module::name::Stage::default();
    let config = config::parse(MODULES, config::FILE_NAME.as_ref(), &stage, []).unwrap();
    local::create_tables(&dynamodb, config.modules.tables())
        .await
        .unwrap();
    for filter in FILTERS {
        let variables = [("RUST_LOG", *filter), ("JWT_SECRET", SECRET)];
        let mut function = Function::start(MODULES, &variables, &engine.endpoint()).await;
        for path in ["/texts/x", "/rooms/x", "/strict/x"] {
            let call = Call::new("POST", path).json("{\"chairs\":1}");
            function.call(FrontDoor::FunctionUrl, &call).await;
        }
        let doors = [
            FrontDoor::FunctionUrl,
            FrontDoor::RestApi,
            FrontDoor::AlbMultiValue,
        ];
        for (at, (method, target, media_type, body)) in planted().into_iter().enumerate() {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let mut call = Call::new(method, path).query(query);
            for (name, value) in headers(&media_type) {
                if !name.starts_with("if-") {
                    call = call.header(name, value);
                }
            }
            if !body.is_empty() {
                call = call.text(&body);
            }
            function.call(doors[at % doors.len()], &call).await;
        }
        // Of these no request can be made.
        let event =
            FrontDoor::FunctionUrl.event(&Call::new("POST", "/texts/planted").text("planted"));
        for (pointer, value) in [
            ("/isBase64Encoded", json!(true)),
            ("/isBase64Encoded", json!("planted")),
            ("/rawPath", json!({ "planted": 1 })),
            ("/headers", json!("planted")),
            ("/requestContext/http/method", json!("PLANTED METHOD")),
            ("/requestContext/timeEpoch", json!("planted")),
        ] {
            let mut event = event.clone();
            *event.pointer_mut(pointer).unwrap() = value;
            function.invoke(&event).await;
        }
        for text in ["\"planted\"", "{\"planted\":1}", "planted"] {
            function.invoke_text(text).await;
        }
        let said = function.output("stdout") + &function.output("stderr");
        assert!(
            said.matches(r#""request.id":"known""#).count() > 100,
            "{said}"
        );
        assert_is_clean(&said, filter);
    }
}

/// What the log says in place of the client's words still tells what is wrong, and where.
#[tokio::test]
async fn the_log_has_words_of_its_own() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let variables = [("JWT_SECRET", SECRET)];
    let mut function = Function::start(MODULES, &variables, &engine.endpoint()).await;
    for (method, target, media_type, body, expected) in [
        (
            "GET",
            "/texts?planted=1",
            JSON,
            "",
            "invalid query: unknown parameter",
        ),
        (
            "POST",
            "/texts/x",
            "text/planted",
            "1",
            "unsupported media type: another",
        ),
        (
            "POST",
            "/texts/x",
            JSON,
            "{\"planted\":",
            "invalid JSON: at line 1 column 11",
        ),
        (
            "POST",
            "/_batch/texts",
            JSON,
            "{\"planted\":1}",
            "invalid batch: at line 1 column 10",
        ),
        (
            "POST",
            "/_batch/rooms",
            JSON,
            "{\"atomic\":true,\"operations\":[{\"op\":\"put\",\"id\":\"x\",\"item\":[\"planted\"]}]}",
            "operation 0: the document can't be stored as native attributes",
        ),
        (
            "PATCH",
            "/texts/x",
            OPERATIONS,
            "[{\"op\":\"planted\"}]",
            "invalid patch: at line 1 column 16",
        ),
        ("GET", "/keyed/x", JSON, "", "no credential"),
        ("PLANTED", "/texts/x", JSON, "", "Method not allowed"),
    ] {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut call = Call::new(method, path).query(query);
        call = call.header("content-type", media_type);
        if !body.is_empty() {
            call = call.text(body);
        }
        function.call(FrontDoor::FunctionUrl, &call).await;
        let said = function.output("stdout");
        let line = document_of(said.lines().last().unwrap());
        assert_eq!(line["error"], expected, "{method} {target} {body}");
        let method = if method == "PLANTED" {
            "_OTHER"
        } else {
            method
        };
        assert_eq!(line["http.request.method"], method);
    }
}

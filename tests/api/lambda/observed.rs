//! What is written of each request: the line, and the metrics in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use modulo::access::Pseudonym;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Call, Fixture, FrontDoor, MODULES};
use crate::runtime_api::Function;

/// What the runtime API of the tests says of every invocation, in W3C's spelling.
const TRACE_OF_LAMBDA: &str = "6743d2f01b2c3d4e5f60718293a4b5c6";

impl Function {
    /// The requests' lines so far.
    fn lines(&self) -> Vec<Value> {
        let stdout = self.output("stdout");
        let lines = stdout.lines().map(|line| -> Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        lines
            .filter(|line| line["target"] == "modulo::request")
            .collect()
    }

    async fn send(&mut self, call: &Call) {
        self.call(FrontDoor::FunctionUrl, call).await;
    }

    /// The line of a request, whose times are made the same each time.
    async fn line_of(&mut self, call: &Call) -> Value {
        self.send(call).await;
        let mut lines = self.lines();
        let mut line = lines.pop().unwrap_or_else(|| panic!("{}", self.log()));
        let timestamp = line["timestamp"].as_str().unwrap();
        let moment = humantime::parse_rfc3339(timestamp).unwrap();
        let moment = moment.duration_since(std::time::UNIX_EPOCH).unwrap();
        if let Some(metadata) = line.get("_aws") {
            assert_eq!(
                metadata["Timestamp"].as_u64().map(u128::from),
                Some(moment.as_millis())
            );
            line["_aws"]["Timestamp"] = json!("the timestamp");
        }
        line["timestamp"] = json!("a timestamp");
        let total = line["duration_us"].as_u64().unwrap();
        line["duration_us"] = json!("microseconds");
        if let Some(duration) = line.get_mut("dynamodb.duration_us") {
            assert!(duration.as_u64().unwrap() <= total, "{duration} of {total}");
            *duration = json!("fewer of them");
        }
        line
    }

    async fn over(modules: &str, envs: &[(&str, &str)], dynamodb: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, dynamodb).await });
        Self::start(modules, envs, &endpoint).await
    }
}

fn put() -> Call {
    Call::new("PUT", "/modulo1/planted-id")
        .header("x-request-id", "known")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("authorization", "Bearer planted-token")
        .json("\"planted-body\"")
}

#[track_caller]
fn assert_is_embedded_metric_format(line: &Value) {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    for directive in directives {
        for dimension in directive["Dimensions"].as_array().unwrap() {
            for name in dimension.as_array().unwrap() {
                assert!(line[name.as_str().unwrap()].is_string(), "{name}: {line}");
            }
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(
                line[name].is_number() || name.ends_with("_us"),
                "{name}: {line}"
            );
        }
    }
}

#[tokio::test]
async fn a_line_has_all_that_there_is_to_say_and_nothing_of_what_was_sent() {
    let mut fixture = Fixture::with(&[("MODULO_STAGE", "dev")]).await;
    let line = fixture.function.line_of(&put()).await;
    assert_is_embedded_metric_format(&line);
    assert!(!line.to_string().contains("planted"), "{line}");
    insta::assert_snapshot!(format!("{line:#}"));
}

#[tokio::test]
async fn only_the_first_line_is_of_a_cold_start() {
    let mut fixture = Fixture::start().await;
    let get = Call::new("GET", "/modulo1/x");
    let first = fixture.function.line_of(&get).await;
    assert_eq!(
        (&first["faas.coldstart"], &first["cold_starts"]),
        (&json!(true), &json!(1))
    );
    let second = fixture.function.line_of(&get).await;
    insta::assert_snapshot!(format!("{second:#}"));
    assert_eq!(second["trace_id"], TRACE_OF_LAMBDA);
}

#[tokio::test]
async fn what_leads_nowhere_is_no_metric() {
    let mut fixture = Fixture::start().await;
    for (method, path) in [
        ("GET", "/nowhere"),
        ("OPTIONS", "/modulo1/x"),
        ("TRACE", "/modulo1"),
    ] {
        let line = fixture.function.line_of(&Call::new(method, path)).await;
        assert_eq!(line["http.request.method"], method);
        assert_eq!(line.get("_aws"), None, "{line}");
    }
}

#[tokio::test]
async fn each_verb_is_counted_by_itself() {
    let mut fixture = Fixture::start().await;
    for (method, path, body, verb) in [
        ("PUT", "/modulo1/x", "[1]", "PUT"),
        ("POST", "/modulo1/x", "[1]", "POST"),
        ("POST", "/modulo1", "[1]", "POST"),
        ("PATCH", "/modulo1/x", "[1]", "PATCH"),
        ("GET", "/modulo1/x", "", "GET"),
        ("HEAD", "/modulo1/x", "", "GET"),
        ("GET", "/modulo1", "", "LIST"),
        ("DELETE", "/modulo1/x", "", "DELETE"),
        (
            "POST",
            "/_batch/modulo1",
            r#"{"operations":[{"op":"get","id":"x"}]}"#,
            "BATCH",
        ),
    ] {
        let mut call = Call::new(method, path);
        if !body.is_empty() {
            call = call.json(body);
        }
        let line = fixture.function.line_of(&call).await;
        assert_is_embedded_metric_format(&line);
        assert_eq!(
            (&line["module.verb"], &line["requests"]),
            (&json!(verb), &json!(1))
        );
        assert!(line.get("client_errors").is_none(), "{line}");
        let units = match verb {
            "GET" | "LIST" | "BATCH" => "dynamodb.read_units",
            _ => "dynamodb.write_units",
        };
        assert!(
            line[units].as_f64().is_some_and(|units| units > 0.0),
            "{line}"
        );
    }
}

/// A batch's writes are made by tasks of their own.
#[tokio::test]
async fn all_calls_of_a_batch_are_counted() {
    let mut fixture = Fixture::start().await;
    let puts = (0..60).map(|n| json!({ "op": "put", "id": n.to_string(), "item": 1 }));
    let gets = (0..3).map(|n| json!({ "op": "get", "id": format!("other{n}") }));
    let operations: Vec<_> = puts.chain(gets).collect();
    let call = Call::new("POST", "/_batch/modulo1");
    let call = call.json(&json!({ "operations": operations }).to_string());
    let line = fixture.function.line_of(&call).await;
    assert_eq!(line["dynamodb.calls"], 4, "{line}");
    assert_eq!(line["dynamodb.write_units"], 60.0, "{line}");
}

/// Answers throttling so often, then that there is no such item.
fn throttling(times: usize) -> Router {
    let asked = Arc::new(AtomicUsize::new(0));
    Router::new().fallback(move || async move {
        if asked.fetch_add(1, Ordering::Relaxed) < times {
            let kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
            let body = json!({ "__type": kind, "message": "Rate of requests exceeds the limit" });
            (StatusCode::BAD_REQUEST, body.to_string()).into_response()
        } else {
            "{}".into_response()
        }
    })
}

#[tokio::test]
async fn throttles_and_retries_are_counted() {
    // Else the warm-up would be throttled.
    let cold = [("MODULO__SERVICE__WARM_UP", "false")];
    let mut function = Function::over(MODULES, &cold, throttling(2)).await;
    let line = function.line_of(&Call::new("GET", "/modulo1/x")).await;
    assert_is_embedded_metric_format(&line);
    let of = |name: &str| line[name].clone();
    assert_eq!(
        [
            of("dynamodb.calls"),
            of("dynamodb.retries"),
            of("dynamodb.throttles")
        ],
        [json!(1), json!(2), json!(2)],
        "{line}"
    );
    assert_eq!(
        (of("level"), of("client_errors")),
        (json!("INFO"), json!(1)),
        "{line}"
    );
}

#[tokio::test]
async fn a_failure_is_an_error_with_its_cause() {
    let mut function = Function::over(MODULES, &[], throttling(usize::MAX)).await;
    let line = function.line_of(&Call::new("GET", "/modulo1/x")).await;
    assert_eq!(
        (&line["level"], &line["server_errors"]),
        (&json!("ERROR"), &json!(1)),
        "{line}"
    );
    insta::assert_snapshot!(line["error"].as_str().unwrap(), @"Try again later: DynamoDB throttles: ThrottlingException: Rate of requests exceeds the limit");
}

/// `DynamoDB` says what it was sent; the log does not.
#[tokio::test]
async fn a_cause_quotes_no_document() {
    for message in [
        "1 validation error detected: Value 'it's planted' at 'key' failed to satisfy constraint",
        "The parameter cannot be converted to a numeric value: planted",
        "planted",
    ] {
        let dynamodb = Router::new().fallback(move || async move {
            let kind = "com.amazon.coral.validate#ValidationException";
            let body = json!({ "__type": kind, "message": message });
            (StatusCode::BAD_REQUEST, body.to_string())
        });
        let mut function = Function::over(MODULES, &[], dynamodb).await;
        let line = function.line_of(&put()).await;
        let error = line["error"].as_str().unwrap();
        assert!(error.contains("ValidationException"), "{error}");
        assert!(!line.to_string().contains("planted"), "{line}");
    }
}

#[tokio::test]
async fn metrics_can_be_turned_off() {
    let mut fixture = Fixture::with(&[("MODULO__SERVICE__METRICS", "false")]).await;
    let line = fixture
        .function
        .line_of(&Call::new("GET", "/modulo1/x"))
        .await;
    assert_eq!(line["http.response.status_code"], 404);
    for absent in ["_aws", "requests", "client_errors", "cold_starts"] {
        assert_eq!(line.get(absent), None, "{line}");
    }
}

#[tokio::test]
async fn the_file_says_how_much_is_logged_and_rust_log_says_it_louder() {
    let quiet = MODULES.replace("[service]", "[service]\nlog = \"warn\"");
    for (modules, rust_log, lines) in [
        (MODULES, "", 1),
        (quiet.as_str(), "", 0),
        (quiet.as_str(), "info", 1),
        (MODULES, "off", 0),
        (MODULES, "error,modulo::request=info", 1),
    ] {
        let mut function = Function::over(modules, &[("RUST_LOG", rust_log)], throttling(0)).await;
        function.send(&Call::new("GET", "/modulo1/x")).await;
        assert_eq!(
            function.lines().len(),
            lines,
            "RUST_LOG={rust_log:?}\n{modules}"
        );
    }
}

#[tokio::test]
async fn callers_and_tenants_are_reported_by_pseudonyms() {
    let guarded = r#"
        [access.partners]
        keys = [
            { name = "erp", tenant = "acme", hash = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" },
        ]
        [modules.modulo1]
        key = "modulo1Id"
        tenant = { claim = "org_id" }
        access = { guard = "partners", scopes = { DELETE = ["never"] } }
    "#;
    let mut function = Function::over(guarded, &[], throttling(0)).await;
    let known = |method| Call::new(method, "/modulo1/x").header("x-api-key", "foo");
    let unknown = Call::new("GET", "/modulo1/x").header("x-api-key", "bar");
    let pseudonym = |name| json!(Pseudonym::new("partners", name).to_string());
    let erp = (Some(pseudonym("erp")), Some(pseudonym("acme")));
    for (call, status, expected) in [
        (known("GET"), 404, erp.clone()),
        (known("DELETE"), 403, erp),
        (unknown, 401, (None, None)),
    ] {
        let line = function.line_of(&call).await;
        assert_eq!(line["http.response.status_code"], status, "{line}");
        let told = (line.get("caller").cloned(), line.get("tenant").cloned());
        assert_eq!(told, expected, "{line}");
        let line = line.to_string();
        assert!(!line.contains("erp") && !line.contains("acme"), "{line}");
    }
}

/// A load balancer asks every few seconds.
#[tokio::test]
async fn probes_are_logged_if_they_fail_or_if_much_is_logged() {
    let probe = Call::new("GET", "/_health");
    let mut function = Function::over(MODULES, &[], throttling(0)).await;
    function.send(&probe).await;
    assert_eq!(function.lines(), [json!(null); 0]);
    // DynamoDB describes no tables to it.
    let line = function.line_of(&Call::new("GET", "/_health/ready")).await;
    assert_eq!(
        (&line["level"], &line["http.route"]),
        (&json!("ERROR"), &json!("/_health/ready"))
    );
    insta::assert_snapshot!(line["error"].as_str().unwrap(), @"Not ready: modulo1, prod: modulo1: there is no table `modulo1-local`; a deployment makes it; prod: there is no table `prod-local`; a deployment makes it");

    let all = [("RUST_LOG", "off,modulo::request=debug")];
    let mut function = Function::over(MODULES, &all, throttling(0)).await;
    let line = function.line_of(&probe).await;
    assert_eq!(
        (&line["level"], &line["http.route"]),
        (&json!("DEBUG"), &json!("/_health"))
    );
}

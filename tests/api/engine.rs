//! The embedded engine: who reaches it, and that its answers are those of its own HTTP server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use modulo::local::{self, Data, Embedded, Engine, LocalError};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::MODULES;
use crate::command::Folder;

/// What a client sends with each operation; no key is behind the signature.
fn signed() -> HeaderMap {
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-date", "20261128T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20261128/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host, Signature=b",
        ),
    ];
    headers
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .into_iter()
        .collect()
}

async fn post(endpoint: &str, target: &str, body: &str, headers: HeaderMap) -> (u16, String) {
    let request = reqwest::Client::new().post(endpoint).headers(headers);
    let request = request.header("x-amz-target", target).body(body.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn create_table(dynamodb: &DynamoDb) {
    let key = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let schema = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let table = dynamodb.create_table().table_name("things");
    let table = table
        .attribute_definitions(key.build().unwrap())
        .key_schema(schema.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest);
    table.send().await.unwrap();
}

/// Writes and reads through the SDK, errors included.
async fn use_it(dynamodb: &DynamoDb, id: &str) {
    exchange(dynamodb, id, "é\"".repeat(100_000)).await;
}

async fn exchange(dynamodb: &DynamoDb, id: &str, text: String) {
    let text = AttributeValue::S(text);
    let put = dynamodb
        .put_item()
        .table_name("things")
        .item("id", AttributeValue::S(id.to_owned()))
        .item("text", text.clone())
        .condition_expression("attribute_not_exists(id)");
    put.clone().send().await.unwrap();
    let refused = put.send().await.unwrap_err().into_service_error();
    assert!(
        refused.is_conditional_check_failed_exception(),
        "{refused:?}"
    );
    let got = dynamodb
        .get_item()
        .table_name("things")
        .key("id", AttributeValue::S(id.to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(got.item.unwrap()["text"], text);
    let absent = dynamodb.scan().table_name("nothing").send().await;
    let absent = absent.unwrap_err().into_service_error();
    assert_eq!(
        absent.code(),
        Some("ResourceNotFoundException"),
        "{absent:?}"
    );
    assert!(
        absent
            .message()
            .is_some_and(|text| text.contains("resource not found"))
    );
}

fn too_long(folder: &Path) -> std::path::PathBuf {
    let long = folder.join("a-folder-with-a-long-name/".repeat(8));
    assert!(long.as_os_str().len() > 200);
    long
}

#[tokio::test]
async fn an_sdk_client_reaches_it_in_process_by_its_socket_and_by_its_port() {
    let folder = tempfile::tempdir().unwrap();
    for folder in [folder.path().join("data"), too_long(folder.path())] {
        let mut engine = Embedded::open(&Data::Folder(folder.clone())).unwrap();
        let inside = DynamoDb::new(&engine.settings().await);
        create_table(&inside).await;
        use_it(&inside, "inside").await;
        let through_socket = local::settings_of_other(&folder).await.unwrap();
        use_it(&DynamoDb::new(&through_socket), "socket").await;
        let address = engine.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = local::settings(&format!("http://{address}")).await;
        use_it(&DynamoDb::new(&port), "port").await;

        engine.stop().await;
        let stopped = inside.list_tables().send().await.unwrap_err();
        assert!(stopped.as_service_error().is_none(), "{stopped:?}");
    }
}

#[tokio::test]
async fn many_at_once_are_answered_on_one_thread() {
    let engine = Embedded::open(&Data::Memory).unwrap();
    let dynamodb = DynamoDb::new(&engine.settings().await);
    create_table(&dynamodb).await;
    let mut all = JoinSet::new();
    for id in 0..64 {
        let dynamodb = dynamodb.clone();
        let text = "é".repeat(1_000);
        all.spawn(async move { exchange(&dynamodb, &id.to_string(), text).await });
    }
    all.join_all().await;
}

#[tokio::test]
async fn only_its_own_user_can_open_the_folder_and_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    let engine = Embedded::open(&Data::Folder(folder.clone())).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("socket")), 0o600);
    engine.stop().await;
    assert!(!folder.join("socket").exists());
}

#[tokio::test]
async fn what_a_killed_process_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(folder.path().join("socket")).unwrap());
    let refused = local::settings_of_other(folder.path()).await;
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    let data = Data::Folder(folder.path().to_owned());
    let engine = Embedded::open(&data).unwrap();
    let through_socket = local::settings_of_other(folder.path()).await.unwrap();
    create_table(&DynamoDb::new(&through_socket)).await;

    let second = Embedded::open(&data).unwrap_err();
    assert!(matches!(second, LocalError::Locked { .. }), "{second:?}");
    use_it(&DynamoDb::new(&through_socket), "x").await;
    engine.stop().await;
}

#[tokio::test]
async fn a_folder_that_can_not_have_a_socket_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // A folder cannot be replaced by a socket.
    fs::create_dir_all(folder.path().join("socket/x")).unwrap();
    let data = Data::Folder(folder.path().to_owned());
    let error = Embedded::open(&data).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot make a Unix socket in `"),
        "{error}"
    );
    assert!(error.contains("--data-dir"), "{error}");
}

/// The ports on which a process listens.
#[cfg(target_os = "linux")]
fn ports_of(process: u32) -> Vec<u16> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .collect();
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (address, state, inode) = (fields[1], fields[3], fields[9]);
            if state == "0A" && sockets.contains(&format!("socket:[{inode}]")) {
                let (_, port) = address.rsplit_once(':').unwrap();
                ports.push(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    ports
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn serve_has_no_port_that_leads_past_the_guards() {
    let folder = Folder::with(MODULES);
    for arguments in [&[] as &[&str], &["--memory"]] {
        let served = folder.serve(arguments).await;
        let answer = served.send("POST", "/modulo1/sala90", "[90]").await;
        assert_eq!(answer.status, 200);
        let (_, port) = served.url.rsplit_once(':').unwrap();
        assert_eq!(
            ports_of(served.process.id().unwrap()),
            [port.parse::<u16>().unwrap()]
        );
    }
}

#[tokio::test]
async fn serve_opens_it_where_it_is_asked_to_and_says_so() {
    let folder = Folder::with(MODULES);
    let mut served = folder
        .serve(&["--memory", "--dynamodb-addr", "127.0.0.1:0"])
        .await;
    let line = served.line("DynamoDB's own protocol is open at ").await;
    let endpoint = line
        .split([' ', ','])
        .find(|word| word.starts_with("http://"));
    let endpoint = endpoint.unwrap().trim_end_matches(':');
    assert!(line.contains("without passing a guard"), "{line}");
    served.send("POST", "/modulo1/sala90", "[90]").await;
    let dynamodb = DynamoDb::new(&local::settings(endpoint).await);
    let found = dynamodb.scan().table_name("modulo1-local").send().await;
    assert_eq!(found.unwrap().count(), 1);
}

#[tokio::test]
async fn an_address_for_it_that_others_reach_is_refused() {
    let folder = Folder::with(MODULES);
    for (address, reason) in [
        ("0.0.0.0:8000", "use 127.0.0.1:8000"),
        ("[::]:8000", "use 127.0.0.1:8000"),
        ("192.0.2.1:8000", "use 127.0.0.1:8000"),
        ("8000", "not a valid address, such as 127.0.0.1:8000"),
    ] {
        let (status, _, said) = folder.run(&["serve", "--dynamodb-addr", address]).await;
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains(reason), "{said}");
    }
    let elsewhere = ["serve", "--aws", "--dynamodb-addr", "127.0.0.1:0"];
    let (status, _, said) = folder.run(&elsewhere).await;
    assert_eq!(status, Some(2), "{said}");
    // A user's own server may have the usual address.
    let free = "127.0.0.1:0";
    let mut command = folder.modulo(&["serve", "--addr", free, "--dynamodb-addr", free]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("needs the embedded DynamoDB, and another one is used"),
        "{said}"
    );
}

#[tokio::test]
async fn a_web_page_reaches_nothing_at_its_port() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let endpoint = engine.endpoint();
    let dynamodb = DynamoDb::new(&local::settings(&endpoint).await);
    create_table(&dynamodb).await;
    let put = r#"{"TableName":"things","Item":{"id":{"S":"x"}}}"#;
    let with = |name: &'static str, value: &'static str| {
        let mut headers = signed();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    for (headers, status) in [
        (with("origin", "https://page.example"), 403),
        (with("origin", "http://localhost:8000"), 403),
        (with("origin", "null"), 403),
        (with("host", "rebind.example"), 421),
        (with("host", "rebind.example:8000"), 421),
        (with("host", "127.0.0.1.rebind.example"), 421),
        (with("host", "192.0.2.1"), 421),
    ] {
        let answer = post(&endpoint, "DynamoDB_20120810.PutItem", put, headers.clone()).await;
        assert_eq!(answer.0, status, "{headers:?}: {answer:?}");
    }
    let http = reqwest::Client::new();
    for method in ["OPTIONS", "GET", "POST"] {
        let request = http.request(method.parse().unwrap(), &endpoint);
        let answer = request
            .header("origin", "https://page.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-amz-target")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 403);
        let allows = |name: &str| name.starts_with("access-control-");
        assert!(!answer.headers().keys().any(|name| allows(name.as_str())));
    }
    let found = dynamodb.scan().table_name("things").send().await.unwrap();
    assert_eq!(found.count(), 0);
    // What a tool sends is answered.
    for host in [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:8000",
        "127.8.8.8",
        "[::1]:8000",
    ] {
        let answer = post(
            &endpoint,
            "DynamoDB_20120810.PutItem",
            put,
            with("host", host),
        )
        .await;
        assert_eq!(answer.0, 200, "{host}: {answer:?}");
    }
}

/// Operations, and the JSON that each is sent, in turn: right ones, and every kind of refusal.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn exchanges() -> Vec<(&'static str, String)> {
    let table = json!({
        "TableName": "things",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-n",
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let put = |item: Value| json!({"TableName": "things", "Item": item});
    let key = json!({"TableName": "things", "Key": {"id": {"S": "a"}}});
    let mut nested = json!({"S": "x"});
    for _ in 0..34 {
        nested = json!({"M": {"a": nested}});
    }
    let too_large = json!({"id": {"S": "a"}, "text": {"S": "x".repeat(410_000)}});
    let batch = |table: &str, items: &[Value]| {
        let puts = items
            .iter()
            .map(|item| json!({"PutRequest": {"Item": item}}));
        json!({"RequestItems": {table: puts.collect::<Vec<_>>()}})
    };
    // Their ids and what the index has of them.
    let puts = |items: &[&[&str; 2]]| {
        let items = items.iter().map(|[id, n]| match *n {
            "" => json!({"id": {"S": id}}),
            n => json!({"id": {"S": id}, "n": {"N": n}, "l": {"L": [{"BOOL": true}]}}),
        });
        batch("things", &items.collect::<Vec<_>>())
    };
    let many: Vec<_> = (0..26)
        .map(|n| json!({"id": {"S": n.to_string()}}))
        .collect();
    let by_n = |n: &str| {
        json!({
            "TableName": "things", "IndexName": "by-n",
            "KeyConditionExpression": "n = :n",
            "ExpressionAttributeValues": {":n": {"N": n}},
        })
    };
    let requests = [
        ("CreateTable", table.clone()),
        ("CreateTable", table),
        ("CreateTable", json!({"TableName": "x"})),
        ("ListTables", json!({})),
        (
            "PutItem",
            put(json!({"id": {"S": "a"}, "n": {"N": "1.10"}, "l": {"L": [{"BOOL": true}]}})),
        ),
        (
            "PutItem",
            put(json!({"id": {"S": "b"}, "n": {"N": "12345678901234567890123456789012345678"}})),
        ),
        (
            "PutItem",
            put(json!({"id": {"S": "é\"\\"}, "ns": {"NS": ["3", "1"]}, "b": {"B": "AP8="}})),
        ),
        ("PutItem", put(json!({"n": {"N": "1"}}))),
        ("PutItem", put(json!({"id": {"S": ""}}))),
        ("PutItem", put(json!({"id": {"N": "1"}}))),
        ("PutItem", put(json!({"id": {"S": "a"}, "n": {"N": "one"}}))),
        ("PutItem", put(json!({"id": {"S": "a"}, "n": {"N": ""}}))),
        (
            "PutItem",
            put(json!({"id": {"S": "a"}, "n": {"N": "1e999"}})),
        ),
        (
            "PutItem",
            put(json!({"id": {"S": "a"}, "x": {"NULL": false}})),
        ),
        ("PutItem", put(json!({"id": {"S": "a"}, "x": {}}))),
        (
            "PutItem",
            put(json!({"id": {"S": "a"}, "x": {"S": "a", "N": "1"}})),
        ),
        (
            "PutItem",
            put(json!({"id": {"S": "a"}, "x": {"SS": ["a", "a"]}})),
        ),
        ("PutItem", put(json!({"id": {"S": "a"}, "x": nested}))),
        ("PutItem", put(too_large.clone())),
        ("PutItem", json!({"Item": {"id": {"S": "a"}}})),
        (
            "PutItem",
            with(
                put(json!({"id": {"S": "a"}})),
                json!({
                    "ConditionExpression": "attribute_not_exists(id)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }),
            ),
        ),
        (
            "PutItem",
            with(
                put(json!({"id": {"S": "a"}})),
                json!({"ConditionExpression": "nonsense("}),
            ),
        ),
        ("GetItem", key.clone()),
        (
            "GetItem",
            with(key.clone(), json!({"ReturnConsumedCapacity": "TOTAL"})),
        ),
        (
            "GetItem",
            json!({"TableName": "things", "Key": {"id": {"S": "absent"}}}),
        ),
        (
            "GetItem",
            json!({"TableName": "nothing", "Key": {"id": {"S": "a"}}}),
        ),
        (
            "GetItem",
            json!({"TableName": "things", "Key": {"n": {"N": "1"}}}),
        ),
        (
            "UpdateItem",
            with(
                key.clone(),
                json!({
                    "UpdateExpression": "SET #d = :d, n = n + :one",
                    "ExpressionAttributeNames": {"#d": "data"},
                    "ExpressionAttributeValues": {":d": {"S": "[]"}, ":one": {"N": "1"}},
                    "ReturnValues": "UPDATED_NEW",
                }),
            ),
        ),
        (
            "UpdateItem",
            with(
                key.clone(),
                json!({
                    "UpdateExpression": "SET #d = :missing",
                    "ExpressionAttributeNames": {"#d": "data"},
                }),
            ),
        ),
        (
            "UpdateItem",
            with(
                key.clone(),
                json!({
                    "UpdateExpression": "SET x = :x",
                    "ExpressionAttributeValues": {":x": {"N": "one"}},
                }),
            ),
        ),
        (
            "Query",
            json!({
                "TableName": "things", "IndexName": "by-n",
                "KeyConditionExpression": "n = :n",
                "ExpressionAttributeValues": {":n": {"N": "2.1"}},
            }),
        ),
        (
            "Query",
            json!({"TableName": "things", "IndexName": "nothing",
                "KeyConditionExpression": "n = :n",
                "ExpressionAttributeValues": {":n": {"N": "2.1"}},
            }),
        ),
        ("Scan", json!({"TableName": "things", "Select": "COUNT"})),
        ("Scan", json!({"TableName": "things", "Limit": 0})),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"things": [
                {"PutRequest": {"Item": {"id": {"S": "c"}}}},
                {"DeleteRequest": {"Key": {"id": {"S": "b"}}}},
            ]}}),
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"things": [
                {"PutRequest": {"Item": {"id": {"S": "c"}}}},
                {"PutRequest": {"Item": {"id": {"S": "c"}}}},
            ]}}),
        ),
        (
            "BatchWriteItem",
            puts(&[&["e", "1"], &["f", "1"], &["g", ""]]),
        ),
        // In the place of others, with another value in the index, or none.
        ("BatchWriteItem", puts(&[&["e", "1.0"], &["f", "2"]])),
        ("Query", by_n("1")),
        ("Query", by_n("2")),
        ("Scan", json!({"TableName": "things"})),
        ("BatchWriteItem", puts(&[&["h", "1"], &["h", "2"]])),
        ("BatchWriteItem", puts(&[&["h", "1"], &["", "2"]])),
        ("BatchWriteItem", puts(&[&["h", "1"], &["i", "one"]])),
        (
            "BatchWriteItem",
            batch("things", &[json!({"id": {"S": "h"}}), too_large.clone()]),
        ),
        (
            "BatchWriteItem",
            batch(
                "things",
                &[json!({"id": {"S": "h"}}), json!({"id": {"N": "1"}})],
            ),
        ),
        (
            "BatchWriteItem",
            batch(
                "things",
                &[json!({"id": {"S": "h"}}), json!({"n": {"N": "1"}})],
            ),
        ),
        (
            "BatchWriteItem",
            batch("things", &[json!({"id": {"S": "h"}, "n": {"S": "1"}})]),
        ),
        (
            "BatchWriteItem",
            batch(
                "things",
                &[json!({"id": {"S": "h"}, "x": {"L": [{"M": {"": {"S": "a"}}}]}})],
            ),
        ),
        (
            "BatchWriteItem",
            batch(
                "things",
                &[json!({"id": {"S": "h"}, "x": {"SS": ["a", "a"]}})],
            ),
        ),
        (
            "BatchWriteItem",
            batch("nothing", &[json!({"id": {"S": "h"}})]),
        ),
        ("BatchWriteItem", batch("things", &[])),
        ("BatchWriteItem", batch("things", &many)),
        (
            "BatchWriteItem",
            with(
                puts(&[&["i", "3"]]),
                json!({"ReturnConsumedCapacity": "INDEXES"}),
            ),
        ),
        (
            "BatchWriteItem",
            with(
                puts(&[&["i", "3"]]),
                json!({"ReturnConsumedCapacity": "SOME"}),
            ),
        ),
        ("Scan", json!({"TableName": "things"})),
        ("DescribeTable", json!({"TableName": "nothing"})),
        (
            "BatchGetItem",
            json!({"RequestItems": {"things": {"Keys": [{"id": {"S": "c"}}]}}}),
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "things", "Item": {"id": {"S": "d"}}}},
                {"ConditionCheck": {"TableName": "things", "Key": {"id": {"S": "a"}},
                    "ConditionExpression": "attribute_not_exists(id)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
            ]}),
        ),
        (
            "TransactGetItems",
            json!({"TransactItems": [
                {"Get": {"TableName": "things", "Key": {"id": {"S": "d"}}}},
            ]}),
        ),
        (
            "ExecuteStatement",
            json!({"Statement": "SELECT * FROM things WHERE id = 'c'"}),
        ),
        ("ExecuteStatement", json!({"Statement": "nonsense"})),
        (
            "UpdateTimeToLive",
            json!({"TableName": "things",
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}}),
        ),
        ("DescribeTimeToLive", json!({"TableName": "things"})),
        ("ListStreams", json!({})),
        ("DeleteItem", with(key, json!({"ReturnValues": "ALL_OLD"}))),
        ("DescribeTable", json!({"TableName": "nothing"})),
        ("DeleteTable", json!({"TableName": "nothing"})),
        ("Nonsense", json!({})),
    ];
    let mut exchanges: Vec<_> = requests
        .into_iter()
        .map(|(operation, request)| (operation, request.to_string()))
        .collect();
    exchanges.extend(gets().map(|request| ("BatchGetItem", request.to_string())));
    exchanges.push(("GetItem", String::new()));
    exchanges.push(("GetItem", "{".to_owned()));
    exchanges.push(("GetItem", "no JSON".to_owned()));
    exchanges
}

/// A request, with some members more.
fn with(mut request: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        unreachable!("it is one")
    };
    request.as_object_mut().unwrap().extend(more);
    request
}

/// Batches of gets, of a table that has the items `c` and `e`.
fn gets() -> impl Iterator<Item = Value> {
    let of = |keys: &[Value], of_table: Value, of_request: Value| {
        let of_table = with(json!({"Keys": keys}), of_table);
        with(json!({"RequestItems": {"things": of_table}}), of_request)
    };
    let id = |id: &str| json!({"id": {"S": id}});
    let three = [id("c"), id("absent"), id("e")];
    let many: Vec<_> = (0..101).map(|at| id(&at.to_string())).collect();
    let capacity = |kind: &str| json!({"ReturnConsumedCapacity": kind});
    let projection = |expression: &str, name: &str| {
        json!({
            "ProjectionExpression": expression,
            "ExpressionAttributeNames": {name: "n"},
        })
    };
    [
        of(&three, json!({}), capacity("TOTAL")),
        of(&three, json!({"ConsistentRead": true}), capacity("TOTAL")),
        of(&three, json!({}), capacity("NONE")),
        of(&three, json!({}), capacity("INDEXES")),
        of(&three, json!({}), capacity("SOME")),
        of(&three, projection("#n", "#n"), json!({})),
        of(&three, projection("id", "#n"), json!({})),
        of(&three, projection("#n", "n"), json!({})),
        of(&three, projection("#n,", "#n"), json!({})),
        of(&three, json!({"AttributesToGet": ["n"]}), json!({})),
        of(&three, json!({"AttributesToGet": ["n", "n"]}), json!({})),
        of(&[id("c"), id("c")], json!({}), json!({})),
        of(&[id("absent"), id("absent")], json!({}), json!({})),
        of(&[id("c"), id("")], json!({}), json!({})),
        of(&[json!({"id": {"N": "1"}})], json!({}), json!({})),
        of(&[json!({"n": {"N": "1"}})], json!({}), json!({})),
        of(&[json!({})], json!({}), json!({})),
        of(&[], json!({}), json!({})),
        of(&many, json!({}), json!({})),
        json!({"RequestItems": {}}),
        json!({"RequestItems": {"nothing": {"Keys": three}}}),
        json!({"RequestItems": {"no": {"Keys": three}}}),
        json!({"RequestItems": {"things": {"Keys": three}, "nothing": {"Keys": three}}}),
    ]
    .into_iter()
}

#[tokio::test]
async fn it_answers_as_its_own_http_server_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let ours = engine.endpoint();
    for (operation, body) in exchanges() {
        let target = format!("DynamoDB_20120810.{operation}");
        let expected = post(&theirs, &target, &body, signed()).await;
        let answer = post(&ours, &target, &body, signed()).await;
        let shown = &body[..body.len().min(200)];
        assert_eq!(answer.0, expected.0, "{operation} {shown}: {}", answer.1);
        if operation == "CreateTable" && answer.0 == 200 {
            // It has the time, and a random id.
            continue;
        }
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            parsed(&answer.1),
            parsed(&expected.1),
            "{operation} {shown}"
        );
    }
    for headers in [HeaderMap::new(), {
        let mut unsigned = signed();
        unsigned.remove("authorization");
        unsigned
    }] {
        let target = "DynamoDB_20120810.ListTables";
        let answer = post(&ours, target, "{}", headers.clone()).await;
        assert_eq!(answer, post(&theirs, target, "{}", headers).await);
    }
}

/// A table with two indexes, and an item of it.
fn indexed() -> (Value, impl Fn(usize) -> Value) {
    let index = |name: &str| {
        json!({
            "IndexName": name,
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        })
    };
    let table = json!({
        "TableName": "things",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "building", "AttributeType": "S"},
            {"AttributeName": "floor", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [index("building"), index("floor")],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let item = |at: usize| {
        json!({
            "id": {"S": format!("sala{at:04}")},
            "building": {"S": format!("b{}", at % 7)},
            "floor": {"N": (at % 5).to_string()},
        })
    };
    (table, item)
}

#[tokio::test]
async fn a_batch_of_puts_is_one_transaction() {
    let folder = Folder::empty();
    let data = Data::Folder(folder.path().to_owned());
    let engine = Engine::start(&data).await.unwrap();
    let send = async |operation: &str, body: &Value| {
        let target = format!("DynamoDB_20120810.{operation}");
        let answer = post(&engine.endpoint(), &target, &body.to_string(), signed()).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
    };
    let logged = || {
        let log = folder.path().join("dynamodb.sqlite-wal");
        fs::metadata(log).unwrap().len()
    };
    let (table, item) = indexed();
    send("CreateTable", &table).await;
    let before = logged();
    let puts = (0..25).map(|at| json!({"PutRequest": {"Item": item(at)}}));
    let puts = json!({"RequestItems": {"things": puts.collect::<Vec<_>>()}});
    send("BatchWriteItem", &puts).await;
    // Eight pages of 4 KB for each item, if each has a transaction.
    let pages = (logged() - before) / 4_096;
    assert!(pages < 25, "{pages} pages");
    engine.stop().await;
}

#[tokio::test]
async fn of_many_modules_each_table_is_there_when_somebody_asks() {
    const MANY: usize = 400;
    let modules = (0..MANY).map(|at| format!("[modules.module{at:03}]\nkey = \"id\"\n"));
    let folder = Folder::with(&modules.collect::<String>());
    let mut served = folder.serve(&["--dynamodb-addr", "127.0.0.1:0"]).await;
    let answer = served.send("POST", "/module399/a", "[1]").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = served.line("DynamoDB's own protocol is open at ").await;
    let mut words = line.split([' ', ',']);
    let endpoint = words.find(|word| word.starts_with("http://")).unwrap();
    let dynamodb = DynamoDb::new(&local::settings(endpoint.trim_end_matches(':')).await);
    let made = dynamodb.list_tables().into_paginator().items().send();
    let made = made.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(made.len(), MANY);
    let existing = dynamodb.describe_table().table_name("module398-local");
    existing.send().await.unwrap();
    served.stop().await;
    let (status, stdout, stderr) = folder.run(&["export", "module399"]).await;
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(stdout.lines().count(), 1);
}

#[tokio::test]
async fn the_tables_that_nobody_asked_for_are_there_after_the_end() {
    let modules = (0..400).map(|at| format!("[modules.module{at:03}]\nkey = \"id\"\n"));
    let folder = Folder::with(&modules.collect::<String>());
    folder.serve(&[]).await.stop().await;
    for module in ["module000", "module399"] {
        let (status, stdout, stderr) = folder.run(&["export", module]).await;
        assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}");
    }
}

#[tokio::test]
async fn a_link_to_the_data_folder_is_as_good_as_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let engine = Embedded::open(&Data::Folder(link)).unwrap();
    let through_socket = local::settings_of_other(&real).await.unwrap();
    create_table(&DynamoDb::new(&through_socket)).await;
    engine.stop().await;
}

//! The wire contract, row by row.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::{Answer, MODULES, TestApp};

const ROOM: &str = r#"{"description":"Sala 90","chairs":90}"#;

#[track_caller]
fn assert_answer(answer: &Answer, status: u16, body: &str, of: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (status, body),
        "of {of}; run with RUST_LOG=debug to see the log"
    );
    assert!(
        !answer.header("x-request-id").is_empty(),
        "no request id in the answer of {of}"
    );
    if status != 204 {
        assert_eq!(answer.header("content-type"), "application/json", "of {of}");
    }
}

#[tokio::test]
async fn the_calls_of_the_contract() {
    let app = TestApp::start(MODULES).await;
    let path = "/modulo1/sala90";
    let rows = [
        ("DELETE", "", 200, r#"{"DELETE":{"modulo1Id":"sala90"}}"#),
        (
            "GET",
            "",
            404,
            r#"{"ERROR":{"message":"Resource does not exist"}}"#,
        ),
        (
            "POST",
            ROOM,
            200,
            r#"{"POST":{"modulo1Id":"sala90","data":{"description":"Sala 90","chairs":90}}}"#,
        ),
        (
            "GET",
            "",
            200,
            r#"{"GET":{"modulo1Id":"sala90","data":"{\"description\":\"Sala 90\",\"chairs\":90}"}}"#,
        ),
        (
            "PUT",
            r#"{"chairs": 91}"#,
            200,
            r#"{"PUT":{"modulo1Id":"sala90","item":{"data":{"S":"{\"chairs\":91}"}}}}"#,
        ),
        (
            "GET",
            "",
            200,
            r#"{"GET":{"modulo1Id":"sala90","data":"{\"chairs\":91}"}}"#,
        ),
        ("DELETE", "", 200, r#"{"DELETE":{"modulo1Id":"sala90"}}"#),
        (
            "GET",
            "",
            404,
            r#"{"ERROR":{"message":"Resource does not exist"}}"#,
        ),
        (
            "PUT",
            "[1]",
            200,
            r#"{"PUT":{"modulo1Id":"sala90","item":{"data":{"S":"[1]"}}}}"#,
        ),
        (
            "GET",
            "",
            200,
            r#"{"GET":{"modulo1Id":"sala90","data":"[1]"}}"#,
        ),
    ];
    for (method, body, status, expected) in rows {
        let answer = app.send(method, path, body).await;
        assert_answer(&answer, status, expected, &format!("{method} {path}"));
    }
}

#[tokio::test]
async fn modules_keep_apart() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", "1").await;
    assert_answer(
        &app.get("/modulo1/x").await,
        200,
        r#"{"GET":{"modulo1Id":"x","data":"1"}}"#,
        "modulo1",
    );
    let other = app.get("/modulo2/x").await;
    assert_answer(
        &other,
        404,
        r#"{"ERROR":{"message":"Resource does not exist"}}"#,
        "modulo2",
    );
}

#[tokio::test]
async fn an_item_is_stored_as_the_services_before_modulo_stored_it() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/sala90", ROOM).await;
    let key = AttributeValue::S("sala90".into());
    let table = || app.dynamodb.get_item().table_name("modulo1-local");
    let item = table()
        .key("modulo1Id", key.clone())
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    assert_eq!(
        item,
        [
            ("modulo1Id".into(), key.clone()),
            ("data".into(), AttributeValue::S(ROOM.into()))
        ]
        .into()
    );
}

#[tokio::test]
async fn put_keeps_an_items_other_attributes_and_post_does_not() {
    let app = TestApp::start(MODULES).await;
    let key = AttributeValue::S("x".into());
    let put = app
        .dynamodb
        .put_item()
        .table_name("modulo1-local")
        .item("modulo1Id", key.clone());
    put.item("owner", AttributeValue::S("ana".into()))
        .send()
        .await
        .unwrap();
    let attributes = || async {
        let get = app
            .dynamodb
            .get_item()
            .table_name("modulo1-local")
            .key("modulo1Id", key.clone());
        let mut names: Vec<_> = get
            .send()
            .await
            .unwrap()
            .item
            .unwrap()
            .into_keys()
            .collect();
        names.sort();
        names
    };
    app.send("PUT", "/modulo1/x", "1").await;
    assert_eq!(attributes().await, ["data", "modulo1Id", "owner"]);
    app.send("POST", "/modulo1/x", "1").await;
    assert_eq!(attributes().await, ["data", "modulo1Id"]);
}

#[tokio::test]
async fn somebody_elses_item_has_null_data() {
    let app = TestApp::start(MODULES).await;
    for (id, data) in [
        ("without", None),
        ("number", Some(AttributeValue::N("1".into()))),
        (
            "map",
            Some(AttributeValue::M(
                [("a".into(), AttributeValue::Bool(true))].into(),
            )),
        ),
    ] {
        let key = AttributeValue::S(id.into());
        let put = app
            .dynamodb
            .put_item()
            .table_name("modulo1-local")
            .item("modulo1Id", key);
        put.set_item(
            data.map(|data| {
                [
                    ("modulo1Id".into(), AttributeValue::S(id.into())),
                    ("data".into(), data),
                ]
                .into()
            })
            .or_else(|| Some([("modulo1Id".into(), AttributeValue::S(id.into()))].into())),
        )
        .send()
        .await
        .unwrap();
        let answer = app.get(&format!("/modulo1/{id}")).await;
        let expected = format!(r#"{{"GET":{{"modulo1Id":"{id}","data":null}}}}"#);
        assert_answer(&answer, 200, &expected, id);
    }
}

fn percent_encoded(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn an_id_is_the_rest_of_the_path() {
    let app = TestApp::start(MODULES).await;
    let long = "é".repeat(1_024);
    let rows = [
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("a/b/", "a/b/"),
        ("/", "/"),
        (".", "."),
        ("..", ".."),
        ("../modulo2/x", "../modulo2/x"),
        ("a//b/./c", "a//b/./c"),
        ("%2541", "%41"),
        ("100%", "100%"),
        ("a%20b+c", "a b+c"),
        ("sal%C3%A3o", "salão"),
        ("%F0%9F%8E%89", "🎉"),
        ("_health", "_health"),
        ("a%00b", "a\0b"),
        ("%22%5C", "\"\\"),
        (&percent_encoded(&long), &long),
    ];
    for (n, (raw, id)) in rows.iter().enumerate() {
        let path = format!("/modulo1/{raw}");
        let posted = app.send("POST", &path, format!("[{n}]")).await;
        assert_eq!(posted.status, 200, "of POST {path}: {}", posted.body);
        let answer = app.get(&path).await;
        let id = serde_json::to_string(id).unwrap();
        // The two spellings of `a/b` are one item, so the last document written counts.
        let expected = format!(r#"{{"GET":{{"modulo1Id":{id},"data":"[{n}]"}}}}"#);
        assert_answer(&answer, 200, &expected, &path);
    }
}

#[tokio::test]
async fn a_query_is_no_part_of_an_id() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x?a=b", "1").await;
    assert_answer(
        &app.get("/modulo1/x?c").await,
        200,
        r#"{"GET":{"modulo1Id":"x","data":"1"}}"#,
        "x",
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn the_errors_of_the_contract() {
    let app = TestApp::start(
        r#"
        [modules.modulo1]
        key = "modulo1Id"
        [modules.small]
        key = "smallId"
        max_bytes = 10
        [modules.readonly]
        key = "readonlyId"
        methods = ["GET"]
        "#,
    )
    .await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let long = format!("/modulo1/{}", "x".repeat(2_049));
    let wide = format!("\"{}\"", "x".repeat(409_599));
    let over = format!("\"{}\"", "x".repeat(6 * 1_024 * 1_024));
    let json = "application/json";
    let allowed = "Method not allowed";
    let rows = [
        (
            "PUT",
            "/modulo1",
            json,
            "1",
            400,
            "Please provide modulo1Id",
        ),
        (
            "PUT",
            "/modulo1/",
            json,
            "1",
            400,
            "Please provide modulo1Id",
        ),
        (
            "DELETE",
            "/modulo1",
            "",
            "",
            400,
            "Please provide modulo1Id",
        ),
        (
            "DELETE",
            "/modulo1/",
            "",
            "",
            400,
            "Please provide modulo1Id",
        ),
        (
            "POST",
            "/modulo1/x",
            "",
            "",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            " \r\n",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "null",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            " { } ",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "[]",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "\"\"",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "false",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "-0.0e9",
            400,
            "Please provide some data",
        ),
        (
            "PUT",
            "/modulo1/x",
            json,
            "0",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1",
            json,
            "{}",
            400,
            "Please provide some data",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            "{",
            400,
            "Please provide a JSON document: the body is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "PUT",
            "/modulo1/x",
            json,
            "{'a': 1}",
            400,
            "Please provide a JSON document: the body is not JSON: key must be a string at line 1 column 2",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            &deep,
            400,
            "Please provide a JSON document: the body nests too deep: more than 128 levels at byte 128",
        ),
        (
            "GET",
            "/modulo1/%ff",
            "",
            "",
            400,
            "Please provide a valid modulo1Id: the id is not UTF-8: byte 0 of it, percent-decoded, begins no character",
        ),
        (
            "GET",
            &long,
            "",
            "",
            400,
            "Please provide a valid modulo1Id: the id has 2049 bytes, at most 2048 are possible",
        ),
        (
            "GET",
            "/modulo1/absent",
            "",
            "",
            404,
            "Resource does not exist",
        ),
        ("GET", "/", "", "", 404, "Not found"),
        ("GET", "/modulo3", "", "", 404, "Not found"),
        ("GET", "/modulo11/x", "", "", 404, "Not found"),
        ("DELETE", "/_absent", "", "", 404, "Not found"),
        ("GET", "//modulo1/x", "", "", 404, "Not found"),
        ("LOCK", "/modulo1/x", json, "1", 405, allowed),
        ("TRACE", "/modulo1", "", "", 405, allowed),
        ("POST", "/readonly/x", json, "1", 405, allowed),
        ("PUT", "/readonly", json, "1", 405, allowed),
        ("GET", "/readonly", "", "", 405, allowed),
        (
            "POST",
            "/small/x",
            json,
            "[123, 456, 789]",
            413,
            "Please provide less: the document has 13 bytes, the limit is 10",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            &wide,
            413,
            "Please provide less: the document has 409601 bytes, the limit is 409600",
        ),
        (
            "POST",
            "/modulo1/x",
            json,
            &over,
            413,
            "Please provide less: the body has 6291458 bytes, the limit is 6291456",
        ),
        (
            "POST",
            "/modulo1/x",
            "",
            "1",
            415,
            "Please provide the body as application/json: its content type is missing",
        ),
        (
            "POST",
            "/modulo1/x",
            "text/plain",
            "1",
            415,
            "Please provide the body as application/json: its content type is `text/plain`",
        ),
        (
            "PUT",
            "/modulo1/x",
            "application/x-www-form-urlencoded",
            "a=1",
            415,
            "Please provide the body as application/json: its content type is `application/x-www-form-urlencoded`",
        ),
        (
            "GET",
            "/modulo1?limit=0",
            "",
            "",
            400,
            "Please provide a valid query: `limit` is `0`, an integer from 1 to 100 is needed",
        ),
    ];
    for (method, path, content_type, body, status, message) in rows {
        let mut request = app.request(method, path);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let answer = app
            .client
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await;
        let message = serde_json::to_string(message).unwrap();
        let of: String = format!("{method} {path} {body}").chars().take(80).collect();
        assert_answer(
            &answer,
            status,
            &format!(r#"{{"ERROR":{{"message":{message}}}}}"#),
            &of,
        );
        assert_eq!(
            status == 405,
            !answer.header("allow").is_empty(),
            "Allow of {of}"
        );
    }
}

#[tokio::test]
async fn any_json_media_type_is_taken() {
    let app = TestApp::start(MODULES).await;
    let taken = [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=\"UTF-8\"",
        "application/json;charset=UTF8",
        "application/json; charset=iso-8859-1",
        "application/json;",
        "application/json ; charset=\"",
        "APPLICATION/VND.API+JSON",
        "application/merge-patch+json",
        "application/vnd.api+json; version=1",
    ];
    let refused = [
        "text/json",
        "application/jsonp",
        "application/json, application/json",
        "application/+json",
        "/a+json",
        "a b/c+json",
        "json",
        ";charset=utf-8",
    ];
    let types = taken.map(|content_type| (content_type, 200)).into_iter();
    for (content_type, status) in types.chain(refused.map(|content_type| (content_type, 415))) {
        let request = app
            .request("POST", "/modulo1/x")
            .header("content-type", content_type);
        let answer = app
            .client
            .send(request.body(Body::from("1")).unwrap())
            .await;
        assert_eq!(answer.status, status, "of {content_type}: {}", answer.body);
    }
    let request = app
        .request("POST", "/modulo1/x")
        .header("content-type", "application/json");
    let request = request
        .header("content-encoding", "gzip")
        .body(Body::from("1"))
        .unwrap();
    assert_eq!(app.client.send(request).await.status, 415);
}

#[tokio::test]
async fn a_body_of_untold_length_is_limited_as_well() {
    let app = TestApp::start(MODULES).await;
    let mut socket = tokio::net::TcpStream::connect(&app.url["http://".len()..])
        .await
        .unwrap();
    let head = "POST /modulo1/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                connection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("100000\r\n{}\r\n", "1".repeat(0x10_0000));
    for _ in 0..7 {
        // The server may close before it has read all.
        if socket.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn an_item_over_dynamodbs_limit_is_reported_as_such() {
    let app = TestApp::start("[modules.modulo1]\nkey = \"modulo1Id\"\nmax_bytes = 409_600").await;
    for method in ["POST", "PUT"] {
        let answer = app
            .send(method, "/modulo1/x", format!("\"{}\"", "x".repeat(409_590)))
            .await;
        let expected = r#"{"ERROR":{"message":"Please provide less: with this document of 409592 bytes the item is over DynamoDB's limit of 409600 bytes"}}"#;
        assert_answer(&answer, 413, expected, method);
    }
}

#[tokio::test]
async fn a_put_that_makes_an_item_too_large_is_reported_as_such() {
    let app = TestApp::start(MODULES).await;
    let put = app.dynamodb.put_item().table_name("modulo1-local");
    let put = put.item("modulo1Id", AttributeValue::S("x".into()));
    put.item("photo", AttributeValue::S("x".repeat(100_000)))
        .send()
        .await
        .unwrap();
    let answer = app
        .send("PUT", "/modulo1/x", format!("\"{}\"", "x".repeat(350_000)))
        .await;
    let expected = r#"{"ERROR":{"message":"Please provide less: with this document of 350002 bytes the item is over DynamoDB's limit of 409600 bytes"}}"#;
    assert_answer(&answer, 413, expected, "PUT /modulo1/x");
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let app = TestApp::start(MODULES).await;
    app.send("POST", "/modulo1/x", "1").await;
    for path in ["/modulo1/x", "/modulo1/absent", "/modulo1", "/nothing"] {
        let got = app.get(path).await;
        let head = app.send("HEAD", path, Body::empty()).await;
        assert_eq!(
            (head.status, head.body.as_str()),
            (got.status, ""),
            "of HEAD {path}"
        );
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), got.header(name), "{name} of HEAD {path}");
        }
    }
}

#[tokio::test]
async fn options_tells_what_is_served() {
    let app = TestApp::start(
        "[modules.all]\nkey = \"id\"\n[modules.some]\nkey = \"id\"\nmethods = [\"PUT\", \"LIST\"]",
    )
    .await;
    for (path, allow) in [
        ("/all", "GET, HEAD, POST, OPTIONS"),
        ("/all/", "GET, HEAD, POST, OPTIONS"),
        ("/all/x", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("/some", "GET, HEAD, OPTIONS"),
        ("/some/x", "PUT, OPTIONS"),
    ] {
        let answer = app.send("OPTIONS", path, Body::empty()).await;
        assert_answer(&answer, 204, "", path);
        assert_eq!(answer.header("allow"), allow, "of OPTIONS {path}");
        let refused = app.send("LOCK", path, "1").await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("allow")),
            (405, allow),
            "of {path}"
        );
    }
}

#[tokio::test]
async fn post_to_the_module_creates_an_item_under_a_new_id() {
    let app = TestApp::start(MODULES).await;
    let created = app.send("POST", "/modulo1", ROOM).await;
    let location = created.header("location").to_owned();
    let id = location
        .strip_prefix("/modulo1/")
        .expect("a path of the module");
    let expected = format!(r#"{{"POST":{{"modulo1Id":"{id}","data":{ROOM}}}}}"#);
    assert_answer(&created, 201, &expected, "POST /modulo1");
    assert_eq!(app.get(&location).await.status, 200);
    let other = app.send("POST", "/modulo1/", ROOM).await;
    assert_ne!(other.header("location"), location);
}

#[tokio::test]
async fn a_list_is_walked_page_by_page() {
    let app = TestApp::start(MODULES).await;
    let nothing = app.get("/modulo2/").await;
    assert_answer(
        &nothing,
        200,
        r#"{"LIST":{"items":[],"next":null}}"#,
        "GET /modulo2/",
    );
    for n in 0..30 {
        app.send("POST", &format!("/modulo1/n%20{n}"), format!("[{n}]"))
            .await;
    }
    let mut seen = Vec::new();
    let mut query = "?limit=7&consistent=true".to_owned();
    loop {
        let page = app.get(&format!("/modulo1{query}")).await;
        let page: serde_json::Value = serde_json::from_str(&page.body).unwrap();
        let items = page["LIST"]["items"].as_array().expect("a list");
        assert!(items.len() <= 7, "a page of {}", items.len());
        seen.extend(
            items
                .iter()
                .map(|item| item["modulo1Id"].as_str().unwrap().to_owned()),
        );
        match page["LIST"]["next"].as_str() {
            Some(cursor) => query = format!("?limit=7&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    let mut expected: Vec<_> = (0..30).map(|n| format!("n {n}")).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_request_id_is_the_clients_or_a_new_one() {
    let app = TestApp::start(MODULES).await;
    let request = app
        .request("GET", "/nothing")
        .header("x-request-id", "from-the-client");
    let answer = app.client.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("x-request-id"), "from-the-client");
    let [one, other] = [app.get("/modulo1/x").await, app.get("/modulo1/x").await];
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn a_strange_request_id_is_not_taken() {
    let app = TestApp::start(MODULES).await;
    for strange in ["", "a b", "ç", &"x".repeat(129)] {
        let request = app
            .request("GET", "/nothing")
            .header("x-request-id", strange.as_bytes());
        let answer = app.client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "for {strange:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let app = TestApp::start(MODULES).await;
    let mut socket = tokio::net::TcpStream::connect(&app.url["http://".len()..])
        .await
        .unwrap();
    let head = "POST /modulo1/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\nnonsense\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[tokio::test]
async fn a_thousand_modules_are_each_their_own() {
    let module = |n| format!("[modules.m{n}]\nkey = \"key{n}\"\n");
    let modules = (0..1_000).map(module).collect::<Vec<_>>().concat();
    let app = TestApp::start(&modules).await;
    for n in [0, 1, 500, 999] {
        let put = app.send("PUT", &format!("/m{n}/x"), "1").await;
        let expected = format!(r#"{{"PUT":{{"key{n}":"x","item":{{"data":{{"S":"1"}}}}}}}}"#);
        assert_answer(&put, 200, &expected, &format!("m{n}"));
    }
    assert_eq!(app.get("/m1000/x").await.status, 404);
    assert_eq!(app.get("/m2/x").await.status, 404);
}

#[tokio::test]
async fn server_timing_is_reported_where_it_is_asked_for() {
    let silent = TestApp::start(MODULES).await;
    let timed = TestApp::start(&format!("[service]\nserver_timing = true\n{MODULES}")).await;
    for (app, is_told) in [(silent, false), (timed, true)] {
        let answer = app.send("PUT", "/modulo1/x", "[1]").await;
        let timing = answer.header("server-timing").to_owned();
        let (app_time, rest) = timing.split_once(", ").unwrap_or_default();
        let (db_time, capacity) = rest.split_once(", ").unwrap_or_default();
        let milliseconds = |text: &str, name| -> Option<f64> {
            text.strip_prefix(name)?.strip_prefix(";dur=")?.parse().ok()
        };
        let (all, db) = (milliseconds(app_time, "app"), milliseconds(db_time, "db"));
        assert_eq!(all >= db && db > Some(0.0), is_told, "{timing}");
        assert_eq!(capacity == "cap;desc=\"1 WCU\"", is_told, "{timing}");
        let of_nowhere = app.get("/nowhere").await;
        assert_eq!(
            of_nowhere.header("server-timing").starts_with("app;dur="),
            is_told
        );
        assert!(!of_nowhere.header("server-timing").contains("db"));
    }
}

//! Documents held against their module's JSON Schema.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use modulo::config;
use modulo::module::name::Stage;

use crate::app::TestApp;
use crate::command::Folder;

const ROOMS: &str = r##"
    [modules.rooms]
    key = "roomId"

    [modules.rooms.schema]
    type = "object"
    required = ["description", "chairs"]
    additionalProperties = false

    [modules.rooms.schema.properties]
    description = { type = "string", maxLength = 80 }
    chairs = { type = "integer", minimum = 1 }
    opens = { type = "string", format = "time" }
    floors = { type = "array", items = { "$ref" = "#/$defs/floor" } }

    [modules.rooms.schema."$defs".floor]
    anyOf = [{ type = "integer" }, { const = "ground" }]

    [modules.anything]
    key = "id"
"##;

/// As the rooms, of another envelope and with native attributes.
const PLAIN: &str = r#"
    [modules.rooms]
    key = "roomId"
    envelope = "plain"
    storage = "document"
    ttl = "expiresAt"
    default_ttl = "1d"

    [modules.rooms.schema]
    required = ["expiresAt"]
    properties.chairs.type = "integer"
"#;

/// A module `numbers` whose documents have to fit `schema`.
fn numbers(schema: &str) -> String {
    format!("[modules.numbers]\nkey = \"id\"\nschema = {{ {schema} }}\n")
}

#[tokio::test]
async fn every_write_is_checked_and_what_breaks_the_schema_is_not_written() {
    let app = TestApp::start(ROOMS).await;
    let good = r#"{"description":"Sala 90","chairs":90}"#;
    let refused = r#"{"ERROR":{"message":"Please provide a document that fits the schema: there is 1 violation","details":[{"pointer":"/chairs","message":"0 is less than the minimum of 1"}]}}"#;
    let bad = r#"{"description":"Sala 90","chairs":0}"#;
    for (method, path) in [
        ("POST", "/rooms/x"),
        ("PUT", "/rooms/x"),
        ("POST", "/rooms"),
    ] {
        let answer = app.send(method, path, bad).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (422, refused),
            "{method} {path}"
        );
    }
    let list = app.get("/rooms").await;
    assert_eq!(list.body, r#"{"LIST":{"items":[],"next":null}}"#);

    for (method, path, status) in [
        ("POST", "/rooms/x", 200),
        ("PUT", "/rooms/x", 200),
        ("POST", "/rooms", 201),
        ("POST", "/anything/x", 200),
    ] {
        let answer = app.send(method, path, good).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }

    // It is the patched document that has to fit, and not the patch.
    let answer = app.send("PATCH", "/rooms/x", r#"{"chairs":0}"#).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (422, refused)
    );
    let operations = app
        .request("PATCH", "/rooms/x")
        .header("content-type", "application/json-patch+json")
        .body(Body::from(
            r#"[{"op":"replace","path":"/chairs","value":0}]"#,
        ));
    let answer = app.client.send(operations.unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (422, refused)
    );
    let answer = app.send("PATCH", "/rooms/x", r#"{"chairs":91}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let stored = app.get("/rooms/x").await.body;
    assert!(stored.contains(r#"\"chairs\":91"#), "{stored}");
}

#[tokio::test]
async fn a_batchs_operation_that_breaks_the_schema_is_reported_by_itself() {
    let app = TestApp::start(ROOMS).await;
    let operations = r#"[
        {"op":"put","id":"a","item":{"description":"Sala 90","chairs":0}},
        {"op":"put","id":"b","item":{"description":"Sala 90","chairs":90}}
    ]"#;
    let batch = format!(r#"{{"operations":{operations}}}"#);
    let answer = app.send("POST", "/_batch/rooms", batch).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(answer.body, @r#"{"BATCH":{"results":[{"status":422,"ERROR":{"message":"Please provide a document that fits the schema: there is 1 violation","details":[{"pointer":"/chairs","message":"0 is less than the minimum of 1"}]}},{"status":200,"PUT":{"roomId":"b"}}]}}"#);
    let atomic = format!(r#"{{"atomic":true,"operations":{operations}}}"#);
    let answer = app.send("POST", "/_batch/rooms", atomic).await;
    assert_eq!(answer.status, 422);
    insta::assert_snapshot!(answer.body, @r#"{"ERROR":{"message":"`/operations/0`: Please provide a document that fits the schema: there is 1 violation","details":[{"pointer":"/chairs","message":"0 is less than the minimum of 1"}]}}"#);
}

#[tokio::test]
async fn every_violation_is_reported_with_its_pointer() {
    let app = TestApp::start(ROOMS).await;
    let document = r#"{
        "chairs": "many", "opens": "noon", "a/b~c": 1,
        "floors": [1, "ground", "first", {"deep": [1, 2, 3]}]
    }"#;
    let answer = app.send("PUT", "/rooms/x", document).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), "application/json");
    insta::assert_snapshot!(answer.body.replace("},{", "},\n{"), @r#"
    {"ERROR":{"message":"Please provide a document that fits the schema: there are 6 violations","details":[{"pointer":"","message":"\"description\" is a required property"},
    {"pointer":"/chairs","message":"\"many\" is not of type \"integer\""},
    {"pointer":"/opens","message":"\"noon\" is not a \"time\""},
    {"pointer":"/floors/2","message":"\"first\" is not valid under any of the schemas listed in the 'anyOf' keyword: \"first\" is not of type \"integer\"; \"ground\" was expected"},
    {"pointer":"/floors/3","message":"{\"deep\":[1,2,3]} is not valid under any of the schemas listed in the 'anyOf' keyword: {\"deep\":[1,2,3]} is not of type \"integer\"; \"ground\" was expected"},
    {"pointer":"","message":"Additional properties are not allowed ('a/b~c' was unexpected)"}]}}
    "#);
}

#[tokio::test]
async fn a_plain_module_tells_the_same_as_a_problem() {
    let app = TestApp::start(PLAIN).await;
    let answer = app.send("PUT", "/rooms/x", r#"{"chairs":1.5}"#).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    insta::assert_snapshot!(answer.body, @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"Please provide a document that fits the schema: there is 1 violation","errors":[{"pointer":"/chairs","message":"1.5 is not of type \"integer\""}]}"#);
    // What is kept has to fit, which here has a member more than what was sent.
    let answer = app.send("PUT", "/rooms/x", r#"{"chairs":2}"#).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let answer = app.send("PATCH", "/rooms/x", r#"{"chairs":2.5}"#).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
}

#[tokio::test]
async fn an_answer_lists_no_more_than_can_be_read() {
    let app = TestApp::start(&numbers("items = { maxLength = 1 }")).await;
    let long = "x".repeat(1_000);
    let document = format!("[{}]", vec![format!("{long:?}"); 150].join(","));
    let answer = app.send("PUT", "/numbers/x", document).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.body.matches("pointer").count(), 100);
    let shown = "x".repeat(59);
    let beginning = format!(
        r#"{{"ERROR":{{"message":"Please provide a document that fits the schema: there are 150 violations, of which 100 are listed","details":[{{"pointer":"/0","message":"\"{shown}… is longer than 1 character"}},"#
    );
    assert!(answer.body.starts_with(&beginning), "{}", answer.body);

    // One name, and with it each pointer, as long as a document can be.
    let app = TestApp::start(&numbers("additionalProperties = { items = false }")).await;
    let mut document = format!("{{\"{}\":[1", "n".repeat(300_000));
    for _ in 0..150 {
        document.write_str(",1").unwrap();
    }
    document.push_str("]}");
    let answer = app.send("PUT", "/numbers/x", document).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.body.matches("pointer").count(), 1);
}

#[tokio::test]
async fn alternatives_that_refer_to_themselves_are_listed_as_far_as_that_ends() {
    let operation = |name| {
        let arguments = "properties.args.items.\"$ref\" = '#/$defs/tree'";
        format!("{{ type = 'object', properties.op.const = '{name}', {arguments} }}")
    };
    let operations = ["add", "mul", "neg"].map(operation).join(", ");
    let schema = format!(
        "\"$ref\" = '#/$defs/tree', \"$defs\".tree.oneOf = [{{ type = 'number' }}, {operations}]"
    );
    let app = TestApp::start(&numbers(&schema)).await;
    // Each level has three times as many lists of what is wrong as the one below it.
    let tree = |depth| {
        (0..depth).fold("\"x\"".to_owned(), |inner, _| {
            format!(r#"{{"op":"add","args":[{inner}]}}"#)
        })
    };
    for (depth, message) in [
        (
            2,
            " is not valid under any of the schemas listed in the 'oneOf' keyword: ",
        ),
        (
            10,
            "none of the alternatives fits, in more ways than can be listed",
        ),
    ] {
        let answer = app.send("PUT", "/numbers/x", tree(depth)).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.body.matches("pointer").count(), 1, "{}", answer.body);
        assert!(answer.body.contains(message), "{}", answer.body);
    }
}

#[tokio::test]
async fn numbers_are_compared_as_they_are_written() {
    for (schema, number, fits) in [
        ("type = 'integer'", "12345678901234567890123", true),
        ("type = 'integer'", "12345678901234567890123.5", false),
        ("type = 'integer'", "1.0", true),
        ("multipleOf = 0.1", "1.10", true),
        ("multipleOf = 0.1", "1.15", false),
        ("multipleOf = 0.01", "12345678901234567890.12", true),
        ("maximum = 9007199254740993", "9007199254740993", true),
        ("maximum = 9007199254740992", "9007199254740993", false),
        ("exclusiveMaximum = 0.1", "0.1", false),
        ("exclusiveMaximum = 0.1", "0.09999999999999999999999", true),
        ("type = 'number'", "1e400", true),
        ("maximum = 1", "1e400", false),
        // Whoever wrote this out would not be done today.
        ("maximum = 1", "1e999999999999", false),
        ("minimum = 1", "1e-999999999999", false),
    ] {
        let app = TestApp::start(&numbers(schema)).await;
        let answer = app.send("PUT", "/numbers/x", number).await;
        let expected = if fits { 200 } else { 422 };
        assert_eq!(
            answer.status, expected,
            "{number} against {schema}: {}",
            answer.body
        );
        if fits {
            let stored = app.get("/numbers/x").await.body;
            assert!(
                stored.contains(&format!(r#""data":"{number}""#)),
                "{stored}"
            );
        }
    }
}

#[tokio::test]
async fn a_document_that_a_reader_may_take_for_another_is_refused() {
    let app = TestApp::start(ROOMS).await;
    for (document, message) in [
        (
            r#"{"description":"Sala 90","chairs":"many","chairs":90}"#,
            "an object in it has a member twice",
        ),
        (
            r#"{"description":"Sala 90","chairs":{"$serde_json::private::Number":"90"}}"#,
            "a member's name in it begins with `$serde_json::private::`, which is reserved",
        ),
    ] {
        let answer = app.send("PUT", "/rooms/x", document).await;
        let expected =
            format!(r#"{{"ERROR":{{"message":"Please provide a JSON document: {message}"}}}}"#);
        assert_eq!((answer.status.as_u16(), answer.body), (400, expected));
        // Without a schema, a text is a text.
        assert_eq!(
            app.send("PUT", "/anything/x", document).await.status,
            200,
            "{document}"
        );
    }
}

#[tokio::test]
async fn a_log_line_tells_where_the_schema_is_broken_and_nothing_of_the_document() {
    let folder = Folder::with(ROOMS);
    let mut served = folder.serve(&["--memory"]).await;
    let request = Request::put(format!("{}/rooms/planted-id", served.url))
        .header("content-type", "application/json")
        .header("x-request-id", "known")
        .body(Body::from(
            r#"{"description":"planted","chairs":"planted","planted":["planted"],"floors":["planted"]}"#,
        ));
    let answer = served.client.send(request.unwrap()).await;
    assert_eq!(answer.body.matches("planted").count(), 4, "{}", answer.body);
    let line = served.line("request.id=known").await;
    assert!(!line.contains("planted"), "{line}");
    let (_, error) = line.split_once("error=").unwrap();
    insta::assert_snapshot!(error, @"Please provide a document that fits the schema: there are 3 violations: broken at /properties/chairs/type, /$defs/floor/anyOf, /additionalProperties");
}

#[tokio::test]
async fn a_schema_file_is_read_when_it_is_first_needed() {
    let folder = Folder::with(
        r#"
        [modules.good]
        key = "id"
        schema = "schemas/good.json"
        [modules.bad]
        key = "id"
        schema = "schemas/bad.json"
        [modules.free]
        key = "id"
        "#,
    );
    // There is none yet.
    let file = folder.path().join(config::FILE_NAME);
    let config = config::load(&file, &Stage::default(), []).unwrap();
    let app = TestApp::serve(&Arc::new(config)).await;
    fs::create_dir(folder.path().join("schemas")).unwrap();
    fs::write(folder.path().join("schemas/good.json"), "{\"minimum\": 1}").unwrap();
    fs::write(
        folder.path().join("schemas/bad.json"),
        "{\"minimum\": \"1\"}",
    )
    .unwrap();
    for (path, number, status) in [
        ("/bad/x", "1", 500),
        ("/good/x", "1", 200),
        ("/good/x", "-1", 422),
        ("/free/x", "-1", 200),
        // What is wrong with it concerns no reader.
        ("/bad/x", "1", 500),
    ] {
        let answer = app.send("PUT", path, number).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if status == 500 {
            assert_eq!(answer.body, r#"{"ERROR":{"message":"Internal error"}}"#);
            assert_eq!(app.get(path).await.status, 404);
        }
    }
}

/// A schema is packed, and public by `/_openapi.json`: a link to it must not take along what lies
/// elsewhere. Kubernetes mounts a folder whose files are links to a version of it.
#[tokio::test]
async fn a_link_may_not_lead_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    let schema = outside.path().join("secret.json");
    fs::write(&schema, r#"{"description": "planted"}"#).unwrap();
    let modules = "[modules.rooms]\nkey = \"roomId\"\nschema = \"schemas/room.json\"\n";
    let folder = Folder::with(modules);
    let schemas = folder.path().join("schemas");
    let link = |from: &Path, to: &Path| std::os::unix::fs::symlink(to, from).unwrap();
    let refused =
        "cannot read `schemas/room.json`: a symbolic link leads out of the folder of modules.toml";

    fs::create_dir(&schemas).unwrap();
    link(&schemas.join("room.json"), &schema);
    for arguments in [
        &["check"][..],
        &["serve", "--memory", "--addr", "127.0.0.1:0"],
        &["openapi"],
        &[
            "package",
            "--bootstrap",
            env!("CARGO_BIN_EXE_bootstrap"),
            "--output",
            "package.zip",
        ],
    ] {
        let (status, stdout, stderr) = folder.run(arguments).await;
        assert_ne!(status, Some(0), "{arguments:?}: {stdout}");
        assert!(stderr.contains(refused), "{arguments:?}: {stderr}");
        assert!(!stdout.contains("planted"), "{arguments:?}: {stdout}");
    }
    assert!(!folder.path().join("package.zip").exists());

    // A folder is a link no less.
    fs::remove_dir_all(&schemas).unwrap();
    fs::rename(&schema, outside.path().join("room.json")).unwrap();
    link(&schemas, outside.path());
    let (status, _, stderr) = folder.run(&["check"]).await;
    assert!(status != Some(0) && stderr.contains(refused), "{stderr}");

    fs::remove_file(&schemas).unwrap();
    let version = folder.path().join("..2026_11_28");
    fs::create_dir(&version).unwrap();
    fs::write(version.join("room.json"), "{}").unwrap();
    link(&folder.path().join("..data"), Path::new("..2026_11_28"));
    fs::create_dir(&schemas).unwrap();
    link(&schemas.join("room.json"), Path::new("../..data/room.json"));
    let (status, _, stderr) = folder.run(&["check"]).await;
    assert_eq!(status, Some(0), "{stderr}");
}

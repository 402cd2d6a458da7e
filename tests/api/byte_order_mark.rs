//! A byte order mark before a text: skipped, wherever a text comes from.

use axum::body::Body;
use serde_json::{Value, json};

use crate::app::{MODULES, TestApp, document_of};
use crate::command::Folder;

const MARK: &str = "\u{feff}";

#[tokio::test]
async fn a_body_may_begin_with_one() {
    let app = TestApp::start(MODULES).await;
    let marked = |body: &str| Body::from(format!("{MARK}{body}"));
    for method in ["POST", "PUT", "PATCH"] {
        let answer = app.send("POST", "/modulo1/x", marked(r#"{"b":1}"#)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = app.send(method, "/modulo1/x", marked(r#"{"a":1}"#)).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
    }
    assert_eq!(
        app.get("/modulo1/x").await.body,
        r#"{"GET":{"modulo1Id":"x","data":"{\"b\":1,\"a\":1}"}}"#
    );
    let batch = r#"{"operations":[{"op":"get","id":"x"}]}"#;
    let answer = app.send("POST", "/_batch/modulo1", marked(batch)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // What begins with one is not what consists of one, or of two.
    for (body, message) in [
        (String::new(), "Please provide some data"),
        (
            format!("{MARK}1"),
            "Please provide a JSON document: the body is not JSON: expected value at line 1 column 1",
        ),
    ] {
        let answer = app.send("POST", "/modulo1/x", marked(&body)).await;
        let expected = json!({ "ERROR": { "message": message } });
        assert_eq!(
            (answer.status.as_u16(), document_of(&answer.body)),
            (400, expected)
        );
    }
}

#[tokio::test]
async fn a_file_may_begin_with_one() {
    let text = r#"
        [access.main]
        jwt = { issuer = "https://issuer.example.com/", audience = "modulo", jwks = "keys.json" }

        [modules.rooms]
        key = "roomId"
        schema = "room.json"
        access = { guard = "main" }
    "#;
    let folder = Folder::with(&format!("{MARK}{}", text.trim_start()));
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let files: [(&str, Value); 2] = [
        ("keys.json", json!({ "keys": [key] })),
        ("room.json", json!({ "type": "object" })),
    ];
    for (name, json) in files {
        std::fs::write(folder.path().join(name), format!("{MARK}{json}")).unwrap();
    }
    let (status, _, stderr) = folder.run(&["check"]).await;
    assert_eq!(status, Some(0), "{stderr}");
    let (status, _, stderr) = folder.run(&["new", "halls"]).await;
    assert_eq!(status, Some(0), "{stderr}");
    let after = std::fs::read_to_string(folder.path().join("modules.toml")).unwrap();
    assert!(after.starts_with(&format!("{MARK}[access.main]")));

    // Two files that begin with one, put together.
    let lines = [
        "{\"id\":\"a\",\"item\":[1]}\n",
        "{\"id\":\"b\",\"item\":{\"c\":2}}\n",
        "",
    ];
    let lines = lines.map(|line| format!("{MARK}{line}")).concat();
    std::fs::write(folder.path().join("rooms.jsonl"), lines).unwrap();
    let (status, _, stderr) = folder.run(&["import", "halls", "rooms.jsonl"]).await;
    assert_eq!(status, Some(0), "{stderr}");
    let (_, stdout, _) = folder.run(&["export", "halls"]).await;
    let mut exported: Vec<_> = stdout.lines().collect();
    exported.sort_unstable();
    assert_eq!(
        exported,
        [r#"{"id":"a","item":[1]}"#, r#"{"id":"b","item":{"c":2}}"#]
    );
}

/// What is told of the file's first line does not count it.
#[tokio::test]
async fn a_mistake_behind_one_has_its_place() {
    let folder = Folder::with(&format!("{MARK}[modules\n"));
    let (status, _, stderr) = folder.run(&["check"]).await;
    assert_eq!(status, Some(64));
    assert!(stderr.starts_with("modules.toml:1:9: not TOML"), "{stderr}");
}

//! Whether the function runs, and whether it can serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use modulo::local;
use tokio::net::TcpListener;

use crate::app::{Answer, MODULES, TestApp, parse};
use crate::command::Folder;

#[track_caller]
fn assert_answer(answer: &Answer, status: u16, body: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (status, body)
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let retry_after = if status == 503 { "1" } else { "" };
    assert_eq!(answer.header("retry-after"), retry_after);
}

async fn start_dynamodb(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

#[tokio::test]
async fn a_function_with_its_tables_is_live_and_ready() {
    let app = TestApp::start(MODULES).await;
    assert_answer(&app.get("/_health").await, 200, r#"{"status":"live"}"#);
    assert_answer(
        &app.get("/_health/ready").await,
        200,
        r#"{"status":"ready"}"#,
    );
    assert_eq!(app.send("HEAD", "/_health", "").await.body, "");
    for path in ["/_health", "/_health/ready"] {
        let refused = app.send("POST", path, "{}").await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("allow")),
            (405, "GET, HEAD, OPTIONS")
        );
        assert_eq!(app.send("OPTIONS", path, "").await.status, 204);
    }
}

#[tokio::test]
async fn without_dynamodb_it_is_live_and_not_ready() {
    let app = TestApp::over(&parse(MODULES), "http://127.0.0.1:9").await;
    assert_answer(&app.get("/_health").await, 200, r#"{"status":"live"}"#);
    let body = r#"{"ERROR":{"message":"Not ready: modulo1, modulo2"}}"#;
    assert_answer(&app.get("/_health/ready").await, 503, body);
}

#[tokio::test]
async fn a_silent_dynamodb_is_not_waited_for() {
    let silent = Router::new().fallback(std::future::pending::<()>);
    let app = TestApp::over(&parse(MODULES), &start_dynamodb(silent).await).await;
    let body = r#"{"ERROR":{"message":"Not ready: modulo1, modulo2"}}"#;
    assert_answer(&app.get("/_health/ready").await, 503, body);
}

/// Serves [`MODULES`], with the setting, where the table of modulo2 has gone.
async fn without_a_table(docs: bool) -> TestApp {
    let app = TestApp::start(&format!("[service]\ndocs = {docs}\n{MODULES}")).await;
    let delete = app.dynamodb.delete_table().table_name("modulo2-local");
    delete.send().await.unwrap();
    app
}

#[tokio::test]
async fn a_module_without_a_table_is_named_where_all_are() {
    let body = r#"{"ERROR":{"message":"Not ready: modulo2"}}"#;
    assert_answer(
        &without_a_table(true).await.get("/_health/ready").await,
        503,
        body,
    );
    let body = r#"{"ERROR":{"message":"Not ready"}}"#;
    assert_answer(
        &without_a_table(false).await.get("/_health/ready").await,
        503,
        body,
    );
}

#[tokio::test]
async fn a_table_with_another_key_is_not_ready() {
    let app = TestApp::start(MODULES).await;
    let delete = app.dynamodb.delete_table().table_name("modulo2-local");
    delete.send().await.unwrap();
    let other = parse(&MODULES.replace("modulo2Id", "roomId"));
    local::create_tables(&app.dynamodb, other.modules.tables())
        .await
        .unwrap();
    let body = r#"{"ERROR":{"message":"Not ready: modulo2"}}"#;
    assert_answer(&app.get("/_health/ready").await, 503, body);
}

#[tokio::test]
async fn tables_are_asked_for_once_and_not_by_each_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let table = r#"{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}}"#;
    let dynamodb = Router::new().fallback(move || async move {
        counter.fetch_add(1, Ordering::Relaxed);
        table
    });
    let modules = "[modules.a]\nkey = 'id'\n[modules.b]\nkey = 'id'";
    let app = TestApp::over(&parse(modules), &start_dynamodb(dynamodb).await).await;
    let (one, other) = tokio::join!(app.get("/_health/ready"), app.get("/_health/ready"));
    for answer in [one, other, app.get("/_health/ready").await] {
        assert_answer(&answer, 200, r#"{"status":"ready"}"#);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn the_command_says_whether_a_server_can_serve() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&["--memory"]).await;
    let url = served.url.clone();
    let ready = format!("{url}/_health/ready answers 200: {{\"status\":\"ready\"}}\n");
    let (status, stdout, stderr) = folder.run(&["health", &url]).await;
    assert_eq!(
        (status, stdout, stderr.as_str()),
        (Some(0), ready.clone(), "")
    );
    // As the server and its container have it.
    let mut here = folder.modulo(&["health"]);
    here.env("MODULO_ADDR", url.replace("http://127.0.0.1", "0.0.0.0"));
    let output = here.output().await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), ready);
    assert!(output.status.success());
    assert!(served.stop().await.success());

    let (status, stdout, stderr) = folder.run(&["health", &url]).await;
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    let begin = format!("{url}/_health/ready does not answer: ");
    assert!(
        stderr.starts_with(&begin) && stderr.lines().count() == 1,
        "{stderr}"
    );
}

#[tokio::test]
async fn the_command_can_ask_only_whether_a_server_runs() {
    let app = TestApp::over(&parse(MODULES), "http://127.0.0.1:9").await;
    let url = app.url.clone();
    let folder = Folder::empty();
    let (status, _, stderr) = folder.run(&["health", &url]).await;
    let expected = format!(
        "{url}/_health/ready answers 503: {{\"ERROR\":{{\"message\":\"Not ready: modulo1, modulo2\"}}}}\n"
    );
    assert_eq!((status, stderr), (Some(1), expected));
    let (status, stdout, _) = folder.run(&["health", "--live", &url]).await;
    assert_eq!(status, Some(0));
    assert_eq!(
        stdout,
        format!("{url}/_health answers 200: {{\"status\":\"live\"}}\n")
    );
}

#[tokio::test]
async fn a_server_takes_its_address_from_the_environment() {
    let folder = Folder::with(MODULES);
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut serve = folder.modulo(&["serve", "--memory"]);
    let output = serve.env("MODULO_ADDR", &address).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let begin = format!("cannot listen on {address}; ");
    assert!(stderr.starts_with(&begin), "{stderr}");
}

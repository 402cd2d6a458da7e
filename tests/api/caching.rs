//! What caches on the way, and browsers, are told of an answer.

use axum::body::Body;

use crate::app::{Answer, PARTNERS, TestApp};

const MODULES: &str = r#"
    [defaults]
    key = "id"

    [modules.open]

    [modules.plain]
    envelope = "plain"

    [modules.guarded]
    access = { guard = "partners", public = ["LIST"], scopes = { DELETE = ["never"] } }
    cors = { origins = ["https://app.example.com"] }
"#;

async fn ask(app: &TestApp, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = app.request(method, path);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    app.client.send(request.body(Body::empty()).unwrap()).await
}

/// All values of `Vary`, one after another.
fn vary(answer: &Answer) -> Vec<&str> {
    let values = answer.headers.get_all("vary").iter();
    values
        .flat_map(|value| value.to_str().unwrap().split(", "))
        .collect()
}

#[tokio::test]
async fn what_a_guard_answers_is_its_callers_alone() {
    let app = TestApp::start(&format!("{MODULES}{PARTNERS}")).await;
    let known = ("x-api-key", "first");
    let request = app
        .request("POST", "/guarded/x")
        .header("content-type", "application/json")
        .header(known.0, known.1);
    app.client.send(request.body("[1]".into()).unwrap()).await;
    let tag = ask(&app, "GET", "/guarded/x", &[known]).await;
    let tag = tag.header("etag").to_owned();
    for (method, path, headers, status) in [
        ("GET", "/guarded/x", vec![known], 200),
        ("HEAD", "/guarded/x", vec![known], 200),
        (
            "GET",
            "/guarded/x",
            vec![known, ("if-none-match", &*tag)],
            304,
        ),
        ("GET", "/guarded", vec![known], 200),
        ("GET", "/guarded", vec![], 200),
        ("GET", "/guarded/x", vec![], 401),
        ("GET", "/guarded/x", vec![("x-api-key", "wrong")], 401),
        ("GET", "/guarded/absent", vec![known], 404),
        ("DELETE", "/guarded/x", vec![known], 403),
        ("TRACE", "/guarded/x", vec![], 405),
        ("OPTIONS", "/guarded/x", vec![], 204),
        ("PUT", "/_batch/guarded", vec![known], 405),
    ] {
        let answer = ask(&app, method, path, &headers).await;
        let shown = format!("{method} {path} {headers:?}: {answer:?}");
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(
            answer.header("cache-control"),
            "private, no-cache",
            "{shown}"
        );
        let vary = vary(&answer);
        for name in ["authorization", "x-api-key"] {
            assert!(vary.contains(&name), "{shown}");
        }
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "{shown}"
        );
    }
    let of_page = [known, ("origin", "https://app.example.com")];
    let answer = ask(&app, "GET", "/guarded/x", &of_page).await;
    let vary = vary(&answer);
    for name in ["authorization", "x-api-key", "origin"] {
        assert!(vary.contains(&name), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_open_is_not_kept_without_asking() {
    let app = TestApp::start(&format!("{MODULES}{PARTNERS}")).await;
    app.send("POST", "/open/x", "[1]").await;
    for (method, path, status, kept) in [
        ("GET", "/open/x", 200, "no-cache"),
        ("GET", "/open", 200, "no-cache"),
        ("GET", "/open/absent", 404, "no-cache"),
        ("GET", "/open?limit=0", 400, "no-cache"),
        ("GET", "/plain/absent", 404, "no-cache"),
        ("GET", "/nowhere", 404, "no-cache"),
        ("GET", "/_docs", 200, "no-cache"),
        ("GET", "/_openapi.json", 200, "no-cache"),
        ("GET", "/_health", 200, "no-store"),
        ("POST", "/_health", 405, "no-cache"),
    ] {
        let answer = ask(&app, method, path, &[]).await;
        let shown = format!("{method} {path}: {answer:?}");
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(answer.header("cache-control"), kept, "{shown}");
        assert_eq!(answer.header("vary"), "", "{shown}");
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "{shown}"
        );
    }
    let preflight = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "PUT"),
    ];
    let answer = ask(&app, "OPTIONS", "/guarded/x", &preflight).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

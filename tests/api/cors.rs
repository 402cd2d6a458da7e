//! Pages of other origins, as browsers let them call.

use axum::body::Body;
use axum::http::StatusCode;

use crate::app::{Answer, TestApp};

const MODULES: &str = r#"
    [service]
    cors = { origins = ["https://app.example.com", "http://localhost:5173"] }

    [modules.rooms]
    key = "roomId"
    methods = ["GET", "PUT"]

    [modules.maps]
    key = "mapId"
    cors = { origins = ["*"], max_age = "1h" }

    [modules.secrets]
    key = "secretId"
    cors = { origins = [] }

    [modules.guarded]
    key = "id"
    access = { guard = "partners" }

    [access.partners]
    keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]
"#;

const APP: &str = "https://app.example.com";

async fn preflight(app: &TestApp, path: &str, origin: &str, method: &str) -> Answer {
    let request = app
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "content-type,if-match");
    app.client.send(request.body(Body::empty()).unwrap()).await
}

async fn from(app: &TestApp, origin: &str, method: &str, path: &str) -> Answer {
    let request = app.request(method, path).header("origin", origin);
    app.client.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_preflight_is_answered_with_what_is_served() {
    let app = TestApp::start(MODULES).await;
    let answer = preflight(&app, "/rooms/sala90", APP, "PUT").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "GET, HEAD, PUT, OPTIONS"
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "content-type,if-match"
    );
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert!(answer.header("vary").contains("origin"), "{answer:?}");
    assert_eq!(answer.body, "");

    let other = preflight(&app, "/rooms/sala90", "https://evil.example.com", "PUT").await;
    assert_eq!(other.header("access-control-allow-origin"), "");

    let open = preflight(&app, "/maps", "https://evil.example.com", "POST").await;
    assert_eq!(open.header("access-control-allow-origin"), "*");
    assert_eq!(open.header("access-control-max-age"), "3600");

    let own = preflight(&app, "/_openapi.json", APP, "GET").await;
    assert_eq!(own.header("access-control-allow-origin"), APP);
}

#[tokio::test]
async fn a_preflight_needs_no_credentials() {
    let app = TestApp::start(MODULES).await;
    let answer = preflight(&app, "/guarded/x", APP, "DELETE").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
}

/// Refusals of every layer, too: a page has to know what it did wrong.
#[tokio::test]
async fn every_answer_can_be_read_by_the_page() {
    let app = TestApp::start(MODULES).await;
    for (method, path, status) in [
        ("GET", "/rooms/absent", 404),
        ("DELETE", "/rooms/sala90", 405),
        ("GET", "/guarded/x", 401),
        ("GET", "/nothing/here", 404),
        ("GET", "/_openapi.json", 200),
    ] {
        let answer = from(&app, APP, method, path).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            APP,
            "{method} {path}"
        );
        let exposed = answer.header("access-control-expose-headers");
        assert!(
            exposed.contains("etag") && exposed.contains("location"),
            "{exposed}"
        );
    }
}

#[tokio::test]
async fn a_module_can_keep_to_its_own_origin() {
    let app = TestApp::start(MODULES).await;
    let answer = preflight(&app, "/secrets/x", APP, "GET").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(
        from(&app, APP, "GET", "/secrets/x").await.header("vary"),
        ""
    );
}

/// What asks for the methods, without a browser.
#[tokio::test]
async fn options_without_an_origin_is_answered_as_ever() {
    let app = TestApp::start(MODULES).await;
    let request = app.request("OPTIONS", "/rooms/x").body(Body::empty());
    let answer = app.client.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("allow"), "GET, HEAD, PUT, OPTIONS");
    assert_eq!(answer.header("access-control-allow-methods"), "");
}

/// Apps in a web view and extensions of browsers have pages whose origins are of other schemes.
#[tokio::test]
async fn pages_of_apps_and_extensions_may_call() {
    const ORIGINS: [&str; 4] = [
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
    ];
    let app = TestApp::start(&format!(
        "[modules.rooms]\nkey = \"roomId\"\ncors = {{ origins = {ORIGINS:?} }}"
    ))
    .await;
    for origin in ORIGINS {
        let answer = preflight(&app, "/rooms/x", origin, "PUT").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        let answer = from(&app, origin, "GET", "/rooms/x").await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    for other in ["null", "capacitor://other", "https://localhost"] {
        let answer = preflight(&app, "/rooms/x", other, "PUT").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{other}");
    }
}

//! The examples: each is served, and asked what examples/README.md asks it.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use serde_json::json;

use crate::access::{Issuer, Signer, claims};
use crate::app::TestApp;
use crate::book::{blocks, run_blocks};
use crate::command::Folder;

fn read(path: &str) -> String {
    let path = Path::new("examples").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The absolute path of an example's modules.toml.
fn file_of(example: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("modules.toml");
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_example_answers_as_its_page_says() {
    let page = read("README.md");
    let mut asked = BTreeSet::new();
    for section in page.split("\n## [").skip(1) {
        let (example, text) = section.split_once(']').unwrap();
        let folder = Folder::with("");
        let file = file_of(example);
        let served = folder.serve(&["--memory", "--file", &file]).await;
        assert!(run_blocks(&blocks(text), &folder, served).await > 0);
        asked.insert(example.to_owned());
    }
    let there: BTreeSet<_> = std::fs::read_dir("examples")
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(asked, there);
    assert_eq!(blocks(&page), blocks(&read("README.pt-BR.md")));
}

#[tokio::test]
async fn the_tenants_of_the_example_do_not_meet() {
    let signer = Signer::ec();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let jwks = format!(r#"audience = "modulo", jwks = "{}""#, issuer.url);
    let modules = read("tenants/modules.toml").replace(r#"audience = "modulo""#, &jwks);
    let app = TestApp::start(&modules).await;
    let token = |tenant| signer.token(json!({ "kid": "1" }), &claims(json!({ "org_id": tenant })));
    let ask = async |method, tenant, body: &'static str| {
        let request = app
            .request(method, "/invoices/1")
            .header("authorization", format!("Bearer {}", token(tenant)))
            .header("content-type", "application/json");
        app.client
            .send(request.body(Body::from(body)).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask("POST", "acme", r#"{"total": 90}"#).await, 200);
    assert_eq!(ask("GET", "acme", "").await, 200);
    assert_eq!(ask("GET", "globex", "").await, 404);
}

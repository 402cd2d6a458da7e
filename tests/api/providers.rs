//! Tokens and key sets of the shape that providers give them, let in by the very lines that
//! docs/guides/sign-in.md has for each.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::access::{Signer, now};
use crate::app::{Answer, TestApp};
use crate::book::{Block, blocks};

/// A provider as its documentation has it.
#[derive(Deserialize)]
struct Provider {
    name: String,
    issuer: String,
    keys_at: String,
    /// What its keys have beside the numbers.
    key: Map<String, Value>,
    /// Keys of its set that no token is signed with.
    other_keys: Vec<Value>,
    header: Value,
    /// Those of the first token; times are 0.
    claims: Map<String, Value>,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    what: String,
    #[serde(default)]
    header: Map<String, Value>,
    /// To the claims; null takes one out.
    changes: Map<String, Value>,
    /// The status of `GET /rooms`.
    list: u16,
    /// That of `POST /rooms/1`, for which the page's lines ask for a scope.
    post: u16,
}

fn providers() -> Vec<Provider> {
    serde_json::from_str(include_str!("providers.json")).unwrap()
}

impl Provider {
    /// The provider on a port of this machine.
    async fn serve(&self, signer: &Signer) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        let mut key = signer.jwk("1");
        key.as_object_mut().unwrap().retain(|name, _| {
            ["kty", "kid", "n", "e"].contains(&name.as_str()) || self.key.contains_key(name)
        });
        key.as_object_mut().unwrap().extend(self.key.clone());
        let keys: Vec<_> = self.other_keys.iter().cloned().chain([key]).collect();
        let discovery = format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        );
        let document = json!({
            "issuer": self.issuer,
            "jwks_uri": self.keys_at,
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
        });
        let answers: BTreeMap<String, String> = [
            (path(&discovery), moved(&document.to_string(), &here)),
            (path(&self.keys_at), json!({ "keys": keys }).to_string()),
        ]
        .into();
        let router = Router::new().fallback(async move |uri: Uri| {
            let answer = answers.get(uri.path()).cloned();
            answer.ok_or(axum::http::StatusCode::NOT_FOUND)
        });
        tokio::spawn(async { axum::serve(listener, router).await });
        here
    }

    fn sign(&self, token: &Token, signer: &Signer, here: &str) -> String {
        let mut claims = self.claims.clone();
        for (name, value) in &mut claims {
            match name.as_str() {
                "exp" => *value = (now() + 3_600).into(),
                "iat" | "nbf" | "auth_time" => *value = (now() - 60).into(),
                _ => {}
            }
        }
        claims.extend(token.changes.clone());
        claims.retain(|_, value| !value.is_null());
        let mut header = self.header.clone();
        header["kid"] = "1".into();
        header.as_object_mut().unwrap().extend(token.header.clone());
        signer.token_of(header, &moved(&Value::from(claims).to_string(), here))
    }
}

fn path(url: &str) -> String {
    url.parse::<Uri>().unwrap().path().to_owned()
}

/// The origins of all providers, which are on this machine in a test.
fn moved(text: &str, here: &str) -> String {
    let mut text = text.to_owned();
    for provider in providers() {
        for url in [&provider.issuer, &provider.keys_at] {
            let url: Uri = url.parse().unwrap();
            let origin = format!("https://{}", url.authority().unwrap());
            text = text.replace(&origin, here);
        }
    }
    text
}

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("docs/guides/{name}")).unwrap()
}

/// The lines of `modules.toml` under a provider's heading.
fn lines_of(page: &str, provider: &str) -> String {
    let (_, section) = page
        .split_once(&format!("\n## {provider}\n"))
        .unwrap_or_else(|| panic!("no heading {provider}"));
    let block = blocks(section).into_iter().find(is_configuration);
    block.unwrap().text
}

fn is_configuration(block: &Block) -> bool {
    block.language == "toml"
}

async fn call(app: &TestApp, method: &str, path: &str, token: &str) -> Answer {
    let request = app
        .request(method, path)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    app.client.send(request.body("[1]".into()).unwrap()).await
}

#[tokio::test]
async fn the_tokens_of_each_provider_are_let_in_by_the_lines_of_its_page() {
    let page = page("sign-in.md");
    for provider in providers() {
        let signer = Signer::rsa();
        let here = provider.serve(&signer).await;
        let app = TestApp::start(&moved(&lines_of(&page, &provider.name), &here)).await;
        for token in &provider.tokens {
            let what = format!("{}, {}", provider.name, token.what);
            let token_text = provider.sign(token, &signer, &here);
            let answer = call(&app, "GET", "/rooms", &token_text).await;
            assert_eq!(answer.status, token.list, "{what}: {}", answer.body);
            let answer = call(&app, "POST", "/rooms/1", &token_text).await;
            assert_eq!(answer.status, token.post, "{what}: {}", answer.body);
        }
        let forged = provider.sign(&provider.tokens[0], &Signer::rsa(), &here);
        assert_eq!(call(&app, "GET", "/rooms", &forged).await.status, 401);
    }
}

#[test]
fn both_pages_have_the_same_blocks() {
    let english = blocks(&page("sign-in.md"));
    assert_eq!(english, blocks(&page("sign-in.pt-BR.md")));
    let configurations = english.iter().filter(|block| is_configuration(block));
    assert_eq!(configurations.count(), providers().len());
}

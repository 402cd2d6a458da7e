//! How an issuer's keys are found, fetched and told apart: servers on ports of this machine.

use std::fmt::Write;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use axum::serve::Listener;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::access::{Signer, claims, guarded, pass, told};
use crate::app::{Answer, TestApp};
use crate::command::Folder;
use crate::secured::Secured;

/// A server's address before it serves, so that its answers can name it.
struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn serve(self, router: Router) {
        tokio::spawn(async { axum::serve(self.listener, router).await });
    }
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The answer to a token whose issuer publishes `answer` in the place of its keys.
async fn list_by(answer: impl IntoResponse + Clone + Send + Sync + 'static, token: &str) -> Answer {
    let server = Server::bind().await;
    let url = server.url("/keys");
    server.serve(Router::new().route("/keys", get(async || answer)));
    let app = TestApp::start(&guarded(&format!(r#"jwks = "{url}""#))).await;
    app.list(token).await
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn without(mut key: Value, member: &str) -> Value {
    key.as_object_mut().unwrap().remove(member);
    key
}

/// RFC 7515, appendix D.
#[tokio::test]
async fn each_key_that_may_have_signed_is_tried() {
    let (one, other, stranger) = (Signer::rsa(), Signer::rsa(), Signer::rsa());
    let named = set(&[one.jwk("1"), other.jwk("1")]);
    for signer in [&one, &other] {
        let answer = list_by(named.clone(), &signer.good("1", "")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let nameless = set(&[one.jwk("1"), without(other.jwk("2"), "kid")]);
    for signer in [&one, &other] {
        let token = signer.token(json!({}), &claims(json!({})));
        let answer = list_by(nameless.clone(), &token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let mut all = String::new();
    let many: Vec<_> = (0..17).map(|_| Signer::ed().jwk("1")).collect();
    let ed = Signer::ed();
    for (what, keys, token) in [
        ("a stranger's, named", named, stranger.good("1", "")),
        (
            "a stranger's, not named",
            nameless,
            stranger.token(json!({}), &claims(json!({}))),
        ),
        ("more than are tried", set(&many), ed.good("1", "")),
    ] {
        let answer = list_by(keys, &token).await;
        writeln!(all, "{what}: {}", told(&answer)).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    a stranger's, named: 401 Unauthorized Bearer realm="main", error="invalid_token", error_description="its signature is wrong"
    {"ERROR":{"message":"Please provide a valid token: its signature is wrong"}}
    a stranger's, not named: 401 Unauthorized Bearer realm="main", error="invalid_token", error_description="its key is unknown"
    {"ERROR":{"message":"Please provide a valid token: its key is unknown"}}
    more than are tried: 401 Unauthorized Bearer realm="main", error="invalid_token", error_description="its key is ambiguous"
    {"ERROR":{"message":"Please provide a valid token: its key is ambiguous"}}
    "#);
}

/// RFC 9864 names the algorithm by its curve.
#[tokio::test]
async fn ed25519_is_eddsa_by_another_name() {
    let signer = Signer::ed();
    for of_key in ["EdDSA", "Ed25519"] {
        let mut key = signer.jwk("1");
        key["alg"] = of_key.into();
        for alg in ["EdDSA", "Ed25519"] {
            let token = signer.token(json!({ "kid": "1", "alg": alg }), &claims(json!({})));
            let answer = list_by(set(&[key.clone()]), &token).await;
            assert_eq!(answer.status, 200, "{of_key}, {alg}: {}", answer.body);
        }
    }
}

/// Some issuers write a coordinate as a number, without the zeros that RFC 7518 asks for.
#[tokio::test]
async fn a_coordinate_may_lack_its_zeros() {
    let (signer, key) = loop {
        let signer = Signer::ec();
        let key = signer.jwk("1");
        if base64_of(&key["x"])[0] == 0 {
            break (signer, key);
        }
    };
    let x = base64_of(&key["x"]);
    let zeros = x.iter().take_while(|byte| **byte == 0).count();
    let mut short = key;
    short["x"] = base64(&x[zeros..]).into();
    let answer = list_by(set(&[short]), &signer.good("1", "")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn base64_of(text: &Value) -> Vec<u8> {
    use base64::Engine;
    let text = text.as_str().unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}

#[tokio::test]
async fn a_set_without_a_usable_key_is_an_error_of_the_configuration() {
    let signer = Signer::ed();
    let token = signer.good("1", "");
    let mut p384 = Signer::ec().jwk("1");
    p384["crv"] = "P-384".into();
    for keys in [
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }, p384] }),
        // 1,024 bits.
        json!({ "keys": [{ "kty": "RSA", "n": base64(&[255; 128]), "e": "AQAB" }] }),
        // Certificates by their names, as Google has them beside its keys.
        json!({ "1": "-----BEGIN CERTIFICATE-----" }),
        json!({ "issuer": "https://issuer.example.com/", "jwks_uri": "https://x/keys" }),
    ] {
        let answer = list_by(keys.to_string(), &token).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&answer), @r#"
            500 Internal Server Error 
            {"ERROR":{"message":"Internal error"}}
            "#);
        }
    }
    let html = "<html>We'll be back</html>";
    assert_eq!(list_by(html, &token).await.status, 503);
    // What is of no use may stand beside what is.
    let set = json!({ "keys": [{ "kty": "oct" }, 1, null, signer.jwk("1")] });
    assert_eq!(list_by(set.to_string(), &token).await.status, 200);
}

#[tokio::test]
async fn keys_may_be_compressed() {
    let signer = Signer::ed();
    let token = signer.good("1", "");
    let keys = set(&[signer.jwk("1")]);
    let coded = |coding: &'static str, body: Vec<u8>| ([("content-encoding", coding)], body);
    let bomb = gzipped(format!("{}{keys}", " ".repeat(262_144)).as_bytes());
    assert!(bomb.len() < 2_000, "it is small on its way");
    for (what, answer, status) in [
        ("gzip", coded("gzip", gzipped(keys.as_bytes())), 200),
        ("in capitals", coded("GZIP", gzipped(keys.as_bytes())), 200),
        (
            "identity",
            coded("identity", keys.clone().into_bytes()),
            200,
        ),
        ("too long", coded("gzip", bomb), 503),
        ("not gzip", coded("gzip", keys.clone().into_bytes()), 503),
        ("not asked for", coded("br", keys.into_bytes()), 503),
    ] {
        let answer = list_by(answer, &token).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }
}

#[tokio::test]
async fn redirects_are_followed_within_the_host() {
    let signer = Signer::ed();
    let token = signer.good("1", "");
    let (server, other) = (Server::bind().await, Server::bind().await);
    let keys = set(&[signer.jwk("1")]);
    let elsewhere = format!("http://localhost:{}/keys", other.address.port());
    let targets = [
        ("relative", "keys".to_owned(), 200),
        ("absolute path", "/keys".to_owned(), 200),
        ("same host", server.url("/keys"), 200),
        ("another port", other.url("/keys"), 200),
        ("twice", "/relative".to_owned(), 200),
        ("another host", elsewhere, 503),
        (
            "not secure",
            "http://issuer.example.com/keys".to_owned(),
            503,
        ),
        ("no URL", "http://[".to_owned(), 503),
        ("in circles", "/in circles".to_owned(), 503),
    ];
    let mut router = Router::new().route(
        "/keys",
        get({
            let keys = keys.clone();
            async || keys
        }),
    );
    for (what, target, _) in &targets {
        let target = target.replace(' ', "%20");
        let redirect = move || std::future::ready(Redirect::temporary(&target));
        router = router.route(&format!("/{}", what.replace(' ', "%20")), get(redirect));
    }
    let base = server.url("/");
    server.serve(router);
    other.serve(Router::new().route("/keys", get(async || keys)));
    for (what, _, status) in targets {
        let url = format!("{base}{}", what.replace(' ', "%20"));
        let app = TestApp::start(&guarded(&format!(r#"jwks = "{url}""#))).await;
        let answer = app.list(&token).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }
}

/// Of an issuer at `path`, whose document is `document`, and the same with `%` for its URL.
async fn list_by_discovery(path: &str, document: &str) -> Answer {
    let signer = Signer::ed();
    let server = Server::bind().await;
    let issuer = server.url(path);
    let document = document.replace('%', &server.url(""));
    let at = format!(
        "{}/.well-known/openid-configuration",
        path.trim_end_matches('/')
    );
    let keys = set(&[signer.jwk("1")]);
    server.serve(
        Router::new()
            .route(&at, get(async || document))
            .route("/keys", get(async || keys)),
    );
    let token = signer.token(json!({ "kid": "1" }), &claims(json!({ "iss": issuer })));
    let modules = format!(
        "[access.main]\njwt = {{ issuer = \"{issuer}\", audience = \"modulo\" }}\n\
         [modules.rooms]\nkey = \"roomId\"\naccess = {{ guard = \"main\" }}"
    );
    TestApp::start(&modules).await.list(&token).await
}

#[tokio::test]
async fn an_issuer_says_where_its_keys_are() {
    for (path, issuer) in [("", "%"), ("/", "%/"), ("/a/b", "%/a/b"), ("/a/", "%/a/")] {
        let document = json!({ "issuer": issuer, "jwks_uri": "%/keys", "x": 1 }).to_string();
        let answer = list_by_discovery(path, &document).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    for (what, document, status) in [
        (
            "another issuer's",
            json!({ "issuer": "https://evil.example.com", "jwks_uri": "%/keys" }),
            500,
        ),
        (
            "almost the issuer's",
            json!({ "issuer": "%/a/", "jwks_uri": "%/keys" }),
            500,
        ),
        (
            "every directory's, as Entra ID has it",
            json!({ "issuer": "%/{tenantid}", "jwks_uri": "%/keys" }),
            500,
        ),
        (
            "keys that anybody on the way can change",
            json!({ "issuer": "%/a", "jwks_uri": "http://issuer.example.com/keys" }),
            500,
        ),
        ("no keys", json!({ "issuer": "%/a" }), 503),
        ("not one", json!("<html>"), 503),
        (
            "keys that are not there",
            json!({ "issuer": "%/a", "jwks_uri": "%/lost" }),
            503,
        ),
    ] {
        let answer = list_by_discovery("/a", &document.to_string()).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }
}

/// What is wrong with an issuer stands in the log, with the place.
#[tokio::test]
async fn the_log_says_why_keys_cannot_be_used() {
    let signer = Signer::ed();
    let server = Server::bind().await;
    let url = |path: &str| server.url(path);
    let discovered = json!({ "issuer": "https://other.example.com/", "jwks_uri": url("/keys") });
    let guards = [
        ("redirect", format!(r#"jwks = "{}""#, url("/redirect"))),
        ("brotli", format!(r#"jwks = "{}""#, url("/brotli"))),
        ("unusable", format!(r#"jwks = "{}""#, url("/unusable"))),
        ("document", format!(r#"jwks = "{}""#, url("/document"))),
        ("lost", format!(r#"jwks = "{}""#, url("/lost"))),
    ];
    let mut modules = String::new();
    let found = ("found", String::new(), url(""));
    let guards = guards.map(|(name, keys)| (name, keys, "https://issuer.example.com/".to_owned()));
    for (name, keys, issuer) in guards.iter().chain([&found]) {
        writeln!(
            modules,
            "[access.{name}]\njwt = {{ issuer = \"{issuer}\", audience = \"modulo\", {keys} }}\n\
             [modules.{name}]\nkey = \"id\"\naccess = {{ guard = \"{name}\" }}"
        )
        .unwrap();
    }
    let modules = modules.replace(",  }", " }");
    let brotli: (_, &[u8]) = ([("content-encoding", "br")], b"x");
    let document = discovered.to_string();
    let router = Router::new()
        .route(
            "/redirect",
            get(async || Redirect::permanent("https://login.example.com/")),
        )
        .route("/brotli", get(async move || brotli))
        .route("/unusable", get(async || r#"{"keys":[]}"#))
        .route(
            "/document",
            get({
                let document = document.clone();
                async || document
            }),
        )
        .route("/.well-known/openid-configuration", get(async || document));
    let base = url("");
    server.serve(router);
    let folder = Folder::with(&modules);
    let program = folder.serve_logging("info", &["--memory"]).await;
    let mut reasons = String::new();
    for (name, ..) in guards.iter().chain([&found]) {
        let request = Request::get(format!("{}/{name}", program.url));
        let token = format!("Bearer {}", signer.good("1", ""));
        let request = request.header("authorization", token);
        let answer = program
            .client
            .send(request.body(Body::empty()).unwrap())
            .await;
        writeln!(reasons, "{name}: {}", answer.status.as_u16()).unwrap();
    }
    let said = program.output().await.replace(&base, "<issuer>");
    for line in said.lines().filter_map(|line| line.split_once("error=")) {
        writeln!(reasons, "{}", line.1).unwrap();
    }
    insta::assert_snapshot!(reasons, @r"
    redirect: 503
    brotli: 503
    unusable: 500
    document: 500
    lost: 503
    found: 500
    Try again later: the issuer's keys cannot be fetched: cannot fetch `<issuer>/redirect`: it redirects to another host, `login.example.com`
    Try again later: the issuer's keys cannot be fetched: cannot fetch `<issuer>/brotli`: its content coding is not gzip, which alone is accepted
    Internal error: the issuer's keys can't be used: cannot use `<issuer>/unusable`: none of its keys is for RS256, ES256 or EdDSA
    Internal error: the issuer's keys can't be used: cannot use `<issuer>/document`: it is the issuer's discovery document, and not its keys
    Try again later: the issuer's keys cannot be fetched: cannot fetch `<issuer>/lost`: it answers with the status 404
    Internal error: the issuer's keys can't be used: `<issuer>/.well-known/openid-configuration` names the issuer `https://other.example.com/`; `issuer` must be the same, to the letter
    ");
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Else nobody would know, before a token of a newer key is refused.
#[tokio::test]
async fn the_log_says_that_keys_cannot_be_fetched_again() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let signer = Signer::ed();
    let server = Server::bind().await;
    let url = server.url("/keys");
    let mut answers = vec![r#"{"keys":[]}"#.to_owned(), set(&[signer.jwk("1")])];
    let answers = Arc::new(Mutex::new(move || answers.pop().unwrap_or_default()));
    let answer = async move || answers.lock().unwrap()();
    server.serve(Router::new().route("/keys", get(answer)));
    let app = TestApp::start(&guarded(&format!(r#"jwks = "{url}""#))).await;
    let good = signer.good("1", "");
    assert_eq!(app.list(&good).await.status, 200);
    pass(Duration::from_mins(11)).await;
    for _ in 0..3 {
        assert_eq!(app.list(&good).await.status, 200);
    }
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("fetched again"))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("none of its keys"), "{said}");
}

#[tokio::test]
async fn a_claim_of_the_issuers_choice_has_the_scopes() {
    let signer = Signer::ed();
    let server = Server::bind().await;
    let url = server.url("/keys");
    let keys = set(&[signer.jwk("1")]);
    server.serve(Router::new().route("/keys", get(async || keys)));
    for (claim, granted) in [
        (
            r#""permissions""#,
            json!({ "permissions": ["rooms:write"] }),
        ),
        (
            r#""permissions""#,
            json!({ "permissions": "a rooms:write" }),
        ),
        (
            r#""cognito:groups""#,
            json!({ "cognito:groups": ["rooms:write"] }),
        ),
        (
            r#""https://api.example/roles""#,
            json!({ "https://api.example/roles": ["rooms:write"] }),
        ),
        (r#"["a.b"]"#, json!({ "a.b": ["rooms:write"] })),
        (
            r#"["realm_access", "roles"]"#,
            json!({ "realm_access": { "roles": ["rooms:write"] } }),
        ),
    ] {
        let settings = format!(r#"jwks = "{url}", scopes_claim = {claim}"#);
        let app = TestApp::start(&guarded(&settings)).await;
        let post = async |changes: &Value| {
            let token = signer.token(json!({}), &claims(changes.clone()));
            let request = app
                .request("POST", "/rooms/1")
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {token}"));
            app.client.send(request.body("[1]".into()).unwrap()).await
        };
        assert_eq!(post(&granted).await.status, 200, "{claim}");
        for nothing in [
            json!({}),
            json!({ "scope": "rooms:write", "scp": ["rooms:write"] }),
            json!({ "permissions": 1, "realm_access": [], "a.b": {}, "cognito:groups": null }),
            // One of a list is one, with its spaces.
            json!({ "permissions": ["x rooms:write"], "a": { "b": ["rooms:write"] } }),
        ] {
            assert_eq!(post(&nothing).await.status, 403, "{claim}, {nothing}");
        }
    }
    // Within a claim, too, one reader would take the first, another the last.
    let settings = format!(r#"jwks = "{url}", scopes_claim = ["realm_access", "roles"]"#);
    let app = TestApp::start(&guarded(&settings)).await;
    let text = claims(json!({})).to_string();
    let twice = format!(
        r#"{},"realm_access":{{"roles":[],"roles":["rooms:write"]}}}}"#,
        text.trim_end_matches('}')
    );
    let answer = app.list(&signer.token_of(json!({}), &twice)).await;
    insta::assert_snapshot!(told(&answer), @r#"
    401 Unauthorized Bearer realm="main", error="invalid_token", error_description="it has a claim twice"
    {"ERROR":{"message":"Please provide a valid token: it has a claim twice"}}
    "#);
}

#[tokio::test]
async fn an_api_may_have_many_audiences() {
    let signer = Signer::ed();
    let server = Server::bind().await;
    let keys = format!(r#"jwks = "{}""#, server.url("/keys"));
    let set = set(&[signer.jwk("1")]);
    server.serve(Router::new().route("/keys", get(async || set)));
    let modules = guarded(&keys).replace(r#"audience = "modulo""#, r#"audience = ["web", "app"]"#);
    let app = TestApp::start(&modules).await;
    for (changes, status) in [
        (json!({ "aud": "web" }), StatusCode::OK),
        (json!({ "aud": ["x", "app"] }), StatusCode::OK),
        (json!({ "aud": null, "client_id": "app" }), StatusCode::OK),
        (json!({ "aud": "modulo" }), StatusCode::UNAUTHORIZED),
        (
            json!({ "aud": [] , "client_id": "app" }),
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let answer = app
            .list(&signer.token(json!({}), &claims(changes.clone())))
            .await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.body);
    }
}

/// As a user's tenant does in the tokens of Firebase.
#[tokio::test]
async fn a_tenant_may_stand_within_a_claim() {
    let signer = Signer::ed();
    let server = Server::bind().await;
    let url = server.url("/keys");
    let keys = set(&[signer.jwk("1")]);
    server.serve(Router::new().route("/keys", get(async || keys)));
    let app = TestApp::start(&format!(
        "[access.main]\njwt = {{ issuer = \"https://issuer.example.com/\", audience = \"modulo\", \
         jwks = \"{url}\" }}\n[modules.rooms]\nkey = \"roomId\"\naccess = {{ guard = \"main\" }}\n\
         tenant = {{ claim = [\"firebase\", \"tenant\"] }}"
    ))
    .await;
    let list = async |changes: Value| {
        let token = signer.token(json!({}), &claims(changes));
        app.list(&token).await
    };
    let answer = list(json!({ "firebase": { "tenant": "acme" } })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for other in [json!({ "firebase": {} }), json!({ "tenant": "acme" })] {
        let answer = list(other).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&answer), @r#"
            403 Forbidden Bearer realm="main", error="insufficient_scope", error_description="it is of no tenant"
            {"ERROR":{"message":"Please provide a token of a tenant: its claim `firebase.tenant` must be a text of 1 to 255 bytes"}}
            "#);
        }
    }
}

/// Leads each connection to `target`, whoever was asked for, and keeps whom. No name is resolved.
async fn tunnel(target: SocketAddr) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let mut client = BufReader::new(listener.accept().await.unwrap().0);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                client.read_line(&mut head).await.unwrap();
            }
            kept.lock()
                .unwrap()
                .extend(head.lines().next().map(str::to_owned));
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move {
                // Whichever side ends it.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_proxy_of_the_environment_leads_to_issuers_elsewhere() {
    const NAME: &str = "keys.example.com";
    let signer = Signer::ed();
    let keys = set(&[signer.jwk("1")]);
    let router = Router::new().route("/keys", get(async || keys));
    let secured = Secured::bind_as(NAME).await;
    let trusted = secured.certificate().to_owned();
    let (proxy, asked) = tunnel(secured.local_addr().unwrap()).await;
    let here = Server::bind().await;
    let urls = [format!("https://{NAME}/keys"), here.url("/keys")];
    here.serve(router.clone());
    tokio::spawn(async { axum::serve(secured, router).await });
    for url in urls {
        let folder = Folder::with(&guarded(&format!(r#"jwks = "{url}""#)));
        let certificate = folder.path().join("trusted.pem");
        std::fs::write(&certificate, &trusted).unwrap();
        let variables = [
            ("HTTPS_PROXY", proxy.as_str()),
            ("HTTP_PROXY", proxy.as_str()),
            ("NO_PROXY", ""),
            ("SSL_CERT_FILE", certificate.to_str().unwrap()),
        ];
        let served = folder.serve_with(&variables, &["--memory"]).await;
        let token = format!("Bearer {}", signer.good("1", ""));
        let request = Request::get(format!("{}/rooms", served.url)).header("authorization", token);
        let answer = served
            .client
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let asked = asked.lock().unwrap();
    assert_eq!(*asked, [format!("CONNECT {NAME}:443 HTTP/1.1")]);
}

//! Who is let in, and what others are told: tokens signed with keys made here, an issuer on a
//! port of its own.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use modulo::access::Caller;
use modulo::item::collection::Collections;
use modulo::module::api_key::NewKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{Answer, TestApp};
use crate::command::Folder;

const ISSUER: &str = "https://issuer.example.com/";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What tokens are signed with.
pub(crate) enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Secret(Vec<u8>),
    Nobody,
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
            Self::Secret(_) => "HS256",
            Self::Nobody => "none",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Nobody => Vec::new(),
        }
    }

    /// The public key, as an issuer shows it; with numbers beside, as some issuers have them.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(key) => {
                let key = key.public_key();
                let n = key.modulus().big_endian_without_leading_zero().to_vec();
                let e = key.exponent().big_endian_without_leading_zero().to_vec();
                json!({ "kty": "RSA", "n": base64(n), "e": base64(e) })
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (base64(&point[1..33]), base64(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
            Self::Ed(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(key.public_key()) })
            }
            Self::Secret(_) | Self::Nobody => panic!("no public key"),
        };
        jwk["kid"] = kid.into();
        jwk["alg"] = self.algorithm().into();
        jwk["use"] = "sig".into();
        jwk["iat"] = 1_700_000_000.into();
        jwk
    }

    pub(crate) fn token(&self, header: Value, claims: &Value) -> String {
        self.token_of(header, &claims.to_string())
    }

    /// As [`Signer::token`], of claims as they are written.
    pub(crate) fn token_of(&self, header: Value, claims: &str) -> String {
        let mut full = json!({ "typ": "JWT", "alg": self.algorithm() });
        let Value::Object(header) = header else {
            panic!("a header is an object");
        };
        full.as_object_mut().unwrap().extend(header);
        let message = format!("{}.{}", base64(full.to_string()), base64(claims));
        format!("{message}.{}", base64(self.sign(message.as_bytes())))
    }

    /// A token that is in order, with these scopes.
    pub(crate) fn good(&self, kid: &str, scope: &str) -> String {
        self.token(json!({ "kid": kid }), &claims(json!({ "scope": scope })))
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The claims of a token that is in order, with `changes`; null takes a claim out.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER,
        "aud": "modulo",
        "sub": "planted-subject",
        "exp": now() + 300,
    });
    let members = claims.as_object_mut().unwrap();
    let Value::Object(changes) = changes else {
        panic!("claims are an object");
    };
    members.extend(changes);
    members.retain(|_, claim| !claim.is_null());
    claims
}

/// A server of keys, which can be taken down and can rotate its keys.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    keys: Arc<Mutex<Value>>,
    is_up: Arc<AtomicBool>,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) async fn start(keys: impl IntoIterator<Item = Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("http://{}/jwks.json", listener.local_addr().unwrap()),
            keys: Arc::default(),
            is_up: Arc::new(true.into()),
            fetches: Arc::default(),
        };
        issuer.rotate(keys);
        let served = issuer.clone();
        let answer = async move || {
            served.fetches.fetch_add(1, Ordering::SeqCst);
            if served.is_up.load(Ordering::SeqCst) {
                (StatusCode::OK, served.keys.lock().unwrap().to_string())
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, String::new())
            }
        };
        let router = Router::new().route("/jwks.json", get(answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        issuer
    }

    fn rotate(&self, keys: impl IntoIterator<Item = Value>) {
        let keys: Vec<_> = keys.into_iter().collect();
        *self.keys.lock().unwrap() = json!({ "keys": keys });
    }

    fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::SeqCst);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn app(&self) -> TestApp {
        TestApp::start(&guarded(&format!(r#"jwks = "{}""#, self.url))).await
    }
}

/// A module whose list is for everybody who is known, whose items are public to read and need
/// scopes to be written.
pub(crate) fn guarded(keys: &str) -> String {
    format!(
        r#"
        [access.main]
        jwt = {{ issuer = "{ISSUER}", audience = "modulo", leeway = "10s", {keys} }}

        [modules.rooms]
        key = "roomId"

        [modules.rooms.access]
        guard = "main"
        public = ["GET"]
        scopes = {{ POST = ["rooms:write"], DELETE = ["rooms:write", "rooms:admin"] }}

        [modules.open]
        key = "openId"
        "#
    )
}

impl TestApp {
    async fn call(&self, method: &str, path: &str, credential: (&str, &str)) -> Answer {
        let request = self
            .request(method, path)
            .header("content-type", "application/json")
            .header(credential.0, credential.1);
        self.client.send(request.body("[1]".into()).unwrap()).await
    }

    /// Lists the rooms, which every valid token may.
    pub(crate) async fn list(&self, token: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        self.call("GET", "/rooms", ("authorization", &authorization))
            .await
    }
}

#[track_caller]
pub(crate) fn told(answer: &Answer) -> String {
    format!(
        "{} {}\n{}",
        answer.status,
        answer.header("www-authenticate"),
        answer.body
    )
}

/// Time passes for the function, which looks at its clock only.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn tokens_of_every_kind_of_key_are_taken() {
    let signers = [Signer::rsa(), Signer::ec(), Signer::ed()];
    let shown = signers.iter().map(|signer| signer.jwk(signer.algorithm()));
    let strange = [
        json!({ "kty": "LWE", "kid": "of the future" }),
        json!({ "kty": "oct", "kid": "secret", "k": base64("planted") }),
        json!("no key"),
    ];
    let issuer = Issuer::start(strange.into_iter().chain(shown)).await;
    let app = issuer.app().await;
    for signer in &signers {
        let kid = signer.algorithm();
        let token = signer.good(kid, "");
        assert_eq!(app.list(&token).await.status, 200, "{kid}");
        // Of another key's name, it is not.
        let other = if kid == "RS256" { "ES256" } else { "RS256" };
        let answer = app.list(&signer.good(other, "")).await;
        assert_eq!(answer.status, 401, "{kid}: {}", answer.body);
        let answer = app.list(&format!("{token}AA")).await;
        assert_eq!(answer.status, 401, "{kid}: {}", answer.body);
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_for_verifying_is_not_used() {
    for (operations, status) in [
        (json!(["verify"]), 200),
        (json!(["sign", "verify"]), 200),
        (json!(["encrypt"]), 401),
        (json!([]), 401),
    ] {
        let (signer, other) = (Signer::ed(), Signer::ed());
        let mut jwk = signer.jwk("1");
        jwk["key_ops"] = operations.clone();
        jwk.as_object_mut().unwrap().remove("use");
        let issuer = Issuer::start([jwk, other.jwk("2")]).await;
        let app = issuer.app().await;
        let answer = app.list(&signer.good("1", "")).await;
        assert_eq!(answer.status, status, "{operations}: {}", answer.body);
    }
}

/// RFC 7518 has none, but issuers that take their keys from X.509 may.
#[tokio::test]
async fn a_modulus_may_begin_with_zeros() {
    let signer = Signer::rsa();
    let mut jwk = signer.jwk("1");
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    jwk["n"] = base64([vec![0], modulus].concat()).into();
    let app = Issuer::start([jwk]).await.app().await;
    assert_eq!(app.list(&signer.good("1", "")).await.status, 200);
}

#[expect(clippy::too_many_lines, reason = "one list of tokens")]
#[tokio::test]
async fn a_token_that_is_not_in_order_is_refused() {
    let signer = Signer::rsa();
    let jwk = signer.jwk("1");
    let issuer = Issuer::start([jwk.clone()]).await;
    let app = issuer.app().await;
    let Signer::Rsa(pair) = &signer else {
        unreachable!("it is RSA")
    };
    // What is public of the key, as the secrets that a confused server would take.
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let confused = [
        Signer::Secret(der.as_ref().to_vec()),
        Signer::Secret(pair.public_key().as_ref().to_vec()),
        Signer::Secret(jwk["n"].as_str().unwrap().into()),
    ];
    let kid = || json!({ "kid": "1" });
    let with = |changes| signer.token(kid(), &claims(changes));
    let good = signer.good("1", "");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged = message.split_once('.').unwrap().0.to_owned()
        + "."
        + &base64(claims(json!({ "scope": "rooms:admin" })).to_string())
        + "."
        + signature;
    let mut tokens = vec![
        ("garbage", "garbage".to_owned()),
        ("empty parts", "..".to_owned()),
        ("not base64", "!.!.!".to_owned()),
        ("four parts", format!("{good}.x")),
        ("no signature", format!("{message}.")),
        ("another's claims", forged),
        ("oversized", with(json!({ "filling": "x".repeat(8_192) }))),
        ("alg none", Signer::Nobody.token(kid(), &claims(json!({})))),
        (
            "alg none, signed",
            signer.token(json!({ "kid": "1", "alg": "none" }), &claims(json!({}))),
        ),
        (
            "RS512 asked of an RS256 key",
            signer.token(json!({ "kid": "1", "alg": "RS512" }), &claims(json!({}))),
        ),
        ("another's key", Signer::rsa().good("1", "")),
        ("no text as iss", with(json!({ "iss": [ISSUER] }))),
        ("no text as aud", with(json!({ "aud": { "modulo": true } }))),
        ("nbf as a text", with(json!({ "nbf": "now" }))),
        (
            "client_id beside another audience",
            with(json!({ "aud": "other", "client_id": "modulo" })),
        ),
        (
            "another client_id",
            with(json!({ "aud": null, "client_id": "other" })),
        ),
        ("claims as a list", signer.token_of(kid(), "[]")),
        ("unknown kid", signer.good("2", "")),
        (
            "its own key",
            Signer::rsa().token(json!({ "kid": "2", "jwk": jwk }), &claims(json!({}))),
        ),
        (
            "critical header",
            signer.token(
                json!({ "kid": "1", "crit": ["b64"], "b64": false }),
                &claims(json!({})),
            ),
        ),
        ("no exp", with(json!({ "exp": null }))),
        (
            "exp as a text",
            with(json!({ "exp": (now() + 300).to_string() })),
        ),
        ("expired", with(json!({ "exp": now() - 11 }))),
        ("not valid yet", with(json!({ "nbf": now() + 15 }))),
        ("no issuer", with(json!({ "iss": null }))),
        (
            "another issuer",
            with(json!({ "iss": "https://issuer.example.com" })),
        ),
        ("no audience", with(json!({ "aud": null }))),
        ("another audience", with(json!({ "aud": "other" }))),
        (
            "other audiences",
            with(json!({ "aud": ["other", "modulo2"] })),
        ),
    ];
    for typ in [
        "logout+jwt",
        "application/dpop+jwt",
        "SecEvent+JWT",
        "",
        "text/jwt",
    ] {
        let header = json!({ "kid": "1", "typ": typ });
        tokens.push((
            "another kind of token",
            signer.token(header, &claims(json!({}))),
        ));
    }
    // One reader would take the first, another the last.
    for claim in [
        r#""aud":"modulo""#,
        r#""org_id":"acme","org_i\u0064":"other""#,
    ] {
        let text = claims(json!({})).to_string();
        let twice = format!("{},{claim}}}", text.trim_end_matches('}'));
        tokens.push(("a claim twice", signer.token_of(kid(), &twice)));
    }
    for (at, secret) in confused.iter().enumerate() {
        let name = ["its DER", "its PKCS 1", "its modulus"][at];
        tokens.push((name, secret.good("1", "")));
    }
    let mut all = String::new();
    for (what, token) in tokens {
        let answer = app.list(&token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        writeln!(all, "{what}: {}", told(&answer)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn what_is_in_order_is_taken() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    for (what, token) in [
        (
            "no kid, one key",
            signer.token(json!({}), &claims(json!({}))),
        ),
        (
            "many audiences",
            signer.token(json!({}), &claims(json!({ "aud": ["x", "modulo"] }))),
        ),
        (
            "within the leeway",
            signer.token(json!({}), &claims(json!({ "exp": now() - 5 }))),
        ),
        (
            "soon valid",
            signer.token(json!({}), &claims(json!({ "nbf": now() + 5 }))),
        ),
        (
            "no typ",
            signer.token(json!({ "typ": null }), &claims(json!({}))),
        ),
        (
            "typ in other letters",
            signer.token(json!({ "typ": "jwt" }), &claims(json!({}))),
        ),
        (
            "an access token, as RFC 9068 has it",
            signer.token(json!({ "typ": "at+jwt" }), &claims(json!({}))),
        ),
        (
            "the same in full",
            signer.token(json!({ "typ": "application/at+JWT" }), &claims(json!({}))),
        ),
        (
            "no aud, but client_id, as Amazon Cognito has it",
            signer.token(
                json!({}),
                &claims(json!({ "aud": null, "client_id": "modulo" })),
            ),
        ),
        (
            "a number as sub",
            signer.token(json!({}), &claims(json!({ "sub": 1 }))),
        ),
        (
            "nonsense where nothing is needed",
            signer.token(
                json!({ "kid": "1", "x5c": 1, "jku": [], "zip": {} }),
                &claims(json!({
                    "sub": {}, "scope": 1, "scp": { "a": 1 }, "iat": "now", "jti": [], "client_id": 1,
                })),
            ),
        ),
        ("a time with a fraction", {
            let exp: Value = serde_json::from_str(&format!("{}.5", now() + 300)).unwrap();
            signer.token(json!({}), &claims(json!({ "exp": exp })))
        }),
    ] {
        assert_eq!(app.list(&token).await.status, 200, "{what}");
    }
    let answer = app
        .call(
            "GET",
            "/rooms",
            (
                "authorization",
                &format!("bEARER  {}", signer.good("1", "")),
            ),
        )
        .await;
    assert_eq!(answer.status, 200, "the scheme has no case");
}

#[tokio::test]
async fn scopes_are_needed_as_they_are_configured() {
    let signer = Signer::ec();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    let call = async |method: &str, path: &str, changes: Value| {
        let token = signer.token(json!({ "kid": "1" }), &claims(changes));
        let authorization = format!("Bearer {token}");
        app.call(method, path, ("authorization", &authorization))
            .await
    };
    let answer = call("POST", "/rooms/1", json!({})).await;
    insta::assert_snapshot!(told(&answer), @r#"
    403 Forbidden Bearer realm="main", error="insufficient_scope", scope="rooms:write"
    {"ERROR":{"message":"Please provide a token with the scope `rooms:write`"}}
    "#);
    let answer = call(
        "DELETE",
        "/rooms/1",
        json!({ "scope": "rooms:write rooms:administrator" }),
    )
    .await;
    insta::assert_snapshot!(told(&answer), @r#"
    403 Forbidden Bearer realm="main", error="insufficient_scope", scope="rooms:write rooms:admin"
    {"ERROR":{"message":"Please provide a token with the scope `rooms:write rooms:admin`"}}
    "#);
    for granted in [
        json!({ "scope": "a rooms:write b" }),
        json!({ "scp": "a rooms:write" }),
        json!({ "scp": ["a", "rooms:write"] }),
        json!({ "scope": ["a", "rooms:write"] }),
    ] {
        let answer = call("POST", "/rooms/1", granted.clone()).await;
        assert_eq!(answer.status, 200, "{granted}");
        assert_eq!(call("POST", "/rooms", granted).await.status, 201);
    }
    let both = json!({ "scope": "rooms:admin", "scp": ["rooms:write"] });
    assert_eq!(call("DELETE", "/rooms/1", both).await.status, 200);
    // Known is enough where no scope is asked for.
    assert_eq!(call("PUT", "/rooms/1", json!({})).await.status, 200);
}

#[tokio::test]
async fn who_shows_nothing_gets_what_is_public() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    assert_eq!(app.get("/rooms/1").await.status, 404);
    for (method, path, status) in [
        ("HEAD", "/rooms/1", 404),
        ("OPTIONS", "/rooms/1", 204),
        ("OPTIONS", "/rooms", 204),
        ("TRACE", "/rooms", 405),
        ("GET", "/unknown/1", 404),
        ("POST", "/open/1", 200),
    ] {
        let answer = app.send(method, path, "1").await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    for (method, path) in [
        ("GET", "/rooms"),
        ("HEAD", "/rooms/"),
        ("POST", "/rooms"),
        ("POST", "/rooms/1"),
        ("PUT", "/rooms/1"),
        ("PATCH", "/rooms/1"),
        ("DELETE", "/rooms/1"),
        ("DELETE", "/rooms"),
    ] {
        // The body would be a 400, had it been read.
        let answer = app.send(method, path, "{").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, r#"Bearer realm="main""#, "{method} {path}");
    }
    let answer = app.get("/rooms").await;
    insta::assert_snapshot!(told(&answer), @r#"
    401 Unauthorized Bearer realm="main"
    {"ERROR":{"message":"Please provide a token, as in `Authorization: Bearer …`"}}
    "#);
    assert_eq!(issuer.fetches(), 0, "there was nothing to check");
}

/// Where none is needed, too: else what is done would be nobody's, and a mistake would not be seen.
#[tokio::test]
async fn a_credential_that_is_shown_counts_where_none_is_needed() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    assert_eq!(app.get("/rooms/1").await.status, 404);
    let get = async |token: &str| {
        let authorization = format!("Bearer {token}");
        app.call("GET", "/rooms/1", ("authorization", &authorization))
            .await
            .status
    };
    assert_eq!(get(&signer.good("1", "")).await, 404);
    assert_eq!(get(&Signer::ed().good("1", "")).await, 401);
    assert_eq!(get("garbage").await, 401);
}

/// To change a part of a document is not to read the whole.
#[tokio::test]
async fn who_may_not_read_a_document_does_not_get_it_by_changing_it() {
    const DOCUMENT: &str = r#"{"chairs":90,"note":"kept from them"}"#;
    let (reader, writer) = (NewKey::random(), NewKey::random());
    let modules = |envelope: &str| {
        format!(
            r#"
            [access.partners]
            keys = [
                {{ name = "reader", hash = "{}", scopes = ["read", "change"] }},
                {{ name = "writer", hash = "{}", scopes = ["change"] }},
            ]

            [defaults]
            key = "id"
            envelope = "{envelope}"
            schema = {{ properties = {{ chairs = {{ type = "integer" }} }} }}

            [modules.rooms.access]
            guard = "partners"
            scopes = {{ GET = ["read"], PATCH = ["change"] }}

            [modules.boxes.access]
            guard = "partners"
            public = ["PATCH"]

            [modules.drops]
            methods = ["POST", "PATCH"]
            "#,
            reader.hash(),
            writer.hash(),
        )
    };
    let patch = |app: &TestApp, path: &str, key: Option<&NewKey>, body: &'static str| {
        let operations = body.starts_with('[');
        let media_type = if operations {
            "application/json-patch+json"
        } else {
            "application/merge-patch+json"
        };
        let mut request = app
            .request("PATCH", path)
            .header("content-type", media_type);
        if let Some(key) = key {
            request = request.header("x-api-key", key.as_str());
        }
        let (client, request) = (app.client.clone(), request.body(body.into()).unwrap());
        async move { client.send(request).await }
    };
    // To where the schema lets no text be, so that the refusal would show it.
    let revealing = r#"[{"op":"copy","from":"/note","path":"/chairs"}]"#;
    for (envelope, empty) in [("verb", r#"{"PATCH":{"id":"x"}}"#), ("plain", "")] {
        let app = TestApp::start(&modules(envelope)).await;
        let request = app
            .request("POST", "/rooms/x")
            .header("content-type", "application/json")
            .header("x-api-key", reader.as_str());
        app.client
            .send(request.body(DOCUMENT.into()).unwrap())
            .await;
        let request = app
            .request("POST", "/boxes/x")
            .header("content-type", "application/json")
            .header("x-api-key", reader.as_str());
        app.client
            .send(request.body(DOCUMENT.into()).unwrap())
            .await;
        app.send("POST", "/drops/x", DOCUMENT).await;
        for (path, key) in [
            ("/rooms/x", Some(&writer)),
            ("/boxes/x", None),
            ("/drops/x", None),
        ] {
            let answer = patch(&app, path, key, "{}").await;
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
            assert_eq!(answer.body, empty, "{path}");
            // It is a hash of the document, which can be guessed at.
            assert_eq!(answer.header("etag"), "", "{path}");
            let answer = patch(&app, path, key, revealing).await;
            assert_eq!(answer.status, 422, "{path}: {}", answer.body);
            assert!(!answer.body.contains("kept"), "{path}: {}", answer.body);
        }
        let answer = patch(&app, "/rooms/x", Some(&reader), "{}").await;
        assert!(answer.body.contains("kept from them"), "{}", answer.body);
        assert_ne!(answer.header("etag"), "");
        let answer = patch(&app, "/rooms/x", Some(&reader), revealing).await;
        assert!(answer.body.contains("kept from them"), "{}", answer.body);
    }
}

#[tokio::test]
async fn other_credentials_are_none_and_two_are_a_mistake() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    let token = signer.good("1", "");
    for (name, value) in [
        ("authorization", format!("Basic {token}")),
        ("authorization", token.clone()),
        ("authorization", "Bearer".to_owned()),
        ("authorization", "Bearer  ".to_owned()),
        ("x-api-key", token.clone()),
    ] {
        let answer = app.call("GET", "/rooms", (name, &value)).await;
        let challenge = answer.header("www-authenticate");
        assert_eq!(
            (answer.status.as_u16(), challenge),
            (401, r#"Bearer realm="main""#),
            "{value}"
        );
    }
    let twice = app
        .request("GET", "/rooms")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"));
    let answer = app.client.send(twice.body(Body::empty()).unwrap()).await;
    insta::assert_snapshot!(told(&answer), @r#"
    400 Bad Request Bearer realm="main", error="invalid_request", error_description="more than one credential"
    {"ERROR":{"message":"Please provide one credential only"}}
    "#);
}

#[tokio::test]
async fn an_issuer_that_is_down_at_first_is_asked_again() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    issuer.set_up(false);
    let token = signer.good("1", "");
    for _ in 0..3 {
        let answer = app.list(&token).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.body, r#"{"ERROR":{"message":"Try again later"}}"#);
    }
    assert_eq!(issuer.fetches(), 1, "it is left alone for a second");
    issuer.set_up(true);
    pass(Duration::from_secs(1)).await;
    assert_eq!(app.list(&token).await.status, 200);
}

#[tokio::test]
async fn nobody_listening_is_503() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let app = TestApp::start(&guarded(&format!(r#"jwks = "{url}""#))).await;
    let answer = app.list(&Signer::ed().good("1", "")).await;
    insta::assert_snapshot!(told(&answer), @r#"
    503 Service Unavailable 
    {"ERROR":{"message":"Try again later"}}
    "#);
}

#[tokio::test]
async fn keys_that_were_fetched_outlive_their_server() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    let token = signer.good("1", "");
    assert_eq!(app.list(&token).await.status, 200);
    issuer.set_up(false);
    for minutes in [5, 10, 600] {
        pass(Duration::from_mins(minutes)).await;
        assert_eq!(app.list(&token).await.status, 200, "{minutes} minutes");
    }
    assert_eq!(
        issuer.fetches(),
        3,
        "it is asked only once the keys are stale"
    );
    assert_eq!(app.list(&signer.good("2", "")).await.status, 401);
}

#[tokio::test]
async fn rotated_keys_are_noticed() {
    let (old, new) = (Signer::ed(), Signer::rsa());
    let issuer = Issuer::start([old.jwk("old")]).await;
    let app = issuer.app().await;
    assert_eq!(app.list(&old.good("old", "")).await.status, 200);
    issuer.rotate([new.jwk("new")]);
    assert_eq!(app.list(&new.good("new", "")).await.status, 401, "too soon");
    pass(Duration::from_secs(30)).await;
    assert_eq!(app.list(&new.good("new", "")).await.status, 200);
    assert_eq!(app.list(&old.good("old", "")).await.status, 401);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_fetches_once() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    let mut flood = tokio::task::JoinSet::new();
    for at in 0..50 {
        let app = app.clone();
        let token = signer.good(&format!("unknown{at}"), "");
        flood.spawn(async move { app.list(&token).await.status });
    }
    assert!(flood.join_all().await.iter().all(|status| *status == 401));
    assert_eq!(issuer.fetches(), 1);
    pass(Duration::from_secs(30)).await;
    let mut flood = tokio::task::JoinSet::new();
    for at in 0..50 {
        let app = app.clone();
        let token = signer.good(&format!("unknown{at}"), "");
        flood.spawn(async move { app.list(&token).await.status });
    }
    flood.join_all().await;
    assert_eq!(issuer.fetches(), 2);
    assert_eq!(app.list(&signer.good("1", "")).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_503() {
    let signer = Signer::ed();
    let issuer = Issuer::start([]).await;
    let app = issuer.app().await;
    let token = signer.good("1", "");
    for answer in [
        json!("<html>"),
        json!({ "keys": [signer.jwk("1")], "x": "x".repeat(262_144) }),
    ] {
        *issuer.keys.lock().unwrap() = answer;
        pass(Duration::from_secs(1)).await;
        assert_eq!(app.list(&token).await.status, 503);
    }
}

#[tokio::test]
async fn a_secret_of_the_environment_signs_too() {
    const SECRET: &str = "planted-secret-of-thirty-two-bytes";
    let config = |environment: &[(&str, &str)]| {
        let environment = environment
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        modulo::config::parse(
            &guarded(r#"secret = { env = "JWT_SECRET" }"#),
            "modules.toml".as_ref(),
            &modulo::module::name::Stage::default(),
            environment,
        )
    };
    let with = Arc::new(config(&[("JWT_SECRET", SECRET)]).unwrap());
    assert!(!format!("{with:?}").contains("planted"));
    let app = TestApp::serve(&with).await;
    let signer = Signer::Secret(SECRET.into());
    assert_eq!(app.list(&signer.good("any", "")).await.status, 200);
    for (what, token) in [
        (
            "another secret",
            Signer::Secret(b"other".to_vec()).good("", ""),
        ),
        ("RS256", Signer::rsa().good("", "")),
        ("alg none", Signer::Nobody.good("", "")),
        (
            "HS512",
            signer.token(json!({ "alg": "HS512" }), &claims(json!({}))),
        ),
    ] {
        assert_eq!(app.list(&token).await.status, 401, "{what}");
    }

    let error = config(&[("JWT_SECRET", "short")]).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r#"
    modules.toml:3: access.main.jwt.secret.env: the secret there has 5 bytes, HS256 needs 32 at the least
      help: make one with: openssl rand -base64 48
    1 error
    "#);
    let app = TestApp::serve(&Arc::new(config(&[]).unwrap())).await;
    let answer = app.list(&signer.good("", "")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, r#"{"ERROR":{"message":"Internal error"}}"#);
    assert_eq!(
        app.get("/open/1").await.status,
        404,
        "the others are served"
    );
}

#[tokio::test]
async fn api_keys_open_their_own_guard() {
    let (erp, crm, other) = (NewKey::random(), NewKey::random(), NewKey::random());
    let app = TestApp::start(&format!(
        r#"
        [service]
        access = "partners"

        [access.partners]
        keys = [
            {{ name = "erp", hash = "{}", scopes = ["rooms:write"] }},
            {{ name = "crm", hash = "{}" }},
        ]

        [access.others]
        keys = [{{ name = "other", hash = "{}" }}]

        [defaults]
        envelope = "plain"

        [modules.rooms]
        key = "roomId"
        access = {{ scopes = {{ POST = ["rooms:write"] }} }}

        [modules.others]
        key = "id"
        access = {{ guard = "others" }}
        "#,
        erp.hash(),
        crm.hash(),
        other.hash(),
    ))
    .await;
    let call = async |method, path, key: &str| app.call(method, path, ("x-api-key", key)).await;
    assert_eq!(call("POST", "/rooms/1", erp.as_str()).await.status, 201);
    assert_eq!(call("GET", "/rooms/1", crm.as_str()).await.status, 200);
    assert_eq!(call("GET", "/others", other.as_str()).await.status, 200);
    let mut all = String::new();
    for (what, method, path, key) in [
        ("no scope", "POST", "/rooms/1", crm.as_str()),
        ("another guard's", "GET", "/rooms/1", other.as_str()),
        ("another guard's", "GET", "/others", erp.as_str()),
        ("wrong", "GET", "/rooms/1", "wrong"),
        ("empty", "GET", "/rooms/1", ""),
    ] {
        writeln!(all, "{what}: {}", told(&call(method, path, key).await)).unwrap();
    }
    writeln!(all, "none: {}", told(&app.get("/rooms/1").await)).unwrap();
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_credential_tells_whose_it_is() {
    const SECRET: &str = "planted: at least thirty-two bytes";
    let key = NewKey::random();
    let modules = format!(
        "{}[access.partners]\nkeys = [{{ name = \"erp\", hash = \"{}\" }}]\n\
         [modules.partners]\nkey = \"id\"\naccess = {{ guard = \"partners\" }}",
        guarded(r#"secret = { env = "JWT_SECRET" }"#),
        key.hash()
    );
    let environment = [("JWT_SECRET".to_owned(), SECRET.to_owned())];
    let stage = modulo::module::name::Stage::default();
    let config =
        modulo::config::parse(&modules, "modules.toml".as_ref(), &stage, environment).unwrap();
    let collections = Collections::new(&config.modules);
    let subject = async |module: &str, name: &'static str, credential: &str| {
        let guard = collections.find(module).unwrap().authenticator().unwrap();
        let headers = [(name.parse().unwrap(), credential.parse().unwrap())];
        let caller = guard.identify(&headers.into_iter().collect(), None).await;
        match caller.unwrap() {
            Caller::Known(identity) => identity.subject().map(str::to_owned),
            Caller::Anonymous => panic!("{credential} is known"),
        }
    };
    let signer = Signer::Secret(SECRET.into());
    let token = |changes| format!("Bearer {}", signer.token(json!({}), &claims(changes)));
    for (changes, expected) in [
        (json!({ "sub": "ana" }), Some("ana")),
        (json!({ "sub": 17 }), Some("17")),
        (json!({ "sub": ["ana"] }), None),
        (json!({ "sub": null }), None),
    ] {
        let found = subject("rooms", "authorization", &token(changes)).await;
        assert_eq!(found.as_deref(), expected);
    }
    let found = subject("partners", "x-api-key", key.as_str()).await;
    assert_eq!(found.as_deref(), Some("erp"));
}

#[tokio::test]
async fn each_operation_of_a_batch_needs_what_its_verb_needs() {
    const ALL: &str = r#"{"operations": [
        {"op": "get", "id": "a"}, {"op": "put", "id": "b", "item": 1}, {"op": "delete", "id": "c"}
    ]}"#;
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let app = issuer.app().await;
    let call = async |token: Option<&str>, body: &str| {
        let mut request = app
            .request("POST", "/_batch/rooms")
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.to_owned().into();
        app.client.send(request.body(body).unwrap()).await
    };
    let statuses = |answer: &Answer| -> Vec<u64> {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let results = body["BATCH"]["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["status"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(statuses(&call(None, ALL).await), [404, 401, 401]);
    let writer = signer.good("1", "rooms:write");
    assert_eq!(statuses(&call(Some(&writer), ALL).await), [404, 200, 403]);
    let admin = signer.good("1", "rooms:write rooms:admin");
    assert_eq!(statuses(&call(Some(&admin), ALL).await), [404, 200, 200]);
    let answer = call(Some("garbage"), ALL).await;
    assert_eq!(answer.status, 401);

    let atomic = r#"{"atomic": true, "operations": [{"op": "delete", "id": "b"}]}"#;
    insta::assert_snapshot!(told(&call(None, atomic).await), @r#"
    401 Unauthorized Bearer realm="main"
    {"ERROR":{"message":"`/operations/0`: Please provide a token, as in `Authorization: Bearer …`"}}
    "#);
    insta::assert_snapshot!(told(&call(Some(&writer), atomic).await), @r#"
    403 Forbidden Bearer realm="main", error="insufficient_scope", scope="rooms:write rooms:admin"
    {"ERROR":{"message":"`/operations/0`: Please provide a token with the scope `rooms:write rooms:admin`"}}
    "#);
    assert_eq!(app.get("/rooms/b").await.status, 200);

    // Where no operation is public, nothing of the body is read.
    let keys = format!(r#"jwks = "{}""#, issuer.url);
    let closed = guarded(&keys).replace(r#"public = ["GET"]"#, "");
    let app = TestApp::start(&closed).await;
    let answer = app.send("POST", "/_batch/rooms", "{").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn keys_can_be_in_a_file() {
    let signer = Signer::ec();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("modules.toml");
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    let keys = folder.path().join("keys/issuer.json");
    std::fs::write(&file, guarded(r#"jwks = "keys/issuer.json""#)).unwrap();
    let check = || modulo::config::check(&file, &modulo::module::name::Stage::default(), []);

    std::fs::write(&keys, r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#).unwrap();
    let error = check().unwrap_err().to_string();
    assert!(
        error.contains("none of its keys is for RS256, ES256 or EdDSA"),
        "{error}"
    );

    std::fs::write(&keys, json!({ "keys": [signer.jwk("1")] }).to_string()).unwrap();
    let config = Arc::new(check().unwrap());
    let packed: Vec<_> = config
        .modules
        .files()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(packed, ["keys/issuer.json"]);
    let app = TestApp::serve(&config).await;
    assert_eq!(app.list(&signer.good("1", "")).await.status, 200);
    assert_eq!(app.list(&signer.good("2", "")).await.status, 401);
}

#[tokio::test]
async fn nothing_of_a_credential_is_logged() {
    let signer = Signer::ed();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let key = NewKey::random();
    let modules = guarded(&format!(r#"jwks = "{}""#, issuer.url)).replace(
        "[modules.open]",
        &format!(
            "[access.partners]\nkeys = [{{ name = \"erp\", hash = \"{}\" }}]\n\
             [modules.partners]\nkey = \"id\"\naccess = {{ guard = \"partners\" }}\n\
             [modules.open]",
            key.hash()
        ),
    );
    let folder = Folder::with(&modules);
    let served = folder.serve_logging("trace", &["--memory"]).await;
    let send = async |path: &str, name: &str, value: &str, status: u16| {
        let request = axum::http::Request::get(format!("{}{path}", served.url));
        let request = request.header(name, value).body(Body::empty()).unwrap();
        assert_eq!(served.client.send(request).await.status, status, "{path}");
    };
    let good = signer.good("1", "planted-scope");
    let claims = claims(json!({ "exp": 1, "scope": "planted-scope" }));
    let expired = signer.token(json!({ "kid": "planted-kid" }), &claims);
    send("/rooms", "authorization", &format!("Bearer {good}"), 200).await;
    send("/rooms", "authorization", &format!("Bearer {expired}"), 401).await;
    send("/rooms", "authorization", "Bearer planted.token.x", 401).await;
    send("/rooms", "authorization", "Basic planted-password", 401).await;
    send("/partners", "x-api-key", key.as_str(), 200).await;
    send("/partners", "x-api-key", "planted-key", 401).await;
    issuer.set_up(false);
    let said = served.output().await;
    assert!(said.contains("its key is unknown"), "{said}");
    let parts = [&good, &expired].map(|token| token.split('.').skip(1).map(str::to_owned));
    let mut secrets: Vec<_> = parts.into_iter().flatten().collect();
    secrets.extend(["planted".to_owned(), key.as_str().to_owned()]);
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "has `{secret}`");
    }
}

#[tokio::test]
async fn a_key_can_be_made() {
    let folder = Folder::with("");
    let output = folder.modulo(&["key", "erp"]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    let [key, line] = lines[..] else {
        panic!("{said}")
    };
    let modules = format!(
        "[access.partners]\nkeys = [{line}]\n[modules.rooms]\nkey = \"roomId\"\n\
         access = {{ guard = \"partners\" }}"
    );
    let app = TestApp::start(&modules).await;
    assert_eq!(
        app.call("GET", "/rooms", ("x-api-key", key)).await.status,
        200
    );
    assert_eq!(app.get("/rooms").await.status, 401);
}

#[tokio::test]
async fn what_is_open_is_reported() {
    let folder = Folder::with(&guarded(r#"jwks = "https://issuer.example.com/jwks.json""#));
    for command in ["check", "routes"] {
        let output = folder.modulo(&[command]).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let open = "Open to everybody: open, rooms (GET) (see";
        assert!(said.contains(open), "{said}");
    }
}

//! What must hold for any input, whoever makes it.
//!
//! `cargo fuzz run <target>`, which wants a nightly compiler, lets libFuzzer make it; the test
//! `cargo test --test fuzz` replays the corpus and goes a little beyond it with what stable Rust
//! has. A target panics where something does not hold.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use lambda_http::{Context, LambdaEvent};
use modulo::access::{Caller, Identity};
use modulo::api::middleware::App;
use modulo::config::{self, Config};
use modulo::edge::lambda::{self, Event};
use modulo::item::collection::{Collection, Collections};
use modulo::item::patch::{Patch, PatchType};
use modulo::item::schema::Unfit;
use modulo::item::{Document, InvalidDocument, ItemId};
use modulo::local::{self, Data, Engine};
use modulo::module::name::Stage;
use modulo::module::tenant::Tenant;
use modulo::store::Store;
use modulo::{api::listing, openapi};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use ring::hmac;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const MODULES: &str = r#"
    [defaults]
    key = "id"

    [modules.texts]

    [modules.members]
    storage = "document"
    envelope = "plain"
    ttl = "expiresAt"

    [[modules.members.indexes]]
    name = "by-building"
    partition = "building"
    sort = { attribute = "floor", type = "N" }

    [modules.sorted]
    key = { partition = "id", sort = "at" }
    storage = "document"

    [modules.numbers]
    key = { attribute = "id", type = "N" }
    envelope = "plain"
    key_in_document = true
"#;

static SERVED: LazyLock<Served> = LazyLock::new(Served::start);

/// The whole function over an embedded engine.
struct Served {
    runtime: Runtime,
    config: Arc<Config>,
    app: App,
    _engine: Engine,
}

impl Served {
    fn start() -> Self {
        let runtime = Runtime::new().expect("threads are to be had");
        let config = Arc::new(parse(MODULES).expect("it is valid"));
        let (engine, app) = runtime.block_on(async {
            let engine = Engine::start(&Data::Memory).await.expect("it starts");
            let store = Store::new(&local::settings(&engine.endpoint()).await);
            local::create_tables(store.client(), config.modules.tables())
                .await
                .expect("tables can be made");
            (engine, modulo::app(&config, &store))
        });
        let served = Self {
            runtime,
            config,
            app,
            _engine: engine,
        };
        for id in ["a", "b", "c", "d"] {
            for module in ["texts", "members", "sorted/p", "sorted/q"] {
                let body = format!(r#"{{"building":"A","floor":{}}}"#, id.len());
                let (status, _) = served.send("POST", &format!("/{module}/{id}"), body);
                assert!(status.is_some_and(|status| status.is_success()));
            }
        }
        served
    }

    /// Status and body of the answer, if this can be asked at all.
    fn send(
        &self,
        method: &str,
        target: &str,
        body: impl Into<Body>,
    ) -> (Option<StatusCode>, Value) {
        let request = Request::builder().method(method).uri(target);
        let request = request.header("content-type", "application/json");
        let Ok(request) = request.body(body.into()) else {
            return (None, Value::Null);
        };
        let answer = self.app.clone().oneshot(request);
        let (status, body) = self.runtime.block_on(async {
            let answer = answer.await.unwrap_or_else(|never| match never {});
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("it is whole");
            (status, body.to_bytes())
        });
        let of = || format!("{method} {target}: {status} {}", body.escape_ascii());
        assert!(!status.is_server_error(), "{}", of());
        let json = if body.is_empty() {
            assert!(
                method == "HEAD" || status == StatusCode::NO_CONTENT,
                "{}",
                of()
            );
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {}", of()))
        };
        (Some(status), json)
    }
}

fn parse(text: &str) -> Result<Config, config::ConfigError> {
    config::parse(text, "modules.toml".as_ref(), &Stage::default(), [])
}

/// A `modules.toml`: it is understood, always in the same way, or told what is wrong with it.
pub fn configuration(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match (parse(text), parse(text)) {
        (Ok(config), Ok(again)) => {
            assert_eq!(format!("{config:?}"), format!("{again:?}"));
            let listed = listing::table(&config);
            for module in config.modules.iter() {
                assert!(config.modules.find(module.name().as_str()).is_some());
                assert!(listed.contains(module.name().as_str()), "{listed}");
            }
            // A schema that can't be used is told when it is needed.
            if let Ok(document) = openapi::document(&config, None, usize::MAX) {
                serde_json::from_str::<Value>(&document).expect("it is JSON");
            }
        }
        (Err(error), Err(again)) => {
            let told = error.to_string();
            assert!(!told.is_empty());
            assert_eq!(told, again.to_string());
        }
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
}

/// A method, a space, and a path with a query: whatever it is, it is answered, and in JSON.
pub fn path(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (method, target) = input.split_once(' ').unwrap_or(("GET", &input));
    SERVED.send(method, target, r#"{"building":"B","floor":2}"#);
}

/// A document: one that is taken is JSON, and the same when it is taken again. As a patch, it
/// makes JSON of it.
pub fn body(input: &[u8]) {
    for module in SERVED.config.modules.iter() {
        let ids = ["1/2", "1"].into_iter();
        let id = ids.map(|path| ItemId::from_path(path, module.key()));
        let id = id.flatten().next().expect("one is valid");
        let collection = Collection::new(module);
        let parsed = Document::parse(input.to_vec(), &collection, Some(&id));
        let Ok(document) = parsed else {
            continue;
        };
        let text = document.as_str();
        serde_json::from_str::<&RawValue>(text).expect("it is JSON");
        let again = Document::parse(text.as_bytes().to_vec(), &collection, Some(&id));
        let again = again.unwrap_or_else(|invalid| panic!("{text} is no document: {invalid}"));
        assert_eq!(again.as_str(), text);
    }
    for patch_type in [PatchType::Merge, PatchType::Operations] {
        let Ok(patch) = Patch::parse(input, patch_type) else {
            continue;
        };
        if let Ok(text) = patch.apply(Some(r#"{"a":[1,{"b":1.10}],"":null}"#), 409_600) {
            serde_json::from_str::<&RawValue>(&text).expect("it is JSON");
        }
    }
}

/// The longest document of the targets of two parts, in bytes.
const MAX_BYTES: usize = 409_600;

/// A document, a line's end, and a patch: what it makes of the document is JSON, and no larger than
/// it may be on the way.
pub fn patch(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (document, patch) = input.split_once('\n').unwrap_or(("{}", &input));
    for patch_type in [PatchType::Merge, PatchType::Operations] {
        let Ok(patch) = Patch::parse(patch.as_bytes(), patch_type) else {
            continue;
        };
        if let Ok(text) = patch.apply(Some(document), MAX_BYTES) {
            let again = Patch::parse(text.as_bytes(), PatchType::Merge);
            assert!(again.is_ok(), "{again:?}: {text}");
            // A control character has one byte in memory, and six in a text.
            assert!(text.len() <= 12 * MAX_BYTES, "{} bytes", text.len());
        }
    }
}

static SCHEMAS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a temporary folder");
    folder
});

/// A JSON Schema, a line's end, and a document: it fits, or it is said where it does not.
pub fn schema(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (schema, document) = input.split_once('\n').unwrap_or((&input, "{}"));
    std::fs::write(SCHEMAS.join("schema.json"), schema).expect("it is written");
    let text = "[modules.documents]\nkey = 'id'\nschema = 'schema.json'";
    let file = SCHEMAS.join("modules.toml");
    let config = config::parse(text, &file, &Stage::default(), []).expect("it is valid");
    let module = config.modules.iter().next().expect("there is one");
    let parsed = Document::parse(document.as_bytes().to_vec(), &Collection::new(module), None);
    if let Err(InvalidDocument::Unfit(Unfit::Violations(violations))) = parsed {
        assert!(!violations.listed().is_empty());
    }
}

/// A cursor: refused, or it leads to a page, whose own cursor is taken.
pub fn cursor(input: &[u8]) {
    let mut cursor = percent_encode(input, NON_ALPHANUMERIC).to_string();
    for list in [
        "/texts?limit=1",
        "/members?limit=1",
        "/members?limit=1&building=A",
        "/members?limit=1&building=A&floor.ge=1&order=desc",
        "/sorted?limit=1",
        "/sorted/p?limit=1",
        "/sorted/p?limit=1&at.ge=b&order=desc",
    ] {
        let (status, page) = SERVED.send("GET", &format!("{list}&cursor={cursor}"), "");
        match status.map(|status| status.as_u16()) {
            Some(200) => {}
            // What no URI can hold is not asked.
            Some(400) | None => continue,
            status => panic!("{status:?} {page}"),
        }
        let page = page.get("LIST").unwrap_or(&page);
        if let Some(next) = page["next"].as_str() {
            let (status, page) = SERVED.send("GET", &format!("{list}&cursor={next}"), "");
            assert_eq!(status, Some(StatusCode::OK), "{page}");
            next.clone_into(&mut cursor);
        }
    }
}

/// As far as its answer has to fit it; what a `Value` can't hold may stand in it.
#[derive(Deserialize)]
struct Batch {
    operations: Vec<IgnoredAny>,
}

/// A batch: refused, or each operation has a result.
pub fn batch(input: &[u8]) {
    for module in ["texts", "members", "sorted", "numbers"] {
        let target = format!("/_batch/{module}");
        let (status, answer) = SERVED.send("POST", &target, input.to_vec());
        if status != Some(StatusCode::OK) {
            continue;
        }
        let asked: Batch = serde_json::from_slice(input).expect("it was understood");
        let results = answer.get("BATCH").unwrap_or(&answer)["results"].as_array();
        let results = results.unwrap_or_else(|| panic!("no results: {answer}"));
        assert_eq!(results.len(), asked.operations.len(), "{answer}");
        for result in results {
            let status = result["status"].as_u64();
            assert!(status.is_some_and(|status| status < 500), "{answer}");
        }
    }
}

/// An event: none that the runtime can read makes the function panic, and none is answered as a
/// failure of the function.
pub fn event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(input) else {
        return;
    };
    let mut context = Context::default();
    context.deadline = u64::from(u32::MAX) * 1_000;
    let service = lambda::service(SERVED.app.clone(), Arc::clone(&SERVED.config));
    let answer = service.oneshot(LambdaEvent::new(event, context));
    // What it can't make a request of, it may leave to Lambda to report.
    if let Ok(answer) = SERVED.runtime.block_on(answer) {
        let answer = serde_json::to_value(answer).expect("an answer is JSON");
        if answer == Value::Object(Map::new()) {
            // It was no request.
            return;
        }
        let status = answer["statusCode"].as_u64();
        assert!(status.is_some_and(|status| status < 500), "{answer}");
    }
}

const GUARDS: &str = r#"
    [access.public]
    jwt = { issuer = "https://issuer.example.com/", audience = "modulo", jwks = "keys.json" }

    [access.secret]
    jwt = { issuer = "https://issuer.example.com/", audience = "modulo", secret = { env = "SECRET" } }

    [defaults]
    key = "id"
    tenant = { claim = "org_id" }

    [modules.public]
    access = { guard = "public" }

    [modules.secret]
    access = { guard = "secret" }
"#;

const SECRET: &str = "a secret of the fuzzer, which is known to everybody";

/// Headers that let in: the guard, and what it takes. Of the keys in `keys.json` nobody has the
/// private halves any more, so that there are no others.
const ISSUED: [(&str, &str, &str); 4] = [
    ("public", "RS256", include_str!("../corpus/token/rs256")),
    ("public", "ES256", include_str!("../corpus/token/es256")),
    ("public", "EdDSA", include_str!("../corpus/token/eddsa")),
    ("secret", "HS256", include_str!("../corpus/token/hs256")),
];

static GUARDED: LazyLock<Guarded> = LazyLock::new(Guarded::start);

/// Modules behind a guard of each kind of key.
struct Guarded {
    runtime: Runtime,
    collections: Collections,
    key: hmac::Key,
}

impl Guarded {
    fn start() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = if package.ends_with("fuzz") {
            package.to_owned()
        } else {
            package.join("fuzz")
        };
        let environment = [("SECRET".to_owned(), SECRET.to_owned())];
        let file = folder.join("modules.toml");
        let config = config::parse(GUARDS, &file, &Stage::default(), environment);
        Self {
            runtime: Runtime::new().expect("threads are to be had"),
            collections: Collections::new(&config.expect("it is valid").modules),
            key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
        }
    }

    /// Who is let in by this value of `Authorization`.
    fn admitted(&self, guard: &str, value: &HeaderValue) -> Option<Identity> {
        let collection = self.collections.find(guard).expect("it is there");
        let authenticator = collection.authenticator().expect("it has a guard");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value.clone())]);
        let tenant = collection.module().tenant();
        let identified = authenticator.identify(&headers, tenant);
        match self.runtime.block_on(identified) {
            Ok(Caller::Known(identity)) => Some(identity),
            Ok(Caller::Anonymous) | Err(_) => None,
        }
    }

    /// A token with these claims, whatever they are.
    fn signed(&self, claims: &[u8]) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256"}"#);
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&self.key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What is signed, and the signature, if the value of `Authorization` has both.
fn parts_of(value: &[u8]) -> Option<(&str, &str)> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let token = str::from_utf8(token.trim_ascii()).ok()?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer ");
    token.rsplit_once('.').filter(|_| is_bearer)
}

/// The value of `Authorization`: nobody is let in but with a token that was issued, and by the
/// guard for which it was. As claims that are signed, it lets in whom they say, or nobody.
pub fn token(input: &[u8]) {
    // What no header can have is not asked.
    if let Ok(value) = HeaderValue::from_bytes(input) {
        for guard in ["public", "secret"] {
            check_admission(guard, &value);
        }
    }
    let value = format!("Bearer {}", GUARDED.signed(input));
    let value = HeaderValue::try_from(value).expect("base64 is ASCII");
    assert!(GUARDED.admitted("public", &value).is_none());
    let Some(identity) = GUARDED.admitted("secret", &value) else {
        return;
    };
    let text = str::from_utf8(input).expect("its claims are a text");
    // What a `Value` can't hold may stand in a claim that nobody reads.
    if let Ok(claims) = serde_json::from_str(text) {
        check_identity(&identity, &claims);
    }
}

fn check_admission(guard: &str, value: &HeaderValue) {
    let is_admitted = GUARDED.admitted(guard, value).is_some();
    let shown = parts_of(value.as_bytes());
    let same = ISSUED.iter().find(|(of, _, issued)| {
        let issued = parts_of(issued.as_bytes()).expect("it has both");
        *of == guard && shown.is_some_and(|(message, _)| message == issued.0)
    });
    let must_be = match same {
        Some((.., issued)) if shown == parts_of(issued.as_bytes()) => true,
        // A signature of ECDSA has a twin, which anybody can make of it.
        Some((_, "ES256", _)) => is_admitted,
        Some(_) | None => false,
    };
    assert_eq!(is_admitted, must_be, "{guard}: {value:?}");
}

fn check_identity(identity: &Identity, claims: &Value) {
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("it is later")
        .as_secs_f64();
    // Where there is no audience, the client stands for it.
    let audience = match &claims["aud"] {
        Value::Null => &claims["client_id"],
        audience => audience,
    };
    let audiences = audience
        .as_array()
        .map_or(std::slice::from_ref(audience), Vec::as_slice);
    assert_eq!(claims["iss"], "https://issuer.example.com/", "{claims}");
    assert!(
        audiences.iter().any(|audience| audience == "modulo"),
        "{claims}"
    );
    assert!(claims["exp"].is_number(), "{claims}");
    // A minute is the guard's leeway.
    assert!(
        claims["exp"].as_f64().is_none_or(|exp| exp > now - 61.0),
        "{claims}"
    );
    let subject = match &claims["sub"] {
        Value::String(subject) => Some(subject.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    assert_eq!(identity.subject(), subject.as_deref(), "{claims}");
    let tenant = claims["org_id"]
        .as_str()
        .and_then(|name| name.parse::<Tenant>().ok());
    assert_eq!(identity.tenant(), tenant.as_ref(), "{claims}");
}

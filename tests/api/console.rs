//! The console: where it is served, on which terms, and what `modulo console` passes on and refuses.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::app::MODULES;
use crate::command::{Folder, Served};
use crate::secured::Secured;

/// A running `modulo console`.
struct Console {
    address: String,
    _folder: Folder,
    _process: Child,
}

impl Console {
    async fn start(args: &[&str]) -> Self {
        Self::trusting("", args).await
    }

    /// One that trusts a certificate, if there is any, in place of the machine's authorities.
    async fn trusting(certificate: &str, args: &[&str]) -> Self {
        let folder = Folder::with(MODULES);
        let mut command = folder.modulo(&["console", "--addr", "127.0.0.1:0"]);
        if !certificate.is_empty() {
            let trusted = folder.path().join("trusted.pem");
            std::fs::write(&trusted, certificate).unwrap();
            command.env("SSL_CERT_FILE", trusted);
        }
        let mut process = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let welcome = lines.next_line().await.unwrap().unwrap();
        let own = welcome.rsplit_once("http://").unwrap().1;
        Self {
            address: own.strip_suffix("/_console").unwrap().to_owned(),
            _folder: folder,
            _process: process,
        }
    }

    /// Sends a request with these lines after its first, and is all of the answer.
    async fn send(&self, target: &str, headers: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("{target} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The same of its own page.
    async fn own(&self, target: &str, headers: &str) -> String {
        let host = format!("host: {}\r\n{headers}", self.address);
        self.send(target, &host).await
    }
}

/// A service that gives one answer to all, and keeps what it was sent.
async fn service(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_by_all = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 16_384];
            let length = socket.read(&mut read).await.unwrap();
            let text = String::from_utf8_lossy(&read[..length]).into_owned();
            seen_by_all.lock().unwrap().push(text);
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, seen)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\netag: \"t\"\r\nset-cookie: a=b\r\n\
    server-timing: app;dur=1\r\nconnection: close\r\n\r\n{}";

#[track_caller]
fn status(answer: &str) -> &str {
    &answer[9..12]
}

/// `modulo serve` of these modules; their folder stays as long as it runs.
async fn serve(modules: &str) -> (Folder, Served) {
    let folder = Folder::with(modules);
    let served = folder.serve(&["--memory"]).await;
    (folder, served)
}

#[tokio::test]
async fn serve_has_the_page_and_all_that_it_loads() {
    let (_folder, served) = serve(MODULES).await;
    for path in ["/_console", "/_console/"] {
        let page = served.send("GET", path, "").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers["cache-control"], "no-cache");
        let here = if path.ends_with('/') {
            "/_console/"
        } else {
            "/"
        };
        let files: Vec<_> = page
            .body
            .split('"')
            .filter(|text| matches!(text.rsplit_once('.'), Some((_, "js" | "css"))))
            .map(|text| format!("{here}{text}"))
            .collect();
        assert_eq!(files.len(), 2);
        for file in files {
            let answer = served.send("GET", &file, "").await;
            assert_eq!(answer.status, 200, "{file}");
            assert_eq!(
                answer.headers["cache-control"],
                "public, max-age=31536000, immutable"
            );
            guards_its_page(&answer.headers);
        }
        guards_its_page(&page.headers);
    }
    let unknown = served.send("GET", "/_console/1/main.js", "").await;
    assert_eq!(unknown.status, 404);
    let written = served.send("POST", "/_console", "{}").await;
    assert_eq!(
        (written.status.as_u16(), &written.headers["allow"]),
        (405, &"GET, HEAD, OPTIONS".parse().unwrap())
    );
}

#[track_caller]
fn guards_its_page(headers: &axum::http::HeaderMap) {
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(
        policy.contains("require-trusted-types-for 'script'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

#[tokio::test]
async fn the_page_has_every_file_that_it_imports() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/page");
    let (_folder, served) = serve(MODULES).await;
    let page = served.send("GET", "/_console", "").await.body;
    let main = page
        .split('"')
        .find(|text| text.ends_with("main.js"))
        .unwrap();
    let root = main.strip_suffix("main.js").unwrap();
    let mut files = vec!["style.css".to_owned()];
    for place in ["", "vendor/"] {
        for entry in std::fs::read_dir(folder.join(place)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some((_, "js")) = name.rsplit_once('.') {
                files.push(format!("{place}{name}"));
            }
        }
    }
    for file in files {
        let answer = served.send("GET", &format!("/{root}{file}"), "").await;
        assert_eq!(answer.status, 200, "{file}");
        let text = std::fs::read_to_string(folder.join(&file)).unwrap();
        assert_eq!(answer.body, text, "{file}");
    }
}

#[tokio::test]
async fn service_console_turns_it_off() {
    let modules = format!("[service]\nconsole = false\n{MODULES}");
    let (_folder, served) = serve(&modules).await;
    for path in ["/_console", "/_console/", "/_console/openapi.json"] {
        assert_eq!(served.send("GET", path, "").await.status, 404, "{path}");
    }
    let docs = served.send("GET", "/_docs", "").await.body;
    assert!(docs.contains(r#"name="console" content="">"#), "{docs}");
    assert!(!served.output().await.contains("_console"));
}

#[tokio::test]
async fn it_does_not_need_the_docs() {
    let modules = format!("[service]\ndocs = false\n{MODULES}");
    let (_folder, served) = serve(&modules).await;
    assert_eq!(served.send("GET", "/_openapi.json", "").await.status, 404);
    let described = served.send("GET", "/_console/openapi.json", "").await;
    assert_eq!(described.status, 200);
    assert!(
        described
            .body
            .contains(r#""x-modulo":{"envelope":"verb","key":[{"name":"modulo1Id","type":"S"}]}"#)
    );
    assert!(served.output().await.contains("/_console\n"));
}

#[tokio::test]
async fn modulo_console_passes_on_what_a_call_needs_and_no_more() {
    let (url, seen) = service(OK).await;
    let console = Console::start(&["--url", &format!("{url}/v1/")]).await;
    let headers = "authorization: Bearer t\r\nx-api-key: k\r\nif-match: \"a\"\r\ncookie: c=d\r\n\
        sec-fetch-site: same-origin\r\nreferer: http://elsewhere/\r\n";
    let answer = console
        .own("GET /rooms/a%2Fb?consistent=true", headers)
        .await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("etag: \"t\"\r\n"), "{answer}");
    assert!(answer.contains("server-timing: app;dur=1\r\n"), "{answer}");
    assert!(
        answer.contains("content-security-policy: sandbox; default-src 'none'\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("set-cookie"), "{answer}");
    let sent = seen.lock().unwrap().remove(0);
    assert!(
        sent.starts_with("GET /v1/rooms/a%2Fb?consistent=true HTTP/1.1\r\n"),
        "{sent}"
    );
    for header in ["authorization: Bearer t", "x-api-key: k", "if-match: \"a\""] {
        assert!(sent.contains(&format!("{header}\r\n")), "{sent}");
    }
    for header in ["cookie", "referer", "sec-fetch", "origin"] {
        assert!(!sent.contains(header), "{sent}");
    }
}

#[tokio::test]
async fn modulo_console_asks_no_other_host() {
    let (url, seen) = service(OK).await;
    let (other, asked) = service(OK).await;
    let console = Console::start(&["--url", &url]).await;
    let other = other.strip_prefix("http://").unwrap();
    // A target's own host is the one that counts.
    let refused = console.own(&format!("GET http://{other}/rooms"), "").await;
    assert_ne!(status(&refused), "502");
    let named = console.own(&format!("GET //{other}/rooms"), "").await;
    assert_eq!(status(&named), "200");
    assert_eq!(
        status(&console.own(&format!("CONNECT {other}"), "").await),
        "400"
    );
    assert!(asked.lock().unwrap().is_empty());
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter()
            .any(|sent| sent.starts_with(&format!("GET //{other}/rooms HTTP/1.1\r\n"))),
        "{seen:?}"
    );
}

#[tokio::test]
async fn modulo_console_refuses_other_pages() {
    let (url, seen) = service(OK).await;
    let console = Console::start(&["--url", &url]).await;
    let rebound = console.send("GET /rooms", "host: rebind.example\r\n").await;
    assert_eq!(status(&rebound), "421");
    for headers in [
        "origin: https://elsewhere.example\r\n",
        "origin: null\r\n",
        "origin: http://127.0.0.1:1\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n",
    ] {
        for target in ["GET /rooms", "POST /rooms", "GET /_console/openapi.json"] {
            let answer = console.own(target, headers).await;
            assert_eq!(status(&answer), "403", "{target} {headers}");
            assert!(answer.ends_with(r#"{"ERROR":{"message":"A page of another origin sent this request: only the console's own page may"}}"#), "{answer}");
        }
    }
    assert!(seen.lock().unwrap().is_empty());
    let link = "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n";
    assert_eq!(status(&console.own("GET /_console", link).await), "200");
    let own = format!(
        "origin: http://{}\r\nsec-fetch-site: same-origin\r\n",
        console.address
    );
    assert_eq!(status(&console.own("GET /rooms", &own).await), "200");
}

#[tokio::test]
async fn modulo_console_follows_no_redirect() {
    let (url, _) = service(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await;
    let console = Console::start(&["--url", &url]).await;
    let answer = console.own("GET /rooms", "").await;
    assert_eq!(status(&answer), "502");
    assert!(answer.ends_with(&format!(
        r#"{{"ERROR":{{"message":"{url} gives no answer: it redirects to http://127.0.0.1:1/, which is not followed. Check the --url of `modulo console`"}}}}"#
    )), "{answer}");
}

#[tokio::test]
async fn modulo_console_says_that_an_address_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let console = Console::start(&["--url", &url]).await;
    let answer = console.own("GET /rooms", "").await;
    assert_eq!(status(&answer), "502");
    assert!(
        answer.contains(&format!("{url} gives no answer: ")),
        "{answer}"
    );
    assert!(
        answer.contains("Check the --url of `modulo console`"),
        "{answer}"
    );
    assert_eq!(status(&console.own("GET /", "").await), "303");
    assert_eq!(status(&console.own("GET /_console", "").await), "200");
}

#[tokio::test]
async fn modulo_console_asks_over_https_where_the_certificate_is_trusted() {
    let listener = Secured::bind().await;
    let url = listener.url();
    let certificate = listener.certificate().to_owned();
    let echo = Router::new().fallback(async |request: Request| request.uri().to_string());
    tokio::spawn(async { axum::serve(listener, echo).await });

    let console = Console::start(&["--url", &url]).await;
    let refused = console.own("GET /rooms", "").await;
    assert_eq!(status(&refused), "502");
    assert!(
        refused.contains("invalid peer certificate: UnknownIssuer"),
        "{refused}"
    );
    let console = Console::trusting(&certificate, &["--url", &url]).await;
    let answer = console.own("GET /rooms/sala90?consistent=true", "").await;
    assert_eq!(status(&answer), "200");
    assert!(
        answer.ends_with("\r\n\r\n/rooms/sala90?consistent=true"),
        "{answer}"
    );
}

#[tokio::test]
async fn modulo_console_takes_the_description_from_a_file() {
    let folder = Folder::with(MODULES);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("openapi.json", r#"{"openapi":"3.1.1"}"#);
    write("not.json", "openapi: 3.1.1");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (url, seen) = service(OK).await;
    let console = Console::start(&["--url", &url, "--description", &path("openapi.json")]).await;
    let answer = console.own("GET /_console/openapi.json", "").await;
    assert!(answer.ends_with(r#"{"openapi":"3.1.1"}"#), "{answer}");
    assert!(seen.lock().unwrap().is_empty());

    for (args, said) in [
        (
            ["console", "--url", &url, "--description", &path("not.json")],
            "is not JSON; make it with: modulo openapi >",
        ),
        (
            [
                "console",
                "--url",
                "api.example.com",
                "--addr",
                "127.0.0.1:0",
            ],
            "--url is not usable: not a valid URL",
        ),
        (
            ["console", "--url", &url, "--addr", "0.0.0.0:0"],
            "other machines could send requests through it; use 127.0.0.1:0",
        ),
    ] {
        let (status, _, stderr) = folder.run(&args).await;
        assert_ne!(status, Some(0));
        assert!(stderr.contains(said), "{stderr}");
    }
}

/// What OpenAPI has no word for, and the page needs.
#[tokio::test]
async fn the_description_says_what_a_module_is() {
    let modules = r#"
        [access.main]
        jwt = { issuer = "https://issuer.example.com/", audience = "modulo", jwks = "https://issuer.example.com/jwks.json", scopes_claim = ["realm", "roles"] }

        [modules.bookings]
        key = { partition = "roomId", sort = { attribute = "day", type = "N" } }
        envelope = "plain"
        key_in_document = true
        storage = "document"
        access = { guard = "main", scopes = { PUT = ["write"], DELETE = ["write", "admin"] } }
        tenant = { claim = ["org", "id"] }
        indexes = [{ name = "by-who", partition = "who" }]

        [modules.public]
        key = "id"
        access = { guard = "main", public = ["GET"] }
    "#;
    let (_folder, served) = serve(modules).await;
    let described = served.send("GET", "/_openapi.json", "").await;
    let described: serde_json::Value = serde_json::from_str(&described.body).unwrap();
    let of = |at: usize| &described["tags"][at]["x-modulo"];
    assert_eq!(
        *of(0),
        serde_json::json!({
            "envelope": "plain",
            "key": [{ "name": "roomId", "type": "S" }, { "name": "day", "type": "N" }],
            "keyInDocument": true,
            "indexes": [{ "name": "by-who", "key": [{ "name": "who", "type": "S" }] }],
            "scopes": { "PUT": ["write"], "DELETE": ["write", "admin"] },
            "tenant": ["org", "id"],
        })
    );
    assert_eq!(
        *of(1),
        serde_json::json!({ "envelope": "verb", "key": [{ "name": "id", "type": "S" }] })
    );
    let guard = &described["components"]["securitySchemes"]["main"];
    assert_eq!(
        guard["x-modulo"],
        serde_json::json!({ "scopes": ["realm", "roles"] })
    );
}

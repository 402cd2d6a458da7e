//! The contract, through one door of a deployed function.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::{Method, Url};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// A client of a door's host. As curl and browsers do, and the C library does not everywhere, it
/// takes names below `localhost` for this machine: LocalStack's function URLs can have such.
pub(crate) fn client(door: &str) -> Client {
    let host = Url::parse(door)
        .expect("a URL")
        .host_str()
        .map(str::to_owned);
    let host = host.expect("a URL with a host");
    let mut client = Client::builder().timeout(Duration::from_mins(1));
    if host.ends_with(".localhost") {
        client = client.resolve(&host, SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    client
        .build()
        .expect("a client with these options is possible")
}

/// A client of one door.
pub(crate) struct Visitor<'d> {
    door: &'d str,
    client: Client,
}

impl<'d> Visitor<'d> {
    pub(crate) fn new(door: &'d str) -> Self {
        Self {
            door,
            client: client(door),
        }
    }

    pub(crate) fn send(&self, method: &str, path: &str, media_type: &str, body: &str) -> Response {
        let method: Method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.door));
        if !body.is_empty() {
            request = request
                .header("content-type", media_type)
                .body(body.to_owned());
        }
        request
            .send()
            .unwrap_or_else(|error| panic!("{}{path}: {error}", self.door))
    }

    #[track_caller]
    pub(crate) fn expect(&self, method: &str, path: &str, body: &str, status: u16, answer: &Value) {
        self.expect_of(JSON, method, path, body, status, answer);
    }

    #[track_caller]
    fn expect_of(
        &self,
        media_type: &str,
        method: &str,
        path: &str,
        body: &str,
        status: u16,
        answer: &Value,
    ) {
        let response = self.send(method, path, media_type, body);
        let call = format!("{method} {}{path}", self.door);
        let (got, kind) = (
            response.status(),
            response.headers().get("content-type").cloned(),
        );
        let text = response.text().expect("a body");
        assert_eq!(got, status, "{call}: {text}");
        assert_eq!(kind.expect("a content type"), JSON, "{call}");
        let mut found: Value = serde_json::from_str(&text).expect("a JSON body");
        if let Some(error) = found.get_mut("ERROR").and_then(Value::as_object_mut) {
            error.retain(|member, _| member == "message");
        }
        assert_eq!(&found, answer, "{call}");
    }
}

fn error(message: &str) -> Value {
    json!({ "ERROR": { "message": message } })
}

/// Modules for [`holds`], one of which bears the name of stage `local`.
pub(crate) const MODULES: &str = r#"
[modules.modulo1]
key = "modulo1Id"

[modules.modulo2]
key = "modulo2Id"
methods = ["GET", "PUT"]

[modules.local]
key = "localId"
"#;

/// The contract's rows.
#[track_caller]
pub(crate) fn holds(door: &str) {
    let visitor = Visitor::new(door);
    let sala = r#"{"description":"Sala 90","chairs":90}"#;
    let document: Value = serde_json::from_str(sala).expect("JSON");

    let absent = error("Resource does not exist");
    visitor.expect("GET", "/modulo1/sala90", "", 404, &absent);
    visitor.expect(
        "POST",
        "/modulo1/sala90",
        sala,
        200,
        &json!({ "POST": { "modulo1Id": "sala90", "data": document } }),
    );
    visitor.expect(
        "GET",
        "/modulo1/sala90",
        "",
        200,
        &json!({ "GET": { "modulo1Id": "sala90", "data": sala } }),
    );
    let large = r#"{"n":12345678901234567890123,"d":1.10,"e":1e400}"#;
    visitor.expect(
        "PUT",
        "/modulo1/sala90",
        large,
        200,
        &json!({ "PUT": { "modulo1Id": "sala90", "item": { "data": { "S": large } } } }),
    );
    let deleted = json!({ "DELETE": { "modulo1Id": "sala90" } });
    visitor.expect("DELETE", "/modulo1/sala90", "", 200, &deleted);
    visitor.expect("DELETE", "/modulo1/sala90", "", 200, &deleted);

    visitor.expect(
        "PUT",
        "/modulo1/sala90",
        "",
        400,
        &error("Please provide some data"),
    );
    visitor.expect(
        "PUT",
        "/modulo1",
        sala,
        400,
        &error("Please provide modulo1Id"),
    );
    visitor.expect(
        "DELETE",
        "/modulo1/",
        "",
        400,
        &error("Please provide modulo1Id"),
    );
    visitor.expect("GET", "/nothing/x", "", 404, &error("Not found"));
    visitor.expect("GET", "/", "", 404, &error("Not found"));
    visitor.expect(
        "DELETE",
        "/modulo2/x",
        "",
        405,
        &error("Method not allowed"),
    );
    assert_eq!(
        visitor
            .send("POST", "/modulo1/x", "text/plain", "x")
            .status(),
        415
    );

    // However the door decodes them.
    for (path, id) in [
        ("/modulo1/sala%2090", "sala 90"),
        ("/modulo1/bloco%2Fsala", "bloco/sala"),
        ("/modulo1/bloco/sala", "bloco/sala"),
        ("/modulo1/caf%C3%A9%F0%9F%98%80", "café😀"),
        ("/modulo1/a+b", "a+b"),
        ("/local/x", "x"),
        ("/local/local", "local"),
    ] {
        let key = if path.starts_with("/local") {
            "localId"
        } else {
            "modulo1Id"
        };
        let put = json!({ "PUT": { key: id, "item": { "data": { "S": "{\"é\":\"😀\"}" } } } });
        // A type of its own, which reaches the function in base64.
        visitor.expect_of(
            "application/vnd.sala+json",
            "PUT",
            path,
            r#"{"é":"😀"}"#,
            200,
            &put,
        );
        let get = json!({ "GET": { key: id, "data": "{\"é\":\"😀\"}" } });
        visitor.expect("GET", path, "", 200, &get);
        visitor.expect("DELETE", path, "", 200, &json!({ "DELETE": { key: id } }));
    }
}

//! The paths, and on each the methods that are served.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, operation_id};
use super::parameter::{self, references};
use super::schema::Kind;
use super::{EXAMPLE_ID, answer, header, media_type, refusal, schema, security};
use crate::api::health;
use crate::module::{Envelope, Module};

/// What the operations belong to that are no module's.
pub(super) const SERVICE_TAG: &str = "_service";

const OF_COLLECTION: [Call; 2] = [Call::List, Call::Create];
/// DELETE is last, so that in this order all the others find the item.
const OF_ITEM: [Call; 5] = [Call::Post, Call::Put, Call::Get, Call::Patch, Call::Delete];

/// The paths of a module. Where examples are sent in this order, as Postman does, the batch has
/// written what is then read.
pub(super) fn paths(module: &Module) -> [(String, Value); 3] {
    let name = module.name();
    [
        (
            format!("/_batch/{name}"),
            path(module, "Batch", &[Call::Batch]),
        ),
        (
            format!("/{name}"),
            path(module, "Collection", &OF_COLLECTION),
        ),
        (format!("/{name}/{{id}}"), path(module, "Item", &OF_ITEM)),
    ]
}

/// One path: the calls that the module serves there, HEAD with GET, and OPTIONS.
fn path(module: &Module, kind: &str, calls: &[Call]) -> Value {
    let mut path = Map::new();
    let served = calls.iter().filter(|call| {
        let verb = call.verb();
        verb.is_none_or(|verb| module.verbs().contains(verb))
    });
    for &call in served {
        path.insert(call.method().to_owned(), call.operation(module));
        if call.method() == "get" {
            path.insert("head".to_owned(), call.head(module, kind));
        }
    }
    path.insert("options".to_owned(), options(module, kind, calls));
    path.into()
}

fn options(module: &Module, kind: &str, calls: &[Call]) -> Value {
    let mut parameters = references(&["requestId"]);
    if calls == OF_ITEM {
        // The answer is the same whatever the id, even if none can be so long.
        parameters.push(json!({
            "name": "id",
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
            "example": EXAMPLE_ID,
        }));
    }
    json!({
        "operationId": operation_id(&format!("options{kind}"), module),
        "tags": [module.name().as_str()],
        "summary": "Ask which methods are served",
        "description": "The answer is the same for everybody.",
        "parameters": parameters,
        "responses": answer::of_options(module.envelope()),
    })
}

/// The paths that are no module's.
pub(super) fn service_paths() -> [(String, Value); 4] {
    let get =
        |id: &str, [summary, description]: [&str; 2], parameters: &[&str], mut responses: Value| {
            responses["431"] = answer::headers_too_large(Envelope::Verb);
            json!({
                "get": {
                    "operationId": id,
                    "tags": [SERVICE_TAG],
                    "summary": summary,
                    "description": description,
                    "parameters": references(parameters),
                    "responses": responses,
                },
            })
        };
    let ok = |media_type: &str, schema_type: &str, headers: &[&str]| {
        json!({
            "description": "OK",
            "headers": header::references(headers),
            "content": { media_type: { "schema": { "type": schema_type } } },
        })
    };
    let openapi = get(
        "openapi",
        [
            "Get this description",
            "An OpenAPI document. With `If-None-Match`, it is sent only if the client does not have it.",
        ],
        &["ifNoneMatch", "requestId"],
        json!({
            "200": ok("application/json", "object", &["ETag", "XRequestId"]),
            "304": answer::common(answer::NOT_MODIFIED),
            "413": refusal::response(Envelope::Verb, StatusCode::PAYLOAD_TOO_LARGE),
        }),
    );
    let docs = get(
        "docs",
        [
            "See this description as a page",
            "The page sends requests, too, and shows their answers.",
        ],
        &["requestId"],
        json!({ "200": ok("text/html", "string", &["XRequestId"]) }),
    );
    let status = || ok("application/json", "object", &["XRequestId"]);
    let live = get(
        "live",
        ["See whether the function runs", "Asks nothing of DynamoDB."],
        &["requestId"],
        json!({ "200": status() }),
    );
    let mut unready = ok("application/json", "object", &["RetryAfter", "XRequestId"]);
    unready["description"] = "Service Unavailable".into();
    let ready = get(
        "ready",
        [
            "See whether every module can be served",
            "Asks DynamoDB for the table of each.",
        ],
        &["requestId"],
        json!({ "200": status(), "503": unready }),
    );
    [
        ("/_openapi.json".to_owned(), openapi),
        ("/_docs".to_owned(), docs),
        (health::LIVE.to_owned(), live),
        (health::READY.to_owned(), ready),
    ]
}

impl Call {
    fn description(self, module: &Module) -> String {
        let description = self.what();
        let scopes = security::scopes(self, module);
        if scopes.is_empty() {
            return description.to_owned();
        }
        let scopes: Vec<_> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
        let noun = if scopes.len() == 1 { "scope" } else { "scopes" };
        format!(
            "{description} The caller needs the {noun} {}.",
            scopes.join(", ")
        )
    }

    fn parameters(self, module: &Module) -> Vec<Value> {
        let own: &[_] = match self {
            Self::List if module.tenant().is_some() => &["limit", "cursor", "fields"],
            Self::List => &["limit", "cursor", "consistent", "fields"],
            Self::Create | Self::Batch => &[],
            Self::Get => &["id", "consistentItem", "ifMatch", "ifNoneMatch"],
            _ => &["id", "ifMatch", "ifNoneMatch"],
        };
        let mut parameters = references(own);
        if self == Self::List {
            parameters.extend(parameter::of_indexes(module));
        }
        if self.may_have_key(module) {
            parameters.extend(references(&["idempotencyKey"]));
        }
        parameters.extend(references(&["requestId"]));
        parameters
    }

    fn operation(self, module: &Module) -> Value {
        let mut operation = json!({
            "operationId": operation_id(self.word(), module),
            "tags": [module.name().as_str()],
            "summary": self.summary(),
            "description": self.description(module),
            "parameters": self.parameters(module),
        });
        if let Some(body) = self.body(module) {
            operation["requestBody"] = body;
        }
        if let Some(security) = security::of(self, module) {
            operation["security"] = security;
        }
        operation["responses"] = answer::of(self, module);
        operation
    }

    /// HEAD, which answers as this call does.
    fn head(self, module: &Module, kind: &str) -> Value {
        let mut operation = json!({
            "operationId": operation_id(&format!("head{kind}"), module),
            "tags": [module.name().as_str()],
            "summary": "As GET, without a body",
            "description": "Takes what GET takes, and answers as it does, headers included.",
            "parameters": self.parameters(module),
            "responses": answer::without_content(&answer::of(self, module)),
        });
        if let Some(security) = security::of(self, module) {
            operation["security"] = security;
        }
        operation
    }

    fn body(self, module: &Module) -> Option<Value> {
        let document = schema::example(module);
        let content = match self {
            Self::Create | Self::Post | Self::Put => json!({
                "application/json":
                    media_type(&schema::of_module(module, Kind::Document), document),
            }),
            Self::Patch => {
                // That of a module with a schema has other members.
                let known = module.schema().is_none();
                let merge = known.then(|| json!({ "chairs": 91 }));
                let patch = schema::common(schema::merge_patch_name(module.storage()));
                let merge = media_type(&patch, merge);
                let operations =
                    known.then(|| json!([{ "op": "replace", "path": "/chairs", "value": 91 }]));
                json!({
                    "application/merge-patch+json": merge,
                    "application/json": merge,
                    "application/json-patch+json":
                        media_type(&schema::common(schema::JSON_PATCH), operations),
                })
            }
            Self::Batch => {
                let put =
                    document.map(|item| json!({ "op": "put", "id": EXAMPLE_ID, "item": item }));
                let get = json!({ "op": "get", "id": "sala91" });
                let operations: Vec<_> = put.into_iter().chain([get]).collect();
                let example = json!({ "operations": operations });
                json!({
                    "application/json":
                        media_type(&schema::of_module(module, Kind::Batch), Some(example)),
                })
            }
            Self::List | Self::Get | Self::Delete => return None,
        };
        Some(json!({ "required": true, "content": content }))
    }
}

//! The paths, and on each the methods that are served.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::parameter::{self, references};
use super::schema::Kind;
use super::{answer, header, may_have_key, media_type, operation_id, refusal, schema, security};
use crate::api::health;
use crate::module::call::{Body, Call, PathKind};
use crate::module::{Envelope, Module};

/// What the operations belong to that are no module's.
pub(super) const SERVICE_TAG: &str = "_service";

/// The paths of a module, and on each its calls in the order of the table.
pub(super) fn paths(module: &Module) -> impl Iterator<Item = (String, Value)> {
    let paths = PathKind::ALL.iter().copied();
    let paths = paths.filter(|path| path.is_in(module));
    paths.map(|path| {
        let shown = path.of(module.name(), module.key().placeholders());
        (shown.to_string(), of(path, module))
    })
}

/// One path: the calls that the module serves there, HEAD with GET, and OPTIONS.
fn of(path: PathKind, module: &Module) -> Value {
    let mut operations = Map::new();
    let served = path
        .calls()
        .filter(|call| call.is_served(module.verbs()) && call.is_of(module.key()));
    for call in served {
        let method = call.row().method.to_ascii_lowercase();
        let is_get = method == "get";
        operations.insert(method, call.operation(module));
        if is_get {
            operations.insert("head".to_owned(), call.head(module));
        }
    }
    operations.insert("options".to_owned(), options(path, module));
    operations.into()
}

/// The word for a path in the ids of HEAD and OPTIONS, which are no calls of the table.
const fn word(path: PathKind) -> &'static str {
    match path {
        PathKind::Batch => "Batch",
        PathKind::Collection => "Collection",
        PathKind::Partition => "Partition",
        PathKind::Item => "Item",
        PathKind::History => "History",
    }
}

fn options(path: PathKind, module: &Module) -> Value {
    let mut parameters = references(&["requestId"]);
    // The answer is the same whatever the id, even if none can be so long.
    let any = json!({ "type": "string", "minLength": 1 });
    parameters.extend(parameter::of_path(path, module).map(|(name, value)| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": any,
            "example": value.example,
        })
    }));
    json!({
        "operationId": operation_id(&format!("options{}", word(path)), module),
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
        let description = self.row().description;
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
        let of_query: &[_] = match self {
            Self::List if module.tenant().is_some() => &["limit", "cursor", "fields"],
            Self::List | Self::ListPartition => &["limit", "cursor", "consistent", "fields"],
            Self::Get if module.history().is_some() => &["consistentItem", parameter::AT],
            Self::Get => &["consistentItem"],
            Self::History => &["limit", parameter::OTHER_CURSOR],
            Self::Batch
            | Self::Create
            | Self::CreateIn
            | Self::Post
            | Self::Put
            | Self::Patch
            | Self::Delete => &[],
        };
        let mut parameters = parameter::described_path(self.row().path, module);
        parameters.extend(parameter::of_list(of_query, module));
        if self.row().has_preconditions {
            parameters.extend(references(&["ifMatch", "ifNoneMatch"]));
        }
        if self == Self::List {
            parameters.extend(parameter::of_indexes(module));
        }
        if self == Self::ListPartition {
            parameters.extend(parameter::of_partition(module));
        }
        if may_have_key(self, module) {
            parameters.extend(references(&["idempotencyKey"]));
        }
        parameters.extend(references(&["requestId"]));
        parameters
    }

    fn operation(self, module: &Module) -> Value {
        let mut operation = json!({
            "operationId": operation_id(self.row().word, module),
            "tags": [module.name().as_str()],
            "summary": self.row().summary,
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
    fn head(self, module: &Module) -> Value {
        let id = format!("head{}", word(self.row().path));
        let mut operation = json!({
            "operationId": operation_id(&id, module),
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
        let content = match self.row().body {
            Body::None => return None,
            Body::Document => json!({
                "application/json":
                    media_type(&schema::of_module(module, Kind::Document), document),
            }),
            Body::Patch => {
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
            Body::Batch => {
                let put =
                    document.map(|item| json!({ "op": "put", "id": schema::example_id(module, 1), "item": item }));
                let get = json!({ "op": "get", "id": schema::example_id(module, 2) });
                let operations: Vec<_> = put.into_iter().chain([get]).collect();
                let example = json!({ "operations": operations });
                json!({
                    "application/json":
                        media_type(&schema::of_module(module, Kind::Batch), Some(example)),
                })
            }
        };
        Some(json!({ "required": true, "content": content }))
    }
}

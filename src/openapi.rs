//! The API's description: an OpenAPI 3.1 document, a function of the configuration alone.
//!
//! Errors are described by errors, so that their statuses and sentences are those of the answers.
//!
//! What modules share is a component, and so is each schema that an answer or a request has: code
//! generators name types after components.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::api::answer_limit;
use crate::config::{About, Config, Contact, Email, Licence, ServerUrl, Service, Text, WebUrl};
use crate::item::schema::InvalidSchema;
use crate::module::Module;
use crate::module::call::Call;

mod answer;
pub mod docs;
mod extension;
mod header;
mod parameter;
mod path;
mod refusal;
mod schema;
mod security;
mod webhook;

/// Where the API is, as the document that it serves says: in the document's own folder.
const HERE: &str = ".";

/// The id of the item in the examples.
const EXAMPLE_ID: &str = "sala90";

/// Why there is no document.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Undescribed {
    /// A module's schema can't be used.
    #[error(transparent)]
    Schema(#[from] Arc<InvalidSchema>),
    /// There are too many modules.
    #[error("the description is over {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// The document, of an API that is at `server`, or where the configuration says, or else in the
/// document's own folder. As a JSON string it has `limit` bytes at the most.
///
/// # Errors
/// A module's schema can't be used, or the document would be over the limit.
pub fn document(
    config: &Config,
    server: Option<&str>,
    limit: usize,
) -> Result<String, Undescribed> {
    let modules: Vec<_> = config.modules.iter().map(Arc::as_ref).collect();
    let mut references = References::default();
    let mut paths = Members::new(limit);
    let mut webhooks = Members::new(limit);
    let mut schemas = Members::new(limit);
    // A module's values are text before the next one's are made: all together they would take
    // many times the memory that their text does.
    for &module in &modules {
        for (path, item) in path::paths(module) {
            references.find_in(&item);
            paths.push(path, &item)?;
        }
        if let Some((name, webhook)) = webhook::of(module) {
            references.find_in(&webhook);
            webhooks.push(name, &webhook)?;
        }
        for (name, schema) in used("schemas", schema::of(module)?, &mut references) {
            schemas.push(name, &schema)?;
        }
    }
    for (path, item) in path::service_paths() {
        references.find_in(&item);
        paths.push(path, &item)?;
    }
    let mut component = |kind, all| -> Result<Members, Undescribed> {
        let mut members = Members::new(limit);
        for (name, component) in used(kind, all, &mut references) {
            members.push(name, &component)?;
        }
        Ok(members)
    };
    let responses = component("responses", responses(&modules))?;
    let parameters = component("parameters", parameter::all())?;
    let headers = component("headers", header::all())?;
    for (name, schema) in used("schemas", schema::shared(), &mut references) {
        schemas.push(name, &schema)?;
    }
    let document = Document {
        openapi: "3.1.1",
        info: info(&config.service),
        servers: servers(&config.service.about, server),
        tags: modules
            .iter()
            .map(|module| tag(module))
            .chain([service_tag()])
            .collect(),
        // What a call does not ask for itself, it does not ask for.
        security: [],
        paths,
        webhooks,
        components: Components {
            schemas,
            parameters,
            headers,
            responses,
            security_schemes: security::schemes(&modules),
        },
    };
    let text = document.to_text();
    if answer_limit::json_len(text.as_bytes()) > limit {
        return Err(Undescribed::TooLarge { limit });
    }
    Ok(text)
}

/// The answers that calls share: of errors, and others.
fn responses(modules: &[&Module]) -> Map<String, Value> {
    refusal::all(modules).chain(answer::shared()).collect()
}

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Vec<Value>,
    tags: Vec<Value>,
    security: [Value; 0],
    paths: Members,
    #[serde(skip_serializing_if = "Members::is_empty")]
    webhooks: Members,
    components: Components,
}

impl Document {
    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("the document is JSON")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Components {
    schemas: Members,
    parameters: Members,
    headers: Members,
    responses: Members,
    security_schemes: Map<String, Value>,
}

/// An object of which each member is text already, up to a limit.
struct Members {
    texts: Vec<(String, Box<RawValue>)>,
    left: usize,
    limit: usize,
}

impl Members {
    fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    fn new(limit: usize) -> Self {
        Self {
            texts: Vec::new(),
            left: limit,
            limit,
        }
    }

    fn push(&mut self, name: String, value: &Value) -> Result<(), Undescribed> {
        let text = to_raw_value(value).expect("a value is JSON");
        let left = self
            .left
            .checked_sub(answer_limit::json_len(text.get().as_bytes()));
        let limit = self.limit;
        self.left = left.ok_or(Undescribed::TooLarge { limit })?;
        self.texts.push((name, text));
        Ok(())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.texts.iter().map(|(name, text)| (name, text)))
    }
}

/// What components are referred to, each by kind and name.
#[derive(Default)]
struct References(BTreeSet<String>);

impl References {
    fn find_in(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    self.0
                        .extend(reference.strip_prefix(COMPONENTS).map(str::to_owned));
                }
                members.values().for_each(|value| self.find_in(value));
            }
            Value::Array(values) => values.iter().for_each(|value| self.find_in(value)),
            _ => {}
        }
    }
}

/// Those of `components` that are referred to, and those that these refer to.
fn used(
    kind: &str,
    mut components: Map<String, Value>,
    references: &mut References,
) -> Vec<(String, Value)> {
    let mut used = Vec::new();
    loop {
        let (now, rest): (Map<_, _>, Map<_, _>) = components
            .into_iter()
            .partition(|(name, _)| references.0.contains(&format!("{kind}/{name}")));
        if now.is_empty() {
            return used;
        }
        now.values()
            .for_each(|component| references.find_in(component));
        used.extend(now);
        components = rest;
    }
}

fn info(service: &Service) -> Value {
    let about = &service.about;
    let text =
        |text: &Option<Text>, default: &str| text.as_ref().map_or(default, Text::as_str).to_owned();
    let mut info = json!({
        "title": text(&about.title, service.name.as_str()),
        "version": text(&about.version, env!("CARGO_PKG_VERSION")),
        "description": text(
            &about.description,
            "Collections of JSON documents. Each collection is a module, with paths of its own.",
        ),
    });
    if let Some(Contact { name, url, email }) = &about.contact {
        let parts = [
            ("name", name.as_ref().map(Text::as_str)),
            ("url", url.as_ref().map(WebUrl::as_str)),
            ("email", email.as_ref().map(Email::as_str)),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(key, part)| Some((key.to_owned(), part?.into())));
        info["contact"] = Value::Object(parts.collect());
    }
    if let Some(Licence { name, url }) = &about.licence {
        let name = name.as_str();
        info["license"] = match url {
            Some(url) => json!({ "name": name, "url": url.as_str() }),
            None => json!({ "name": name, "identifier": name }),
        };
    }
    info
}

fn servers(about: &About, server: Option<&str>) -> Vec<Value> {
    let configured = about.servers.iter().map(ServerUrl::as_str);
    let mut urls: Vec<_> = match server {
        Some(server) => vec![server],
        None => configured.collect(),
    };
    if urls.is_empty() {
        urls.push(HERE);
    }
    urls.into_iter().map(|url| json!({ "url": url })).collect()
}

fn tag(module: &Module) -> Value {
    let name = module.name().as_str();
    json!({
        "name": name,
        "description": format!("The items of `{name}`."),
        "x-modulo": extension::of(module),
    })
}

fn service_tag() -> Value {
    json!({ "name": path::SERVICE_TAG, "description": "The API itself." })
}

const COMPONENTS: &str = "#/components/";

/// `{"$ref": …}` to a component.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("{COMPONENTS}{kind}/{name}") })
}

/// An object that has all of `properties`.
fn object(properties: &Value) -> Value {
    let names: Vec<_> = properties
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

/// The members of an object that `json!` has made.
fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A body of one media type.
fn media_type(schema: &Value, example: Option<Value>) -> Value {
    let mut described = json!({ "schema": schema });
    if let Some(example) = example {
        described["example"] = example;
    }
    described
}

/// An operation's id. No word has an underscore, so that no two operations have the same.
fn operation_id(word: &str, module: &Module) -> String {
    format!("{word}_{}", module.name())
}

/// Whether `call` can be sent again without being done again.
fn may_have_key(call: Call, module: &Module) -> bool {
    module.idempotency().is_some() && call.row().may_have_key
}

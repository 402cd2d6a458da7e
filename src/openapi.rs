//! The API's description: an OpenAPI 3.1 document, a function of the configuration alone.
//!
//! Errors are described by errors, so that their statuses and sentences are those of the answers.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::module::Module;
use crate::schema::InvalidSchema;

mod answer;
mod call;
mod parameter;
mod refusal;
mod schema;
mod security;

/// Where the API is, as the document that it serves says: in the document's own folder.
pub const HERE: &str = ".";

/// The id of the item in the examples.
const EXAMPLE_ID: &str = "sala90";

/// The document, of an API that is at `server`: a URL, or a reference relative to the document's.
///
/// # Errors
/// A module's schema can't be read.
pub fn document(config: &Config, server: &str) -> Result<String, Arc<InvalidSchema>> {
    let modules: Vec<_> = config.modules.iter().map(Arc::as_ref).collect();
    let paths: Map<_, _> = modules
        .iter()
        .flat_map(|module| call::paths(module))
        .chain(call::service_paths())
        .collect();
    let tags = modules.iter().map(|module| tag(module));
    let service = json!({ "name": call::SERVICE_TAG, "description": "The API itself." });
    let document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": config.service.name.as_str(),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Collections of JSON documents. Each collection is a module, with paths \
                of its own.",
        },
        "servers": [{ "url": server }],
        "tags": tags.chain([service]).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schema::all(&modules)?,
            "parameters": parameter::all(),
            "headers": answer::all_headers(),
            "responses": refusal::all(&modules),
            "securitySchemes": security::schemes(&modules),
        },
    });
    Ok(format!("{document:#}\n"))
}

fn tag(module: &Module) -> Value {
    let name = module.name().as_str();
    json!({ "name": name, "description": format!("The items of `{name}`.") })
}

/// `{"$ref": …}` to a component.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
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

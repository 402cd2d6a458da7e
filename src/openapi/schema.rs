//! The shapes of documents, patches and errors.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{object, reference, refusal};
use crate::batch::Batch;
use crate::item::Document;
use crate::module::{Envelope, KeyType, Module, Storage};
use crate::schema::InvalidSchema;

/// Every schema that has a name.
pub(super) fn all(modules: &[&Module]) -> Result<Map<String, Value>, Arc<InvalidSchema>> {
    let mut schemas = Map::new();
    for module in modules {
        let documents = match module.schema() {
            Some(schema) => moved(schema.to_value()?, &name(module)),
            None => of_documents(module),
        };
        schemas.insert(name(module), documents);
        schemas.insert(error_name(module).to_owned(), of_errors(module.envelope()));
        if module.storage() == Storage::Document {
            schemas.insert(NATIVE.to_owned(), of_native());
        }
    }
    schemas.insert("JsonPatch".to_owned(), json_patch());
    schemas.insert("Batch".to_owned(), batch());
    Ok(schemas)
}

/// A reference to that of a module's documents.
pub(super) fn document(module: &Module) -> Value {
    reference("schemas", &name(module))
}

/// A document of the module, if one is known: the first example of its schema, or any if it has no
/// schema.
pub(super) fn example(module: &Module) -> Option<Value> {
    match module.schema() {
        Some(schema) => schema.to_value().ok()?["examples"].get(0).cloned(),
        None => Some(json!({ "description": "Sala 90", "chairs": 90 })),
    }
}

/// A module's own schema, made a component of this name: its references to itself have a longer way.
/// One that has an `$id` is a resource of its own, in which they lead where they led.
fn moved(mut schema: Value, name: &str) -> Value {
    if schema.get("$id").is_none() {
        refer_to(&mut schema, &format!("#/components/schemas/{name}"));
    }
    schema
}

fn refer_to(schema: &mut Value, root: &str) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| refer_to(schema, root)),
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                match (keyword.as_str(), value) {
                    ("$ref", Value::String(reference)) => {
                        if let Some(pointer) = reference.strip_prefix('#')
                            && (pointer.is_empty() || pointer.starts_with('/'))
                        {
                            *reference = format!("{root}{pointer}");
                        }
                    }
                    // What stands in these is data, whatever it looks like.
                    ("const" | "default" | "enum" | "examples", _) => {}
                    // The names in these are members', not keywords.
                    (
                        "$defs" | "definitions" | "dependencies" | "dependentSchemas"
                        | "patternProperties" | "properties",
                        Value::Object(schemas),
                    ) => schemas
                        .values_mut()
                        .for_each(|schema| refer_to(schema, root)),
                    (_, value) => refer_to(value, root),
                }
            }
        }
        _ => {}
    }
}

const NATIVE: &str = "Native";

fn error_name(module: &Module) -> &'static str {
    refusal::schema_name(module.envelope())
}

/// No module's name has a dot, so that it is nothing else's.
fn name(module: &Module) -> String {
    format!("{}.Document", module.name())
}

fn of_documents(module: &Module) -> Value {
    let mut schema = match module.storage() {
        Storage::Json => json!({
            "description": format!(
                "Any JSON that is not empty, at most {} arrays and objects in one another.",
                Document::MAX_DEPTH
            ),
            "not": { "enum": [null, {}, [], "", false, 0] },
        }),
        Storage::Document => json!({
            "description": "An object that is not empty. Its members are kept as attributes of \
                their own.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "minLength": 1 },
            "additionalProperties": reference("schemas", NATIVE),
        }),
    };
    let keys = module.indexes().iter().flat_map(|index| {
        let limits = [2_048, 1_024];
        index.keys().zip(limits)
    });
    for (key, limit) in keys {
        schema["properties"][key.attribute.as_str()] = match key.key_type {
            KeyType::S => json!({ "type": "string", "minLength": 1, "maxLength": limit }),
            KeyType::N => of_numbers(),
        };
    }
    if let Some(ttl) = module.ttl() {
        schema["properties"][ttl.as_str()] = json!({
            "description": "When the item expires, in seconds since 1970.",
            "type": "integer",
            "minimum": 0,
        });
    }
    schema
}

/// What DynamoDB can keep as an attribute's value.
fn of_native() -> Value {
    let native = reference("schemas", NATIVE);
    json!({
        "description": "Objects and arrays at most 32 in one another.",
        "anyOf": [
            { "type": ["null", "boolean", "string"] },
            of_numbers(),
            { "type": "array", "items": native },
            {
                "type": "object",
                "propertyNames": { "minLength": 1 },
                "additionalProperties": native,
            },
        ],
    })
}

fn of_numbers() -> Value {
    json!({
        "description": "A number of at most 38 digits.",
        "type": "number",
        "anyOf": [
            { "minimum": 1e-130, "exclusiveMaximum": 1e126 },
            { "const": 0 },
            { "exclusiveMinimum": -1e126, "maximum": -1e-130 },
        ],
    })
}

/// The schema of a merge patch to a module's documents.
pub(super) fn merge_patch(module: &Module) -> Value {
    let mut schema = json!({
        "description": "Members to be set, and those to be taken away, as `null` (RFC 7396).",
    });
    if module.storage() == Storage::Document {
        schema["type"] = "object".into();
    }
    schema
}

fn json_patch() -> Value {
    let operation = |words: &[&str], third: &str, schema: &Value| {
        object(&json!({ "op": { "enum": words }, "path": pointer(), third: schema }))
    };
    json!({
        "description": "Operations, of which all are done or none (RFC 6902).",
        "type": "array",
        "items": {
            "anyOf": [
                operation(&["add", "replace", "test"], "value", &json!({})),
                operation(&["move", "copy"], "from", &pointer()),
                object(&json!({ "op": { "const": "remove" }, "path": pointer() })),
            ],
        },
    })
}

fn pointer() -> Value {
    json!({ "type": "string", "pattern": "^(/([^/~]|~[01])*)*$" })
}

/// What else is wrong with one operation is told in its own answer.
fn batch() -> Value {
    json!({
        "type": "object",
        "required": ["operations"],
        "additionalProperties": false,
        "properties": {
            "operations": {
                "type": "array",
                "minItems": 1,
                "maxItems": Batch::MAX_OPERATIONS,
                "items": {
                    "type": "object",
                    "required": ["op", "id"],
                    "additionalProperties": false,
                    "properties": {
                        "op": { "enum": ["get", "put", "delete"] },
                        "id": { "type": "string" },
                        "item": { "description": "To a put only: the document, as POST takes it." },
                    },
                },
            },
            "atomic": {
                "description": "Whether all are done or none.",
                "type": "boolean",
                "default": false,
            },
        },
    })
}

fn of_errors(envelope: Envelope) -> Value {
    let text = json!({ "type": "string" });
    let violations = json!({
        "description": "Where the document breaks the module's schema.",
        "type": "array",
        "items": object(&json!({ "pointer": text, "message": text })),
    });
    match envelope {
        Envelope::Verb => {
            let mut error = object(&json!({ "message": text }));
            error["properties"]["details"] = violations;
            object(&json!({ "ERROR": error }))
        }
        // RFC 9457.
        Envelope::Plain => {
            let mut problem = object(&json!({
                "type": { "const": "about:blank" },
                "title": text,
                "status": { "type": "integer" },
                "detail": text,
            }));
            problem["properties"]["errors"] = violations;
            problem
        }
    }
}

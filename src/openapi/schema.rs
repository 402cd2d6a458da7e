//! The shapes of documents, patches, answers and errors.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{members, object, reference};
use crate::change;
use crate::item::Document;
use crate::item::batch::{Op, SentBatch};
use crate::item::expiry;
use crate::item::schema::InvalidSchema;
use crate::module::limits;
use crate::module::stamps::Stamps;
use crate::module::{Envelope, KeyType, Module, Storage};

/// What a module's components are, by the last word of their names. No module's name has a dot, so
/// that they are nothing else's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A document.
    Document,
    /// A document of which members can be missing.
    Part,
    /// The key attribute and the id.
    Key,
    /// An item as lists have it.
    Item,
    /// The answer of a list.
    Page,
    /// The body of a batch.
    Batch,
    /// One operation of it.
    Operation,
    /// The answer to one operation.
    Result,
    /// One version of an item, where versions are kept.
    Version,
}

fn name(module: &Module, kind: Kind) -> String {
    format!("{}.{kind:?}", module.name())
}

/// A reference to a component of a module.
pub(super) fn of_module(module: &Module, kind: Kind) -> Value {
    reference("schemas", &name(module, kind))
}

/// A reference to a component that modules share.
pub(super) fn common(name: &str) -> Value {
    reference("schemas", name)
}

/// All that a module may need.
pub(super) fn of(module: &Module) -> Result<Map<String, Value>, Arc<InvalidSchema>> {
    let document = name(module, Kind::Document);
    let mut schemas = match module.schema() {
        Some(schema) => schema.components(&document, common)?,
        None => members(json!({ document.as_str(): of_documents(module) })),
    };
    let part = {
        let whole = &mut schemas[&document];
        limit_members(whole, module);
        part_of(whole)
    };
    let id = id(module);
    let (mut item, result) = match module.envelope() {
        Envelope::Verb => {
            let key = object(&keyed(module, json!({})));
            schemas.insert(name(module, Kind::Key), key);
            let written = of_module(module, Kind::Key);
            let stored = json!({
                "description": "The document's JSON text; `null` where others wrote the item \
                    without one.",
                "type": ["string", "null"],
                "contentMediaType": "application/json",
            });
            let parts = json!({
                "GET": of_module(module, Kind::Item),
                "PUT": written,
                "DELETE": written,
                "ERROR": common(REFUSAL),
            });
            let item = object(&keyed(module, json!({ "data": stored })));
            (item, parts)
        }
        Envelope::Plain => {
            let parts = json!({
                "id": id,
                "item": of_module(module, Kind::Document),
                "problem": common(error_name(Envelope::Plain)),
            });
            let item = object(&json!({ "id": id, "item": of_module(module, Kind::Part) }));
            (item, parts)
        }
    };
    let mut result = of_result(result);
    add_stamps(&mut item, module);
    if module.envelope() == Envelope::Plain {
        add_stamps(&mut result, module);
    }
    for (kind, schema) in [
        (Kind::Part, part),
        (Kind::Item, item),
        (Kind::Page, page(&of_module(module, Kind::Item))),
        (Kind::Batch, batch(module)),
        (Kind::Operation, operation(module)),
        (Kind::Result, result),
    ] {
        schemas.insert(name(module, kind), schema);
    }
    if module.history().is_some() {
        schemas.insert(name(module, Kind::Version), version(module));
    }
    Ok(schemas)
}

/// One version of an item.
fn version(module: &Module) -> Value {
    let document = match module.envelope() {
        Envelope::Verb => json!({
            "data": {
                "description": "The document's JSON text; `null` where the item was gone, or others \
                    wrote it without one.",
                "type": ["string", "null"],
                "contentMediaType": "application/json",
            },
        }),
        Envelope::Plain => json!({
            "item": {
                "description": "The document; `null` where the item was gone.",
                "anyOf": [of_module(module, Kind::Part), { "type": "null" }],
            },
        }),
    };
    let kinds = change::Kind::ALL.map(change::Kind::as_str);
    let mut properties = members(json!({
        "kind": { "description": "What has happened.", "type": "string", "enum": kinds },
        "time": { "description": "When.", "type": "string", "format": "date-time" },
    }));
    properties.extend(members(document));
    let mut version = object(&properties.into());
    let optional = &mut version["properties"];
    if module.stamps().updated_by.is_some() {
        optional["by"] =
            json!({ "description": "Who has written it, if that is known.", "type": "string" });
    }
    let stamps: Map<_, _> = stamps(module)
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    if module.storage() == Storage::Json && !stamps.is_empty() {
        optional["stamps"] = json!({
            "description": "The stamps that the item had.",
            "type": "object",
            "properties": stamps,
        });
    }
    version
}

/// The properties of a page of versions.
pub(super) fn versions(module: &Module) -> Value {
    json!({
        "versions": { "type": "array", "items": of_module(module, Kind::Version) },
        "next": {
            "description": "The `cursor` of the next page; `null` if there is none.",
            "type": ["string", "null"],
        },
    })
}

/// The value of a key attribute.
fn of_value(key_type: KeyType) -> Value {
    match key_type {
        KeyType::S => json!({ "type": "string" }),
        KeyType::N => json!({ "type": "number" }),
    }
}

/// An id in JSON.
pub(super) fn id(module: &Module) -> Value {
    let partition = module.key().partition().key_type;
    let Some(sort) = module.key().sort() else {
        return of_value(partition);
    };
    let values = if sort.key_type == partition {
        of_value(partition)
    } else {
        json!({ "type": ["string", "number"] })
    };
    json!({
        "description": "The partition key and the sort key.",
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": values,
    })
}

/// The properties of an object that has the key attributes, and `others`.
pub(super) fn keyed(module: &Module, others: Value) -> Value {
    let parts = module.key().parts();
    let own = parts.map(|part| (part.attribute.to_string(), of_value(part.key_type)));
    own.chain(members(others)).collect::<Map<_, _>>().into()
}

/// The values of the key of an item in the examples, the first or another.
pub(super) fn example_values(module: &Module, number: usize) -> impl Iterator<Item = Value> {
    let key = module.key();
    let partition = match (key.partition().key_type, key.sort()) {
        (KeyType::S, None) => json!(format!("sala{}", 89 + number)),
        (KeyType::N, None) => json!(89 + number),
        (KeyType::S, Some(_)) => json!(super::EXAMPLE_ID),
        (KeyType::N, Some(_)) => json!(90),
    };
    let sort = key.sort().map(|part| match part.key_type {
        KeyType::S => json!(format!("b{number}")),
        KeyType::N => json!(number),
    });
    [partition].into_iter().chain(sort)
}

/// The id of an item in the examples: of the first, which is there, or of another.
pub(super) fn example_id(module: &Module, number: usize) -> Value {
    let mut values: Vec<_> = example_values(module, number).collect();
    match values.len() {
        1 => values.remove(0),
        _ => values.into(),
    }
}

/// An object that has the key attributes of the first item in the examples, and `others`.
pub(super) fn keyed_example(module: &Module, others: Value) -> Value {
    let parts = module.key().parts().zip(example_values(module, 1));
    let own = parts.map(|(part, value)| (part.attribute.to_string(), value));
    own.chain(members(others)).collect::<Map<_, _>>().into()
}

/// Those that modules share.
pub(super) fn shared() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let mut refusal = object(&json!({ "message": text }));
    refusal["properties"]["details"] = violations();
    // RFC 9457.
    let mut problem = object(&json!({
        "type": { "const": "about:blank" },
        "title": text,
        "status": { "type": "integer" },
        "detail": text,
    }));
    problem["properties"]["errors"] = violations();
    members(json!({
        error_name(Envelope::Verb): object(&json!({ "ERROR": common(REFUSAL) })),
        error_name(Envelope::Plain): problem,
        REFUSAL: refusal,
        "Violation": object(&json!({ "pointer": text, "message": text })),
        merge_patch_name(Storage::Json): { "description": MERGE_PATCH },
        merge_patch_name(Storage::Document): {
            "description": MERGE_PATCH,
            "type": "object",
            "additionalProperties": true,
        },
        JSON_PATCH: {
            "description": "Operations, of which all are done or none (RFC 6902).",
            "type": "array",
            "items": common("JsonPatchOperation"),
        },
        "JsonPatchOperation": json_patch_operation(),
    }))
}

const REFUSAL: &str = "Refusal";
pub(super) const JSON_PATCH: &str = "JsonPatch";
const MERGE_PATCH: &str = "Members to be set, and those to be taken away, as `null` (RFC 7396).";

/// The name of the schema of an error's body.
pub(super) fn error_name(envelope: Envelope) -> &'static str {
    match envelope {
        Envelope::Verb => "Error",
        Envelope::Plain => "Problem",
    }
}

/// The name of the schema of a merge patch: what replaces a document that is kept as text can be
/// anything.
pub(super) fn merge_patch_name(storage: Storage) -> &'static str {
    match storage {
        Storage::Json => "MergePatch",
        Storage::Document => "MergePatchObject",
    }
}

/// A document of the module, if one is known: the first example of its schema, or any if it has no
/// schema.
pub(super) fn example(module: &Module) -> Option<Value> {
    match module.schema() {
        Some(schema) => schema.to_value().ok()?["examples"].get(0).cloned(),
        None => Some(json!({ "description": "Sala 90", "chairs": 90 })),
    }
}

/// The same, as a plain answer has it.
pub(super) fn shown_example(module: &Module) -> Option<Value> {
    let example = example(module)?;
    match example {
        own @ Value::Object(_) if module.key_in_document() => Some(keyed_example(module, own)),
        example => Some(example),
    }
}

/// Documents of a module without a schema.
fn of_documents(module: &Module) -> Value {
    match module.storage() {
        Storage::Json if module.key_in_document() => json!({
            "description": format!(
                "An object that is not empty, with at most {} arrays and objects in one another.",
                Document::MAX_DEPTH
            ),
            "type": "object",
            "minProperties": 1,
            "additionalProperties": true,
        }),
        Storage::Json => json!({
            "description": format!(
                "Any JSON that is not empty, at most {} arrays and objects in one another.",
                Document::MAX_DEPTH
            ),
            "not": { "enum": [null, {}, [], "", false, 0] },
        }),
        Storage::Document => json!({
            "description": format!(
                "An object that is not empty. Its members are kept as attributes of their own: \
                 their names are not empty, their numbers have at most {} digits, from 1e-130 to \
                 9.9e125, and at most {} objects and arrays, this one included, are around a value.",
                limits::NUMBER_DIGITS,
                limits::LEVELS
            ),
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "minLength": 1 },
            "additionalProperties": true,
        }),
    }
}

/// The stamps of items by their names, each with what it is.
fn stamps(module: &Module) -> impl Iterator<Item = (&str, Value)> {
    let Stamps {
        created_at,
        updated_at,
        updated_by,
    } = module.stamps();
    let time = |description| {
        json!({
            "description": description,
            "type": "string",
            "format": "date-time",
            "readOnly": true,
        })
    };
    let by = json!({
        "description": "Who has last written the item, if that is known.",
        "type": "string",
        "readOnly": true,
    });
    let all = [
        (created_at, time("When the item was created.")),
        (updated_at, time("When the item was last written.")),
        (updated_by, by),
    ];
    all.into_iter()
        .filter_map(|(name, schema)| Some((name.as_ref()?.as_str(), schema)))
}

/// Adds the stamps that stand beside the document to the schema of an item.
fn add_stamps(item: &mut Value, module: &Module) {
    if module.storage() == Storage::Json {
        for (name, schema) in stamps(module) {
            item["properties"][name] = schema;
        }
    }
}

/// Adds to the schema of documents what the module asks of single members, whatever the schema
/// says of them itself.
fn limit_members(schema: &mut Value, module: &Module) {
    let mut limits: Vec<(&str, Value)> = Vec::new();
    if module.key_in_document() {
        for part in module.key().parts() {
            let mut limit = json!({
                "description": "The item's id. In a request it may be left out.",
            });
            limit["type"] = of_value(part.key_type)["type"].take();
            limits.push((part.attribute.as_str(), limit));
        }
    }
    if module.storage() == Storage::Document {
        limits.extend(stamps(module));
    }
    for index in module.indexes() {
        // In bytes: no text has more characters.
        let keys = index.keys().zip(module.index_key_limits());
        limits
            .extend(keys.map(|(key, limit)| (key.attribute.as_str(), of_key(key.key_type, limit))));
    }
    if let Some(ttl) = module.ttl() {
        let limit = json!({
            "description": "When the item expires, in seconds since 1970.",
            "type": "integer",
            "minimum": 0,
            "maximum": expiry::LATEST,
        });
        limits.push((ttl.as_str(), limit));
    }
    let Value::Object(schema) = schema else {
        return;
    };
    if limits.is_empty() {
        return;
    }
    let is_open = schema.get("additionalProperties") != Some(&Value::Bool(false));
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    let Value::Object(properties) = properties else {
        return;
    };
    for (name, limit) in limits {
        // A member that the schema forbids stays forbidden, but for the id and stamps, which are not
        // held against it.
        let is_own = module.key().contains(name) || module.stamps().contains(name);
        if is_open || properties.contains_key(name) || is_own {
            tighten(properties.entry(name).or_insert(Value::Null), limit);
        }
    }
}

/// Makes a schema say what it says, and `limit` as well.
fn tighten(schema: &mut Value, limit: Value) {
    let Value::Object(own) = schema else {
        if *schema != Value::Bool(false) {
            *schema = limit;
        }
        return;
    };
    for (keyword, value) in members(limit) {
        let number = Value::as_f64;
        let is_tighter = match (keyword.as_str(), own.get(&keyword)) {
            (_, None) => true,
            ("minLength" | "minimum", Some(said)) => number(said) < number(&value),
            ("maxLength" | "maximum", Some(said)) => number(said) > number(&value),
            _ => false,
        };
        if is_tighter {
            own.insert(keyword, value);
        }
    }
}

/// What a member must be by which an index is sorted or parted.
pub(super) fn of_key(key_type: KeyType, limit: usize) -> Value {
    match key_type {
        KeyType::S => json!({ "type": "string", "minLength": 1, "maxLength": limit }),
        KeyType::N => json!({ "type": "number" }),
    }
}

/// The schema of a document of which only some members are there.
fn part_of(document: &Value) -> Value {
    let mut part = json!({ "description": "The document, or the `fields` of it." });
    for keyword in [
        "type",
        "properties",
        "patternProperties",
        "additionalProperties",
    ] {
        if let Some(said) = document.get(keyword) {
            part[keyword] = said.clone();
        }
    }
    part
}

/// The object of a list.
fn page(item: &Value) -> Value {
    object(&json!({
        "items": { "type": "array", "items": item },
        "next": {
            "description": "The `cursor` of the next page; `null` after the last.",
            "type": ["string", "null"],
        },
    }))
}

/// What else is wrong with one operation stands in its own answer.
fn batch(module: &Module) -> Value {
    json!({
        "type": "object",
        "required": ["operations"],
        "additionalProperties": false,
        "properties": {
            "operations": {
                "type": "array",
                "minItems": 1,
                "maxItems": SentBatch::MAX_OPERATIONS,
                "items": of_module(module, Kind::Operation),
            },
            "atomic": {
                "description": "Whether all are done or none.",
                "type": "boolean",
                "default": false,
            },
        },
    })
}

/// A put has an item, the others have none.
fn operation(module: &Module) -> Value {
    json!({
        "type": "object",
        "required": ["op", "id"],
        "additionalProperties": false,
        "properties": {
            "op": { "type": "string", "enum": Op::ALL },
            "id": id(module),
            "item": of_module(module, Kind::Document),
        },
    })
}

/// The answer to one operation: its status, and what of `parts` belongs to it.
fn of_result(parts: Value) -> Value {
    let mut result = object(&json!({ "status": { "type": "integer" } }));
    for (name, part) in members(parts) {
        result["properties"][name] = part;
    }
    result
}

fn json_patch_operation() -> Value {
    let pointer = json!({ "type": "string", "pattern": "^(/([^/~]|~[01])*)*$" });
    let mut operation = object(&json!({
        "op": {
            "type": "string",
            "enum": ["add", "replace", "test", "move", "copy", "remove"],
        },
        "path": pointer,
    }));
    let mut from = pointer;
    from["description"] = "Of move and copy: whence.".into();
    operation["properties"]["from"] = from;
    operation["properties"]["value"] = json!({ "description": "Of add, replace and test." });
    operation
}

fn violations() -> Value {
    json!({
        "description": "Where the document breaks the module's schema.",
        "type": "array",
        "items": common("Violation"),
    })
}

//! What can be said of a call in its path, its query and its headers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{EXAMPLE_ID, members, reference, schema};
use crate::item::ItemId;
use crate::item::list::PageRequest;
use crate::module::{IndexKey, KeyType, Module};

/// References to parameters, by the names of their components.
pub(super) fn references(names: &[&str]) -> Vec<Value> {
    let reference = |name: &&str| reference("parameters", name);
    names.iter().map(reference).collect()
}

/// Those that modules share. Their examples can all be sent together, to an item that is there.
pub(super) fn all() -> Map<String, Value> {
    members(json!({
        "id": {
            "name": "id",
            "in": "path",
            "required": true,
            "description": "The item's id: 1 to 2,048 bytes of UTF-8, percent-encoded. It is all \
                the rest of the path, so that a slash in it may also stand as it is.",
            "schema": { "type": "string", "minLength": 1, "maxLength": ItemId::MAX_BYTES },
            "example": EXAMPLE_ID,
        },
        "limit": query(
            "limit",
            "How many items at the most.",
            &json!({
                "type": "integer",
                "minimum": 1,
                "maximum": PageRequest::MAX_LIMIT,
                "default": PageRequest::DEFAULT_LIMIT,
            }),
            PageRequest::DEFAULT_LIMIT,
        ),
        // After the item of the examples, in a list of all items.
        "cursor": query(
            "cursor",
            "`next` of the page before, with the same query otherwise.",
            &json!({ "type": "string", "minLength": 1 }),
            URL_SAFE_NO_PAD.encode(json!([EXAMPLE_ID]).to_string()),
        ),
        "consistent": query(
            "consistent",
            "Whether the page must have every write that was answered before. An index can't.",
            &json!({ "type": "boolean", "default": false }),
            false,
        ),
        "consistentItem": query(
            "consistent",
            "With `true`, every write is seen that was answered before.",
            &json!({ "type": "string" }),
            "true",
        ),
        "fields": query(
            "fields",
            "The names of the members that are wanted, with commas between them; else all.",
            &json!({ "type": "string", "minLength": 1 }),
            "description,chairs",
        ),
        "ifMatch": header(
            "If-Match",
            "The call is done only if the item has one of these entity tags; `*` is any.",
            "*",
        ),
        "ifNoneMatch": header(
            "If-None-Match",
            "The call is done only if the item has none of these entity tags; `*` is any.",
            "\"a4ayc_80_OGda4BO_1o_Vw\"",
        ),
        "idempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A name of your own for the request, new for each: sent again with the \
                same, it is answered as the first time and not done again.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
            "example": "0d5e3a9e-64ef-4e8c-9d27-4ae9f1ec4ff1",
        },
        "requestId": header(
            "x-request-id",
            "An id of your own for the request, by which its line is found in the log: at most 128 \
             visible ASCII characters. Without it, one is made.",
            "01a20870-ac81-771b-8d73-c29732edb95c",
        ),
    }))
}

/// Those that make a list a query on one of the module's indexes.
pub(super) fn of_indexes(module: &Module) -> Vec<Value> {
    let mut parameters: Vec<Value> = Vec::new();
    // Indexes can have keys in common.
    let mut add = |parameter: Value| {
        if !parameters.contains(&parameter) {
            parameters.push(parameter);
        }
    };
    for index in module.indexes() {
        let name = index.partition.attribute.as_str();
        let equal = |name| format!("The value of `{name}`, in a query on an index.");
        let [partition_limit, sort_limit] = module.index_key_limits();
        add(condition(
            name,
            &equal(name),
            &index.partition,
            partition_limit,
        ));
        let Some(sort) = &index.sort else {
            continue;
        };
        let name = sort.attribute.as_str();
        add(condition(name, &equal(name), sort, sort_limit));
        let comparisons = [
            (KeyType::N, "lt", "less than this"),
            (KeyType::N, "le", "this or less"),
            (KeyType::N, "gt", "greater than this"),
            (KeyType::N, "ge", "this or greater"),
            (KeyType::S, "begins_with", "a text with this beginning"),
        ];
        let possible = comparisons
            .iter()
            .filter(|(least, ..)| sort.key_type == KeyType::S || *least == KeyType::N);
        for (_, operator, meaning) in possible {
            let description =
                format!("`{name}` is {meaning}, in a query on an index that it sorts.");
            add(condition(
                &format!("{name}.{operator}"),
                &description,
                sort,
                sort_limit,
            ));
        }
        add(query(
            "order",
            "Whether a query on an index begins with the least or with the greatest.",
            &json!({ "type": "string", "enum": ["asc", "desc"], "default": "asc" }),
            "asc",
        ));
    }
    parameters
}

fn condition(name: &str, description: &str, key: &IndexKey, limit: usize) -> Value {
    let schema = schema::of_key(key, limit);
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn query(name: &str, description: &str, schema: &Value, example: impl Into<Value>) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema,
        "example": example.into(),
    })
}

/// What is not a valid value of one is not refused, so that there is no pattern.
fn header(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": description,
        "schema": { "type": "string" },
        "example": example,
    })
}

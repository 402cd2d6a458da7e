//! What can be said of a call in its path, its query and its headers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{EXAMPLE_ID, members, reference, schema};
use crate::item::ItemId;
use crate::item::list::PageRequest;
use crate::module::call::PathKind;
use crate::module::{IndexKey, KeyPart, KeyType, Module, limits};

/// References to parameters, by the names of their components.
pub(super) fn references(names: &[&str]) -> Vec<Value> {
    let reference = |name: &&str| reference("parameters", name);
    names.iter().map(reference).collect()
}

/// The component of the cursor in lists that do not have the item of the examples' cursor.
pub(super) const OTHER_CURSOR: &str = "otherCursor";

/// That of the time of which an item is asked for.
pub(super) const AT: &str = "at";

/// References to the parameters of a list's query that has no conditions.
pub(super) fn of_list(names: &[&str], module: &Module) -> Vec<Value> {
    let names = names.iter().map(|&name| match name {
        "cursor" if !module.key().is_string() => OTHER_CURSOR,
        name => name,
    });
    references(&names.collect::<Vec<_>>())
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
        OTHER_CURSOR: {
            "name": "cursor",
            "in": "query",
            "description": "`next` of the page before, with the same query otherwise.",
            "schema": { "type": "string", "minLength": 1 },
        },
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
        // Without an example: the item of the examples has just been made.
        AT: {
            "name": "at",
            "in": "query",
            "description": "A time: the item is answered as it was then, as far as its versions are \
                kept, to the second.",
            "schema": { "type": "string", "format": "date-time" },
        },
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

/// The value of a key attribute in a path.
pub(super) struct PathValue<'m> {
    part: &'m KeyPart,
    limit: usize,
    pub(super) example: String,
}

/// The parameters in a path of the module, by name.
pub(super) fn of_path(
    path: PathKind,
    module: &Module,
) -> impl Iterator<Item = (&'static str, PathValue<'_>)> {
    let count = match path {
        PathKind::Batch | PathKind::Collection => 0,
        PathKind::Partition => 1,
        PathKind::Item | PathKind::History => 2,
    };
    let (names, key) = (["partition", "sort"], module.key());
    let names = if key.sort().is_some() {
        names
    } else {
        ["id", ""]
    };
    let values = key.limited_parts().zip(schema::example_values(module, 1));
    let values = values.map(|((part, limit), example)| PathValue {
        part,
        limit,
        example: example
            .as_str()
            .map_or_else(|| example.to_string(), str::to_owned),
    });
    names.into_iter().zip(values).take(count)
}

/// As [`of_path`], described. The id of most modules is the same.
pub(super) fn described_path(path: PathKind, module: &Module) -> Vec<Value> {
    if module.key().is_string() {
        return of_path(path, module)
            .flat_map(|(name, _)| references(&[name]))
            .collect();
    }
    let described = of_path(path, module).map(|(name, PathValue { part, limit, example })| {
        let attribute = &part.attribute;
        let (kind, schema) = match part.key_type {
            KeyType::S => (
                format!("1 to {limit} bytes of UTF-8, percent-encoded"),
                json!({ "type": "string", "minLength": 1, "maxLength": limit }),
            ),
            KeyType::N => (
                "a number in plain form, as in `42` and `-1.5`".to_owned(),
                json!({ "type": "string", "pattern": PLAIN_NUMBER }),
            ),
        };
        let end = match (name, part.key_type) {
            ("partition", KeyType::S) => " A slash in it must be encoded.",
            ("sort", KeyType::S) => {
                " It is all the rest of the path, so that a slash in it may also stand as it is."
            }
            _ => "",
        };
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": format!("`{attribute}`: {kind}.{end}"),
            "schema": schema,
            "example": example,
        })
    });
    described.collect()
}

/// The plain form of numbers, but for a few that have many digits after the point.
const PLAIN_NUMBER: &str = concat!(
    r"^(0|-?([1-9][0-9]{0,37}|(0|[1-9][0-9]{0,18})\.[0-9]{0,18}[1-9]|[1-9](\.[0-9]{0,36}[1-9])?",
    r"e(\+(3[89]|[4-9][0-9]|1[01][0-9]|12[0-5])|-(39|[4-9][0-9]|1[0-2][0-9]|130))))$",
);

/// Those of the list of a partition, which is a query on the table.
pub(super) fn of_partition(module: &Module) -> Vec<Value> {
    let Some(sort) = module.key().sort() else {
        return Vec::new();
    };
    let name = sort.attribute.as_str();
    let conditions = conditions(name, sort.key_type, limits::SORT_KEY_BYTES, ["", ""]);
    conditions.chain([order("the list")]).collect()
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
        let [partition_limit, sort_limit] = module.index_key_limits();
        let IndexKey {
            attribute,
            key_type,
        } = &index.partition;
        let suffixes = [
            ", in a query on an index",
            ", in a query on an index that it sorts",
        ];
        let equal = conditions(attribute.as_str(), *key_type, partition_limit, suffixes);
        equal.take(1).for_each(&mut add);
        if let Some(IndexKey {
            attribute,
            key_type,
        }) = &index.sort
        {
            let conditions = conditions(attribute.as_str(), *key_type, sort_limit, suffixes);
            conditions
                .chain([order("a query on an index")])
                .for_each(&mut add);
        }
    }
    parameters
}

/// The conditions on a sort key, that it is a value first of all. Their descriptions end in one of
/// the suffixes: the first where it is a value, the second of the others.
fn conditions(
    name: &str,
    key_type: KeyType,
    limit: usize,
    [equal, compared]: [&str; 2],
) -> impl Iterator<Item = Value> {
    const COMPARISONS: [(KeyType, &str, &str); 5] = [
        (KeyType::N, "lt", "less than this"),
        (KeyType::N, "le", "this or less"),
        (KeyType::N, "gt", "greater than this"),
        (KeyType::N, "ge", "this or greater"),
        (KeyType::S, "begins_with", "a text with this beginning"),
    ];
    let schema = schema::of_key(key_type, limit);
    let condition = move |name: String, description: String| json!({ "name": name, "in": "query", "description": description, "schema": schema });
    let first = condition(name.to_owned(), format!("The value of `{name}`{equal}."));
    let possible = COMPARISONS
        .iter()
        .filter(move |(least, ..)| key_type == KeyType::S || *least == KeyType::N);
    let compared = possible.map(move |(_, operator, meaning)| {
        condition(
            format!("{name}.{operator}"),
            format!("`{name}` is {meaning}{compared}."),
        )
    });
    [first].into_iter().chain(compared)
}

fn order(of: &str) -> Value {
    query(
        "order",
        &format!("Whether {of} begins with the least or with the greatest."),
        &json!({ "type": "string", "enum": ["asc", "desc"], "default": "asc" }),
        "asc",
    )
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

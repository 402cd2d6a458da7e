//! Batches of items: `BatchWriteItem` in one transaction, `BatchGetItem` item by item.
//!
//! The engine writes each item of a batch in a transaction of its own, and `SQLite` writes each page
//! that a transaction has changed into its log: with two indexes eight pages of 4 KB an item, most of
//! them the same for all. The engine's import has one transaction for all items, but refuses less than
//! `BatchWriteItem` has to.
//!
//! Of a `BatchGetItem` it has all items in memory at once, each up to fifty times its text, and lets
//! nobody else read or write meanwhile.

use std::collections::{HashMap, HashSet};

use dynoxide::actions::batch_get_item::BatchGetItemRequest;
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, BatchWriteItemResponse};
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::types::{
    ConsumedCapacity, KeySchemaElement, MAX_ITEM_SIZE, consumed_capacity, item_size,
};
use dynoxide::{AttributeValue, Database, ImportOptions, Item};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::body::{read, write};

/// How many items DynamoDB writes in a call, how many it reads, and the bytes of these.
const MAX_WRITES: usize = 25;
const MAX_READS: usize = 100;
const MAX_READ_BYTES: usize = 16 * 1_024 * 1_024;

/// The answer to a `BatchGetItem` that has read all items.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AllRead {
    responses: HashMap<String, Vec<Box<RawValue>>>,
    unprocessed_keys: Empty,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<[ConsumedCapacity; 1]>,
}

/// `{}`.
#[derive(Serialize)]
struct Empty {}

/// As the engine's `batch_get_item`, and one item after the other where it can be.
pub(super) fn read_batch(database: &Database, body: &[u8]) -> dynoxide::Result<Vec<u8>> {
    match one_by_one(database, read(body)?) {
        Some(all) => write(&all),
        // The batch has the words for what is wrong, and tells which items it has left out.
        None => write(&database.batch_get_item(read(body)?)?),
    }
}

/// The items of a batch that reads from one table; none, if one of them can't be read, or they are more
/// than a batch takes.
fn one_by_one(database: &Database, request: BatchGetItemRequest) -> Option<AllRead> {
    let mut tables = request.request_items.into_iter();
    let ((table, of_table), None) = (tables.next()?, tables.next()) else {
        return None;
    };
    let capacity = request.return_consumed_capacity;
    if !(1..=MAX_READS).contains(&of_table.keys.len())
        || !matches!(
            capacity.as_deref(),
            None | Some("NONE" | "TOTAL" | "INDEXES")
        )
    {
        return None;
    }
    let mut seen = HashSet::new();
    let mut items = Vec::with_capacity(of_table.keys.len());
    let (mut bytes, mut units) = (0, 0.0);
    for key in of_table.keys {
        if !seen.insert(key_text(&key)?) {
            return None;
        }
        let get = GetItemRequest {
            table_name: table.clone(),
            key,
            consistent_read: of_table.consistent_read,
            projection_expression: of_table.projection_expression.clone(),
            expression_attribute_names: of_table.expression_attribute_names.clone(),
            return_consumed_capacity: capacity.clone(),
            attributes_to_get: of_table.attributes_to_get.clone(),
        };
        let answer = database.get_item(get).ok()?;
        let consumed = answer.consumed_capacity;
        units += consumed.map_or(0.0, |consumed| consumed.capacity_units);
        let Some(item) = answer.item else {
            continue;
        };
        bytes += item_size(&item);
        if bytes > MAX_READ_BYTES {
            return None;
        }
        items.push(to_raw_value(&item).ok()?);
    }
    Some(AllRead {
        consumed_capacity: consumed_capacity(&table, units, &capacity).map(|consumed| [consumed]),
        responses: [(table, items)].into(),
        unprocessed_keys: Empty {},
    })
}

/// What no other key has: its attributes in the order of their names.
fn key_text(key: &Item) -> Option<Vec<(String, String)>> {
    let parts = key.iter();
    let parts = parts.map(|(name, value)| Some((name.clone(), value.to_key_string()?)));
    let mut parts: Vec<_> = parts.collect::<Option<_>>()?;
    parts.sort_unstable();
    Some(parts)
}

/// As the engine's `batch_write_item`, and in one transaction where it can be.
pub(super) fn write_batch(database: &Database, body: &[u8]) -> dynoxide::Result<Vec<u8>> {
    let request: BatchWriteItemRequest = read(body)?;
    let request = if are_plain_puts(database, &request) {
        let mut tables = request.request_items.into_iter();
        let (table, writes) = tables.next().expect("they are of one table");
        let puts = writes.into_iter().filter_map(|write| write.put_request);
        let items = puts.map(|put| put.item).collect();
        let imported = database.import_items(&table, items, ImportOptions::default());
        if imported.is_ok() {
            return write(&BatchWriteItemResponse::default());
        }
        // An import that failed has left nothing, and the batch has the words for why.
        read(body)?
    } else {
        request
    };
    write(&database.batch_write_item(request)?)
}

/// Whether a batch puts items into one table, asks for nothing but that, and has nothing in it that an
/// import would take and a batch refuse.
fn are_plain_puts(database: &Database, request: &BatchWriteItemRequest) -> bool {
    let mut tables = request.request_items.iter();
    let (Some((table, writes)), None) = (tables.next(), tables.next()) else {
        return false;
    };
    if !(1..=MAX_WRITES).contains(&writes.len())
        || request.return_consumed_capacity.is_some()
        || request.return_item_collection_metrics.is_some()
    {
        return false;
    }
    let Some(key) = key_of(database, table) else {
        return false;
    };
    let mut keys = HashSet::new();
    writes.iter().all(|write| {
        let (Some(put), None) = (&write.put_request, &write.delete_request) else {
            return false;
        };
        let parts = key.iter().map(|part| {
            let value = put.item.get(&part.attribute_name)?;
            value.to_key_string()
        });
        let parts: Option<Vec<_>> = parts.collect();
        let is_new = parts.is_some_and(|parts| keys.insert(parts));
        is_new && item_size(&put.item) <= MAX_ITEM_SIZE && !has_empty_name(&put.item)
    })
}

/// The key of a table which an import writes as a batch does.
fn key_of(database: &Database, table: &str) -> Option<Vec<KeySchemaElement>> {
    let metadata = database.get_table_metadata(table).ok()??;
    if metadata.stream_enabled || metadata.vector_index_definitions.is_some() {
        return None;
    }
    serde_json::from_str(&metadata.key_schema).ok()
}

/// Whether an attribute, or a member of a map at any depth, has an empty name.
fn has_empty_name(attributes: &HashMap<String, AttributeValue>) -> bool {
    attributes
        .iter()
        .any(|(name, value)| name.is_empty() || value_has_empty_name(value))
}

fn value_has_empty_name(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::M(map) => has_empty_name(map),
        AttributeValue::L(list) => list.iter().any(value_has_empty_name),
        _ => false,
    }
}

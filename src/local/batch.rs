//! `BatchWriteItem` in one transaction.
//!
//! The engine writes each item of a batch in a transaction of its own, and `SQLite` writes each page
//! that a transaction has changed into its log: with two indexes eight pages of 4 KB an item, most of
//! them the same for all. The engine's import has one transaction for all items, but refuses less than
//! `BatchWriteItem` has to.

use std::collections::{HashMap, HashSet};

use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, BatchWriteItemResponse};
use dynoxide::types::{KeySchemaElement, MAX_ITEM_SIZE, item_size};
use dynoxide::{AttributeValue, Database, ImportOptions, Item};

/// What DynamoDB takes in a call.
const MAX_WRITES: usize = 25;

pub(super) trait WriteBatch {
    /// As the engine's `batch_write_item`, and in one transaction where it can be.
    fn write_batch(
        &self,
        request: BatchWriteItemRequest,
    ) -> dynoxide::Result<BatchWriteItemResponse>;
}

impl WriteBatch for Database {
    fn write_batch(
        &self,
        request: BatchWriteItemRequest,
    ) -> dynoxide::Result<BatchWriteItemResponse> {
        if let Some((table, items)) = plain_puts(self, &request)
            && self
                .import_items(table, items, ImportOptions::default())
                .is_ok()
        {
            return Ok(BatchWriteItemResponse::default());
        }
        // An import that failed has left nothing, and the batch has the words for why.
        self.batch_write_item(request)
    }
}

/// The table and the items of a batch that puts items into one table, asks for nothing but that, and
/// in which there is nothing that an import would take and a batch refuse.
fn plain_puts<'r>(
    database: &Database,
    request: &'r BatchWriteItemRequest,
) -> Option<(&'r str, Vec<Item>)> {
    let mut tables = request.request_items.iter();
    let (Some((table, writes)), None) = (tables.next(), tables.next()) else {
        return None;
    };
    if !(1..=MAX_WRITES).contains(&writes.len())
        || request.return_consumed_capacity.is_some()
        || request.return_item_collection_metrics.is_some()
    {
        return None;
    }
    let metadata = database.get_table_metadata(table).ok()??;
    if metadata.stream_enabled || metadata.vector_index_definitions.is_some() {
        return None;
    }
    let key: Vec<KeySchemaElement> = serde_json::from_str(&metadata.key_schema).ok()?;
    let mut keys = HashSet::new();
    let items = writes.iter().map(|write| {
        let (Some(put), None) = (&write.put_request, &write.delete_request) else {
            return None;
        };
        let parts = key.iter().map(|part| {
            let value = put.item.get(&part.attribute_name)?;
            value.to_key_string()
        });
        let is_new = keys.insert(parts.collect::<Option<Vec<_>>>()?);
        let fits = item_size(&put.item) <= MAX_ITEM_SIZE && !has_empty_name(&put.item);
        (is_new && fits).then(|| put.item.clone())
    });
    Some((table, items.collect::<Option<_>>()?))
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

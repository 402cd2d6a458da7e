//! Lists: one page of a table, of a tenant's items or of an index.

use super::classify::{classify_list, is_empty_range};
use super::error::StoreError;
use super::expressions::{Expressions, Partition, partition};
use super::items::Items;
use super::storage::Attributes;
use super::stored::{StoredItem, StoredPage, scalar, text};
use crate::item::list::{PageRequest, Position};
use crate::module::limits;
use crate::module::reserved::TENANT_INDEX;

/// How many calls one page of a list may take that expired items would make short.
const LIST_CALLS: u32 = 10;

/// With so many bytes of documents, a page of a list is long enough: as much as one call gets.
const LIST_BYTES: usize = limits::PAGE_BYTES;

impl Items {
    /// A page of the table, of the tenant's items or of an index, in DynamoDB's own order, without what has expired.
    ///
    /// # Errors
    /// See [`StoreError`]; of a page that begins where none can, [`StoreError::NoSuchPosition`].
    pub async fn list(&self, page: &PageRequest) -> Result<StoredPage, StoreError> {
        let limit = usize::try_from(page.limit).unwrap_or_default();
        let fields = page.fields.as_deref();
        let sort = page
            .query
            .as_ref()
            .and_then(|query| query.index.sort.as_ref());
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut from = page.from.as_ref().map(|from| self.start(page, from));
        let partition = partition(page.query.as_ref(), self.tenant());
        for _ in 0..LIST_CALLS {
            let (found, last) = match &partition {
                None => self.scan(page, from.take()).await?,
                Some(partition) => self.query(page, partition, from.take()).await?,
            };
            for attributes in found {
                let item = self.read(attributes, fields);
                let item = item.map(|item| item.with_only(sort));
                bytes += item.as_ref().map_or(0, StoredItem::bytes);
                items.extend(item);
            }
            from = last;
            // Only where expired items were left out can a page be short and yet go on.
            let is_full = items.len() >= limit || bytes >= LIST_BYTES;
            if from.is_none() || self.module.ttl().is_none() || is_full {
                break;
            }
        }
        let next = if items.len() > limit {
            items.truncate(limit);
            items.last().map(|item| item.position(page.query.as_ref()))
        } else {
            from.map(|mut key| self.position(&mut key, page))
        };
        Ok(StoredPage { items, next })
    }

    async fn scan(
        &self,
        page: &PageRequest,
        from: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let mut expressions = Expressions::projection(&self.module, Some(page));
        let projection = expressions.text.take();
        let filter = expressions.filter_expired(&self.module);
        let Expressions { names, values, .. } = expressions;
        let has_start = from.is_some();
        let output = self
            .client
            .scan()
            .table_name(self.module.table().name().as_str())
            .limit(page.limit)
            .consistent_read(page.consistent)
            .set_projection_expression(projection)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| classify_list(&error, has_start))?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    async fn query(
        &self,
        page: &PageRequest,
        partition: &Partition,
        from: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let query = page.query.as_ref();
        let mut expressions = Expressions::projection(&self.module, Some(page));
        let projection = expressions.text.take();
        let filter = expressions.filter_expired(&self.module);
        let key_condition = expressions.key_condition(partition, query);
        let Expressions { names, values, .. } = expressions;
        let has_start = from.is_some();
        let call = self
            .client
            .query()
            .table_name(self.module.table().name().as_str())
            .index_name(query.map_or(TENANT_INDEX, |query| query.index.name.as_str()))
            .limit(page.limit)
            .scan_index_forward(!query.is_some_and(|query| query.descending))
            .key_condition_expression(key_condition)
            .set_projection_expression(projection)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(from);
        let output = match call.send().await {
            Ok(output) => output,
            Err(error) if is_empty_range(&error) => return Ok((Vec::new(), None)),
            Err(error) => return Err(classify_list(&error, has_start)),
        };
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// Where a list goes on after `position`, as DynamoDB wants to have it.
    fn start(&self, page: &PageRequest, position: &Position) -> Attributes {
        let mut key = self.key(position.id.clone());
        let query = page.query.as_ref();
        key.extend(partition(query, self.tenant()));
        if let (Some(query), Some(value)) = (query, &position.sort)
            && let Some(sort) = &query.index.sort
        {
            let value = sort.key_type.value(value.clone());
            key.insert(sort.attribute.to_string(), value);
        }
        key
    }

    /// Where a list goes on, as DynamoDB has said it.
    fn position(&self, key: &mut Attributes, page: &PageRequest) -> Position {
        let query = page.query.as_ref();
        let sort = query.and_then(|query| query.index.sort.as_ref());
        let id = text(key.remove(self.module.key().as_str()));
        Position {
            id: id.and_then(|id| self.id_of(id)).unwrap_or_default(),
            sort: sort.and_then(|sort| scalar(key.get(sort.attribute.as_str()))),
        }
    }
}

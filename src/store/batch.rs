//! Many items in one call of DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, DeleteRequest, Get, KeysAndAttributes, Put, PutRequest,
    TransactGetItem, TransactWriteItem, WriteRequest,
};
use tokio::task::JoinSet;

use super::classify::{classify, classify_transaction};
use super::client::{ATTEMPTS, FIRST_BACKOFF};
use super::error::StoreError;
use super::expressions::{Condition, Expressions};
use super::items::Items;
use super::limit::{AnswerLimit, is_too_long};
use super::pause::pause;
use super::storage::{Attributes, item_bytes};
use super::stored::{StoredItem, has_expired, text};
use super::usage::metered_as_here;
use super::write::Write;
use crate::aws::failure::Failure;
use crate::item::{Document, ItemId};
use crate::module::limits;

/// A write of a batch: the item's new document, or none where it is to go.
pub(crate) type BatchWrite = (ItemId, Option<Document>);

/// Items by their ids, or why it is not known whether there is one.
pub(crate) type Found = HashMap<String, Result<StoredItem, StoreError>>;

impl Items {
    /// The items of these ids, those that there are; or why it is not known whether one is there.
    /// Of more than `max_bytes` of documents, the rest is not read.
    pub(crate) async fn get_many(&self, ids: Vec<ItemId>, max_bytes: usize) -> Found {
        let mut found = Found::with_capacity(ids.len());
        let keys = ids.into_iter().map(|id| self.key_text(id.into_string()));
        let mut left: Vec<_> = keys.collect();
        let mut at_a_time = left.len();
        let mut bytes = 0;
        while !left.is_empty() {
            let rest = left.split_off(at_a_time.min(left.len()));
            let Some(some) = self.get_some(left.clone()).await else {
                // Of half as many, the answer may not be too long, and none may be refused.
                at_a_time = left.len().div_ceil(2);
                left.extend(rest);
                continue;
            };
            let texts = some.values().flatten().map(StoredItem::bytes);
            bytes += texts.sum::<usize>();
            found.extend(some);
            left = rest;
            if bytes > max_bytes {
                let ids = left.drain(..).filter_map(|text| self.id_of(text));
                found.extend(ids.map(|id| (id, Err(StoreError::AnswerFull))));
            }
        }
        found
    }

    /// As many items as one call gets; none, if its answer is too long for several, or one of
    /// several is refused.
    async fn get_some(&self, mut wanted: Vec<String>) -> Option<Found> {
        let (table, key) = (
            self.module.table().name().as_str(),
            self.module.key().as_str(),
        );
        let count = wanted.len();
        let mut found = Found::with_capacity(count);
        for attempt in 0.. {
            if wanted.is_empty() {
                break;
            }
            let keys = wanted.iter().map(|text| {
                let text = AttributeValue::S(text.clone());
                Attributes::from([(key.to_owned(), text)])
            });
            let Expressions {
                text: projection,
                names,
                ..
            } = Expressions::projection(&self.module, None);
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .set_projection_expression(projection)
                .set_expression_attribute_names(names)
                .build()
                .expect("the keys are there");
            let call = self.client.batch_get_item().request_items(table, keys);
            let call = call
                .customize()
                .interceptor(AnswerLimit::of_part(&self.module));
            let failure = match call.send().await {
                Ok(output) => {
                    let mut responses = output.responses.unwrap_or_default();
                    let items = responses.remove(table).unwrap_or_default();
                    found.extend(
                        items
                            .into_iter()
                            .filter(|attributes| !has_expired(&self.module, attributes))
                            .filter_map(|attributes| self.read(attributes, None))
                            .map(|item| (item.id.clone(), Ok(item.with_only(None)))),
                    );
                    let left = output.unprocessed_keys;
                    let left = left.and_then(|mut all| all.remove(table));
                    let left = left.map(|left| left.keys).unwrap_or_default().into_iter();
                    wanted = left.filter_map(|mut id| text(id.remove(key))).collect();
                    (attempt == ATTEMPTS).then(unprocessed)
                }
                Err(error) if count > 1 && is_too_long(&error) => return None,
                Err(error) => match classify(&error, 0) {
                    StoreError::Refused(_) if count > 1 => return None,
                    failure => Some(failure),
                },
            };
            if let Some(failure) = failure {
                let ids = wanted.drain(..).filter_map(|text| self.id_of(text));
                found.extend(ids.map(|id| (id, Err(failure.clone()))));
            } else if !wanted.is_empty() {
                pause(FIRST_BACKOFF, attempt).await;
            }
        }
        Some(found)
    }

    /// Does each of the writes, and tells of each what came of it, in their order.
    pub(crate) async fn write_many(&self, writes: Vec<BatchWrite>) -> Vec<Result<(), StoreError>> {
        let mut calls = JoinSet::new();
        let mut outcomes: Vec<_> = writes.iter().map(|_| Ok(())).collect();
        let mut writes = writes.into_iter();
        let mut begin = 0;
        loop {
            let some: Vec<_> = writes.by_ref().take(limits::BATCH_WRITES).collect();
            if some.is_empty() {
                break;
            }
            let (items, first) = (self.clone(), begin);
            begin += some.len();
            let call = async move { (first, items.write_some(some).await) };
            calls.spawn(metered_as_here(call));
        }
        while let Some(call) = calls.join_next().await {
            let (first, done) = call.expect("nothing in it panics or is aborted");
            for (outcome, done) in outcomes[first..].iter_mut().zip(done) {
                *outcome = done;
            }
        }
        outcomes
    }

    /// As many writes as one call takes.
    async fn write_some(&self, writes: Vec<BatchWrite>) -> Vec<Result<(), StoreError>> {
        let table = self.module.table().name().as_str();
        let mut left = Vec::with_capacity(writes.len());
        let mut outcomes: Vec<_> = writes
            .iter()
            .map(|write| {
                self.write_request(write.clone())
                    .map(|request| left.push(request))
            })
            .collect();
        for attempt in 0.. {
            if left.is_empty() {
                break;
            }
            let call = self.client.batch_write_item().request_items(table, left);
            match self
                .send(call.send())
                .await
                .map_err(|error| error.classify(0))
            {
                Ok(output) => {
                    let unprocessed = output.unprocessed_items;
                    left = unprocessed
                        .and_then(|mut all| all.remove(table))
                        .unwrap_or_default();
                }
                // One item refuses the call: each by itself tells which it is.
                Err(StoreError::ItemTooLarge { .. } | StoreError::Refused(_)) => {
                    return self.write_each(writes).await;
                }
                Err(error) => {
                    let outcomes = outcomes.into_iter();
                    return outcomes
                        .map(|outcome| outcome.and(Err(error.clone())))
                        .collect();
                }
            }
            if left.is_empty() || attempt == ATTEMPTS {
                break;
            }
            pause(FIRST_BACKOFF, attempt).await;
        }
        let key = self.module.key().as_str();
        let left: Vec<_> = left
            .iter()
            .filter_map(|request| key_in(request, key))
            .collect();
        for (outcome, (id, _)) in outcomes.iter_mut().zip(&writes) {
            if left.contains(&self.key_text(id.as_str().to_owned()).as_str()) {
                *outcome = Err(unprocessed());
            }
        }
        outcomes
    }

    async fn write_each(&self, writes: Vec<BatchWrite>) -> Vec<Result<(), StoreError>> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for (id, document) in writes {
            let write = document.map_or(Write::Delete, Write::Put);
            let done = self.write(id, write, Condition::None).await;
            outcomes.push(done.map(drop));
        }
        outcomes
    }

    /// Does all of it at one moment, or none: gets, or writes.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn transact(
        &self,
        gets: Vec<ItemId>,
        writes: Vec<BatchWrite>,
    ) -> Result<(Found, Vec<Result<(), StoreError>>), StoreError> {
        if gets.is_empty() {
            let written = writes.iter().map(|_| Ok(())).collect();
            self.write_all(writes).await?;
            Ok((Found::new(), written))
        } else {
            Ok((self.get_all(gets).await?, Vec::new()))
        }
    }

    async fn get_all(&self, ids: Vec<ItemId>) -> Result<Found, StoreError> {
        let gets = ids.into_iter().map(|id| {
            let Expressions {
                text: projection,
                names,
                ..
            } = Expressions::projection(&self.module, None);
            let get = Get::builder()
                .table_name(self.module.table().name().as_str())
                .set_key(Some(self.key(id.into_string())))
                .set_projection_expression(projection)
                .set_expression_attribute_names(names)
                .build()
                .expect("table and key are there");
            TransactGetItem::builder().get(get).build()
        });
        let call = self.client.transact_get_items();
        let call = call.set_transact_items(Some(gets.collect()));
        let call = call
            .customize()
            .interceptor(AnswerLimit::of_whole(&self.module));
        let output = call.send().await.map_err(|error| {
            match classify(&error, 0) {
                _ if is_too_long(&error) => StoreError::AnswerFull,
                // The items have more bytes together than a transaction may.
                StoreError::Refused(_) => StoreError::AnswerFull,
                classified => classified,
            }
        })?;
        let answers = output.responses.unwrap_or_default().into_iter();
        let items = answers
            .filter_map(|answer| answer.item)
            // Some engines answer a missing item as one without attributes.
            .filter(|attributes| !attributes.is_empty() && !has_expired(&self.module, attributes))
            .filter_map(|attributes| self.read(attributes, None));
        Ok(items.map(|item| (item.id.clone(), Ok(item))).collect())
    }

    async fn write_all(&self, writes: Vec<BatchWrite>) -> Result<(), StoreError> {
        let sizes = writes.iter().filter_map(|(_, document)| document.as_ref());
        let document_bytes = sizes.map(|document| document.as_str().len()).max();
        let table = self.module.table().name().as_str();
        let mut bytes = 0;
        let items = writes.into_iter().map(|(id, document)| {
            let item = TransactWriteItem::builder();
            let item = if let Some(document) = document {
                let attributes = self.attributes(id, document)?;
                bytes += item_bytes(&attributes);
                let put = Put::builder().table_name(table);
                let put = put.set_item(Some(attributes));
                item.put(put.build().expect("table and item are there"))
            } else {
                let key = self.key(id.into_string());
                bytes += item_bytes(&key);
                let delete = Delete::builder().table_name(table).set_key(Some(key));
                item.delete(delete.build().expect("table and key are there"))
            };
            Ok(item.build())
        });
        let items = items.collect::<Result<_, StoreError>>()?;
        if bytes > limits::TRANSACTION_BYTES {
            return Err(StoreError::TransactionTooLarge { bytes });
        }
        let call = self.client.transact_write_items();
        let call = call.set_transact_items(Some(items));
        let written = self.send(call.send()).await;
        let document_bytes = document_bytes.unwrap_or_default();
        written.map_err(|not_done| classify_transaction(not_done.error(), document_bytes))?;
        Ok(())
    }

    fn write_request(&self, (id, document): BatchWrite) -> Result<WriteRequest, StoreError> {
        let request = WriteRequest::builder();
        let request = if let Some(document) = document {
            let item = self.attributes(id, document)?;
            let put = PutRequest::builder().set_item(Some(item));
            request.put_request(put.build().expect("the item is there"))
        } else {
            let key = self.key(id.into_string());
            let delete = DeleteRequest::builder().set_key(Some(key));
            request.delete_request(delete.build().expect("the key is there"))
        };
        Ok(request.build())
    }
}

fn key_in<'r>(request: &'r WriteRequest, key: &str) -> Option<&'r str> {
    let put = request.put_request().map(PutRequest::item);
    let attributes = put.or_else(|| request.delete_request().map(DeleteRequest::key));
    let text = attributes?.get(key)?.as_s().ok()?;
    Some(text)
}

/// What DynamoDB had no capacity for, however often it was asked.
fn unprocessed() -> StoreError {
    StoreError::Throttled(Failure(format!("left unprocessed {} times", ATTEMPTS + 1)))
}

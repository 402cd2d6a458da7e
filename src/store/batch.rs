//! Many items in one call of DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    Delete, DeleteRequest, Get, KeysAndAttributes, Put, PutRequest,
    ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem, WriteRequest,
};
use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::classify::{CONDITION_FAILED, classify, classify_transaction, reasons};
use super::client::{ATTEMPTS, FIRST_BACKOFF};
use super::error::StoreError;
use super::expressions::{Condition, Expressions};
use super::items::Items;
use super::limit::{AnswerLimit, how_many_fit, is_too_long};
use super::pause::pause;
use super::stamps::{Created, outrun};
use super::storage::{Attributes, item_bytes};
use super::stored::{StoredItem, has_expired};
use super::usage::metered_as_here;
use super::write::Write;
use crate::aws::failure::Failure;
use crate::item::{Document, ItemId};
use crate::module::limits;
use crate::module::name::TableName;

/// A write of a batch: the item's new document, or none where it is to go.
pub(crate) type BatchWrite = (ItemId, Option<Document>);

/// Items by their ids, or why it is not known whether there is one.
pub(crate) type Found = HashMap<ItemId, Result<StoredItem, StoreError>>;

impl Items {
    /// The items of these ids, those that there are; or why it is not known whether one is there.
    /// Of more than `max_bytes` of documents, the rest is not read.
    pub(crate) async fn get_many(&self, ids: Vec<ItemId>, max_bytes: usize) -> Found {
        let mut found = Found::with_capacity(ids.len());
        let mut left = ids;
        let mut at_a_time = left.len();
        let mut bytes = 0;
        while !left.is_empty() {
            let rest = left.split_off(at_a_time.min(left.len()));
            let some = match self.get_some(left.clone()).await {
                Ok(some) => some,
                Err(fewer) => {
                    at_a_time = fewer;
                    left.extend(rest);
                    continue;
                }
            };
            let texts = some.values().flatten().map(StoredItem::bytes);
            bytes += texts.sum::<usize>();
            found.extend(some);
            left = rest;
            if bytes > max_bytes {
                found.extend(left.drain(..).map(|id| (id, Err(StoreError::AnswerFull))));
            }
        }
        found
    }

    /// As many items as one call gets; or how many to ask for at a time, if its answer is too long for
    /// several, or one of several is refused.
    async fn get_some(&self, mut wanted: Vec<ItemId>) -> Result<Found, usize> {
        let table = self.module.table().name().as_str();
        let count = wanted.len();
        let mut found = Found::with_capacity(count);
        for attempt in 0.. {
            if wanted.is_empty() {
                break;
            }
            let keys = wanted.iter().map(|id| self.key(id.clone()));
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
                    wanted = left.filter_map(|mut key| self.take_id(&mut key)).collect();
                    (attempt == ATTEMPTS).then(unprocessed)
                }
                Err(error) => match (how_many_fit(wanted.len(), &error), classify(&error, 0)) {
                    (Some(fewer), _) if count > 1 => return Err(fewer),
                    (_, StoreError::Refused(_)) if count > 1 => return Err(count.div_ceil(2)),
                    (_, failure) => Some(failure),
                },
            };
            if let Some(failure) = failure {
                found.extend(wanted.drain(..).map(|id| (id, Err(failure.clone()))));
            } else if !wanted.is_empty() {
                pause(FIRST_BACKOFF, attempt).await;
            }
        }
        Ok(found)
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
        if self.keeps_creation() {
            // In such a call, no write can depend on what is there.
            return self.write_each(writes).await;
        }
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
        let left = left.into_iter().map(attributes_in);
        let left: Vec<_> = left
            .filter_map(|mut attributes| self.take_id(&mut attributes))
            .collect();
        for (outcome, (id, _)) in outcomes.iter_mut().zip(&writes) {
            if left.contains(id) {
                *outcome = Err(unprocessed());
            }
        }
        outcomes
    }

    async fn write_each(&self, writes: Vec<BatchWrite>) -> Vec<Result<(), StoreError>> {
        let calls = writes.into_iter().map(|(id, document)| async move {
            let write = document.map_or(Write::Delete, Write::Put);
            self.write(id, write, Condition::None).await.map(drop)
        });
        join_all(calls).await
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
                .set_key(Some(self.key(id)))
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

    /// All of them at one moment. Items that keep when they were created are written as
    /// [`stamps`](super::stamps) says.
    async fn write_all(&self, writes: Vec<BatchWrite>) -> Result<(), StoreError> {
        let mut created = vec![Created::default(); writes.len()];
        if !self.keeps_creation() {
            return self.try_all(writes, &mut created).await;
        }
        for attempt in 0..=ATTEMPTS {
            let known = created.clone();
            match self.try_all(writes.clone(), &mut created).await {
                Err(StoreError::ConditionFailed(_)) if created != known => {}
                done => return done,
            }
            if attempt > 0 {
                pause(FIRST_BACKOFF, attempt).await;
            }
        }
        Err(outrun())
    }

    async fn try_all(
        &self,
        writes: Vec<BatchWrite>,
        created: &mut [Created],
    ) -> Result<(), StoreError> {
        let sizes = writes.iter().filter_map(|(_, document)| document.as_ref());
        let document_bytes = sizes.map(|document| document.as_str().len()).max();
        let table = self.module.table().name().as_str();
        let mut bytes = 0;
        let items = writes.into_iter().zip(&*created);
        let items = items.map(|((id, document), created)| {
            Ok(if let Some(document) = document {
                let attributes = self.attributes(id, document)?;
                bytes += item_bytes(&attributes);
                self.put_in_transaction(attributes, Expressions::default(), Some(created))
            } else {
                let key = self.key(id);
                bytes += item_bytes(&key);
                let delete = Delete::builder().table_name(table).set_key(Some(key));
                let delete = delete.build().expect("table and key are there");
                TransactWriteItem::builder().delete(delete).build()
            })
        });
        let items = items.collect::<Result<_, StoreError>>()?;
        if bytes > limits::TRANSACTION_BYTES {
            return Err(StoreError::TransactionTooLarge { bytes });
        }
        let call = self.client.transact_write_items();
        let call = call.set_transact_items(Some(items));
        let Err(not_done) = self.send(call.send()).await else {
            return Ok(());
        };
        let error = not_done.error();
        let mut is_known_better = false;
        for (reason, created) in reasons(error).iter().zip(created) {
            if reason.code() == Some(CONDITION_FAILED) {
                *created = Created::of(&self.module, reason.item());
                is_known_better = true;
            }
        }
        Err(if is_known_better {
            StoreError::ConditionFailed(Failure::new(error))
        } else {
            classify_transaction(error, document_bytes.unwrap_or_default())
        })
    }

    /// A part of a transaction that puts a whole item; of one that keeps when it was created, with
    /// what is known of that.
    pub(super) fn put_in_transaction(
        &self,
        mut item: Attributes,
        mut condition: Expressions,
        created: Option<&Created>,
    ) -> TransactWriteItem {
        if let Some(created) = created {
            created.keep(&self.module, &mut item);
            condition = condition.and_created(&self.module, created);
        }
        let tells = created.is_some() && self.keeps_creation();
        put(self.module.table().name(), item, condition, tells)
    }

    fn write_request(&self, (id, document): BatchWrite) -> Result<WriteRequest, StoreError> {
        let request = WriteRequest::builder();
        let request = if let Some(document) = document {
            let item = self.attributes(id, document)?;
            let put = PutRequest::builder().set_item(Some(item));
            request.put_request(put.build().expect("the item is there"))
        } else {
            let key = self.key(id);
            let delete = DeleteRequest::builder().set_key(Some(key));
            request.delete_request(delete.build().expect("the key is there"))
        };
        Ok(request.build())
    }
}

/// A part of a transaction that puts an item under a condition; if it `tells`, a refusal says what
/// was there.
pub(super) fn put(
    table: &TableName,
    item: Attributes,
    condition: Expressions,
    tells: bool,
) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table.as_str())
        .set_item(Some(item))
        .set_condition_expression(condition.text)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .set_return_values_on_condition_check_failure(
            tells.then_some(ReturnValuesOnConditionCheckFailure::AllOld),
        )
        .build()
        .expect("table and item are there");
    TransactWriteItem::builder().put(put).build()
}

/// The attributes of a request, its key among them.
fn attributes_in(request: WriteRequest) -> Attributes {
    let put = request.put_request.map(|put| put.item);
    let delete = request.delete_request.map(|delete| delete.key);
    put.or(delete).unwrap_or_default()
}

/// What DynamoDB had no capacity for, however often it was asked.
fn unprocessed() -> StoreError {
    StoreError::Throttled(Failure(format!("left unprocessed {} times", ATTEMPTS + 1)))
}

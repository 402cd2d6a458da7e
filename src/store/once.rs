//! A write together with what is remembered of it, in one transaction.

use aws_sdk_dynamodb::types::AttributeValue;

use super::batch::put;
use super::classify::{CONDITION_FAILED, classify, classify_transaction, reasons};
use super::client::{ATTEMPTS, FIRST_BACKOFF};
use super::error::StoreError;
use super::expressions::{Condition, Expressions};
use super::items::Items;
use super::pause::pause;
use super::stamps::Created;
use super::stored::text;
use super::write::Written;
use crate::aws::failure::Failure;
use crate::item::expiry;
use crate::item::idempotency::{Fingerprint, IdempotentWrite, Remembered};
use crate::item::{Document, ItemId, Partition};
use crate::module::{Envelope, IdempotencyTable};
use crate::store::storage::Attributes;

const FINGERPRINT: &str = "fingerprint";
const ITEM_ID: &str = "itemId";
/// The sort key of the item, in a table that has one.
const ITEM_SORT: &str = "itemSort";
const WAS_CREATED: &str = "wasCreated";
const ITEM_EXPIRES_AT: &str = "itemExpiresAt";

/// That a key is new, or that its time is over.
const FORGOTTEN: &str = "attribute_not_exists(#id) OR #expires <= :now";

impl Items {
    /// What is remembered under a write's key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remembered(
        &self,
        once: &IdempotentWrite,
    ) -> Result<Option<Remembered>, StoreError> {
        let key = AttributeValue::S(once.key.as_str().to_owned());
        let output = self
            .client
            .get_item()
            .table_name(once.table.name().as_str())
            .key(IdempotencyTable::KEY, key)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(output.item.and_then(read))
    }

    /// Writes the whole item and remembers it; or tells what was remembered, if it was written
    /// before.
    pub(super) async fn put_once(
        &self,
        id: ItemId,
        document: Document,
        once: &IdempotentWrite,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        // A transaction does not tell what was there: who wants to know has to look first.
        let looks = self.module.envelope() == Envelope::Plain && condition == Condition::None;
        let mut created =
            (self.keeps_creation() && condition != Condition::Absent).then(Created::default);
        let mut attempt = 0;
        loop {
            let condition = if !looks {
                condition.clone()
            } else if self.get(id.clone(), true).await?.is_some() {
                Condition::Exists
            } else {
                Condition::Absent
            };
            let (id, document) = (id.clone(), document.clone());
            let known = created.clone();
            let done = self.try_once(id, document, once, condition, &mut created);
            match done.await {
                // Another request was under way: with the same key, or with this item.
                Err(StoreError::Throttled(_)) if attempt < ATTEMPTS => {}
                Err(StoreError::ConditionFailed(_))
                    if (looks || created != known) && attempt < ATTEMPTS => {}
                done => return done,
            }
            pause(FIRST_BACKOFF, attempt).await;
            attempt += 1;
        }
    }

    async fn try_once(
        &self,
        id: ItemId,
        document: Document,
        once: &IdempotentWrite,
        condition: Condition,
        created: &mut Option<Created>,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let was_created =
            self.module.envelope() == Envelope::Plain && condition == Condition::Absent;
        let mut forgotten = Expressions::default();
        forgotten.name("#id", IdempotencyTable::KEY);
        forgotten.name("#expires", IdempotencyTable::TTL);
        forgotten.value(":now", AttributeValue::N(expiry::now().to_string()));
        forgotten.text = Some(FORGOTTEN.to_owned());
        let record = record(once, &id, &document, was_created);
        let item = self.attributes(id, document)?;
        let condition = condition.expressions(&self.module);
        let puts = [
            put(once.table.name(), record, forgotten, false),
            self.put_in_transaction(item, condition, created.as_ref()),
        ];
        let call = self.client.transact_write_items();
        let call = call.set_transact_items(Some(puts.into()));
        let Err(not_done) = self.send(call.send()).await else {
            return Ok(if was_created {
                Written::Created
            } else {
                Written::Done
            });
        };
        let error = not_done.error();
        let reasons = reasons(error);
        let has_failed =
            |at: usize| reasons.get(at).and_then(|reason| reason.code()) == Some(CONDITION_FAILED);
        if has_failed(0) {
            // It is gone again if its time was over in between.
            let before = self.remembered(once).await?;
            let before = before.ok_or_else(|| StoreError::Throttled(Failure::new(error)))?;
            return Ok(Written::Before(before));
        }
        if let (true, Some(created)) = (has_failed(1), created) {
            *created = Created::of(&self.module, reasons[1].item());
        }
        Err(if has_failed(1) {
            StoreError::ConditionFailed(Failure::new(error))
        } else {
            classify_transaction(error, document_bytes)
        })
    }
}

fn record(
    once: &IdempotentWrite,
    id: &ItemId,
    document: &Document,
    was_created: bool,
) -> Attributes {
    let forget_at = expiry::now() + once.table.keep().as_secs();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u64| AttributeValue::N(number.to_string());
    let mut record = Attributes::from([
        (IdempotencyTable::KEY.to_owned(), text(once.key.as_str())),
        (IdempotencyTable::TTL.to_owned(), number(forget_at)),
        (FINGERPRINT.to_owned(), text(&once.fingerprint.0)),
        (ITEM_ID.to_owned(), text(id.partition())),
        (WAS_CREATED.to_owned(), AttributeValue::Bool(was_created)),
    ]);
    if let Some(sort) = id.sort() {
        record.insert(ITEM_SORT.to_owned(), text(sort));
    }
    if let Some(seconds) = document.expires_at() {
        record.insert(ITEM_EXPIRES_AT.to_owned(), number(seconds));
    }
    record
}

fn read(mut record: Attributes) -> Option<Remembered> {
    let number = |value: AttributeValue| value.as_n().ok()?.parse::<u64>().ok();
    let forget_at = record.remove(IdempotencyTable::TTL).and_then(number)?;
    if forget_at <= expiry::now() {
        return None;
    }
    Some(Remembered {
        fingerprint: Fingerprint(text(record.remove(FINGERPRINT))?),
        id: ItemId::of(
            Partition::of(text(record.remove(ITEM_ID))?),
            text(record.remove(ITEM_SORT)),
        ),
        was_created: *record.get(WAS_CREATED)?.as_bool().ok()?,
        expires_at: record.remove(ITEM_EXPIRES_AT).and_then(number),
    })
}

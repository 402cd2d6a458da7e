//! Writes of one item.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::client::{ATTEMPTS, FIRST_BACKOFF};
use super::doubt::{NotDone, doubting};
use super::error::StoreError;
use super::expressions::{Condition, Expressions, changes};
use super::items::Items;
use super::pause::pause;
use super::storage::{self, Attributes};
use super::stored::{DATA, StoredItem, has_expired};
use super::types::UnclearTypes;
use crate::aws::failure::Failure;
use crate::item::idempotency::{IdempotentWrite, Remembered};
use crate::item::{Document, ItemId, Kept};
use crate::module::{Envelope, Module, Storage};

/// A change of one item.
#[derive(Debug, Clone)]
pub enum Write {
    /// The document becomes the whole item, whatever was there.
    Put(Document),
    /// As [`Write::Put`], done once and remembered.
    PutOnce(Document, IdempotentWrite),
    /// The document is set, the item's other attributes stay; it is created if it is not there.
    Update(Document),
    /// It is removed, if it is there.
    Delete,
}

/// What a write has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// There is an item that was not there. Known only where the module's envelope says so.
    Created,
    /// What was asked for.
    Done,
    /// Nothing, since it had been done before.
    Before(Remembered),
}

impl Items {
    /// Sends a call that writes items of the module.
    ///
    /// This is the seam of all writes: one of an item alone, one with an idempotency key, a part of
    /// a batch and a transaction all come here, and nothing else changes items for a caller. What is
    /// to be done with every write, before it is sent or after it was acknowledged, belongs here.
    #[expect(
        clippy::unused_self,
        reason = "what belongs here has to know whose items are written"
    )]
    pub(super) fn send<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> impl Future<Output = Result<T, NotDone<E>>> {
        doubting(call)
    }

    /// Does `write`, if `condition` holds.
    ///
    /// # Errors
    /// See [`StoreError`]; of a condition that does not hold, [`StoreError::ConditionFailed`].
    pub async fn write(
        &self,
        id: ItemId,
        write: Write,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        match (write, self.module.storage(), condition) {
            (Write::PutOnce(document, once), _, condition) => {
                Box::pin(self.put_once(id, document, &once, condition)).await
            }
            (Write::Delete, _, condition) => self.delete(id, condition).await,
            (Write::Update(document), Storage::Document, Condition::Unchanged(seen)) => {
                Box::pin(self.update_members(id, document, *seen)).await
            }
            (
                Write::Update(document),
                Storage::Document,
                condition @ (Condition::None | Condition::Exists),
            ) => Box::pin(self.replace(id, document, condition)).await,
            // Of an item that is absent, or has expired, nothing stays.
            (Write::Put(document), _, condition)
            | (Write::Update(document), Storage::Document, condition)
            | (Write::Update(document), _, condition @ Condition::Absent) => {
                self.put(id, document, condition).await
            }
            (Write::Update(document), Storage::Json, Condition::None)
                if self.module.ttl().is_some() =>
            {
                Box::pin(self.update_or_begin_anew(id, document)).await
            }
            (Write::Update(document), Storage::Json, condition) => {
                self.update(id, document, condition).await
            }
        }
    }

    async fn put(
        &self,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let is_new = condition == Condition::Absent;
        let attributes = self.attributes(id, document)?;
        let expressions = condition.expressions(&self.module);
        self.send_put(attributes, is_new, expressions, document_bytes)
            .await
    }

    async fn send_put(
        &self,
        attributes: Attributes,
        is_new: bool,
        expressions: Expressions,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = expressions;
        let put = self
            .client
            .put_item()
            .table_name(self.module.table().name().as_str())
            .set_item(Some(attributes))
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values(old_values(&self.module, is_new));
        let output = self.send(put.send()).await;
        let output = output.map_err(|error| error.classify(document_bytes))?;
        Ok(written(&self.module, is_new, output.attributes.as_ref()))
    }

    /// Puts the document as the whole item, unless the item may have values of which JSON can't tell
    /// the types: such an item is read first, and what did not change of it stays as it is.
    async fn replace(
        &self,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let types = UnclearTypes::of(&document);
        if types == UnclearTypes::None {
            return self.put(id, document, condition).await;
        }
        let document_bytes = document.as_str().len();
        for attempt in 0..=ATTEMPTS {
            if let UnclearTypes::Members(members) = &types {
                let attributes = self.attributes(id.clone(), document.clone())?;
                let expressions = condition.clone().expressions(&self.module);
                let expressions = expressions.and_clear_types(&self.module, members);
                let done = self
                    .send_put(attributes, false, expressions, document_bytes)
                    .await;
                match done {
                    Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                    done => return done,
                }
            }
            let seen = self.get(id.clone(), true).await?;
            if seen.is_none() && condition == Condition::Exists {
                let why = Failure("there is no item".to_owned());
                return Err(StoreError::ConditionFailed(why));
            }
            let (id, document) = (id.clone(), document.clone());
            let done = match seen {
                Some(seen) => self.update_members(id, document, seen).await,
                None => self.put(id, document, Condition::Absent).await,
            };
            match done {
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                done => return done,
            }
            pause(FIRST_BACKOFF, attempt).await;
        }
        let why = format!("others have changed the item {} times", ATTEMPTS + 1);
        Err(StoreError::Throttled(Failure(why)))
    }

    async fn update(
        &self,
        id: ItemId,
        document: Document,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let mut expressions = condition.expressions(&self.module);
        let mut update = "SET #data = :data".to_owned();
        expressions.name("#data", DATA);
        if let (Some(attribute), Some(seconds)) = (self.module.ttl(), document.expires_at()) {
            update.push_str(", #ttl = :ttl");
            expressions.name("#ttl", attribute.as_str());
            expressions.value(":ttl", AttributeValue::N(seconds.to_string()));
        }
        if let Some(tenant) = self.tenant() {
            let (set, _) = expressions.marks(tenant.marks(&self.module, &Attributes::new()));
            update.push_str(&set);
        }
        if let Kept::Text(text) = document.into_kept() {
            expressions.value(":data", AttributeValue::S(text));
        }
        self.send_update(id, update, expressions, document_bytes)
            .await
    }

    /// Updates the item, unless it has expired: what is left of it must not come back to life.
    async fn update_or_begin_anew(
        &self,
        id: ItemId,
        document: Document,
    ) -> Result<Written, StoreError> {
        let mut tries = 0;
        loop {
            let alive = self.update(id.clone(), document.clone(), Condition::Alive);
            match alive.await {
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_)) => {}
                done => return done,
            }
            let anew = self.put(id.clone(), document.clone(), Condition::Absent);
            match anew.await {
                // Another writer began it anew, so now there is something to update.
                Err(StoreError::ConditionFailed(_) | StoreError::InDoubt(_))
                    if tries < ATTEMPTS =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Sets the members that differ from the item as it was seen, and takes those away that it
    /// should no longer have. The others stay as they are, of whatever type.
    async fn update_members(
        &self,
        id: ItemId,
        document: Document,
        seen: StoredItem,
    ) -> Result<Written, StoreError> {
        let document_bytes = document.as_str().len();
        let changes = changes(&self.module, self.tenant(), &seen.attributes, &document);
        let Some((update, changes)) = changes else {
            let mut attributes = self.attributes(id, document)?;
            storage::keep_types(&mut attributes, &seen.attributes);
            let expressions = Condition::Unchanged(Box::new(seen)).expressions(&self.module);
            return self
                .send_put(attributes, false, expressions, document_bytes)
                .await;
        };
        let mut expressions = Condition::Unchanged(Box::new(seen)).expressions(&self.module);
        expressions.merge(changes);
        self.send_update(id, update, expressions, document_bytes)
            .await
    }

    async fn send_update(
        &self,
        id: ItemId,
        update: String,
        expressions: Expressions,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = expressions;
        let update = self
            .client
            .update_item()
            .table_name(self.module.table().name().as_str())
            .set_key(Some(self.key(id.into_string())))
            .update_expression(update)
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values(old_values(&self.module, false));
        let output = self.send(update.send()).await;
        let output = output.map_err(|error| error.classify(document_bytes))?;
        Ok(written(&self.module, false, output.attributes.as_ref()))
    }

    async fn delete(&self, id: ItemId, condition: Condition) -> Result<Written, StoreError> {
        let Expressions {
            text,
            names,
            values,
        } = condition.expressions(&self.module);
        let delete = self
            .client
            .delete_item()
            .table_name(self.module.table().name().as_str())
            .set_key(Some(self.key(id.into_string())))
            .set_condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        let deleted = self.send(delete.send()).await;
        deleted.map_err(|error| error.classify(0))?;
        Ok(Written::Done)
    }
}

/// Asks for what was there, where the envelope tells whether anything was.
fn old_values(module: &Module, is_new: bool) -> Option<ReturnValue> {
    (module.envelope() == Envelope::Plain && !is_new).then_some(ReturnValue::AllOld)
}

fn written(module: &Module, is_new: bool, old: Option<&Attributes>) -> Written {
    // Of a new item an emulator may tell the key.
    let was_there = old.is_some_and(|old| old.len() > 1 && !has_expired(module, old));
    if module.envelope() == Envelope::Plain && (is_new || !was_there) {
        Written::Created
    } else {
        Written::Done
    }
}

//! Writes of one item.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::client::{ATTEMPTS, FIRST_BACKOFF};
use super::doubt::{NotDone, doubting};
use super::error::StoreError;
use super::expressions::{Condition, Expressions, Update, changes};
use super::items::Items;
use super::pause::pause;
use super::stamps::{self, Created};
use super::storage::{self, Attributes};
use super::stored::{StoredItem, has_expired};
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
        if self.keeps_creation() && !is_new {
            return self.put_again(attributes, condition, document_bytes).await;
        }
        let expressions = condition.expressions(&self.module);
        self.send_put(attributes, is_new, expressions, document_bytes)
            .await
    }

    /// Puts a whole item in the place of one that may be there, and keeps when that was created: as
    /// [`stamps`] says.
    async fn put_again(
        &self,
        attributes: Attributes,
        condition: Condition,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let seen = match &condition {
            Condition::Unchanged(seen) => Some(&seen.attributes),
            _ => None,
        };
        let mut created = Created::of(&self.module, seen);
        for attempt in 0..=ATTEMPTS {
            let mut attributes = attributes.clone();
            created.keep(&self.module, &mut attributes);
            let expressions = condition.clone().expressions(&self.module);
            let expressions = expressions.and_created(&self.module, &created);
            let not_done = match self.try_put(attributes, false, expressions).await {
                Ok(written) => return Ok(written),
                Err(not_done) => not_done,
            };
            let error = not_done.classify(document_bytes);
            if !matches!(
                error,
                StoreError::ConditionFailed(_) | StoreError::InDoubt(_)
            ) {
                return Err(error);
            }
            let found = match not_done.error().as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => refused.item(),
                _ => None,
            };
            let found = Created::of(&self.module, found);
            if found == created {
                // It is the caller's condition that does not hold.
                return Err(error);
            }
            created = found;
            if attempt > 0 {
                pause(FIRST_BACKOFF, attempt).await;
            }
        }
        Err(stamps::outrun())
    }

    async fn send_put(
        &self,
        attributes: Attributes,
        is_new: bool,
        expressions: Expressions,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        let done = self.try_put(attributes, is_new, expressions).await;
        done.map_err(|not_done| not_done.classify(document_bytes))
    }

    pub(super) async fn try_put(
        &self,
        attributes: Attributes,
        is_new: bool,
        expressions: Expressions,
    ) -> Result<Written, NotDone<PutItemError>> {
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
            .set_return_values(old_values(&self.module, is_new))
            .set_return_values_on_condition_check_failure(
                self.keeps_creation()
                    .then_some(ReturnValuesOnConditionCheckFailure::AllOld),
            );
        let output = self.send(put.send()).await?;
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
        // A try that may have been done makes a refusal of the next one no refusal of the write.
        let mut doubt = None;
        for attempt in 0..=ATTEMPTS {
            if let UnclearTypes::Members(members) = &types {
                let attributes = self.attributes(id.clone(), document.clone())?;
                let expressions = condition.clone().expressions(&self.module);
                // An item that keeps when it was created is read as well.
                let expressions = expressions
                    .and_clear_types(&self.module, members)
                    .and_created(&self.module, &Created::default());
                let done = self
                    .send_put(attributes, false, expressions, document_bytes)
                    .await;
                match done {
                    Err(StoreError::ConditionFailed(_)) => {}
                    Err(error @ StoreError::InDoubt(_)) => doubt = Some(error),
                    done => return done,
                }
            }
            let seen = self.get(id.clone(), true).await?;
            if seen.is_none() && condition == Condition::Exists {
                let why = Failure("there is no item".to_owned());
                return Err(doubt.unwrap_or(StoreError::ConditionFailed(why)));
            }
            let (id, document) = (id.clone(), document.clone());
            let done = match seen {
                Some(seen) => self.update_members(id, document, seen).await,
                None => self.put(id, document, Condition::Absent).await,
            };
            match done {
                Err(StoreError::ConditionFailed(_)) => {}
                Err(error @ StoreError::InDoubt(_)) => doubt = Some(error),
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
        let mut set = "SET #data = :data".to_owned();
        expressions.name("#data", self.module.document_attribute());
        if let (Some(attribute), Some(seconds)) = (self.module.ttl(), document.expires_at()) {
            set.push_str(", #ttl = :ttl");
            expressions.name("#ttl", attribute.as_str());
            expressions.value(":ttl", AttributeValue::N(seconds.to_string()));
        }
        if let Some(tenant) = self.tenant() {
            let (marks, _) = expressions.marks(tenant.marks(&self.module, &Attributes::new()));
            set.push_str(&marks);
        }
        if let Kept::Text(text) = document.into_kept() {
            expressions.value(":data", AttributeValue::S(text));
        }
        let update = Update {
            set,
            removed: Vec::new(),
            expressions,
        };
        self.send_update(id, update, document_bytes).await
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
        let Some(mut update) = changes else {
            let mut attributes = self.attributes(id, document)?;
            storage::keep_types(&mut attributes, &seen.attributes);
            let created = Created::of(&self.module, Some(&seen.attributes));
            created.keep(&self.module, &mut attributes);
            let expressions = Condition::Unchanged(Box::new(seen)).expressions(&self.module);
            let expressions = expressions.and_created(&self.module, &created);
            return self
                .send_put(attributes, false, expressions, document_bytes)
                .await;
        };
        let unchanged = Condition::Unchanged(Box::new(seen)).expressions(&self.module);
        update.expressions.merge(unchanged);
        self.send_update(id, update, document_bytes).await
    }

    async fn send_update(
        &self,
        id: ItemId,
        mut update: Update,
        document_bytes: usize,
    ) -> Result<Written, StoreError> {
        stamps::stamp_update(&self.module, self.writer(), &mut update);
        let (update, expressions) = update.into_expression();
        let Expressions {
            text,
            names,
            values,
        } = expressions;
        let update = self
            .client
            .update_item()
            .table_name(self.module.table().name().as_str())
            .set_key(Some(self.key(id)))
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
            .set_key(Some(self.key(id)))
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
    let key = module.key().parts().count();
    let was_there = old.is_some_and(|old| old.len() > key && !has_expired(module, old));
    if module.envelope() == Envelope::Plain && (is_new || !was_there) {
        Written::Created
    } else {
        Written::Done
    }
}

//! An item is read, and written if it is still the same by then.

use std::time::Duration;

use super::error::StoreError;
use super::expressions::Condition;
use super::items::Items;
use super::pause::pause;
use super::stored::StoredItem;
use super::write::{Write, Written};
use crate::item::ItemId;

/// How often a write is tried that others are faster than, and the longest first pause: half a
/// second in all.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// What is to become of an item that was read.
#[derive(Debug)]
pub struct Change<T> {
    /// The item as it was read, and as it still has to be when it is written.
    pub seen: Option<StoredItem>,
    /// What is to be done.
    pub write: Write,
    /// What is known of it beside.
    pub outcome: T,
}

/// Other writers were faster, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("other writers were faster")]
pub struct Contended;

impl Items {
    /// Reads the item of this id, if it is there, and does what `change` says of it; from the
    /// beginning, if somebody else has written the item in between.
    ///
    /// # Errors
    /// What `change` says, what the store does (see [`StoreError`]), or [`Contended`].
    pub async fn modify<T, E, F>(
        &self,
        id: ItemId,
        mut change: impl FnMut(Option<StoredItem>) -> F,
    ) -> Result<(Written, T), E>
    where
        F: Future<Output = Result<Change<T>, E>>,
        E: From<StoreError> + From<Contended>,
    {
        for attempt in 0..ATTEMPTS {
            let seen = self.get(id.clone(), true).await?;
            let Change {
                seen,
                write,
                outcome,
            } = change(seen).await?;
            let unchanged = Condition::unchanged(seen);
            match self.write(id.clone(), write, unchanged).await {
                Err(StoreError::ConditionFailed(_)) => pause(FIRST_PAUSE, attempt).await,
                written => return Ok((written?, outcome)),
            }
        }
        Err(Contended.into())
    }
}

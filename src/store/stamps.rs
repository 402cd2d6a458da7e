//! Stamps: each write says when it was done, and by whom, and keeps when the item was created.
//!
//! An update keeps that by itself. What replaces a whole item has to say it anew, and only the item
//! itself has it: so the first try says that the item has none, which is right of one that is new, and
//! where DynamoDB refuses it, the refusal tells what the item has. Most writes are not slower by it, and
//! no other writer can come between.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;

use super::client::ATTEMPTS;
use super::error::StoreError;
use super::expressions::{Expressions, Update};
use super::storage::Attributes;
use super::stored::has_expired;
use crate::aws::failure::Failure;
use crate::module::Module;
use crate::module::stamps::Stamps;

/// The time now: in UTC, and always with milliseconds, so that texts are ordered as their times are.
fn now() -> AttributeValue {
    AttributeValue::S(humantime::format_rfc3339_millis(SystemTime::now()).to_string())
}

/// What an item says of its creation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Created {
    /// What it has now, which the write depends on.
    found: Option<AttributeValue>,
    /// What it is to have, unless that is the time of the write.
    kept: Option<AttributeValue>,
}

impl Created {
    /// What is known of an item that was read, if it was there.
    pub(super) fn of(module: &Module, item: Option<&Attributes>) -> Self {
        let name = module.stamps().created_at.as_ref();
        let found = name.and_then(|name| item?.get(name.as_str())).cloned();
        let is_alive = item.is_some_and(|item| !has_expired(module, item));
        Self {
            kept: found.clone().filter(|_| is_alive),
            found,
        }
    }

    /// Sets it in what is to be the whole item.
    pub(super) fn keep(&self, module: &Module, attributes: &mut Attributes) {
        if let (Some(name), Some(kept)) = (&module.stamps().created_at, &self.kept) {
            attributes.insert(name.to_string(), kept.clone());
        }
    }
}

/// Stamps a whole item that is written now, as one that is new.
pub(super) fn stamp(module: &Module, writer: Option<&str>, attributes: &mut Attributes) {
    let Stamps {
        created_at,
        updated_at,
        updated_by,
    } = module.stamps();
    if created_at.is_some() || updated_at.is_some() {
        let now = now();
        let times = [created_at, updated_at].into_iter().flatten();
        attributes.extend(times.map(|name| (name.to_string(), now.clone())));
    }
    if let (Some(name), Some(writer)) = (updated_by, writer) {
        attributes.insert(name.to_string(), AttributeValue::S(writer.to_owned()));
    }
}

/// Has an update stamp the item as well.
pub(super) fn stamp_update(module: &Module, writer: Option<&str>, update: &mut Update) {
    let Stamps {
        created_at,
        updated_at,
        updated_by,
    } = module.stamps();
    let Update {
        set,
        removed,
        expressions,
    } = update;
    if created_at.is_some() || updated_at.is_some() {
        expressions.value(":written", now());
    }
    if let Some(name) = created_at {
        expressions.name("#createdAt", name.as_str());
        set.push_str(", #createdAt = if_not_exists(#createdAt, :written)");
    }
    if let Some(name) = updated_at {
        expressions.name("#updatedAt", name.as_str());
        set.push_str(", #updatedAt = :written");
    }
    match (updated_by, writer) {
        (Some(name), Some(writer)) => {
            expressions.name("#updatedBy", name.as_str());
            expressions.value(":writer", AttributeValue::S(writer.to_owned()));
            set.push_str(", #updatedBy = :writer");
        }
        (Some(name), None) => removed.push(name.to_string()),
        (None, _) => {}
    }
}

/// Others have made the item anew, time and again.
pub(super) fn outrun() -> StoreError {
    let why = format!("others have created the item {} times", ATTEMPTS + 1);
    StoreError::Throttled(Failure(why))
}

impl Expressions {
    /// The same condition, and that an item says of its creation what is known of it.
    pub(super) fn and_created(mut self, module: &Module, created: &Created) -> Self {
        let Some(name) = &module.stamps().created_at else {
            return self;
        };
        self.name("#createdAt", name.as_str());
        let as_known = match &created.found {
            None => "attribute_not_exists(#createdAt)",
            Some(found) => {
                self.value(":createdAt", found.clone());
                "#createdAt = :createdAt"
            }
        };
        self.text = Some(match self.text {
            Some(condition) => format!("({condition}) AND {as_known}"),
            None => as_known.to_owned(),
        });
        self
    }
}

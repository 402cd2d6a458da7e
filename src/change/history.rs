//! The records of a stream as versions of items, kept in their order.

use std::sync::Arc;

use futures_util::future::join_all;
use indexmap::IndexMap;
use tracing::error;

use super::{Images, InvalidRecord, Kind, Record};
use crate::item::history::{VersionName, history_id};
use crate::module::Module;
use crate::store::{Image, State, Store, StoreError, Version};

/// How many items' versions are on their way at a time.
const AT_ONCE: usize = 16;

/// What a record, of the stream of the module's table, made of an item. Nothing, if nobody who reads
/// the item sees a difference: not in its document, its stamps, or in when it expires.
///
/// # Errors
/// The record does not have what a stream of old and new images has.
fn version_of(record: Record, module: &Module) -> Result<Option<Version>, InvalidRecord> {
    let name = VersionName::new(record.time(), record.sequence_number());
    let Images { old, new, kind } = Images::of(record, module)?;
    let kind = match (kind, &old, &new) {
        (Some(kind), ..) => kind,
        (None, Some(old), Some(new)) if state(old) != state(new) => Kind::Updated,
        (None, ..) => return Ok(None),
    };
    let state = new.as_ref().map(state);
    let Some(image) = new.or(old) else {
        return Ok(None);
    };
    Ok(Some(Version {
        id: image.id,
        tenant: image.tenant,
        name,
        kind: kind.as_str(),
        state,
    }))
}

fn state(image: &Image) -> State {
    State {
        document: image.document.clone(),
        stamps: image.stamps.clone(),
        writer: image.writer.clone(),
        until: image.until.clone(),
    }
}

/// Keeps what the records of a stream say, where the module has a history: the versions of one item in
/// their order, those of others beside them. What is kept already stays as it is.
///
/// # Errors
/// One can't be kept: where the first stands of which that is so, and why.
pub async fn keep(
    store: &Store,
    module: &Arc<Module>,
    records: impl IntoIterator<Item = Record>,
) -> Result<(), (usize, StoreError)> {
    let Some(history) = module.history() else {
        return Ok(());
    };
    let mut items: IndexMap<String, Vec<(usize, Version)>> = IndexMap::new();
    for (at, record) in records.into_iter().enumerate() {
        match version_of(record, module) {
            Ok(None) => {}
            Ok(Some(version)) => {
                let item = history_id(&version.id, version.tenant.as_ref());
                items.entry(item).or_default().push((at, version));
            }
            Err(invalid) => {
                error!(module = %module.name(), error = %invalid, "a version is left out");
            }
        }
    }
    let mut items: Vec<_> = items.into_values().collect();
    let mut failed = Vec::new();
    while !items.is_empty() {
        let some = items.drain(..items.len().min(AT_ONCE));
        let kept = join_all(some.map(async |versions| {
            for (at, version) in versions {
                let kept = store.keep(history, &version).await;
                kept.map_err(|error| (at, error))?;
            }
            Ok::<_, (usize, StoreError)>(())
        }));
        failed.extend(kept.await.into_iter().filter_map(Result::err));
    }
    match failed.into_iter().min_by_key(|(at, _)| *at) {
        None => Ok(()),
        Some(first) => Err(first),
    }
}

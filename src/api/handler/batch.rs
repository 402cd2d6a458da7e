//! A batch: many operations, each answered on its own or all done in one transaction.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use crate::api::batch::{
    Batch, Operation, ParsedWrite, Parts, RawWrite, RefusedOperation, parse_write,
};
use crate::api::envelope;
use crate::api::error::ApiError;
use crate::api::mount::Mount;
use crate::api::work;
use crate::item::collection::Collection;
use crate::module::Verb;
use crate::store::{BatchWrite, Items, StoreError};

/// `POST /_batch/<module>`
pub(crate) async fn batch(mount: Mount, batch: Batch) -> Result<Response, ApiError> {
    let (module, items) = (mount.module(), mount.items()?);
    let (mut gets, mut writes) = (Vec::new(), Vec::new());
    let pending = batch.operations.into_iter().map(|operation| {
        Ok(match operation? {
            Operation::Get(id) => {
                gets.push(id.clone());
                (id, Verb::Get)
            }
            Operation::Put(id, text) => {
                writes.push((id.clone(), Some(text)));
                (id, Verb::Put)
            }
            Operation::Delete(id) => {
                writes.push((id.clone(), None));
                (id, Verb::Delete)
            }
        })
    });
    let pending: Vec<Result<_, RefusedOperation>> = pending.collect();
    let (mut found, written) = if batch.atomic {
        let writes = parse_all(&mount.collection, writes).await?;
        let (found, written) = items.transact(gets, writes).await?;
        (found, written.into_iter().map(shared).collect())
    } else {
        tokio::join!(
            items.get_many(gets, mount.answer_limit.body_bytes()),
            write_in_parts(&mount.collection, items, writes)
        )
    };
    let mut written = written.into_iter();
    let mut results = envelope::Results::new(module, mount.answer_limit);
    for operation in pending {
        let (id, verb) = match operation {
            Ok(operation) => operation,
            Err(RefusedOperation { id, error }) => {
                results.failed(&id, error);
                continue;
            }
        };
        let outcome = if verb == Verb::Get {
            let item = found.remove(&id).ok_or(ApiError::NoSuchItem);
            let item = item.and_then(|item| Ok(item?));
            item.map(|item| results.found(&item.shown(module)))
                .map_err(Arc::new)
        } else {
            let done = written.next().unwrap_or(Ok(()));
            done.map(|()| results.done(verb, &id))
        };
        if let Err(error) = outcome {
            results.failed(&envelope::id_json(module, &id), error);
        }
    }
    Ok(results.into_response())
}

fn shared(done: Result<(), StoreError>) -> Result<(), Arc<ApiError>> {
    done.map_err(|error| Arc::new(error.into()))
}

/// The writes of a batch that is done as a whole, for which every document must be one.
async fn parse_all(
    collection: &Arc<Collection>,
    writes: Vec<RawWrite>,
) -> Result<Vec<BatchWrite>, ApiError> {
    if !Parts::fit_a_transaction(collection.module(), &writes) {
        return Err(ApiError::BatchTooLarge);
    }
    let parsed = parse_part(collection, writes).await.into_iter().enumerate();
    let parsed = parsed.map(|(at, write)| {
        write.map_err(|error| ApiError::Operation {
            at,
            error: Arc::into_inner(error)
                .expect("nobody else has it yet")
                .into(),
        })
    });
    parsed.collect()
}

/// Parses documents and writes them, as many at a time as have room in memory.
async fn write_in_parts(
    collection: &Arc<Collection>,
    items: &Items,
    writes: Vec<RawWrite>,
) -> Vec<Result<(), Arc<ApiError>>> {
    let mut outcomes = Vec::with_capacity(writes.len());
    for part in Parts::new(collection.module(), writes) {
        let mut pending = Vec::with_capacity(part.len());
        let mut writes = Vec::with_capacity(part.len());
        for write in parse_part(collection, part).await {
            pending.push(write.map(|write| writes.push(write)));
        }
        let mut done = items.write_many(writes).await.into_iter();
        outcomes.extend(
            pending
                .into_iter()
                .map(|write| write.and_then(|()| done.next().map_or(Ok(()), shared))),
        );
    }
    outcomes
}

async fn parse_part(collection: &Arc<Collection>, part: Vec<RawWrite>) -> Vec<ParsedWrite> {
    let texts = part.iter().filter_map(|(_, text)| text.as_ref());
    let bytes = texts.map(|text| text.get().len()).sum();
    let parse = |collection: &Collection, part: Vec<RawWrite>| {
        part.into_iter()
            .map(|write| parse_write(collection, write))
            .collect()
    };
    if work::is_long(bytes) {
        let collection = Arc::clone(collection);
        work::long(move || parse(&collection, part)).await
    } else {
        parse(collection, part)
    }
}

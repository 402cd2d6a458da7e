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
use crate::module::{Module, Verb};
use crate::store::{BatchWrite, Store, StoreError};

/// `POST /_batch/<module>`
pub(crate) async fn batch(mount: Mount, batch: Batch) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let (mut gets, mut writes) = (Vec::new(), Vec::new());
    let pending = batch
        .operations
        .into_iter()
        .map(|operation| match operation {
            Ok(Operation::Get(id)) => {
                gets.push(id.clone());
                (id.into_string(), Ok(Verb::Get))
            }
            Ok(Operation::Put(id, text)) => {
                writes.push((id.clone(), Some(text)));
                (id.into_string(), Ok(Verb::Put))
            }
            Ok(Operation::Delete(id)) => {
                writes.push((id.clone(), None));
                (id.into_string(), Ok(Verb::Delete))
            }
            Err(RefusedOperation { id, error }) => (id, Err(error)),
        });
    let pending: Vec<(String, Result<Verb, Arc<ApiError>>)> = pending.collect();
    let (mut found, written) = if batch.atomic {
        let writes = parse_all(module, writes).await?;
        let (found, written) = store.transact(module, gets, writes).await?;
        (found, written.into_iter().map(shared).collect())
    } else {
        tokio::join!(
            store.get_many(module, gets, mount.answer_limit.body_bytes()),
            write_in_parts(module, store, writes)
        )
    };
    let mut written = written.into_iter();
    let mut results = envelope::Results::new(module, mount.answer_limit);
    for (id, verb) in pending {
        let outcome = verb.and_then(|verb| {
            if verb == Verb::Get {
                let item = found.remove(id.as_str()).ok_or(ApiError::NoSuchItem)?;
                return Ok((verb, Some(item.map_err(ApiError::from)?)));
            }
            written.next().unwrap_or(Ok(()))?;
            Ok((verb, None))
        });
        match outcome {
            Ok((_, Some(item))) => results.found(&id, item.data.as_deref()),
            Ok((verb, None)) => results.done(verb, &id),
            Err(error) => results.failed(&id, error),
        }
    }
    Ok(results.into_response())
}

fn shared(done: Result<(), StoreError>) -> Result<(), Arc<ApiError>> {
    done.map_err(|error| Arc::new(error.into()))
}

/// The writes of a batch that is done as a whole, for which every document must be one.
async fn parse_all(
    module: &Arc<Module>,
    writes: Vec<RawWrite>,
) -> Result<Vec<BatchWrite>, ApiError> {
    if !Parts::fit_a_transaction(module, &writes) {
        return Err(ApiError::BatchTooLarge);
    }
    let parsed = parse_part(module, writes).await.into_iter().enumerate();
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
    module: &Arc<Module>,
    store: &Store,
    writes: Vec<RawWrite>,
) -> Vec<Result<(), Arc<ApiError>>> {
    let mut outcomes = Vec::with_capacity(writes.len());
    for part in Parts::new(module, writes) {
        let mut pending = Vec::with_capacity(part.len());
        let mut writes = Vec::with_capacity(part.len());
        for write in parse_part(module, part).await {
            pending.push(write.map(|write| writes.push(write)));
        }
        let mut done = store.write_many(module, writes).await.into_iter();
        outcomes.extend(
            pending
                .into_iter()
                .map(|write| write.and_then(|()| done.next().map_or(Ok(()), shared))),
        );
    }
    outcomes
}

async fn parse_part(module: &Arc<Module>, part: Vec<RawWrite>) -> Vec<ParsedWrite> {
    let texts = part.iter().filter_map(|(_, text)| text.as_ref());
    let bytes = texts.map(|text| text.get().len()).sum();
    let parse = |module: &Module, part: Vec<RawWrite>| {
        part.into_iter()
            .map(|write| parse_write(module, write))
            .collect()
    };
    if work::is_long(bytes) {
        let module = Arc::clone(module);
        work::long(move || parse(&module, part)).await
    } else {
        parse(module, part)
    }
}

//! The verbs: what the validation layer has parsed, one call of the store, one answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, LOCATION};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt};
use percent_encoding::utf8_percent_encode;

use crate::batch::{Batch, Operation};
use crate::envelope::{self, Content};
use crate::error::ApiError;
use crate::idempotency::Once;
use crate::item::{Document, ItemId, RESERVED_IN_PATHS};
use crate::list::{Consistent, PageRequest};
use crate::middleware::validate::Valid;
use crate::module::{Module, Verb};
use crate::patch::Patch;
use crate::precondition::{Failed, Preconditions, entity_tag, tag_of};
use crate::router::Mount;
use crate::store::{Condition, StoreError, StoredPage, Write, Written};

/// How often a write is tried that others are faster than, and how long the first pause is at
/// most: half a second in all.
const WRITE_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// `GET /<module>/<id>`
pub async fn get(
    mount: Mount,
    Valid(id): Valid<ItemId>,
    Valid(Consistent(consistent)): Valid<Consistent>,
    Valid(preconditions): Valid<Preconditions>,
) -> Result<Response, ApiError> {
    let module = &mount.module;
    let stored = mount
        .store
        .get(module, id, consistent)
        .await?
        .ok_or(ApiError::NoSuchItem)?;
    let tag = tag_of(&stored);
    match preconditions.check(Some(&stored)) {
        Ok(()) => {}
        Err(Failed::Match) => return Err(ApiError::PreconditionFailed),
        Err(Failed::NoneMatch) => return Err(ApiError::NotModified(tag)),
    }
    let content = Content::Stored(stored.data.as_deref());
    let answer = envelope::item(Verb::Get, module, &stored.id, content);
    Ok(tagged(answer, tag))
}

/// `POST /<module>/<id>`
pub async fn post(
    mount: Mount,
    Valid(id): Valid<ItemId>,
    Valid(preconditions): Valid<Preconditions>,
    once: Option<Extension<Once>>,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    if let Some(Extension(once)) = once {
        let put = Write::PutOnce(document.clone(), once.clone());
        let written = write(&mount, id.clone(), put, &preconditions).await?;
        let (id, document, written) = first_time(&mount.module, &once, id, document, written)?;
        let answer = answer_of(Verb::Post, &mount.module, &id, Content::Sent(&document));
        return Ok(envelope::written(answer, &written));
    }
    let answer = answer_of(Verb::Post, &mount.module, &id, Content::Sent(&document));
    let written = write(&mount, id, Write::Put(document), &preconditions).await?;
    Ok(envelope::written(answer, &written))
}

/// `PUT /<module>/<id>`
pub async fn put(
    mount: Mount,
    Valid(id): Valid<ItemId>,
    Valid(preconditions): Valid<Preconditions>,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    let answer = answer_of(Verb::Put, &mount.module, &id, Content::Updated(&document));
    let written = write(&mount, id, Write::Update(document), &preconditions).await?;
    Ok(envelope::written(answer, &written))
}

/// `PATCH /<module>/<id>`
pub async fn patch(
    mount: Mount,
    Valid(id): Valid<ItemId>,
    Valid(preconditions): Valid<Preconditions>,
    Valid(patch): Valid<Patch>,
) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    for attempt in 0..WRITE_ATTEMPTS {
        let seen = store.get(module, id.clone(), true).await?;
        preconditions
            .check(seen.as_ref())
            .map_err(|_| ApiError::PreconditionFailed)?;
        let seen = seen.ok_or(ApiError::NoSuchItem)?;
        // A patch is of what the client has seen.
        let shown = (seen.data.as_deref()).map(|text| envelope::shown(module, &seen.id, text));
        let text = patch.apply(shown.as_deref())?;
        let document = Document::parse_changed(text, module, &id)?;
        let answer = answer_of(Verb::Patch, module, &id, Content::Updated(&document));
        let unchanged = Condition::unchanged(Some(seen));
        match store
            .write(module, id.clone(), Write::Update(document), unchanged)
            .await
        {
            Ok(_) => return Ok(answer),
            Err(StoreError::ConditionFailed(_)) => stand_back(attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::Contended)
}

/// `DELETE /<module>/<id>`
pub async fn delete(
    mount: Mount,
    Valid(id): Valid<ItemId>,
    Valid(preconditions): Valid<Preconditions>,
) -> Result<Response, ApiError> {
    let answer = answer_of(Verb::Delete, &mount.module, &id, Content::Nothing);
    write(&mount, id, Write::Delete, &preconditions).await?;
    Ok(answer)
}

/// Writes at once, if the store alone can say whether the preconditions hold; else compares them
/// with the item, and writes if it is still the same by then.
async fn write(
    mount: &Mount,
    id: ItemId,
    write: Write,
    preconditions: &Preconditions,
) -> Result<Written, ApiError> {
    let Mount { module, store, .. } = mount;
    if let Some(condition) = preconditions.as_condition() {
        return Ok(store.write(module, id, write, condition).await?);
    }
    // What was done before need not hold again.
    if let Write::PutOnce(_, once) = &write
        && let Some(before) = store.remembered(once).await?
    {
        return Ok(Written::Before(before));
    }
    for attempt in 0..WRITE_ATTEMPTS {
        let seen = store.get(module, id.clone(), true).await?;
        preconditions
            .check(seen.as_ref())
            .map_err(|_| ApiError::PreconditionFailed)?;
        let unchanged = Condition::unchanged(seen);
        match store
            .write(module, id.clone(), write.clone(), unchanged)
            .await
        {
            Err(StoreError::ConditionFailed(_)) => stand_back(attempt).await,
            written => return Ok(written?),
        }
    }
    Err(ApiError::Contended)
}

/// Lets the faster writer finish, for a random time that grows.
async fn stand_back(attempt: u32) {
    let ceiling = FIRST_PAUSE * 2_u32.pow(attempt);
    // A version 4 UUID is the randomness that is at hand.
    let share = uuid::Uuid::new_v4().as_bytes()[0];
    tokio::time::sleep(ceiling * u32::from(share) / u32::from(u8::MAX)).await;
}

/// `POST /<module>`
pub async fn create(
    mount: Mount,
    once: Option<Extension<Once>>,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let id = ItemId::new();
    if let Some(Extension(once)) = once {
        let put = Write::PutOnce(document.clone(), once.clone());
        let written = store
            .write(module, id.clone(), put, Condition::Absent)
            .await?;
        let (id, document, _) = first_time(module, &once, id, document, written)?;
        let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
        return Ok(created(module, &id, answer));
    }
    let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
    let answer = created(module, &id, answer);
    let write = Write::Put(document);
    match store.write(module, id, write, Condition::Absent).await {
        // Nobody else knows the id: what is there under it is this write.
        Ok(_) | Err(StoreError::InDoubt(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(answer)
}

fn created(module: &Module, id: &ItemId, answer: Response) -> Response {
    let location = [(LOCATION, location(module, id))];
    (StatusCode::CREATED, location, answer).into_response()
}

/// What is told of a write with a key: the same as the first time.
fn first_time(
    module: &Module,
    once: &Once,
    id: ItemId,
    document: Document,
    written: Written,
) -> Result<(ItemId, Document, Written), ApiError> {
    match written {
        Written::Before(before) if before.fingerprint != once.fingerprint => {
            Err(ApiError::KeyReused)
        }
        Written::Before(before) => {
            let document = document.expiring_at(module, before.expires_at);
            let written = if before.was_created {
                Written::Created
            } else {
                Written::Done
            };
            Ok((before.id, document, written))
        }
        written => Ok((id, document, written)),
    }
}

/// `GET /<module>`
pub async fn list(mount: Mount, Valid(page): Valid<PageRequest>) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let StoredPage { items, next } = store.list(module, &page).await?;
    let told = items
        .iter()
        .map(|item| (item.id.as_str(), item.data.as_deref()));
    Ok(envelope::page(module, told, |count| {
        // An answer that is full before the page is goes on after the last item that it has.
        let next = if count < items.len() {
            Some(items[count - 1].position(page.query.as_ref()))
        } else {
            next
        };
        next.map(|position| page.cursor(&position, store.tenant()))
    }))
}

/// `POST /_batch/<module>`
pub async fn batch(mount: Mount, Valid(batch): Valid<Batch>) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let (mut gets, mut writes) = (Vec::new(), Vec::new());
    let pending = batch.operations.into_iter().map(|operation| {
        Ok(match operation? {
            Operation::Get(id) => {
                gets.push(id.clone());
                (Verb::Get, id)
            }
            Operation::Put(id, document) => {
                writes.push((id.clone(), Some(document)));
                (Verb::Put, id)
            }
            Operation::Delete(id) => {
                writes.push((id.clone(), None));
                (Verb::Delete, id)
            }
        })
    });
    let pending: Vec<Result<(Verb, ItemId), Arc<ApiError>>> = pending.collect();
    let (mut found, written) = if batch.atomic {
        store.transact(module, gets, writes).await?
    } else {
        tokio::join!(
            store.get_many(module, gets),
            store.write_many(module, writes)
        )
    };
    let mut written = written.into_iter();
    let mut results = envelope::Results::new(module);
    for operation in pending {
        let outcome = operation.and_then(|(verb, id)| {
            let outcome = if verb == Verb::Get {
                let item = found.remove(id.as_str());
                item.ok_or(ApiError::NoSuchItem)
                    .and_then(|item| Ok(Some(item?)))
            } else {
                let done = written.next().unwrap_or(Ok(()));
                done.map(|()| None).map_err(ApiError::from)
            };
            Ok((verb, id, outcome?))
        });
        match outcome {
            Ok((_, id, Some(item))) => results.found(&id, item.data.as_deref()),
            Ok((verb, id, None)) => results.done(verb, &id),
            Err(error) => results.failed(error),
        }
    }
    Ok(results.into_response())
}

/// A method that a path of the function's own does not have.
pub async fn not_allowed(mount: Mount) -> ApiError {
    mount.not_allowed()
}

/// `PUT`, `PATCH` and `DELETE` of `/<module>`
pub async fn missing_id(mount: Mount) -> ApiError {
    ApiError::MissingId(mount.module.key().clone())
}

/// `OPTIONS` of `/<module>` and `/<module>/<id>`
pub async fn options(mount: Mount) -> Response {
    (StatusCode::NO_CONTENT, [(ALLOW, mount.allow())]).into_response()
}

/// The answer of a write, with the tag that the item has by it.
fn answer_of(verb: Verb, module: &Module, id: &ItemId, content: Content<'_>) -> Response {
    let tag = match content {
        Content::Sent(document) | Content::Updated(document) => Some(entity_tag(document.as_str())),
        Content::Nothing | Content::Stored(_) => None,
    };
    let answer = envelope::item(verb, module, id.as_str(), content);
    match tag {
        Some(tag) => tagged(answer, tag),
        None => answer,
    }
}

fn tagged(mut answer: Response, tag: ETag) -> Response {
    answer.headers_mut().typed_insert(tag);
    answer
}

/// The item's path, as a client has to send it.
fn location(module: &Module, id: &ItemId) -> String {
    format!(
        "/{}/{}",
        module.name(),
        utf8_percent_encode(id.as_str(), RESERVED_IN_PATHS)
    )
}

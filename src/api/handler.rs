//! The verbs: what the validation layer has parsed, one call of the store, one answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ALLOW, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt};
use percent_encoding::utf8_percent_encode;

use crate::access::Caller;
use crate::api::envelope::{self, Content};
use crate::api::error::{ACCEPT_PATCH, ApiError};
use crate::api::mount::Mount;
use crate::api::precondition::{Failed, Preconditions, entity_tag, tag_of};
use crate::api::work;
use crate::item::idempotency::{Once, Remembered};
use crate::item::list::{Consistent, PageRequest};
use crate::item::patch::{Misfit, Patch};
use crate::item::{Document, InvalidDocument, ItemId};
use crate::module::call::Call;
use crate::module::path::RESERVED_IN_PATHS;
use crate::module::{Module, Verb};
use crate::store::{Condition, StoreError, StoredItem, StoredPage, Write, Written};

pub(crate) use self::batch::batch;

mod batch;

/// How often a write is tried that others are faster than, and how long the first pause is at
/// most: half a second in all.
const WRITE_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// `GET /<module>/<id>`
pub(crate) async fn get(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    Consistent(consistent): Consistent,
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
pub(crate) async fn post(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    once: Option<Once>,
    document: Document,
) -> Result<Response, ApiError> {
    let answer = answer_of(Verb::Post, &mount.module, &id, Content::Sent(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    let Some(once) = once else {
        let written = write(&mount, id, Write::Put(document), &preconditions).await?;
        return Ok(envelope::written(answer, &written));
    };
    let put = Write::PutOnce(document.clone(), once.clone());
    match write(&mount, id, put, &preconditions).await? {
        Written::Before(before) => {
            let (id, document, written) = first_time(&mount.module, &once, document, before)?;
            let answer = answer_of(Verb::Post, &mount.module, &id, Content::Sent(&document));
            Ok(envelope::written(answer, &written))
        }
        written => Ok(envelope::written(answer, &written)),
    }
}

/// `PUT /<module>/<id>`
pub(crate) async fn put(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    document: Document,
) -> Result<Response, ApiError> {
    let answer = answer_of(Verb::Put, &mount.module, &id, Content::Updated(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    let written = write(&mount, id, Write::Update(document), &preconditions).await?;
    Ok(envelope::written(answer, &written))
}

/// `PATCH /<module>/<id>`
pub(crate) async fn patch(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    caller: Caller,
    patch: Arc<Patch>,
) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let may_read = may_read(module, &caller);
    for attempt in 0..WRITE_ATTEMPTS {
        let seen = store.get(module, id.clone(), true).await?;
        preconditions
            .check(seen.as_ref())
            .map_err(|_| ApiError::PreconditionFailed)?;
        let seen = seen.ok_or(ApiError::NoSuchItem)?;
        let (seen, document) = if work::is_long(patch.bytes() + seen.bytes()) {
            let (patch, module, id) = (Arc::clone(&patch), Arc::clone(module), id.clone());
            work::long(move || {
                patched(&patch, &seen, &module, &id, may_read).map(|document| (seen, document))
            })
            .await?
        } else {
            let document = patched(&patch, &seen, module, &id, may_read)?;
            (seen, document)
        };
        let content = if may_read {
            Content::Updated(&document)
        } else {
            Content::Nothing
        };
        let answer = answer_of(Verb::Patch, module, &id, content);
        let answer = envelope::within(mount.answer_limit, answer).await?;
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

/// Whether a change may be answered with the whole document, of which the caller has sent a part:
/// only if the caller could read it as well.
fn may_read(module: &Module, caller: &Caller) -> bool {
    module.verbs().contains(Verb::Get)
        && module
            .access()
            .is_none_or(|access| access.permit(Verb::Get, caller).is_ok())
}

/// The document that a patch makes of an item's.
fn patched(
    patch: &Patch,
    seen: &StoredItem,
    module: &Module,
    id: &ItemId,
    may_read: bool,
) -> Result<Document, ApiError> {
    // A patch is of what the client has seen.
    let shown = (seen.data.as_deref()).map(|text| envelope::shown(module, &seen.id, text));
    let changed = patch
        .apply(shown.as_deref(), module.max_bytes())
        .map_err(ApiError::from)
        .and_then(|text| match Document::parse_changed(text, module, id) {
            Err(InvalidDocument::Empty) => Err(ApiError::EmptyingPatch),
            document => Ok(document?),
        });
    changed.map_err(|error| match error {
        // The failure of an operation tells no more than `test` may tell everybody.
        ApiError::Misfit(misfit) if !matches!(misfit, Misfit::Stored(_)) => misfit.into(),
        error if may_read || error.status().is_server_error() => error,
        error => ApiError::BlindPatch(error.into()),
    })
}

/// `DELETE /<module>/<id>`
pub(crate) async fn delete(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
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
pub(crate) async fn create(
    mount: Mount,
    once: Option<Once>,
    document: Document,
) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let id = ItemId::new();
    let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    if let Some(once) = once {
        let put = Write::PutOnce(document.clone(), once.clone());
        let written = store
            .write(module, id.clone(), put, Condition::Absent)
            .await?;
        let Written::Before(before) = written else {
            return Ok(created(module, &id, answer));
        };
        let (id, document, _) = first_time(module, &once, document, before)?;
        let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
        return Ok(created(module, &id, answer));
    }
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

/// What a write with a key was answered the first time.
fn first_time(
    module: &Module,
    once: &Once,
    document: Document,
    before: Remembered,
) -> Result<(ItemId, Document, Written), ApiError> {
    if before.fingerprint != once.fingerprint {
        return Err(ApiError::KeyReused);
    }
    let document = document.expiring_at(module, before.expires_at);
    let written = if before.was_created {
        Written::Created
    } else {
        Written::Done
    };
    Ok((before.id, document, written))
}

/// `GET /<module>`
pub(crate) async fn list(mount: Mount, page: PageRequest) -> Result<Response, ApiError> {
    let Mount { module, store, .. } = &mount;
    let StoredPage { items, next } = store.list(module, &page).await?;
    let shown = items
        .iter()
        .map(|item| (item.id.as_str(), item.data.as_deref()));
    Ok(envelope::page(module, mount.answer_limit, shown, |count| {
        // An answer that is full before the page is goes on after the last item that it has.
        let next = if count < items.len() {
            Some(items[count - 1].position(page.query.as_ref()))
        } else {
            next
        };
        next.map(|position| page.cursor(&position, store.tenant()))
    }))
}

/// `OPTIONS` of any path of a module
pub(crate) fn options(mount: &Mount) -> Response {
    let mut answer = (StatusCode::NO_CONTENT, [(ALLOW, mount.allow())]).into_response();
    let verbs = mount.module.verbs();
    if mount.path == Call::Patch.row().path && Call::Patch.is_served(verbs) {
        let types = HeaderValue::from_static(Patch::MEDIA_TYPES);
        answer.headers_mut().insert(ACCEPT_PATCH, types);
    }
    answer
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

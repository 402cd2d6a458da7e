//! The verbs: what the validation layer has parsed, one call of the store, one answer.

use std::future::ready;
use std::sync::Arc;
use std::time::SystemTime;

use axum::http::header::{ALLOW, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt};

use crate::access::Caller;
use crate::api::envelope::{self, Content};
use crate::api::error::{ACCEPT_PATCH, ApiError};
use crate::api::mount::Mount;
use crate::api::precondition::{Failed, Preconditions, entity_tag, tag_of};
use crate::api::work;
use crate::item::collection::Collection;
use crate::item::history::VersionsRequest;
use crate::item::idempotency::{IdempotentWrite, Remembered};
use crate::item::list::{Consistent, PageRequest};
use crate::item::patch::{Misfit, Patch};
use crate::item::{Document, InvalidDocument, ItemId};
use crate::module::call::Call;
use crate::module::{Module, Verb};
use crate::store::{
    Change, Condition, Items, StoreError, StoredItem, StoredPage, VersionPage, Write, Written,
};

pub(crate) use self::batch::batch;

mod batch;

/// `GET /<module>/<id>`
pub(crate) async fn get(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    Consistent(consistent): Consistent,
    at: Option<SystemTime>,
) -> Result<Response, ApiError> {
    let (module, items) = (mount.module(), mount.items()?);
    let stored = match at {
        None => items.get(id, consistent).await?,
        // Boxed, since most requests do without.
        Some(at) => Box::pin(items.get_at(id, at)).await?,
    };
    let mut stored = stored.ok_or(ApiError::NoSuchItem)?;
    let tag = tag_of(&stored);
    match preconditions.check_tag(Some(&tag)) {
        Ok(()) => {}
        Err(Failed::Match) => return Err(ApiError::PreconditionFailed),
        Err(Failed::NoneMatch) => return Err(ApiError::NotModified(tag)),
    }
    let answer = envelope::stored(module, stored.take_shown(module));
    Ok(tagged(answer, tag))
}

/// `POST /<module>/<id>`
pub(crate) async fn post(
    mount: Mount,
    id: ItemId,
    preconditions: Preconditions,
    once: Option<IdempotentWrite>,
    document: Document,
) -> Result<Response, ApiError> {
    let answer = answer_of(Verb::Post, mount.module(), &id, Content::Sent(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    let Some(once) = once else {
        let written = write(mount.items()?, id, Write::Put(document), &preconditions).await?;
        return Ok(envelope::written(answer, &written));
    };
    let put = Write::PutOnce(document.clone(), once.clone());
    match write(mount.items()?, id, put, &preconditions).await? {
        Written::Before(before) => {
            let (id, document, written) = first_time(mount.module(), &once, document, before)?;
            let answer = answer_of(Verb::Post, mount.module(), &id, Content::Sent(&document));
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
    let answer = answer_of(Verb::Put, mount.module(), &id, Content::Updated(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    let written = write(mount.items()?, id, Write::Update(document), &preconditions).await?;
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
    let may_read = may_read(mount.module(), &caller);
    let (mount, preconditions, patch, id) = (&mount, &preconditions, &patch, &id);
    let module = mount.module();
    let change = |seen: Option<StoredItem>| async move {
        preconditions
            .check(seen.as_ref())
            .map_err(|_| ApiError::PreconditionFailed)?;
        let seen = seen.ok_or(ApiError::NoSuchItem)?;
        let (seen, document) = if work::is_long(patch.bytes() + seen.bytes()) {
            let (patch, collection) = (Arc::clone(patch), Arc::clone(&mount.collection));
            let id = id.clone();
            work::long(move || {
                patched(&patch, &seen, &collection, &id, may_read).map(|document| (seen, document))
            })
            .await?
        } else {
            let document = patched(patch, &seen, &mount.collection, id, may_read)?;
            (seen, document)
        };
        let content = if may_read {
            Content::Updated(&document)
        } else {
            Content::Nothing
        };
        let answer = answer_of(Verb::Patch, module, id, content);
        Ok::<_, ApiError>(Change {
            seen: Some(seen),
            outcome: envelope::within(mount.answer_limit, answer).await?,
            write: Write::Update(document),
        })
    };
    let (_, answer) = mount.items()?.modify(id.clone(), change).await?;
    Ok(answer)
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
    collection: &Collection,
    id: &ItemId,
    may_read: bool,
) -> Result<Document, ApiError> {
    let module = collection.module();
    // A patch is of what the client has seen.
    let shown = seen.shown(module);
    let shown = (shown.text.as_deref()).map(|text| envelope::shown(module, &seen.id, text));
    let changed = patch
        .apply(shown.as_deref(), module.max_bytes())
        .map_err(ApiError::from)
        .and_then(|text| match Document::parse_changed(text, collection, id) {
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
    let answer = answer_of(Verb::Delete, mount.module(), &id, Content::Nothing);
    write(mount.items()?, id, Write::Delete, &preconditions).await?;
    Ok(answer)
}

/// Writes at once, if the store alone can say whether the preconditions hold; else compares them
/// with the item, and writes if it is still the same by then.
async fn write(
    items: &Items,
    id: ItemId,
    write: Write,
    preconditions: &Preconditions,
) -> Result<Written, ApiError> {
    if let Some(condition) = preconditions.as_condition() {
        return Ok(items.write(id, write, condition).await?);
    }
    // What was done before need not hold again.
    if let Write::PutOnce(_, once) = &write
        && let Some(before) = items.remembered(once).await?
    {
        return Ok(Written::Before(before));
    }
    let change = |seen: Option<StoredItem>| {
        let checked = preconditions.check(seen.as_ref());
        let checked = checked.map_err(|_| ApiError::PreconditionFailed);
        let write = write.clone();
        ready(checked.map(|()| Change {
            seen,
            write,
            outcome: (),
        }))
    };
    let (written, ()) = items.modify(id, change).await?;
    Ok(written)
}

/// `POST /<module>`, and `POST /<module>/<partition>`: of an id that was made for it
pub(crate) async fn create(
    mount: Mount,
    id: ItemId,
    once: Option<IdempotentWrite>,
    document: Document,
) -> Result<Response, ApiError> {
    let (module, items) = (mount.module(), mount.items()?);
    let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
    let answer = envelope::within(mount.answer_limit, answer).await?;
    if let Some(once) = once {
        let put = Write::PutOnce(document.clone(), once.clone());
        let written = items.write(id.clone(), put, Condition::Absent).await?;
        let Written::Before(before) = written else {
            return Ok(created(module, &id, answer));
        };
        let (id, document, _) = first_time(module, &once, document, before)?;
        let answer = answer_of(Verb::Post, module, &id, Content::Sent(&document));
        return Ok(created(module, &id, answer));
    }
    let answer = created(module, &id, answer);
    let write = Write::Put(document);
    match items.write(id, write, Condition::Absent).await {
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
    once: &IdempotentWrite,
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

/// `GET /<module>`, and `GET /<module>/<partition>`
pub(crate) async fn list(mount: Mount, page: PageRequest) -> Result<Response, ApiError> {
    let module = mount.module();
    let StoredPage { items, next } = mount.items()?.list(&page).await?;
    let shown = items.iter().map(|item| item.shown(module));
    Ok(envelope::page(module, mount.answer_limit, shown, |count| {
        // An answer that is full before the page is goes on after the last item that it has.
        let next = if count < items.len() {
            Some(items[count - 1].position(page.query.as_ref()))
        } else {
            next
        };
        next.map(|position| page.cursor(&position, mount.tenant()))
    }))
}

/// `GET /_history/<module>/<id>`
pub(crate) async fn history(
    mount: Mount,
    id: ItemId,
    page: VersionsRequest,
) -> Result<Response, ApiError> {
    let module = mount.module();
    let VersionPage { versions, has_more } = mount.items()?.versions(&id, &page).await?;
    let names: Vec<_> = versions
        .iter()
        .map(|version| version.name.clone())
        .collect();
    let answer = envelope::versions(module, mount.answer_limit, &id, versions, |count| {
        let more = has_more || count < names.len();
        let last = count.checked_sub(1).and_then(|last| names.get(last));
        last.filter(|_| more).map(|last| page.cursor(last))
    });
    Ok(answer?)
}

/// `OPTIONS` of any path of a module
pub(crate) fn options(mount: &Mount) -> Response {
    let mut answer = (StatusCode::NO_CONTENT, [(ALLOW, mount.allow())]).into_response();
    let verbs = mount.module().verbs();
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
        Content::Nothing => None,
    };
    let answer = envelope::item(verb, module, id, content);
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
    format!("/{}/{}", module.name(), id.to_path())
}

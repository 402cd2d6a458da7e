//! The verbs: what the validation layer has parsed, one call of the store, one answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, LOCATION};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::envelope::{Content, Item, Page, Verbed};
use crate::error::ApiError;
use crate::item::{Document, ItemId};
use crate::list::{PageRequest, cursor_after};
use crate::middleware::validate::Valid;
use crate::module::{Module, Verb};
use crate::router::Mount;

type Mounted = State<Arc<Mount>>;

/// `GET /<module>/<id>`
pub async fn get(State(mount): Mounted, Valid(id): Valid<ItemId>) -> Result<Response, ApiError> {
    let module = &mount.module;
    let stored = mount
        .store
        .get(module, id)
        .await?
        .ok_or(ApiError::NoSuchItem)?;
    Ok(answer(
        Verb::Get,
        module,
        &stored.id,
        Content::Stored(stored.data.as_deref()),
    ))
}

/// `POST /<module>/<id>`
pub async fn post(
    State(mount): Mounted,
    Valid(id): Valid<ItemId>,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    let answer = answer(
        Verb::Post,
        &mount.module,
        id.as_str(),
        Content::Sent(&document),
    );
    mount.store.put(&mount.module, id, document).await?;
    Ok(answer)
}

/// `PUT /<module>/<id>`
pub async fn put(
    State(mount): Mounted,
    Valid(id): Valid<ItemId>,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    let answer = answer(
        Verb::Put,
        &mount.module,
        id.as_str(),
        Content::Updated(&document),
    );
    mount.store.update(&mount.module, id, document).await?;
    Ok(answer)
}

/// `DELETE /<module>/<id>`
pub async fn delete(State(mount): Mounted, Valid(id): Valid<ItemId>) -> Result<Response, ApiError> {
    let answer = answer(Verb::Delete, &mount.module, id.as_str(), Content::Nothing);
    mount.store.delete(&mount.module, id).await?;
    Ok(answer)
}

/// `POST /<module>`
pub async fn create(
    State(mount): Mounted,
    Valid(document): Valid<Document>,
) -> Result<Response, ApiError> {
    let id = ItemId::new();
    let location = location(&mount.module, &id);
    let answer = answer(
        Verb::Post,
        &mount.module,
        id.as_str(),
        Content::Sent(&document),
    );
    mount.store.create(&mount.module, id, document).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], answer).into_response())
}

/// `GET /<module>`
pub async fn list(
    State(mount): Mounted,
    Valid(page): Valid<PageRequest>,
) -> Result<Response, ApiError> {
    let module = &mount.module;
    let stored = mount.store.list(module, page).await?;
    let items = stored.items.iter().map(|item| Item {
        module,
        id: &item.id,
        content: Content::Stored(item.data.as_deref()),
    });
    let page = Page {
        items: items.collect(),
        next: stored.last.as_deref().map(cursor_after),
    };
    Ok(Json(Verbed(Verb::List.as_str(), page)).into_response())
}

/// `PUT` and `DELETE` of `/<module>`
pub async fn missing_id(State(mount): Mounted) -> ApiError {
    ApiError::MissingId(mount.module.key().clone())
}

/// `OPTIONS /<module>/<id>`
pub async fn options_of_item(State(mount): Mounted) -> Response {
    (StatusCode::NO_CONTENT, [(ALLOW, mount.item.allow.clone())]).into_response()
}

/// `OPTIONS /<module>`
pub async fn options_of_collection(State(mount): Mounted) -> Response {
    (
        StatusCode::NO_CONTENT,
        [(ALLOW, mount.collection.allow.clone())],
    )
        .into_response()
}

fn answer(verb: Verb, module: &Module, id: &str, content: Content<'_>) -> Response {
    Json(Verbed(
        verb.as_str(),
        Item {
            module,
            id,
            content,
        },
    ))
    .into_response()
}

/// The item's path, as a client has to send it.
fn location(module: &Module, id: &ItemId) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    format!(
        "/{}/{}",
        module.name(),
        utf8_percent_encode(id.as_str(), ENCODED)
    )
}

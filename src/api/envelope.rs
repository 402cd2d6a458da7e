//! What answers look like: the contract's, with the verb around them, and plain ones.
//!
//! An answer borrows what it tells, since the store is still to be handed it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::api::answer_limit::{AnswerLimit, Room, json_len};
use crate::api::error::{ApiError, Cause, Panic};
use crate::api::quoted::Quoted;
use crate::item::schema::Violation;
use crate::item::{Document, ItemId, key};
use crate::json::escape;
use crate::json::layout::Layout;
use crate::json::raw::raw;
use crate::module::{Envelope, Module, Verb};
use crate::store::{KeptVersion, Shown, StoreError, Written};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What of the room for a page is for the cursor after its items: a position of an id and a sort
/// key, whose characters may all be escapes, in Base64.
const CURSOR_BYTES: usize = 32_768;

/// What of the room for a batch's answer is for operations that are answered without an item.
const OUTCOMES_BYTES: usize = 65_536;

/// What an answer to a write tells of the item beside its id.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Nothing: of DELETE.
    Nothing,
    /// The document that was sent: of POST.
    Sent(&'a Document),
    /// The document that was set: of PUT and PATCH.
    Updated(&'a Document),
}

/// The answer of GET: what is stored, if anything is.
#[must_use]
pub fn stored(module: &Module, item: Shown<'_>) -> Response {
    let Shown { id, text, stamps } = item;
    match (module.envelope(), text) {
        (Envelope::Verb, text) => {
            let mut before = opened(Verb::Get, module, id);
            write_stamps(&mut before, stamps);
            if let Some(text) = text {
                before.extend_from_slice(br#","data":""#);
                quoted(before, text.into_owned(), "\"}}")
            } else {
                before.extend_from_slice(br#","data":null}}"#);
                json_body(before)
            }
        }
        (Envelope::Plain, Some(text)) if !module.key_in_document() && is_minified(&text) => {
            json_body(text.into_owned())
        }
        (Envelope::Plain, text) => json_body(
            key::shown(module, id, raw(text.as_deref()))
                .get()
                .to_owned(),
        ),
    }
}

/// The answer of `verb`, a write, about one item.
#[must_use]
pub fn item(verb: Verb, module: &Module, id: &ItemId, content: Content<'_>) -> Response {
    match (module.envelope(), content) {
        (Envelope::Verb, Content::Nothing) => {
            json_body([&opened(verb, module, id), &b"}}"[..]].concat())
        }
        (Envelope::Verb, Content::Sent(document)) => {
            let opened = opened(verb, module, id);
            let text = document.sent().as_bytes();
            json_body([&opened, &br#","data":"#[..], text, b"}}"].concat())
        }
        (Envelope::Verb, Content::Updated(document)) => {
            let mut before = opened(verb, module, id);
            before.extend_from_slice(br#","item":"#);
            let Some(members) = document.members() else {
                before.extend_from_slice(br#"{"data":{"S":""#);
                return quoted(before, document.as_str().to_owned(), "\"}}}}");
            };
            write(&mut before, &members.notation());
            before.extend_from_slice(b"}}");
            json_body(before)
        }
        (Envelope::Plain, Content::Nothing) => StatusCode::NO_CONTENT.into_response(),
        (Envelope::Plain, Content::Sent(document) | Content::Updated(document)) => {
            if module.key_in_document() {
                let shown = key::shown(module, id, raw(Some(document.as_str())));
                return json_body(shown.get().to_owned());
            }
            json_body(document.as_str().to_owned())
        }
    }
}

/// The answer of LIST: the items with their ids, as many as `limit` has room for, one at the least;
/// `next` makes the cursor to those after the first so many.
#[must_use]
pub fn page<'a>(
    module: &'a Module,
    limit: AnswerLimit,
    items: impl Iterator<Item = Shown<'a>>,
    next: impl FnOnce(usize) -> Option<String>,
) -> Response {
    let (open, close) = match module.envelope() {
        Envelope::Verb => (r#"{"LIST":{"items":["#, "}}"),
        Envelope::Plain => (r#"{"items":["#, "}"),
    };
    let Ok(answer) = filled(
        (open.into(), close),
        limit,
        items,
        |body, item| -> Result<(), Infallible> {
            match module.envelope() {
                Envelope::Verb => write_item(body, module, &item),
                Envelope::Plain => {
                    write(
                        body,
                        &PlainItem {
                            id: item.id.as_json(module.key()),
                            item: key::shown(module, item.id, raw(item.text.as_deref())),
                        },
                    );
                    body.pop();
                    write_stamps(body, item.stamps);
                    body.push(b'}');
                }
            }
            Ok(())
        },
        next,
    );
    answer
}

/// A list between what opens and what closes it: of the items, which `write` writes, as many as `limit` has
/// room for, one at the least; then the cursor to those after the first so many, which `next` makes.
fn filled<I, E>(
    (open, close): (Vec<u8>, &str),
    limit: AnswerLimit,
    items: impl IntoIterator<Item = I>,
    mut write_one: impl FnMut(&mut Vec<u8>, I) -> Result<(), E>,
    next: impl FnOnce(usize) -> Option<String>,
) -> Result<Response, E> {
    let mut body = open;
    let mut count = 0;
    let mut room = Room::of(limit, CURSOR_BYTES);
    for item in items {
        let before = body.len();
        if count > 0 {
            body.push(b',');
        }
        write_one(&mut body, item)?;
        if count > 0 && !room.has(&body) {
            body.truncate(before);
            break;
        }
        count += 1;
    }
    body.extend_from_slice(b"],\"next\":");
    write(&mut body, &next(count));
    body.extend_from_slice(close.as_bytes());
    Ok(json_body(body))
}

/// The answer of HISTORY: the versions of an item, the newest first, as many as `limit` has room for,
/// one at the least; `next` makes the cursor to those after the first so many.
///
/// # Errors
/// What is kept of a version can't be read.
pub fn versions(
    module: &Module,
    limit: AnswerLimit,
    id: &ItemId,
    versions: impl IntoIterator<Item = KeptVersion>,
    next: impl FnOnce(usize) -> Option<String>,
) -> Result<Response, StoreError> {
    let (mut body, close) = match module.envelope() {
        Envelope::Verb => {
            let mut body = opened(Verb::Get, module, id);
            body.push(b',');
            (body, "}}")
        }
        Envelope::Plain => (b"{".to_vec(), "}"),
    };
    body.extend_from_slice(br#""versions":["#);
    // One after the other: a short row can have a long text.
    let write_one = |body: &mut Vec<u8>, version| write_version(body, module, id, version);
    filled((body, close), limit, versions, write_one, next)
}

/// `{"kind":"updated","time":"…","by":"…","data":"<document>"}`, or with `item` in a plain answer.
fn write_version(
    body: &mut Vec<u8>,
    module: &Module,
    id: &ItemId,
    version: KeptVersion,
) -> Result<(), StoreError> {
    write(
        body,
        &VersionHead {
            kind: &version.kind,
            time: version.name.time_text(),
            by: version.writer.as_deref(),
        },
    );
    body.pop();
    let mut item = version.into_item(id.clone())?;
    let shown = item.as_mut().map(|item| item.take_shown(module));
    let stamps = shown.as_ref().and_then(|shown| shown.stamps);
    if let Some(stamps) = stamps {
        body.extend_from_slice(br#","stamps":{"#);
        body.extend_from_slice(stamps.as_bytes());
        body.push(b'}');
    }
    let text = shown.and_then(|shown| shown.text);
    match (module.envelope(), text) {
        (Envelope::Verb, None) => body.extend_from_slice(br#","data":null"#),
        (Envelope::Verb, Some(text)) => {
            body.extend_from_slice(br#","data":""#);
            escape::once(&text, body);
            body.push(b'"');
        }
        (Envelope::Plain, text) => {
            body.extend_from_slice(br#","item":"#);
            write(body, &key::shown(module, id, raw(text.as_deref())));
        }
    }
    body.push(b'}');
    Ok(())
}

/// What of a version is not its document.
#[derive(Serialize)]
struct VersionHead<'v> {
    kind: &'v str,
    time: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'v str>,
}

/// The answer of a write that has been done.
#[must_use]
pub fn written(mut answer: Response, written: &Written) -> Response {
    if *written == Written::Created {
        *answer.status_mut() = StatusCode::CREATED;
    }
    answer
}

/// The answer of a batch, to which each operation adds its own.
#[derive(Debug)]
pub struct Results<'a> {
    module: &'a Module,
    body: Vec<u8>,
    room: Room,
    cause: Option<Arc<ApiError>>,
}

impl<'a> Results<'a> {
    /// One to which no operation has added.
    #[must_use]
    pub fn new(module: &'a Module, limit: AnswerLimit) -> Self {
        let open = match module.envelope() {
            Envelope::Verb => r#"{"BATCH":{"results":["#,
            Envelope::Plain => r#"{"results":["#,
        };
        Self {
            module,
            body: open.as_bytes().to_owned(),
            room: Room::of(limit, OUTCOMES_BYTES),
            cause: None,
        }
    }

    /// An item that was there, if the answer has room for it.
    pub fn found(&mut self, item: &Shown<'_>) {
        let rendered = match self.module.envelope() {
            Envelope::Verb => {
                let mut rendered = br#"{"status":200,"GET":"#.to_vec();
                write_item(&mut rendered, self.module, item);
                rendered.push(b'}');
                rendered
            }
            Envelope::Plain => {
                let shown = key::shown(self.module, item.id, raw(item.text.as_deref()));
                let id = text(&item.id.as_json(self.module.key()));
                let mut rendered =
                    format!(r#"{{"id":{id},"status":200,"item":{shown}"#).into_bytes();
                write_stamps(&mut rendered, item.stamps);
                rendered.push(b'}');
                rendered
            }
        };
        if self.has_room(&rendered) {
            self.add(&rendered);
        } else {
            let id = id_json(self.module, item.id);
            self.failed(&id, ApiError::from(StoreError::AnswerFull).into());
        }
    }

    /// A write that was done.
    pub fn done(&mut self, verb: Verb, id: &ItemId) {
        let rendered = match self.module.envelope() {
            Envelope::Verb => {
                let item = text(&Key(self.module, id));
                format!(r#"{{"status":200,"{verb}":{item}}}"#)
            }
            Envelope::Plain => {
                let id = text(&id.as_json(self.module.key()));
                format!(r#"{{"id":{id},"status":204}}"#)
            }
        };
        if self.has_room(rendered.as_bytes()) {
            self.add(rendered.as_bytes());
        } else {
            // It is done all the same; which it is, its place tells.
            self.add(match self.module.envelope() {
                Envelope::Verb => br#"{"status":200}"#,
                Envelope::Plain => br#"{"status":204}"#,
            });
        }
    }

    /// An operation that was not done, of an id that is shown as it was sent.
    pub fn failed(&mut self, id: &RawValue, error: Arc<ApiError>) {
        let status = error.status();
        let envelope = self.module.envelope();
        let problem = |id, details| match envelope {
            Envelope::Verb => text(&RefusedOperation {
                status: status.as_u16(),
                error: Refusal::of(&error, details),
            }),
            Envelope::Plain => text(&PlainRefusedOperation {
                id,
                status: status.as_u16(),
                problem: Problem::of(&error, details),
            }),
        };
        let mut rendered = problem(Some(id), error.details());
        if !self.has_room(rendered.as_bytes()) {
            rendered = problem(Some(id), &[]);
        }
        if !self.has_room(rendered.as_bytes()) {
            // Its place says which operation it is.
            rendered = problem(None, &[]);
        }
        self.add(rendered.as_bytes());
        if status.is_server_error() {
            self.cause.get_or_insert(error);
        }
    }

    fn has_room(&mut self, result: &[u8]) -> bool {
        self.room.has_for(&self.body, result)
    }

    fn add(&mut self, result: &[u8]) {
        if !self.body.ends_with(b"[") {
            self.body.push(b',');
        }
        self.body.extend_from_slice(result);
    }
}

impl IntoResponse for Results<'_> {
    fn into_response(mut self) -> Response {
        self.body.extend_from_slice(match self.module.envelope() {
            Envelope::Verb => b"]}}",
            Envelope::Plain => b"]}",
        });
        let mut response = json_body(self.body);
        if let Some(error) = self.cause {
            response.extensions_mut().insert(Cause(error));
        }
        response
    }
}

/// The contract's object of every error.
#[derive(Serialize)]
struct Refusal<'a> {
    message: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [Violation],
}

impl<'a> Refusal<'a> {
    fn of(error: &ApiError, details: &'a [Violation]) -> Self {
        Self {
            message: error.to_string(),
            details,
        }
    }
}

/// RFC 9457's object.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Violation],
}

impl<'a> Problem<'a> {
    fn of(error: &ApiError, details: &'a [Violation]) -> Self {
        let status = error.status();
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: error.to_string(),
            errors: details,
        }
    }
}

/// The answer to an operation of a batch that was not done.
#[derive(Serialize)]
struct RefusedOperation<'a> {
    status: u16,
    #[serde(rename = "ERROR")]
    error: Refusal<'a>,
}

/// The same, of a plain module.
#[derive(Serialize)]
struct PlainRefusedOperation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    status: u16,
    problem: Problem<'a>,
}

/// The media type and the body that tell of an error.
pub(crate) fn error_body(envelope: Envelope, error: &ApiError) -> (HeaderValue, String) {
    let details = error.details();
    match envelope {
        Envelope::Verb => (JSON, text(&Verbed("ERROR", Refusal::of(error, details)))),
        Envelope::Plain => (PROBLEM_JSON, text(&Problem::of(error, details))),
    }
}

/// Makes `refused`, an answer without a body, tell why.
#[must_use]
pub fn refusal(envelope: Envelope, refused: Response, error: &ApiError) -> Response {
    let (media_type, body) = error_body(envelope, error);
    let mut rendered = refused;
    let headers = rendered.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CONTENT_LENGTH, body.len().into());
    *rendered.body_mut() = body.into();
    rendered
}

/// Gives an error's answer its body, in the envelope of the module that was asked.
pub(crate) fn rendered(response: Response, envelope: Envelope) -> Response {
    match response.extensions().get::<Cause>().cloned() {
        // A batch has a cause where one of its operations has failed.
        Some(Cause(error)) if !response.status().is_success() => {
            refusal(envelope, response, &error)
        }
        _ => response,
    }
}

/// Hands back an answer that is within `limit`.
///
/// # Errors
/// The answer is over the limit.
pub(crate) async fn within(limit: AnswerLimit, answer: Response) -> Result<Response, ApiError> {
    let length = answer.body().size_hint().exact();
    if length.is_some_and(|length| limit.surely_has_room(length)) {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(ApiError::Panic(Panic("the answer broke off"))),
    };
    let size = json_len(&body);
    if size > limit.body_bytes() {
        return Err(ApiError::AnswerTooLarge { size, limit });
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// An id in its JSON form, as a text.
pub(crate) fn id_json(module: &Module, id: &ItemId) -> Box<RawValue> {
    let json = serde_json::value::to_raw_value(&id.as_json(module.key()));
    json.expect("texts and numbers are JSON")
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

fn write(body: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(body, value).expect("texts and numbers are JSON");
}

fn json_body(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, JSON)], body.into()).into_response()
}

fn is_minified(text: &str) -> bool {
    Layout::of(text).is_some_and(|layout| layout.insignificant_bytes == 0)
}

/// The text that a plain answer has of a stored one.
#[must_use]
pub fn shown<'t>(module: &Module, id: &ItemId, text: &'t str) -> Cow<'t, str> {
    if !module.key_in_document() {
        return text.into();
    }
    match key::shown(module, id, raw(Some(text))) {
        Cow::Borrowed(json) => json.get().into(),
        Cow::Owned(json) => Box::<str>::from(json).into_string().into(),
    }
}

/// `{"<VERB>": …}`
struct Verbed<T>(&'static str, T);

impl<T: Serialize> Serialize for Verbed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

/// `{"id": <id>, "item": <document>}`
#[derive(Serialize)]
struct PlainItem<'a, I> {
    id: I,
    item: Cow<'a, RawValue>,
}

/// `{"<key attribute>": "<id>"}`
struct Key<'a>(&'a Module, &'a ItemId);

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(module, id) = self;
        let mut map = serializer.serialize_map(None)?;
        for value in id.values(module.key()) {
            map.serialize_entry(value.part.attribute.as_str(), &value)?;
        }
        map.end()
    }
}

/// `{"<VERB>":{"<key attribute>":"<id>"`, with room for more members.
fn opened(verb: Verb, module: &Module, id: &ItemId) -> Vec<u8> {
    let mut json = format!(r#"{{"{verb}":"#).into_bytes();
    write_key(&mut json, module, id);
    json
}

/// `{"<key attribute>":"<id>"`, with room for more members.
fn write_key(json: &mut Vec<u8>, module: &Module, id: &ItemId) {
    write(json, &Key(module, id));
    json.pop();
}

/// `{"<key attribute>":"<id>","data":"<document>"}`, with the stamps between the two
fn write_item(json: &mut Vec<u8>, module: &Module, item: &Shown<'_>) {
    write_key(json, module, item.id);
    write_stamps(json, item.stamps);
    match item.text.as_deref() {
        Some(text) => {
            json.extend_from_slice(br#","data":""#);
            escape::once(text, json);
            json.extend_from_slice(b"\"}");
        }
        None => json.extend_from_slice(br#","data":null}"#),
    }
}

/// More members, each after a comma.
fn write_stamps(json: &mut Vec<u8>, stamps: Option<&str>) {
    if let Some(stamps) = stamps {
        json.push(b',');
        json.extend_from_slice(stamps.as_bytes());
    }
}

fn quoted(before: Vec<u8>, text: String, after: &'static str) -> Response {
    let quoted = Quoted {
        before,
        text,
        after,
    };
    let mut answer = quoted.into_answer();
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

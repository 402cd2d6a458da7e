//! The versions of items, in the table of their module's history.
//!
//! A version is a row under the item and its own name. What it holds never changes, and the row that is
//! there is left as it is: so a change that comes again, as changes of a stream do, is kept once. Once
//! another version has taken its place, a row says when that was and when it expires. Each write sets
//! that of the version before it, and its own if there is a later one: so the order in which changes
//! come does not matter either. The version that is in force has no end, unless it is that the item is
//! gone.
//!
//! A row can't have more than 400 KB, of which an item may have made use to the last byte, and its text
//! is longer than its attributes and need not be compressible. So what is longer than a part stands in
//! several rows. Their names come after those of all versions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::classify::classify;
use super::client::Store;
use super::error::StoreError;
use super::items::Items;
use super::storage::Attributes;
use super::stored::StoredItem;
use crate::aws::failure::Failure;
use crate::item::history::{VersionName, VersionsRequest, history_id, time_text};
use crate::item::{ItemId, expiry};
use crate::module::history::History;
use crate::module::tenant::Tenant;

/// The attributes of a row beside its key and its end.
const KIND: &str = "kind";
const CONTENT: &str = "content";
const PARTS: &str = "parts";
const WRITER: &str = "by";
const UNTIL: &str = "until";
const REPLACED_AT: &str = "replacedAt";
const GONE: &str = "gone";

/// The longest content that stands there as it is, in bytes: what is longer is deflated.
const PLAIN_BYTES: usize = 4_096;

/// The longest part of a deflated content, in bytes: it leaves room for a row's other attributes.
const PART_BYTES: usize = 390_000;

/// The longest content that is read, in bytes: each byte of a document's attributes can be six of its
/// text.
const CONTENT_BYTES: u64 = 16 * 1_024 * 1_024;

/// What the names of the rows begin with that have the further parts.
const PART: &str = "part ";

/// Comes after the names of all versions, and before those of parts.
const END: &str = ":";

/// What an item became by one write.
#[derive(Debug, Clone)]
pub struct Version {
    /// The item.
    pub id: ItemId,
    /// Whose it is, where the module has tenants.
    pub tenant: Option<Tenant>,
    /// When it was written, and by which record.
    pub name: VersionName,
    /// What has happened.
    pub kind: &'static str,
    /// What the item is since then; nothing, if it is gone.
    pub state: Option<State>,
}

/// What there is of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The text of its document, without stamps, unless it is somebody else's item, without one.
    pub document: Option<String>,
    /// Its stamps as members of JSON, without the braces around them.
    pub stamps: Option<String>,
    /// Who has written it, where that is stamped.
    pub writer: Option<String>,
    /// When its time is over, as it says itself, in seconds since 1970.
    pub until: Option<String>,
}

/// A version as it is kept.
#[derive(Debug)]
pub struct KeptVersion {
    /// When it was written, and by which record.
    pub name: VersionName,
    /// What has happened.
    pub kind: String,
    /// Who has written it, where that was stamped.
    pub writer: Option<String>,
    /// Whether the item was gone by it.
    pub is_gone: bool,
    /// After so many seconds since 1970 it is no longer there to be read.
    until: Option<f64>,
    /// When another took its place.
    replaced_at: Option<String>,
    content: Content,
}

/// One page of an item's versions.
#[derive(Debug)]
pub struct VersionPage {
    /// The versions, the newest first.
    pub versions: Vec<KeptVersion>,
    /// Whether there may be older ones.
    pub has_more: bool,
}

/// The document and the stamps of a version, as they are kept.
#[derive(Debug)]
enum Content {
    None,
    Plain(String),
    Deflated(Vec<u8>),
}

/// Another version of the same item.
struct Neighbour {
    name: VersionName,
    parts: usize,
    replaced_at: Option<String>,
}

impl Store {
    /// Keeps a version, if it is not kept already.
    ///
    /// # Errors
    /// See [`StoreError`]. Then not all may be done that belongs to it, until it is kept again.
    pub async fn keep(&self, history: &History, version: &Version) -> Result<(), StoreError> {
        let rows = Rows {
            client: &self.client,
            history,
            id: history_id(&version.id, version.tenant.as_ref()),
        };
        let parts = rows.put(version).await?;
        let (before, after) = tokio::try_join!(
            rows.before(version.name.as_str()),
            rows.after(version.name.as_str())
        )?;
        if let Some(before) = before {
            rows.replace(&before, version.name.time()).await?;
        }
        if let Some(after) = after {
            let this = Neighbour {
                name: version.name.clone(),
                parts,
                replaced_at: None,
            };
            rows.replace(&this, after.name.time()).await?;
        }
        Ok(())
    }
}

impl Items {
    /// What the item of this id was at a time, if there was one then and it is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn get_at(
        &self,
        id: ItemId,
        at: SystemTime,
    ) -> Result<Option<StoredItem>, StoreError> {
        let Some(rows) = self.rows(&id) else {
            return Ok(None);
        };
        // All versions of that millisecond.
        let last = format!("{}~", time_text(at));
        let call = rows.query("#version <= :last", &[(":last", &last)]);
        let found = call.scan_index_forward(false).limit(1).send().await;
        let found = found.map_err(|error| classify(&error, 0))?.items;
        let Some(row) = found.unwrap_or_default().pop() else {
            return Ok(None);
        };
        let Some(version) = rows.read(row).await? else {
            return Ok(None);
        };
        if version.is_in_force(at) {
            version.into_item(id)
        } else {
            Ok(None)
        }
    }

    /// A page of an item's versions.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn versions(
        &self,
        id: &ItemId,
        page: &VersionsRequest,
    ) -> Result<VersionPage, StoreError> {
        let mut versions = Vec::new();
        let Some(rows) = self.rows(id) else {
            return Ok(VersionPage {
                versions,
                has_more: false,
            });
        };
        let before = page.before.as_ref().map_or(END, VersionName::as_str);
        let call = rows.query("#version < :before", &[(":before", before)]);
        let found = call.scan_index_forward(false).limit(page.limit);
        let found = found.send().await.map_err(|error| classify(&error, 0))?;
        for row in found.items.unwrap_or_default() {
            versions.extend(rows.read(row).await?);
        }
        Ok(VersionPage {
            // All that is older has expired as well.
            has_more: found.last_evaluated_key.is_some() && !versions.is_empty(),
            versions,
        })
    }

    fn rows(&self, id: &ItemId) -> Option<Rows<'_>> {
        Some(Rows {
            client: &self.client,
            history: self.module.history()?,
            id: history_id(id, self.tenant()),
        })
    }
}

/// The rows of one item.
struct Rows<'h> {
    client: &'h Client,
    history: &'h History,
    id: String,
}

impl Rows<'_> {
    /// Puts the rows of a version that are not there. Gives back how many parts are beside the first.
    async fn put(&self, version: &Version) -> Result<usize, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let name = version.name.as_str();
        let mut first = self.key(name);
        first.insert(KIND.to_owned(), text(version.kind));
        let mut others = Vec::new();
        let end = match &version.state {
            None => {
                first.insert(GONE.to_owned(), AttributeValue::Bool(true));
                // The version before it ends then, too, and nobody misses what says so.
                Some(self.end(version.name.time()))
            }
            Some(state) => {
                let content = state.content();
                if let Some((value, rest)) = content.into_values() {
                    first.insert(CONTENT.to_owned(), value);
                    others = rest;
                }
                if let Some(writer) = &state.writer {
                    // Of a foreign writer's it is the beginning that tells.
                    let end = writer.floor_char_boundary(ItemId::MAX_BYTES);
                    first.insert(WRITER.to_owned(), text(&writer[..end]));
                }
                if let Some(until) = &state.until {
                    first.insert(UNTIL.to_owned(), AttributeValue::N(until.clone()));
                }
                None
            }
        };
        first.extend(end.map(|end| (History::TTL.to_owned(), end)));
        if !others.is_empty() {
            let count = AttributeValue::N(others.len().to_string());
            first.insert(PARTS.to_owned(), count);
        }
        let count = others.len();
        // The first last: where it is, all is.
        for (at, value) in others.into_iter().enumerate() {
            let mut part = self.key(&part_name(name, at));
            part.insert(CONTENT.to_owned(), value);
            self.put_row(part).await?;
        }
        self.put_row(first).await?;
        Ok(count)
    }

    async fn put_row(&self, row: Attributes) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(self.table())
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", History::ID);
        done_or_there(put.send().await.map_err(|error| classify(&error, 0)))
    }

    /// The version before one of this name.
    async fn before(&self, name: &str) -> Result<Option<Neighbour>, StoreError> {
        let query = self.query("#version < :before", &[(":before", name)]);
        neighbour(query.scan_index_forward(false)).await
    }

    /// The version after one of this name.
    async fn after(&self, name: &str) -> Result<Option<Neighbour>, StoreError> {
        let next = format!("{name} ");
        let between = [(":next", next.as_str()), (":end", END)];
        neighbour(self.query("#version BETWEEN :next AND :end", &between)).await
    }

    /// Says that another version has taken the place of one, and when.
    async fn replace(&self, version: &Neighbour, at: SystemTime) -> Result<(), StoreError> {
        let time = time_text(at);
        if version.replaced_at.as_ref() == Some(&time) {
            return Ok(());
        }
        let name = version.name.as_str();
        let parts = (0..version.parts).map(|at| part_name(name, at));
        // The first last: what it says need not be said again.
        for row in parts.chain([name.to_owned()]) {
            let is_first = row == name;
            let mut update = self
                .client
                .update_item()
                .table_name(self.table())
                .set_key(Some(self.key(&row)))
                .condition_expression("attribute_exists(#id)")
                .expression_attribute_names("#id", History::ID)
                .expression_attribute_names("#ttl", History::TTL)
                .expression_attribute_values(":end", self.end(at));
            update = if is_first {
                update
                    .update_expression("SET #ttl = :end, #replaced = :at")
                    .expression_attribute_names("#replaced", REPLACED_AT)
                    .expression_attribute_values(":at", AttributeValue::S(time.clone()))
            } else {
                update.update_expression("SET #ttl = :end")
            };
            // A row that is gone has expired.
            done_or_there(update.send().await.map_err(|error| classify(&error, 0)))?;
        }
        Ok(())
    }

    /// Reads a row with its other parts, unless it has expired.
    async fn read(&self, mut row: Attributes) -> Result<Option<KeptVersion>, StoreError> {
        let end = number(row.get(History::TTL));
        #[expect(clippy::cast_precision_loss, reason = "the time now has ten digits")]
        if end.is_some_and(|end| end <= expiry::now() as f64) {
            return Ok(None);
        }
        let Some(name) = take_text(&mut row, History::VERSION).and_then(VersionName::parse) else {
            return Ok(None);
        };
        let content = match row.remove(CONTENT) {
            Some(AttributeValue::S(text)) => Content::Plain(text),
            Some(AttributeValue::B(bytes)) => {
                let mut bytes = bytes.into_inner();
                if row.contains_key(PARTS) {
                    self.read_parts(name.as_str(), &mut bytes).await?;
                }
                Content::Deflated(bytes)
            }
            _ => Content::None,
        };
        Ok(Some(KeptVersion {
            name,
            kind: take_text(&mut row, KIND).unwrap_or_default(),
            writer: take_text(&mut row, WRITER),
            is_gone: row.contains_key(GONE),
            until: number(row.get(UNTIL)),
            replaced_at: take_text(&mut row, REPLACED_AT),
            content,
        }))
    }

    async fn read_parts(&self, name: &str, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let [first, last] = [format!("{PART}{name} "), format!("{PART}{name}~")];
        let between = [(":first", first.as_str()), (":last", last.as_str())];
        let query = self.query("#version BETWEEN :first AND :last", &between);
        let mut parts = query.into_paginator().items().send();
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(|error| classify(&error, 0))?;
            if let Some(AttributeValue::B(more)) = part.remove(CONTENT) {
                bytes.extend_from_slice(more.as_ref());
            }
        }
        Ok(())
    }

    /// Asks for the item's rows whose names are so.
    fn query(&self, names: &str, values: &[(&str, &str)]) -> QueryFluentBuilder {
        let mut query = self
            .client
            .query()
            .table_name(self.table())
            .consistent_read(true)
            .key_condition_expression(format!("#id = :id AND {names}"))
            .expression_attribute_names("#id", History::ID)
            .expression_attribute_names("#version", History::VERSION)
            .expression_attribute_values(":id", AttributeValue::S(self.id.clone()));
        for (placeholder, value) in values {
            let value = AttributeValue::S((*value).to_owned());
            query = query.expression_attribute_values(*placeholder, value);
        }
        query
    }

    fn key(&self, name: &str) -> Attributes {
        let id = AttributeValue::S(self.id.clone());
        let name = AttributeValue::S(name.to_owned());
        HashMap::from([
            (History::ID.to_owned(), id),
            (History::VERSION.to_owned(), name),
        ])
    }

    /// When a version expires whose place another took at this time.
    fn end(&self, replaced: SystemTime) -> AttributeValue {
        let end = replaced + self.history.keep();
        let seconds = end.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        AttributeValue::N(seconds.as_secs().to_string())
    }

    fn table(&self) -> &str {
        self.history.table().name().as_str()
    }
}

/// The first that a query finds.
async fn neighbour(query: QueryFluentBuilder) -> Result<Option<Neighbour>, StoreError> {
    let query = query
        .limit(1)
        .projection_expression("#version, #parts, #replaced")
        .expression_attribute_names("#parts", PARTS)
        .expression_attribute_names("#replaced", REPLACED_AT);
    let found = query.send().await.map_err(|error| classify(&error, 0))?;
    let row = found.items.unwrap_or_default().pop();
    Ok(row.and_then(|mut row| {
        let parts = row
            .get(PARTS)
            .and_then(|parts| parts.as_n().ok()?.parse().ok());
        Some(Neighbour {
            name: VersionName::parse(take_text(&mut row, History::VERSION)?)?,
            parts: parts.unwrap_or_default(),
            replaced_at: take_text(&mut row, REPLACED_AT),
        })
    }))
}

/// What was not done for its condition need not be done.
fn done_or_there<T>(answer: Result<T, StoreError>) -> Result<(), StoreError> {
    match answer {
        Ok(_) | Err(StoreError::ConditionFailed(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The name of a row with a further part.
fn part_name(version: &str, at: usize) -> String {
    format!("{PART}{version} {at:02}")
}

fn take_text(row: &mut Attributes, name: &str) -> Option<String> {
    match row.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

fn number(value: Option<&AttributeValue>) -> Option<f64> {
    value?.as_n().ok()?.parse().ok()
}

impl State {
    /// The stamps are the first line, in which there is no line break, and the document is the rest,
    /// if there is one.
    fn content(&self) -> Content {
        let stamps = self.stamps.as_deref().unwrap_or_default();
        let text = match &self.document {
            None if stamps.is_empty() => return Content::None,
            None => stamps.to_owned(),
            Some(document) => format!("{stamps}\n{document}"),
        };
        if text.len() <= PLAIN_BYTES {
            return Content::Plain(text);
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let bytes = encoder.write_all(text.as_bytes());
        let bytes = bytes.and_then(|()| encoder.finish());
        Content::Deflated(bytes.expect("memory takes all"))
    }
}

impl Content {
    /// The values of the first row and of the others.
    fn into_values(self) -> Option<(AttributeValue, Vec<AttributeValue>)> {
        match self {
            Self::None => None,
            Self::Plain(text) => Some((AttributeValue::S(text), Vec::new())),
            Self::Deflated(bytes) => {
                let parts = bytes.chunks(PART_BYTES);
                let mut parts = parts.map(|part| AttributeValue::B(Blob::new(part)));
                let first = parts.next()?;
                Some((first, parts.collect()))
            }
        }
    }

    fn text(&self) -> std::io::Result<Option<Cow<'_, str>>> {
        match self {
            Self::None => Ok(None),
            Self::Plain(text) => Ok(Some(text.into())),
            Self::Deflated(bytes) => {
                let mut text = String::new();
                let inflated = DeflateDecoder::new(bytes.as_slice()).take(CONTENT_BYTES);
                { inflated }.read_to_string(&mut text)?;
                Ok(Some(text.into()))
            }
        }
    }
}

impl KeptVersion {
    /// Whether the item was as it says at that time.
    fn is_in_force(&self, at: SystemTime) -> bool {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let is_over = self.until.is_some_and(|until| until <= since.as_secs_f64());
        // What was written in between is no longer there.
        let is_replaced = (self.replaced_at.as_ref()).is_some_and(|then| *then <= time_text(at));
        !(self.is_gone || is_over || is_replaced)
    }

    /// The item that it says, under its id; nothing, if there was none.
    ///
    /// # Errors
    /// What is kept is not what modulo has kept.
    pub fn into_item(self, id: ItemId) -> Result<Option<StoredItem>, StoreError> {
        if self.is_gone {
            return Ok(None);
        }
        let unread =
            |error| StoreError::Other(Failure(format!("a version can't be read: {error}")));
        let text = self.content.text().map_err(unread)?.unwrap_or_default();
        let (stamps, document) = match text.split_once('\n') {
            None => (&*text, None),
            Some((stamps, document)) => (stamps, Some(document.to_owned())),
        };
        Ok(Some(StoredItem {
            id,
            data: document,
            stamps: (!stamps.is_empty()).then(|| stamps.to_owned()),
            attributes: Attributes::new(),
        }))
    }
}

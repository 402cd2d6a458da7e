//! What a client does with items that all clients share, and what it was answered.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, JSON_PATCH, MERGE_PATCH};
use crate::answer::{Module, Outcome};
use crate::app::{Answer, document_of};
use crate::history::{Call, now};
use crate::item::{Change, Condition, Content, Operation, Write};

/// How many items of a module are shared at a time, by a tenant each where it has tenants.
const ITEMS: usize = 3;

/// How long they are shared before others take their place, for histories that can be searched.
const AGE: Duration = Duration::from_secs(10);

/// How often a POST with an idempotency key is sent before its outcome stays unknown.
const TRIES: u32 = 4;

/// What the ids of shared items begin with.
const NAME: &str = "shared";

/// Where a shared item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) module: Module,
    /// The API key of the tenant whose item it is.
    pub(crate) tenant: Option<&'static str>,
    pub(crate) id: String,
}

impl Place {
    pub(crate) fn path(&self) -> String {
        self.module.path(&self.id)
    }

    pub(crate) fn headers(&self) -> Vec<(&'static str, &str)> {
        let key = self.tenant.map(|key| ("x-api-key", key));
        key.into_iter().collect()
    }
}

/// Whether an id is one of a shared item.
pub(crate) fn is_shared(id: &str) -> bool {
    id.starts_with(NAME)
}

/// The operations on shared items, and the tags by which they were last seen.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) calls: Vec<(Place, Call)>,
    tags: HashMap<Place, (Content, String)>,
}

impl Content {
    pub(crate) fn of(document: &Value) -> Self {
        let number = |member: &str| document[member].as_u64();
        match (number("written"), number("patched")) {
            (Some(written), Some(patched)) => Self { written, patched },
            _ => panic!("not of a shared item: {document}"),
        }
    }
}

impl Client {
    /// Does one thing or another to one of them.
    pub(crate) async fn share(&mut self) {
        let place = self.any_place();
        // Who sends all writes in a way that can be sent again can rely on each being done once.
        let once = place.module.remembers;
        match self.rng.u32(0..20) {
            0..=4 => self.look(&place).await,
            5..=8 if once => self.put(place, "POST", Condition::None).await,
            5..=8 => {
                let method = self.choose_write();
                self.put(place, method, Condition::None).await;
            }
            9 | 10 => {
                let method = if once { "POST" } else { self.choose_write() };
                self.put(place, method, Condition::Absent).await;
            }
            11..=13 => self.put_matched(place).await,
            14 => self.delete_shared(place).await,
            15..=17 => self.patch_shared(place).await,
            _ if once => self.look(&place).await,
            18 => {
                let method = self.choose_write();
                self.put(place, method, Condition::Exists).await;
            }
            _ => self.batch_shared(&place).await,
        }
    }

    fn any_place(&mut self) -> Place {
        let module = self.shared_modules[self.rng.usize(0..self.shared_modules.len())];
        let tenant = match module.tenants {
            [] => None,
            tenants => Some(tenants[self.rng.usize(0..tenants.len())]),
        };
        let at = self.rng.usize(0..ITEMS);
        Place {
            module,
            tenant,
            id: self.shared_id(at),
        }
    }

    fn shared_id(&self, at: usize) -> String {
        let age = self.began.elapsed().as_secs() / AGE.as_secs();
        format!("{NAME}-{age}-{at}")
    }

    /// A number that no other write has.
    fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.number * 1_000_000 + u64::from(self.count)
    }

    fn shared_document(&mut self, number: u64) -> Value {
        let padding = "é".repeat(self.rng.usize(0..20));
        json!({ "written": number, "patched": 0, "padding": padding })
    }

    fn record(&mut self, place: Place, operation: Operation, called: u64, may_repeat: bool) {
        let call = Call {
            operation,
            called,
            answered: now(),
            may_repeat,
        };
        self.shared.calls.push((place, call));
    }

    /// Records that a list has shown an item, if it is one that is shared.
    pub(super) fn record_listed(&mut self, module: Module, id: &str, found: &Value, called: u64) {
        if is_shared(id) {
            let place = Place {
                module,
                tenant: None,
                id: id.to_owned(),
            };
            let operation = Operation::Read(Some(Content::of(found)));
            self.record(place, operation, called, false);
        }
    }

    async fn look(&mut self, place: &Place) {
        let path = format!("{}?consistent=true", place.path());
        let called = now();
        let call = (place.module, "GET");
        let (outcome, answer) = self
            .send(call, &path, &place.headers(), String::new())
            .await;
        let found = match outcome {
            Outcome::Done(document) => Some(Content::of(&document)),
            Outcome::Refused(_) => None,
            Outcome::Unknown => return,
        };
        self.record(place.clone(), Operation::Read(found), called, false);
        self.see(place, found, answer.header("etag"));
    }

    /// Remembers by what tag the item is known.
    fn see(&mut self, place: &Place, content: Option<Content>, tag: &str) {
        match content {
            Some(content) => {
                let seen = (content, tag.to_owned());
                self.shared.tags.insert(place.clone(), seen);
            }
            None => drop(self.shared.tags.remove(place)),
        }
    }

    async fn put(&mut self, place: Place, method: &'static str, condition: Condition) {
        let number = self.next_number();
        let body = self.shared_document(number).to_string();
        let write = Write {
            condition,
            change: Change::Put(number),
        };
        self.change(place, method, write, body).await;
    }

    async fn put_matched(&mut self, place: Place) {
        if !self.shared.tags.contains_key(&place) || self.rng.bool() {
            self.look(&place).await;
        }
        let condition = match self.shared.tags.get(&place) {
            Some((content, _)) => Condition::Is(*content),
            None => Condition::Absent,
        };
        let method = self.choose_write();
        self.put(place, method, condition).await;
    }

    async fn delete_shared(&mut self, place: Place) {
        let seen = self.shared.tags.get(&place).map(|(content, _)| *content);
        let condition = match seen {
            Some(content) if place.module.remembers || self.rng.bool() => Condition::Is(content),
            _ if place.module.remembers => return,
            _ => Condition::None,
        };
        let change = Change::Delete;
        let write = Write { condition, change };
        self.change(place, "DELETE", write, String::new()).await;
    }

    async fn patch_shared(&mut self, place: Place) {
        let number = self.next_number();
        let seen = self.shared.tags.get(&place).map(|(content, _)| *content);
        let mut condition = Condition::None;
        let mut tested = None;
        match (self.rng.u32(0..4), seen) {
            (0, Some(content)) => condition = Condition::Is(content),
            (1, Some(content)) => tested = Some(content.written),
            _ => {}
        }
        let body = match tested {
            Some(written) => json!([
                { "op": "test", "path": "/written", "value": written },
                { "op": "replace", "path": "/patched", "value": number },
            ]),
            None => json!({ "patched": number }),
        };
        let change = Change::Patch { number, tested };
        let write = Write { condition, change };
        self.change(place, "PATCH", write, body.to_string()).await;
    }

    /// Sends a write, and records it.
    async fn change(&mut self, place: Place, method: &'static str, write: Write, body: String) {
        let tag = match self.shared.tags.get(&place) {
            Some((content, tag)) if write.condition == Condition::Is(*content) => tag.clone(),
            _ => String::new(),
        };
        let mut headers = place.headers();
        match write.condition {
            Condition::None => {}
            Condition::Absent => headers.push(("if-none-match", "*")),
            Condition::Exists => headers.push(("if-match", "*")),
            Condition::Is(_) => headers.push(("if-match", &tag)),
        }
        match write.change {
            Change::Patch { tested: None, .. } => headers.push(("content-type", MERGE_PATCH)),
            Change::Patch { .. } => headers.push(("content-type", JSON_PATCH)),
            Change::Put(_) | Change::Delete => {}
        }
        let is_patch = matches!(write.change, Change::Patch { .. });
        let key = match write.change {
            Change::Put(number) if place.module.remembers && method == "POST" => number.to_string(),
            _ => String::new(),
        };
        let mut tries = 1;
        if !key.is_empty() {
            headers.push(("idempotency-key", &key));
            tries = TRIES;
        }
        let called = now();
        let path = place.path();
        let (mut outcome, mut answer);
        loop {
            let call = (place.module, method);
            (outcome, answer) = self.send(call, &path, &headers, body.clone()).await;
            tries -= 1;
            if tries == 0 || outcome != Outcome::Unknown {
                break;
            }
        }
        let may_repeat = !place.module.remembers && !is_patch;
        let operation = match outcome {
            Outcome::Done(value) => self.done(&place, write, &value, &answer),
            Outcome::Refused(_) => Operation::Refused(write),
            Outcome::Unknown => Operation::Unknown(write),
        };
        self.record(place, operation, called, may_repeat);
    }

    /// What a write has done, and was answered.
    fn done(&mut self, place: &Place, write: Write, value: &Value, answer: &Answer) -> Operation {
        let (content, operation) = match write.change {
            Change::Put(written) => {
                let patched = 0;
                (Some(Content { written, patched }), Operation::Done(write))
            }
            Change::Delete => (None, Operation::Done(write)),
            Change::Patch { .. } => {
                let content = patched(value);
                (Some(content), Operation::Patched(write, content))
            }
        };
        self.see(place, content, answer.header("etag"));
        operation
    }

    /// All items of a place's module in one request, each put, deleted or read.
    async fn batch_shared(&mut self, place: &Place) {
        let module = place.module;
        let atomic = self.rng.bool();
        let reads = self.rng.bool();
        let mut changes = Vec::new();
        let mut operations = Vec::new();
        for at in 0..ITEMS {
            let id = self.shared_id(at);
            let named = module.id(&id);
            let change = match self.rng.u32(0..3) {
                _ if atomic && reads => None,
                0 if !atomic => None,
                1 => Some(Change::Delete),
                _ => Some(Change::Put(self.next_number())),
            };
            operations.push(match change {
                Some(Change::Put(number)) => {
                    json!({ "op": "put", "id": named, "item": self.shared_document(number) })
                }
                Some(_) => json!({ "op": "delete", "id": named }),
                None => json!({ "op": "get", "id": named }),
            });
            changes.push((id, change));
        }
        let body = json!({ "atomic": atomic, "operations": operations }).to_string();
        let path = format!("/_batch/{}", module.name);
        let called = now();
        let call = (module, "BATCH");
        let (outcome, _) = self.send(call, &path, &place.headers(), body).await;
        for (at, (id, change)) in changes.into_iter().enumerate() {
            let op = operations[at]["op"].as_str().unwrap_or_default();
            let outcome = match &outcome {
                Outcome::Done(results) => module.result(op, &results[at]),
                failed => failed.clone(),
            };
            if change.is_some() {
                self.note(&outcome);
            }
            let condition = Condition::None;
            let write = change.map(|change| Write { condition, change });
            let operation = match (write, outcome) {
                (Some(write), Outcome::Done(_)) => Operation::Done(write),
                (Some(write), Outcome::Refused(_)) => Operation::Refused(write),
                (Some(write), Outcome::Unknown) => Operation::Unknown(write),
                (None, Outcome::Done(found)) => Operation::Read(Some(Content::of(&found))),
                (None, Outcome::Refused(_)) => Operation::Read(None),
                (None, Outcome::Unknown) => continue,
            };
            let place = Place {
                id,
                ..place.clone()
            };
            self.record(place, operation, called, !atomic);
        }
    }
}

/// The document that a patch has left, as its answer has it in one envelope or the other.
fn patched(answer: &Value) -> Content {
    let item = &answer["item"];
    if item.is_null() {
        return Content::of(answer);
    }
    if let Some(text) = item["data"]["S"].as_str() {
        return Content::of(&document_of(text));
    }
    let number = |member: &str| item[member]["N"].as_str()?.parse().ok();
    match (number("written"), number("patched")) {
        (Some(written), Some(patched)) => Content { written, patched },
        _ => panic!("not of a shared item: {answer}"),
    }
}

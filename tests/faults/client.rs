//! One client of the campaign: what it does, and what it may find afterwards.

use std::collections::HashMap;
use std::time::Instant;

use axum::body::Body;
use fastrand::Rng;
use serde_json::{Value, json};

use self::shared::Shared;
use crate::answer::{Module, Outcome};
use crate::app::{Answer, TestApp};
use crate::counter::{Kind, Steps};
use crate::history::now;

pub(crate) mod shared;

/// How many items a client has for itself.
const ITEMS: usize = 3;

const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// An item that one client alone writes.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    /// What may be in the table: one state where the last write's outcome is known.
    pub(crate) states: Vec<Option<Value>>,
    /// The tag of its one state.
    tag: Option<String>,
}

impl Item {
    fn new(id: String) -> Self {
        Self {
            id,
            states: vec![None],
            tag: None,
        }
    }

    /// A write that leads to `state` has come to `outcome`.
    fn written(&mut self, state: Option<Value>, outcome: &Outcome) {
        match outcome {
            Outcome::Done(_) => self.states = vec![state],
            Outcome::Unknown => self.states.push(state),
            Outcome::Refused(_) => return,
        }
        self.tag = None;
    }

    /// A read has found `state`.
    fn read(&mut self, state: Option<Value>) {
        assert!(
            self.states.contains(&state),
            "{} is {state:?}, what it may be is {:?}",
            self.id,
            self.states
        );
        if self.states.len() > 1 {
            self.tag = None;
        }
        self.states = vec![state];
    }
}

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    app: TestApp,
    rng: Rng,
    /// All modules: each has the counters; the items and creations are in the first.
    modules: Vec<Module>,
    /// The modules whose items all clients share.
    shared_modules: &'static [Module],
    began: Instant,
    number: u64,
    name: String,
    count: u32,
    pub(crate) items: Vec<Item>,
    pub(crate) shared: Shared,
    /// The documents that it let be created, under ids that the function chose.
    pub(crate) created: Vec<(Value, Outcome)>,
    pub(crate) steps: HashMap<(&'static str, Kind), Steps>,
    pub(crate) requests: u64,
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
}

impl Client {
    pub(crate) fn new(
        app: TestApp,
        seed: u64,
        number: u64,
        modules: Vec<Module>,
        shared_modules: &'static [Module],
    ) -> Self {
        let name = format!("client{number}");
        Self {
            app,
            rng: Rng::with_seed(seed),
            modules,
            shared_modules,
            began: Instant::now(),
            number,
            items: (0..ITEMS)
                .map(|at| Item::new(format!("{name}-{at}")))
                .collect(),
            shared: Shared::default(),
            name,
            count: 0,
            created: Vec::new(),
            steps: HashMap::new(),
            requests: 0,
            acknowledged: 0,
            unknown: 0,
        }
    }

    pub(crate) fn module(&self) -> Module {
        self.modules[0]
    }

    /// Does one thing or another.
    pub(crate) async fn act(&mut self) {
        let at = self.rng.usize(0..ITEMS);
        match self.rng.u32(0..32) {
            0..=2 => self.get(at).await,
            3..=4 => self.write(at, "POST", None).await,
            5..=6 => self.write(at, "PUT", None).await,
            7..=8 => self.write_matched(at).await,
            9 => self.write_new(at).await,
            10 => self.delete(at).await,
            11 => self.patch(at).await,
            12 => self.batch().await,
            13 => self.list().await,
            14 => self.create().await,
            15..=19 => self.step().await,
            _ => self.share().await,
        }
    }

    async fn send(
        &mut self,
        (module, method): (Module, &str),
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (Outcome, Answer) {
        let sent = match method {
            "LIST" => "GET",
            "CREATE" | "BATCH" => "POST",
            method => method,
        };
        let mut request = self.app.request(sent, path);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let answer = self.app.client.send(request).await;
        let outcome = module.read(method, &answer);
        self.requests += 1;
        if !matches!(method, "GET" | "LIST" | "BATCH") {
            self.note(&outcome);
        }
        (outcome, answer)
    }

    fn note(&mut self, written: &Outcome) {
        match written {
            Outcome::Done(_) => self.acknowledged += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Refused(_) => {}
        }
    }

    fn path(&self, at: usize) -> String {
        self.module().path(&self.items[at].id)
    }

    fn token(&mut self) -> String {
        self.count += 1;
        format!("{}+{}", self.name, self.count)
    }

    fn document(&mut self) -> Value {
        let padding = "é".repeat(self.rng.usize(0..40));
        json!({ "token": self.token(), "padding": padding, "n": self.count })
    }

    async fn get(&mut self, at: usize) {
        let path = format!("{}?consistent=true", self.path(at));
        let (outcome, answer) = self
            .send((self.module(), "GET"), &path, &[], String::new())
            .await;
        match outcome {
            Outcome::Done(document) => {
                self.items[at].read(Some(document));
                self.items[at].tag = Some(answer.header("etag").to_owned());
            }
            Outcome::Refused(_) => self.items[at].read(None),
            Outcome::Unknown => {}
        }
    }

    /// Sends a new document: returns it, what came of it, and its tag.
    async fn send_document(
        &mut self,
        at: usize,
        method: &str,
        condition: Option<(&str, &str)>,
    ) -> (Value, Outcome, String) {
        let document = self.document();
        let (path, body) = (self.path(at), document.to_string());
        let call = (self.module(), method);
        let (outcome, answer) = self.send(call, &path, condition.as_slice(), body).await;
        (document, outcome, answer.header("etag").to_owned())
    }

    /// A write that nothing can refuse: nobody else writes the item.
    async fn write(&mut self, at: usize, method: &str, condition: Option<(&str, &str)>) {
        let (document, outcome, tag) = self.send_document(at, method, condition).await;
        let item = &mut self.items[at];
        assert!(
            !matches!(outcome, Outcome::Refused(_)),
            "{method} of {} was refused, under {condition:?}, though it may be {:?} only",
            item.id,
            item.states
        );
        item.written(Some(document), &outcome);
        item.tag = matches!(outcome, Outcome::Done(_)).then_some(tag);
    }

    /// A write that must be refused; whatever is answered, it must not be done.
    async fn write_refused(&mut self, at: usize, method: &str, condition: (&str, &str)) {
        let (document, outcome, _) = self.send_document(at, method, Some(condition)).await;
        assert!(
            !matches!(outcome, Outcome::Done(_)),
            "{document} was written, though {condition:?} does not hold"
        );
    }

    async fn write_matched(&mut self, at: usize) {
        let method = self.choose_write();
        if self.items[at].tag.is_none() {
            self.get(at).await;
        }
        match self.items[at].tag.clone() {
            Some(tag) if self.rng.u32(0..4) > 0 => {
                self.write(at, method, Some(("if-match", &tag))).await;
            }
            _ => {
                self.write_refused(at, method, ("if-match", "\"of-nothing\""))
                    .await;
            }
        }
    }

    async fn write_new(&mut self, at: usize) {
        let method = self.choose_write();
        let condition = ("if-none-match", "*");
        if self.items[at].states == [None] {
            self.write(at, method, Some(condition)).await;
        } else if self.items[at].states.contains(&None) {
            let (document, outcome, _) = self.send_document(at, method, Some(condition)).await;
            self.items[at].written(Some(document), &outcome);
        } else {
            self.write_refused(at, method, condition).await;
        }
    }

    fn choose_write(&mut self) -> &'static str {
        if self.rng.bool() { "PUT" } else { "POST" }
    }

    async fn delete(&mut self, at: usize) {
        let tag = self.items[at].tag.clone().filter(|_| self.rng.bool());
        let condition = tag.as_deref().map(|tag| ("if-match", tag));
        let path = self.path(at);
        let (outcome, answer) = self
            .send(
                (self.module(), "DELETE"),
                &path,
                condition.as_slice(),
                String::new(),
            )
            .await;
        assert!(
            !matches!(outcome, Outcome::Refused(_)),
            "{path}: {}",
            answer.body
        );
        self.items[at].written(None, &outcome);
    }

    async fn patch(&mut self, at: usize) {
        self.get(at).await;
        let [state] = self.items[at].states.as_slice() else {
            return;
        };
        let mut patched = state.clone();
        let token = self.token();
        if let Some(document) = &mut patched {
            document["token"] = token.as_str().into();
        }
        let body = json!({ "token": token }).to_string();
        let headers = [("content-type", MERGE_PATCH)];
        let path = self.path(at);
        let (outcome, answer) = self
            .send((self.module(), "PATCH"), &path, &headers, body)
            .await;
        match (&patched, &outcome) {
            (None, Outcome::Refused(404) | Outcome::Unknown) => {}
            (Some(_), Outcome::Done(_) | Outcome::Unknown) => {
                self.items[at].written(patched, &outcome);
            }
            _ => panic!("PATCH {path}: {} {}", answer.status, answer.body),
        }
    }

    /// All of its items in one request, each put, deleted or read.
    async fn batch(&mut self) {
        let module = self.module();
        let atomic = self.rng.bool();
        let reads = self.rng.bool();
        let mut states = Vec::new();
        let mut operations = Vec::new();
        for at in 0..ITEMS {
            let id = module.id(&self.items[at].id);
            let op = match self.rng.u32(0..3) {
                _ if atomic && reads => "get",
                0 if !atomic => "get",
                1 => "delete",
                _ => "put",
            };
            let document = (op == "put").then(|| self.document());
            operations.push(match &document {
                Some(document) => json!({ "op": op, "id": id, "item": document }),
                None => json!({ "op": op, "id": id }),
            });
            states.push((op, document));
        }
        let body = json!({ "atomic": atomic, "operations": operations }).to_string();
        let path = format!("/_batch/{}", module.name);
        let (outcome, _) = self.send((module, "BATCH"), &path, &[], body).await;
        for (at, (op, state)) in states.into_iter().enumerate() {
            let outcome = match &outcome {
                Outcome::Done(results) => module.result(op, &results[at]),
                failed => failed.clone(),
            };
            match (op, outcome) {
                ("get", Outcome::Done(document)) => self.items[at].read(Some(document)),
                ("get", Outcome::Refused(_)) => self.items[at].read(None),
                ("get", Outcome::Unknown) => {}
                (_, outcome) => {
                    self.note(&outcome);
                    self.items[at].written(state, &outcome);
                }
            }
        }
    }

    /// A page or more; those of its items that are there must be as they may be.
    async fn list(&mut self) {
        let module = self.module();
        let mut cursor = String::new();
        for _ in 0..3 {
            let path = format!("{}?limit=40&consistent=true{cursor}", module.collection());
            let called = now();
            let (outcome, _) = self.send((module, "LIST"), &path, &[], String::new()).await;
            let Outcome::Done(page) = outcome else {
                return;
            };
            for item in page["items"].as_array().unwrap() {
                let (id, document) = module.listed(item);
                if let Some(own) = self.items.iter_mut().find(|own| own.id == id) {
                    own.read(Some(document));
                } else {
                    self.record_listed(module, &id, &document, called);
                }
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return,
            }
        }
    }

    async fn create(&mut self) {
        let document = self.document();
        let path = self.module().collection();
        let body = document.to_string();
        let (outcome, answer) = self.send((self.module(), "CREATE"), &path, &[], body).await;
        if let Outcome::Done(_) = outcome {
            assert!(answer.header("location").starts_with(&path), "{answer:?}");
        }
        self.created.push((document, outcome));
    }

    /// Adds one to one of the counters that all clients have in common.
    async fn step(&mut self) {
        let module = self.modules[self.rng.usize(0..self.modules.len())];
        let kind = Kind::ALL[self.rng.usize(0..Kind::ALL.len())];
        let token = self.token();
        let path = module.path(kind.id());
        let add = json!({ "op": "add", "path": "/tokens/-", "value": token });
        let (headers, body);
        let tag;
        if kind == Kind::Appended {
            headers = vec![("content-type", JSON_PATCH)];
            body = json!([add]);
        } else {
            let read = format!("{path}?consistent=true");
            let (outcome, answer) = self.send((module, "GET"), &read, &[], String::new()).await;
            let Outcome::Done(mut counter) = outcome else {
                assert_eq!(outcome, Outcome::Unknown, "{path} is there");
                return;
            };
            tag = answer.header("etag").to_owned();
            let next = counter["n"].as_u64().unwrap() + 1;
            if kind == Kind::Tested {
                headers = vec![("content-type", JSON_PATCH)];
                body = json!([
                    { "op": "test", "path": "/n", "value": counter["n"] },
                    { "op": "replace", "path": "/n", "value": next },
                    add,
                ]);
            } else {
                counter["n"] = next.into();
                if kind == Kind::Matched {
                    counter["tokens"]
                        .as_array_mut()
                        .unwrap()
                        .push(token.as_str().into());
                }
                headers = vec![("if-match", tag.as_str())];
                body = counter;
            }
        }
        let method = match kind {
            Kind::Matched | Kind::Bare => self.choose_write(),
            Kind::Tested | Kind::Appended => "PATCH",
        };
        let (outcome, _) = self
            .send((module, method), &path, &headers, body.to_string())
            .await;
        self.steps
            .entry((module.name, kind))
            .or_default()
            .add(token, outcome);
    }
}

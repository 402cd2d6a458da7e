//! Items that are written by one service and read by the other, and removed in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use axum::http::Method;
use tokio::signal::unix::{SignalKind, signal};

use super::ids::Ids;
use super::pair::{Outcome, Pair};
use super::report::Report;
use super::service::{Answer, NoAnswerError, Service};
use crate::module::{Module, Verb};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What is written where the table has no document to write.
const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

/// How a process ends that a signal ends, as shells have it.
const INTERRUPTED: i32 = 130;

/// Writes through both services, and all that it has written.
pub(super) struct Writes<'a> {
    pair: &'a Pair,
    module: &'a Module,
    ids: &'a Ids,
    /// What the ids begin with that are written.
    prefix: &'a str,
    written: Vec<String>,
    /// Whether a signal has come.
    is_stopped: Arc<AtomicBool>,
}

impl<'a> Writes<'a> {
    /// # Errors
    /// The module does not serve what is needed to write items and to remove them.
    pub(super) fn new(
        pair: &'a Pair,
        module: &'a Module,
        ids: &'a Ids,
        prefix: &'a str,
    ) -> anyhow::Result<Self> {
        let serves = |verb| module.verbs().contains(verb);
        if !serves(Verb::Delete) || !(serves(Verb::Post) || serves(Verb::Put)) {
            bail!(
                "--write-to needs DELETE, and POST or PUT, among the methods of module `{}`",
                module.name()
            );
        }
        Ok(Self {
            pair,
            module,
            ids,
            prefix,
            written: Vec::new(),
            is_stopped: Arc::default(),
        })
    }

    /// Writes each document to an item of its own, and then the next one; removes all items, also
    /// after an error or a signal.
    pub(super) async fn run(
        mut self,
        mut documents: Vec<String>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        if documents.is_empty() {
            documents.push(DOCUMENT.to_owned());
        }
        self.listen()?;
        let written = self.write(&documents, report).await;
        let removed = self.remove().await;
        match (written, removed) {
            (Err(error), Err(left)) => Err(error.context(left)),
            (written, removed) => written.and(removed),
        }
    }

    async fn write(&mut self, documents: &[String], report: &mut Report) -> anyhow::Result<()> {
        for (document, next) in documents.iter().zip(documents.iter().cycle().skip(1)) {
            let id = self.ids.fresh(self.prefix)?;
            self.written.push(id.clone());
            let item = Item {
                writes: self,
                id,
                report,
            };
            item.write(document, next).await?;
        }
        Ok(())
    }

    /// Removes what was written.
    async fn remove(&self) -> anyhow::Result<()> {
        let mut left = Vec::new();
        for id in &self.written {
            if !self.is_removed(id).await {
                left.push(format!("/{}/{id}", self.module.name()));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        bail!("these items could not be removed: {}", left.join(", "));
    }

    async fn is_removed(&self, id: &str) -> bool {
        for service in [&self.pair.new, &self.pair.old] {
            let answer = service.ask(&Method::DELETE, id, None).await;
            if answer.is_ok_and(|answer| matches!(answer.status, 200..=299 | 404)) {
                return true;
            }
        }
        false
    }

    /// Has SIGINT and SIGTERM end the writing, and a second one the process. A request that is under
    /// way is waited for: if it came after the removal, its item would stay.
    fn listen(&self) -> anyhow::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let is_stopped = Arc::clone(&self.is_stopped);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if is_stopped.swap(true, Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
                eprintln!("removing what was written; once more ends at once");
            }
        });
        Ok(())
    }
}

/// One of the items that are written.
struct Item<'a, 'w> {
    writes: &'a Writes<'w>,
    id: String,
    report: &'a mut Report,
}

impl Item<'_, '_> {
    /// Has both services do all that the module serves, and reads from both after each write. The
    /// item is still there in the end.
    async fn write(mut self, document: &str, next: &str) -> anyhow::Result<()> {
        let verbs = self.writes.module.verbs();
        let create = if verbs.contains(Verb::Post) {
            Method::POST
        } else {
            Method::PUT
        };
        let create = (create, Some((JSON, document)));
        let replace = (Method::PUT, Some((JSON, next)));
        let patch = (Method::PATCH, Some((MERGE_PATCH, document)));
        let delete = (Method::DELETE, None);
        let Pair { old, new } = self.writes.pair;

        // Answers are compared to a write of what was there, or not there, for both.
        let created_by_old = self.send(old, &create, 200).await?;
        let deleted_by_new = self.send(new, &delete, 404).await?;
        let created_by_new = self.send(new, &create, 200).await?;
        let deleted_by_old = self.send(old, &delete, 404).await?;
        self.compare(&create.0, created_by_old, created_by_new);
        self.compare(&delete.0, deleted_by_old, deleted_by_new);
        // So that the item is there for what follows.
        let _ = self.send(new, &create, 200).await?;
        if verbs.contains(Verb::Put) {
            let by_old = self.send(old, &replace, 200).await?;
            let by_new = self.send(new, &replace, 200).await?;
            self.compare(&replace.0, by_old, by_new);
        }
        if verbs.contains(Verb::Patch) {
            let by_old = self.send(old, &patch, 200).await?;
            let by_new = self.send(new, &patch, 200).await?;
            match by_old {
                // The services that modulo replaces have none.
                Ok(Answer { status, .. }) if matches!(status, 404 | 405 | 501) => {
                    self.report.patch_refused = Some(status);
                }
                by_old => self.compare(&patch.0, by_old, by_new),
            }
        }
        Ok(())
    }

    /// Sends a request to one service, and reads from both, which then have to answer `status`.
    async fn send(
        &mut self,
        service: &Service,
        (method, body): &(Method, Option<(&'static str, &str)>),
        status: u16,
    ) -> anyhow::Result<Result<Answer, NoAnswerError>> {
        if self.writes.is_stopped.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        let answer = service.ask(method, &self.id, *body).await;
        let read = self.writes.pair.get_as(&self.id, status).await;
        let request = format!(
            "{} after {method} by {}",
            self.shown(&Method::GET),
            service.name
        );
        self.report.note(&request, &read);
        Ok(answer)
    }

    fn compare(
        &mut self,
        method: &Method,
        old: Result<Answer, NoAnswerError>,
        new: Result<Answer, NoAnswerError>,
    ) {
        let request = self.shown(method);
        self.report.note(&request, &Outcome::of(old, new));
    }

    fn shown(&self, method: &Method) -> String {
        format!("{method} /{}/{}", self.writes.module.name(), self.id)
    }
}

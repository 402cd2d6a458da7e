//! Changes as events of `CloudEvents` 1.0.

use std::fmt;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use super::Change;
use crate::module::name::{ModuleName, ServiceName, Stage};

/// The media type of an event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Where events come from. With the service and the stage, since a receiver can have those of
/// several, and no two events have both their source and their id in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// That of a module's events.
    #[must_use]
    pub fn new(service: &ServiceName, stage: &Stage, module: &ModuleName) -> Self {
        Self(format!("/{service}/{stage}/{module}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Serialize)]
struct Event<'c, D> {
    specversion: &'static str,
    id: &'c str,
    source: &'c str,
    r#type: &'static str,
    subject: &'c str,
    time: String,
    datacontenttype: &'static str,
    data: D,
}

#[derive(Serialize)]
struct Data<'c, I, D> {
    module: &'c str,
    id: I,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'c str>,
    before: D,
    after: D,
}

impl<'c, D> Event<'c, D> {
    fn new(
        id: &'c str,
        source: &'c Source,
        r#type: &'static str,
        (subject, time): (&'c str, SystemTime),
        data: D,
    ) -> Self {
        Self {
            specversion: "1.0",
            id,
            source: &source.0,
            r#type,
            subject,
            time: humantime::format_rfc3339_millis(time).to_string(),
            datacontenttype: "application/json",
            data,
        }
    }
}

/// An event of no change, by which a receiver can be tried: as if an item `test` were created.
#[must_use]
pub fn test_event(id: &str, source: &Source, module: &ModuleName) -> String {
    let data = Data {
        module: module.as_str(),
        id: "test",
        tenant: None,
        before: Value::Null,
        after: json!({ "test": true }),
    };
    let at = ("test", SystemTime::now());
    let event = Event::new(id, source, "modulo.webhook.test", at, data);
    rendered(&event)
}

impl Change {
    /// The event, as JSON.
    #[must_use]
    pub fn to_event(&self, source: &Source) -> String {
        let tenant = self.tenant_name();
        let data = Data {
            module: self.module.name().as_str(),
            id: self.item.as_json(self.module.key()),
            tenant: tenant.as_deref(),
            before: &self.before,
            after: &self.after,
        };
        let (path, kind) = (self.item.to_path(), self.kind.event_type());
        let event = Event::new(&self.id, source, kind, (&path, self.time), data);
        rendered(&event)
    }
}

fn rendered(event: &impl Serialize) -> String {
    serde_json::to_string(event).expect("texts and JSON are JSON")
}

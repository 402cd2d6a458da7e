//! `events`

use ::config::ValueKind;

use super::{Section, Setting, describe};
use crate::config::error::{Faults, Source};
use crate::module::events::Destination;

const HELP: &str = "write events = true for the account's default bus, or one of \
                    events = { bus = \"…\" }, { queue = \"ARN\" } and { topic = \"ARN\" }";

impl Section {
    /// Whether changes are sent, or a table that says where.
    pub(super) fn events(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Setting<Option<Destination>>> {
        let (value, path, source) = self.take(key)?;
        let of_switch = |is_on: bool| is_on.then(Destination::default);
        let value = match (value.kind, source) {
            (ValueKind::Boolean(is_on), _) => of_switch(is_on),
            // The environment has texts only.
            (ValueKind::String(text), Source::Environment) if text.parse::<bool>().is_ok() => {
                of_switch(text == "true")
            }
            (ValueKind::Table(table), _) => {
                let section = Self {
                    path: path.clone(),
                    table,
                    known: Vec::new(),
                };
                Some(section.destination(faults)?)
            }
            (kind, _) => {
                let found = describe(&kind);
                let message = format!("expected `true`, `false` or a table, found {found}");
                faults.add(path, source, message).help(HELP);
                return None;
            }
        };
        Some(Setting {
            value,
            path,
            source,
        })
    }

    fn destination(mut self, faults: &mut Faults) -> Option<Destination> {
        let is_one = self.is_one_of(&["bus", "queue", "topic"], HELP, faults);
        let bus = self.text("bus", faults);
        let bus = bus.map(|set| Destination::Bus(set.value));
        let queue = self.text("queue", faults);
        let queue = queue.map(|set| Destination::Queue(set.value));
        let topic = self.text("topic", faults);
        let topic = topic.map(|set| Destination::Topic(set.value));
        self.close(faults);
        bus.or(queue).or(topic).filter(|_| is_one)
    }
}

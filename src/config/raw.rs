//! `modules.toml` as it is written: every key read into the type of its value, unknown keys and
//! wrong types noted as faults, nothing combined yet.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::config::{Map, Value, ValueKind};
use serde::Deserialize;

pub(super) use self::access::{Access, Requirements, Surroundings};
use super::about::About;
use super::error::{Faults, KeyPath, Source};
use crate::module::base_path::BasePath;
use crate::module::claim_path::ClaimPath;
use crate::module::cors::Cors;
use crate::module::events::Destination;
use crate::module::file::FilePath;
use crate::module::guard::Guard;
use crate::module::limits;
use crate::module::name::{
    DocumentAttribute, GuardName, KeyAttribute, ModuleName, ServiceName, SortAttribute,
    TableTemplate, TtlAttribute,
};
use crate::module::rate::Rate;
use crate::module::schema::SchemaSource;
use crate::module::stamps::Stamps;
use crate::module::webhook::Webhook;
use crate::module::{
    Billing, Envelope, Index, IndexKey, Key, KeyPart, KeyType, Storage, Table, Verb, Verbs,
};
use crate::telemetry::Filter;

mod about;
mod access;
mod events;
mod webhooks;

/// What can be asked for of a table; an account's own quota is lower, and AWS's to raise.
pub(super) const CAPACITY_LIMIT: usize = 1_000_000;

/// More words than any table has keys: there can be as many modules and guards as one likes.
const MOST_KNOWN: usize = 40;

/// More than one process can answer in the shortest time.
pub(super) const RATE_LIMIT: usize = 1_000_000;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) path: KeyPath,
    pub(super) source: Source,
}

impl<T: Default> Setting<T> {
    /// The default, to be blamed on `path`, for lack of a place where it was written.
    pub(super) fn default_at(path: &KeyPath) -> Self {
        Self {
            value: T::default(),
            path: path.clone(),
            source: Source::File,
        }
    }
}

/// The whole file.
pub(super) struct File {
    pub(super) service: Service,
    /// The names of those that are wrong too.
    pub(super) guards: BTreeMap<GuardName, Option<Arc<Guard>>>,
    pub(super) defaults: Module,
    /// Ordered by name. In boxes, whose memory the TOML tables had, and the modules are given: a list
    /// of a thousand of these would be memory that the process has not touched yet.
    pub(super) modules: Vec<(ModuleName, KeyPath, Box<Module>)>,
}

/// `[service]`
#[derive(Default)]
pub(super) struct Service {
    pub(super) name: Option<Setting<ServiceName>>,
    pub(super) base_path: Option<Setting<BasePath>>,
    pub(super) docs: Option<Setting<bool>>,
    pub(super) console: Option<Setting<bool>>,
    pub(super) warm_up: Option<Setting<bool>>,
    pub(super) access: Option<Setting<GuardName>>,
    pub(super) cors: Option<Setting<Arc<Cors>>>,
    pub(super) log: Option<Setting<Filter>>,
    pub(super) metrics: Option<Setting<bool>>,
    pub(super) server_timing: Option<Setting<bool>>,
    pub(super) about: About,
}

/// Declares the keys of a module: each with its type, the method of [`Section`] that reads it, and
/// what that needs beside the key.
macro_rules! module {
    ($around:ident: $($key:ident: $type:ty = $read:ident($($what:expr)?),)*) => {
        /// `[modules.<name>]` and `[defaults]`
        #[derive(Default)]
        pub(super) struct Module {
            $(pub(super) $key: Option<Setting<$type>>,)*
        }

        impl Module {
            fn read(
                mut section: Section,
                $around: Surroundings<'_>,
                faults: &mut Faults,
            ) -> Self {
                let module = Self {
                    $($key: section.$read(stringify!($key), $($what,)? faults),)*
                };
                section.close(faults);
                module
            }

            /// Its own settings, and for those it lacks the ones of `defaults`.
            pub(super) fn or(self, defaults: &Self) -> Self {
                Self {
                    $($key: self.$key.or_else(|| defaults.$key.clone()),)*
                }
            }
        }
    };
}

module! {
    around:
    key: Key = key(),
    table: TableTemplate = text(),
    methods: Verbs = methods(),
    max_bytes: usize = integer(limits::ITEM_BYTES),
    envelope: Envelope = word(Envelope::WORDS),
    create: bool = boolean(),
    stack: usize = integer(Table::NESTED_STACKS),
    billing: Billing = billing(),
    retain: bool = boolean(),
    ttl: TtlAttribute = text(),
    default_ttl: Duration = duration(),
    storage: Storage = word(Storage::WORDS),
    document: DocumentAttribute = text(),
    indexes: Vec<Setting<Index>> = indexes(),
    schema: SchemaSource = schema(around),
    access: Access = access(),
    cors: Arc<Cors> = cors(),
    rate_limit: Rate = rate(),
    idempotency: Duration = duration(),
    tenant: ClaimPath = tenant(),
    key_in_document: bool = boolean(),
    stamps: Stamps = stamps(),
    webhooks: Vec<Webhook> = webhooks(around),
    events: Option<Destination> = events(),
    history: Duration = duration(),
}

impl File {
    pub(super) fn read(root: Value, around: Surroundings<'_>, faults: &mut Faults) -> Self {
        let mut file = Self {
            service: Service::default(),
            guards: BTreeMap::new(),
            defaults: Module::default(),
            modules: Vec::new(),
        };
        let Some(mut root) = Section::open(root, KeyPath::root(), faults) else {
            return file;
        };
        if let Some(section) = root.section("service", faults) {
            file.service = Service::read(section, faults);
        }
        if let Some(guards) = root.section("access", faults) {
            file.guards = guards.read_guards(around, faults);
        }
        if let Some(section) = root.section("defaults", faults) {
            file.defaults = Module::read(section, around, faults);
        }
        if let Some(modules) = root.section("modules", faults) {
            file.modules = modules.read_modules(around, faults);
        }
        root.close(faults);
        file
    }

    /// Every schema, in the place where it is written.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Setting<SchemaSource>> {
        let modules = self.modules.iter().map(|(_, _, module)| &**module);
        modules
            .chain([&self.defaults])
            .filter_map(|module| module.schema.as_ref())
    }
}

impl Service {
    fn read(mut section: Section, faults: &mut Faults) -> Self {
        let service = Self {
            name: section.text("name", faults),
            base_path: section.text("base_path", faults),
            docs: section.boolean("docs", faults),
            console: section.boolean("console", faults),
            warm_up: section.boolean("warm_up", faults),
            access: section.text("access", faults),
            cors: section.cors("cors", faults),
            log: section.text("log", faults),
            metrics: section.boolean("metrics", faults),
            server_timing: section.boolean("server_timing", faults),
            about: section.about(faults),
        };
        section.close(faults);
        service
    }
}

/// One table of the file. Keys are taken out as they are read; those left at the end are unknown.
struct Section {
    path: KeyPath,
    table: Map<String, Value>,
    /// What was asked for while there was anything left.
    known: Vec<&'static str>,
}

impl Section {
    fn open(value: Value, path: KeyPath, faults: &mut Faults) -> Option<Self> {
        let source = source(&value);
        match value.kind {
            ValueKind::Table(table) => Some(Self {
                path,
                table,
                known: Vec::new(),
            }),
            kind => {
                faults.add(
                    path,
                    source,
                    format!("expected a table, found {}", describe(&kind)),
                );
                None
            }
        }
    }

    fn take(&mut self, key: &'static str) -> Option<(Value, KeyPath, Source)> {
        if self.table.is_empty() {
            return None;
        }
        self.known.push(key);
        let value = self.table.remove(key)?;
        let source = source(&value);
        Some((value, self.path.child(key), source))
    }

    fn section(&mut self, key: &'static str, faults: &mut Faults) -> Option<Self> {
        let (value, path, _) = self.take(key)?;
        Self::open(value, path, faults)
    }

    fn text<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Setting<T>> {
        let (value, path, source) = self.take(key)?;
        let ValueKind::String(text) = value.kind else {
            let found = describe(&value.kind);
            faults
                .add(path, source, format!("expected a text, found {found}"))
                .help(format!("put it in quotes, as in {key} = \"…\""));
            return None;
        };
        match text.parse() {
            Ok(value) => Some(Setting {
                value,
                path,
                source,
            }),
            Err(invalid) => {
                faults.add(
                    path,
                    source,
                    format!("`{text}` is not a valid {}: {invalid}", noun(key)),
                );
                None
            }
        }
    }

    /// A text that is one of a few words.
    fn word<T: FromStr<Err = ()>>(
        &mut self,
        key: &'static str,
        words: &[&str],
        faults: &mut Faults,
    ) -> Option<Setting<T>> {
        let Setting {
            value: text,
            path,
            source,
        } = self.text::<String>(key, faults)?;
        if let Ok(value) = text.parse() {
            return Some(Setting {
                value,
                path,
                source,
            });
        }
        faults
            .add(path, source, format!("`{text}` is no {}", noun(key)))
            .help(suggest(&text, words));
        None
    }

    fn integer(
        &mut self,
        key: &'static str,
        max: usize,
        faults: &mut Faults,
    ) -> Option<Setting<usize>> {
        let (value, path, source) = self.take(key)?;
        let number = match (&value.kind, source) {
            (ValueKind::I64(number), _) => usize::try_from(*number).ok(),
            // The environment has texts only.
            (ValueKind::String(text), Source::Environment) => text.parse().ok(),
            _ => None,
        };
        if let Some(value) = number.filter(|number| (1..=max).contains(number)) {
            return Some(Setting {
                value,
                path,
                source,
            });
        }
        let found = describe(&value.kind);
        let message = format!("expected an integer from 1 to {max}, found {found}");
        faults.add(path, source, message);
        None
    }

    fn boolean(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<bool>> {
        let (value, path, source) = self.take(key)?;
        let boolean = match (&value.kind, source) {
            (ValueKind::Boolean(value), _) => Some(*value),
            // The environment has texts only.
            (ValueKind::String(text), Source::Environment) => text.parse().ok(),
            _ => None,
        };
        if let Some(value) = boolean {
            return Some(Setting {
                value,
                path,
                source,
            });
        }
        let message = format!(
            "expected `true` or `false`, found {}",
            describe(&value.kind)
        );
        faults.add(path, source, message);
        None
    }

    /// A text such as `30d` or `1h 30m`, of whole seconds, one at the least.
    fn duration(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Duration>> {
        let Setting {
            value: text,
            path,
            source,
        } = self.text::<String>(key, faults)?;
        let parsed = humantime::parse_duration(&text)
            .map_err(|invalid| invalid.to_string())
            .and_then(|value| {
                let is_whole = value.subsec_nanos() == 0 && !value.is_zero();
                is_whole
                    .then_some(value)
                    .ok_or_else(|| "whole seconds are needed, one at the least".to_owned())
            });
        match parsed {
            Ok(value) => Some(Setting {
                value,
                path,
                source,
            }),
            Err(invalid) => {
                faults
                    .add(
                        path,
                        source,
                        format!("`{text}` is not a duration: {invalid}"),
                    )
                    .help(format!("write it as in {key} = \"30d\" or \"1h 30m\""));
                None
            }
        }
    }

    fn indexes(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Setting<Vec<Setting<Index>>>> {
        const HELP: &str =
            "write a block [[modules.NAME.indexes]] with name = \"…\" and partition = \"…\"";
        let (value, path, source) = self.take(key)?;
        let ValueKind::Array(values) = value.kind else {
            let message = format!(
                "expected a list of indexes, found {}",
                describe(&value.kind)
            );
            faults.add(path, source, message).help(HELP);
            return None;
        };
        if values.len() > limits::INDEXES {
            let message = format!(
                "there are {} indexes, a table can have {}",
                values.len(),
                limits::INDEXES
            );
            faults.add(path.clone(), source, message);
        }
        let indexes = values.into_iter().enumerate().filter_map(|(at, value)| {
            let path = path.child(at.to_string());
            let mut section = Self::open(value, path.clone(), faults)?;
            let name = section.text("name", faults);
            let partition = section.index_key("partition", faults);
            let sort = section.index_key("sort", faults);
            section.close(faults);
            for (key, is_missing) in [("name", name.is_none()), ("partition", partition.is_none())]
            {
                if is_missing && !faults.blame(&path.child(key)) {
                    faults
                        .add(path.clone(), source, format!("`{key}` is missing"))
                        .help(HELP);
                }
            }
            let value = Index {
                name: name?.value,
                partition: partition?,
                sort,
            };
            Some(Setting {
                value,
                path,
                source,
            })
        });
        Some(Setting {
            value: indexes.collect(),
            path: path.clone(),
            source,
        })
    }

    /// `true` for all stamps by their default names, or a table with the names of those that are
    /// kept.
    fn stamps(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Stamps>> {
        if self.table_at(key).is_none() {
            let Setting {
                value: all,
                path,
                source,
            } = self.boolean(key, faults)?;
            let value = if all {
                Stamps::all()
            } else {
                Stamps::default()
            };
            return Some(Setting {
                value,
                path,
                source,
            });
        }
        let mut section = self.section(key, faults)?;
        let path = section.path.clone();
        let mut named = |key| section.text(key, faults).map(|set| set.value);
        let value = Stamps {
            created_at: named("created_at"),
            updated_at: named("updated_at"),
            updated_by: named("updated_by"),
        };
        section.close(faults);
        if value.is_empty() && !faults.blame(&path) {
            faults
                .add(path.clone(), Source::File, "no stamp is named")
                .help("write stamps = true, or stamps = { updated_at = \"updatedAt\" }");
        }
        Some(Setting {
            value,
            path,
            source: Source::File,
        })
    }

    /// An attribute's name alone, or a table with its type.
    fn index_key(&mut self, key: &'static str, faults: &mut Faults) -> Option<IndexKey> {
        let (attribute, key_type) = self.typed_attribute(key, faults)?;
        Some(IndexKey {
            attribute: attribute.value,
            key_type,
        })
    }

    fn typed_attribute<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<(Setting<T>, KeyType)> {
        if self.table_at(key).is_none() {
            return Some((self.text(key, faults)?, KeyType::default()));
        }
        let mut section = self.section(key, faults)?;
        let path = section.path.clone();
        let attribute = section.text("attribute", faults);
        let key_type = section.word("type", KeyType::WORDS, faults);
        section.close(faults);
        if attribute.is_none() && !faults.blame(&path) {
            faults
                .add(path, Source::File, "`attribute` is missing")
                .help(format!(
                    "write {key} = {{ attribute = \"…\", type = \"N\" }}"
                ));
        }
        Some((
            attribute?,
            key_type.map(|set| set.value).unwrap_or_default(),
        ))
    }

    fn table_at(&self, key: &str) -> Option<&Map<String, Value>> {
        match &self.table.get(key)?.kind {
            ValueKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The partition key alone, an attribute's name or a table with its type; or a table of it and
    /// the sort key.
    fn key(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Key>> {
        let is_pair = |table: &Map<String, Value>| {
            table.contains_key("partition") || table.contains_key("sort")
        };
        if !self.table_at(key).is_some_and(is_pair) {
            let (attribute, key_type) = self.typed_attribute::<KeyAttribute>(key, faults)?;
            let part = KeyPart {
                attribute: attribute.value,
                key_type,
            };
            return Some(Setting {
                value: Key::new(part, None),
                path: attribute.path,
                source: attribute.source,
            });
        }
        let (value, path, source) = self.take(key)?;
        let mut section = Self::open(value, path.clone(), faults)?;
        let partition = section.typed_attribute::<KeyAttribute>("partition", faults);
        let has_sort = section.table.contains_key("sort");
        let sort = section.typed_attribute::<SortAttribute>("sort", faults);
        section.close(faults);
        if partition.is_none() && !faults.blame(&path.child("partition")) {
            faults
                .add(path.clone(), source, "`partition` is missing")
                .help("write key = { partition = \"…\", sort = \"…\" }");
        }
        let (attribute, key_type) = partition?;
        let partition = KeyPart {
            attribute: attribute.value,
            key_type,
        };
        let sort = match sort {
            Some((attribute, key_type)) => {
                let part = KeyPart {
                    attribute: attribute.value.into(),
                    key_type,
                };
                if part.attribute == partition.attribute {
                    let message = format!("`{}` is the partition key already", part.attribute);
                    faults
                        .add(attribute.path, attribute.source, message)
                        .help("name the table's other key attribute, or leave `sort` out");
                    return None;
                }
                Some(part)
            }
            None if has_sort => return None,
            None => None,
        };
        Some(Setting {
            value: Key::new(partition, sort),
            path,
            source,
        })
    }

    /// The word for on-demand, or a table with both capacities.
    fn billing(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Billing>> {
        const HELP: &str = "write billing = \"on-demand\", or billing = { read = 1, write = 1 }";
        let (value, path, source) = self.take(key)?;
        match value.kind {
            ValueKind::String(word) if word == Billing::ON_DEMAND => Some(Setting {
                value: Billing::OnDemand,
                path,
                source,
            }),
            ValueKind::Table(_) => {
                let mut section = Self::open(value, path.clone(), faults)?;
                let read = section.integer("read", CAPACITY_LIMIT, faults);
                let write = section.integer("write", CAPACITY_LIMIT, faults);
                section.close(faults);
                if let (Some(read), Some(write)) = (&read, &write) {
                    let value = Billing::Provisioned {
                        read: read.value,
                        write: write.value,
                    };
                    return Some(Setting {
                        value,
                        path,
                        source,
                    });
                }
                if !faults.blame(&path) {
                    let missing = if read.is_none() { "read" } else { "write" };
                    faults
                        .add(path, source, format!("`{missing}` is missing"))
                        .help(HELP);
                }
                None
            }
            kind => {
                let message = format!(
                    "expected \"on-demand\" or capacities, found {}",
                    describe(&kind)
                );
                faults.add(path, source, message).help(HELP);
                None
            }
        }
    }

    /// A table of a number of requests and the time they are for.
    fn rate(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Rate>> {
        let (value, path, source) = self.take(key)?;
        let mut section = Self::open(value, path.clone(), faults)?;
        let requests = section.integer("requests", RATE_LIMIT, faults);
        let per = section.duration("per", faults);
        section.close(faults);
        if (requests.is_none() || per.is_none()) && !faults.blame(&path) {
            let missing = if requests.is_none() {
                "requests"
            } else {
                "per"
            };
            faults
                .add(path.clone(), source, format!("`{missing}` is missing"))
                .help("write rate_limit = { requests = 100, per = \"1m\" }");
        }
        let requests = u32::try_from(requests?.value).ok();
        let value = Rate {
            requests: requests.and_then(NonZeroU32::new)?,
            per: per?.value,
        };
        Some(Setting {
            value,
            path,
            source,
        })
    }

    /// A table of origins.
    fn cors(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Arc<Cors>>> {
        let (value, path, source) = self.take(key)?;
        let mut section = Self::open(value, path.clone(), faults)?;
        let origins = section.words("origins", "[\"https://app.example.com\"]", faults);
        let max_age = section.duration("max_age", faults);
        section.close(faults);
        if origins.is_none() && !faults.blame(&path) {
            faults
                .add(path.clone(), source, "`origins` is missing")
                .help("write cors = { origins = [\"https://app.example.com\"] }");
        }
        let origins = origins?;
        let parsed = origins.value.iter().filter_map(|text| {
            let fault = |invalid| {
                let message = format!("`{text}` is not an origin: {invalid}");
                faults.add(origins.path.clone(), origins.source, message);
            };
            text.parse().map_err(fault).ok()
        });
        let max_age = max_age.map_or(Cors::DEFAULT_MAX_AGE, |set| set.value);
        Some(Setting {
            value: Arc::new(Cors::new(parsed.collect(), max_age)),
            path,
            source,
        })
    }

    /// A list of texts, which the environment writes with commas between them.
    fn words(
        &mut self,
        key: &'static str,
        example: &str,
        faults: &mut Faults,
    ) -> Option<Setting<Vec<String>>> {
        let (value, path, source) = self.take(key)?;
        let value = match (value.kind, source) {
            (ValueKind::String(list), Source::Environment) => {
                list.split(',').map(|word| word.trim().to_owned()).collect()
            }
            (kind, _) => match texts(kind) {
                Ok(words) => words,
                Err(found) => {
                    faults
                        .add(
                            path,
                            source,
                            format!("expected a list of {}s, found {found}", noun(key)),
                        )
                        .help(format!("write it as in {key} = {example}"));
                    return None;
                }
            },
        };
        Some(Setting {
            value,
            path,
            source,
        })
    }

    fn methods(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Verbs>> {
        let set = self.verbs(key, faults)?;
        if set.value.is_empty() && !faults.blame(&set.path) {
            faults
                .add(
                    set.path.clone(),
                    set.source,
                    "the list is empty, so the module serves nothing",
                )
                .help("list what the module serves, as in methods = [\"GET\", \"LIST\"]");
        }
        Some(set)
    }

    fn verbs(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<Verbs>> {
        let Setting {
            value: words,
            path,
            source,
        } = self.words(key, "[\"GET\", \"LIST\"]", faults)?;
        let known: Vec<_> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        let verbs = words.iter().filter_map(|word| {
            let verb = word.parse::<Verb>().ok();
            if verb.is_none() {
                faults
                    .add(
                        path.clone(),
                        source,
                        format!("`{word}` is not a valid method"),
                    )
                    .help(suggest(word, &known));
            }
            verb
        });
        Some(Setting {
            value: verbs.collect(),
            path: path.clone(),
            source,
        })
    }

    /// The path of a file, or the schema itself.
    fn schema(
        &mut self,
        key: &'static str,
        around: Surroundings<'_>,
        faults: &mut Faults,
    ) -> Option<Setting<SchemaSource>> {
        const HELP: &str = "name a file, as in schema = \"schemas/room.json\", or write the schema \
                            as a table";
        if let Some(ValueKind::String(_)) = self.table.get(key).map(|value| &value.kind) {
            let Setting {
                value,
                path,
                source,
            } = self.text::<FilePath>(key, faults)?;
            return Some(Setting {
                value: SchemaSource::File(around.file(value)),
                path,
                source,
            });
        }
        let (value, path, source) = self.take(key)?;
        if has_environment(&value) {
            let message = "a schema can't be written in the environment";
            faults
                .add(path, Source::Environment, message)
                .help("name its file, whose keys keep their case");
            return None;
        }
        let found = describe(&value.kind);
        if let ValueKind::Table(_) = value.kind
            && let Ok(mut document) = serde_json::Value::deserialize(value)
        {
            // The config crate keeps no order.
            document.sort_all_objects();
            return Some(Setting {
                value: SchemaSource::Inline(Arc::new(document)),
                path,
                source,
            });
        }
        let message = format!("expected a path or a schema, found {found}");
        faults.add(path, source, message).help(HELP);
        None
    }

    /// Every key is a module's name, and the modules are in the order of these.
    fn read_modules(
        self,
        around: Surroundings<'_>,
        faults: &mut Faults,
    ) -> Vec<(ModuleName, KeyPath, Box<Module>)> {
        let mut tables: Vec<_> = self.table.into_iter().collect();
        tables.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut modules = Vec::with_capacity(tables.len());
        for (name, value) in tables {
            if has_environment(&value) {
                faults
                    .add(
                        self.path.child(name),
                        Source::Environment,
                        "a module can't be defined in the environment",
                    )
                    .help("define it in modules.toml, where its key attribute keeps its case");
                continue;
            }
            match name.parse::<ModuleName>() {
                Ok(parsed) => {
                    let path = self.path.child(name);
                    if let Some(section) = Self::open(value, path.clone(), faults) {
                        let module = Module::read(section, around, faults);
                        modules.push((parsed, path, Box::new(module)));
                    }
                }
                Err(invalid) => {
                    let message = format!("`{name}` is not a valid module name: {invalid}");
                    faults.add(self.path.child(name), Source::File, message);
                }
            }
        }
        modules
    }

    /// Whatever is left was not asked for.
    fn close(self, faults: &mut Faults) {
        for (key, value) in self.table {
            faults
                .add(
                    self.path.child(key.clone()),
                    source(&value),
                    format!("unknown key `{key}`"),
                )
                .help(suggest(&key, &self.known));
        }
    }
}

/// The config crate names an origin for the environment's values only: the file is handed to it
/// as a text.
fn source(value: &Value) -> Source {
    match (value.origin(), &value.kind) {
        (Some(_), _) => Source::Environment,
        // A table that the environment alone made has no origin of its own.
        (None, ValueKind::Table(table)) if !table.is_empty() => {
            if table
                .values()
                .all(|value| source(value) == Source::Environment)
            {
                Source::Environment
            } else {
                Source::File
            }
        }
        (None, _) => Source::File,
    }
}

fn has_environment(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Table(table) => table.values().any(has_environment),
        _ => value.origin().is_some(),
    }
}

/// A list of texts, or what is there in its place.
fn texts(kind: ValueKind) -> Result<Vec<String>, String> {
    let ValueKind::Array(values) = kind else {
        return Err(describe(&kind));
    };
    let texts = values.into_iter().map(|value| match value.kind {
        ValueKind::String(text) => Ok(text),
        kind => Err(format!("{} in a list", describe(&kind))),
    });
    texts.collect()
}

fn describe(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Nil => "nothing".to_owned(),
        ValueKind::Boolean(value) => format!("the boolean `{value}`"),
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
            format!("the integer `{kind}`")
        }
        ValueKind::Float(value) => format!("the number `{value}`"),
        ValueKind::String(text) => format!("the text `{text}`"),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
    }
}

/// What a key's value is called in a sentence.
fn noun(key: &str) -> &str {
    match key {
        "key" => "key attribute",
        "table" => "table name",
        "ttl" | "partition" | "sort" | "document" => "attribute",
        "schema" => "path of a schema",
        "access" | "guard" => "name of a guard",
        "env" => "name of a variable",
        "ssm" => "name of a parameter",
        "secretsmanager" => "name of a secret",
        "jwks" => "place of keys",
        "methods" | "public" => "method",
        "origins" => "origin",
        "log" => "filter of the log",
        "base_path" => "base path",
        "url" => "URL",
        "servers" => "server",
        "on" => "kind of change",
        other => other,
    }
}

/// The nearest of `known`, or all of them.
pub(crate) fn suggest(found: &str, known: &[&str]) -> String {
    let distance =
        |word: &&&str| strsim::damerau_levenshtein(&found.to_lowercase(), &word.to_lowercase());
    match known.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 2.min(nearest.len() / 2) => {
            format!("did you mean `{nearest}`?")
        }
        _ => {
            let words = known.iter().take(MOST_KNOWN);
            let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
            let more = match known.len().saturating_sub(MOST_KNOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("known here: {}{more}", words.join(", "))
        }
    }
}

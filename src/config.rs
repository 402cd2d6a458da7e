//! `modules.toml` and the environment become a [`Config`]: the only reader of both.
//!
//! Three types on the way in: the file's text, `raw` (what was written), [`Config`] (what it
//! means). All faults are found and reported at once. Nothing after this reads file or environment;
//! of a module's schema, only the place is known here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::config::{Environment, Source as _};

pub use self::about::{About, Contact, Email, Licence, ServerUrl, Text, WebUrl};
pub use self::error::{ConfigError, Fault};
use self::error::{Faults, KeyPath, Source};
pub(crate) use self::raw::suggest;
use self::raw::{Setting, Surroundings};
use crate::access::{InvalidJwks, InvalidKeySet, Jwks};
use crate::item::schema::{InvalidSchema, Schema, Violation};
use crate::json::byte_order_mark;
use crate::module::base_path::BasePath;
use crate::module::claim_path::ClaimPath;
use crate::module::cors::Cors;
use crate::module::guard::{Access, Callers, Credential, Guard, KeyPlace, Keys};
use crate::module::history::History;
use crate::module::limits;
use crate::module::name::{
    DocumentAttribute, GuardName, ModuleName, ServiceName, Stage, TableName, TableTemplate,
    TtlAttribute,
};
use crate::module::reserved;
use crate::module::{
    Envelope, IdempotencyTable, Index, Key, KeyType, Module, Modules, Purpose, Storage, Table,
    Verb, Verbs,
};
use crate::telemetry::Filter;
use crate::telemetry::chain::Chain;

mod about;
mod error;
mod foundation;
#[cfg(feature = "cli")]
pub mod keys;
mod raw;

/// The file's name, where no other is given.
pub const FILE_NAME: &str = "modules.toml";

/// What the environment variables that layer over the file's settings begin with.
const ENV_PREFIX: &str = "MODULO";
const ENV_SEPARATOR: &str = "__";

/// The whole of a configuration, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What belongs to the function as a whole.
    pub service: Service,
    /// The collections.
    pub modules: Modules,
}

/// The `[service]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The stack's and the function's name; `modulo` unless the file says another.
    pub name: ServiceName,
    /// What front doors put before the paths, and leave there or not.
    pub base_path: Option<BasePath>,
    /// Whether the API's description is served.
    pub docs: bool,
    /// Whether `modulo serve` has the console.
    pub console: bool,
    /// Whether the function connects to DynamoDB before it takes its first request.
    pub warm_up: bool,
    /// Whose pages may call from a browser: the function's own paths, and the modules that say
    /// nothing of it.
    pub cors: Option<Arc<Cors>>,
    /// The stage that the file was read for.
    pub stage: Stage,
    /// What the log has of its requests.
    pub telemetry: Telemetry,
    /// What the API's description says of the API as a whole.
    pub about: About,
}

/// What the log has of requests, and who gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// How much is logged, where `RUST_LOG` does not say it.
    pub log: Filter,
    /// Whether CloudWatch is to count the requests.
    pub metrics: bool,
    /// Whether answers say what took how long, in `Server-Timing`.
    pub server_timing: bool,
}

impl Config {
    /// Whether pages of any other origin may call anything.
    #[must_use]
    pub fn has_cors(&self) -> bool {
        let modules = self.modules.iter().map(|module| module.cors());
        modules
            .chain([self.service.cors.as_deref()])
            .any(|cors| cors.is_some())
    }
}

impl Service {
    /// Where CloudWatch has the service's metrics.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("modulo/{}/{}", self.name, self.stage)
    }
}

/// Reads `file`, with the `MODULO__…` variables of `env` over its settings, for `stage`.
///
/// # Errors
/// The file can't be read, is not TOML, or has faults: then every fault, with its place.
pub fn load(
    file: &Path,
    stage: &Stage,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    parse(&read(file)?, file, stage, env)
}

/// As [`load`], and makes sure that the modules' schemas, and issuers' keys in files, can be used.
/// The function does without, since its package was made of a configuration that was checked: it
/// reads each when that is first needed.
///
/// # Errors
/// As [`load`]; what is wrong with a schema or with keys is a fault like any other.
pub fn check(
    file: &Path,
    stage: &Stage,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    interpret(&read(file)?, file, stage, env, Reading::CHECKED)
}

/// As [`check`], of the file that `before` was read from, too. A schema that did not change since is
/// not checked again.
///
/// # Errors
/// As [`check`].
#[cfg(feature = "cli")]
pub fn check_again(
    file: &Path,
    stage: &Stage,
    env: impl IntoIterator<Item = (String, String)>,
    before: &Config,
) -> Result<Config, ConfigError> {
    let reading = Reading {
        before: Some(&before.modules),
        ..Reading::CHECKED
    };
    interpret(&read(file)?, file, stage, env, reading)
}

/// How a configuration is read.
#[derive(Clone, Copy)]
struct Reading<'b> {
    /// Whether the files that it names are read and checked with it.
    is_checked: bool,
    /// The modules whose live parts go on where their data are the same.
    before: Option<&'b Modules>,
}

impl Reading<'_> {
    const LAZY: Self = Self {
        is_checked: false,
        before: None,
    };
    const CHECKED: Self = Self {
        is_checked: true,
        before: None,
    };
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let mut bytes = std::fs::read(file).map_err(|source| ConfigError::Read {
        file: file.to_owned(),
        source,
    })?;
    let mark = bytes.len() - byte_order_mark::skip(&bytes).len();
    bytes.drain(..mark);
    String::from_utf8(bytes).map_err(|error| ConfigError::not_utf8(file, &error))
}

/// As [`load`], of a text that was read from `file`.
///
/// # Errors
/// As [`load`], but for reading.
pub fn parse(
    text: &str,
    file: &Path,
    stage: &Stage,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    interpret(text, file, stage, env, Reading::LAZY)
}

fn interpret(
    text: &str,
    file: &Path,
    stage: &Stage,
    env: impl IntoIterator<Item = (String, String)>,
    reading: Reading<'_>,
) -> Result<Config, ConfigError> {
    let prefix = format!("{ENV_PREFIX}{ENV_SEPARATOR}");
    let environment: BTreeMap<_, _> = env.into_iter().collect();
    let settings = environment
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let variables = Environment::with_prefix(ENV_PREFIX)
        .prefix_separator(ENV_SEPARATOR)
        .separator(ENV_SEPARATOR)
        .source(Some(settings));
    let layers = foundation::read(text).and_then(|mut layers| {
        variables.collect_to(&mut layers)?;
        Ok(layers)
    });
    let layers = layers.map_err(|error| ConfigError::syntax(file, text, &error))?;

    let mut faults = Faults::default();
    let around = Surroundings {
        folder: file.parent().unwrap_or(Path::new("")),
        environment: &environment,
        reads_files: reading.is_checked,
    };
    let raw = raw::File::read(layers, around, &mut faults);
    if reading.is_checked {
        check_schemas(&raw, reading.before, &mut faults);
        check_keys(&raw, &mut faults);
    }
    let config = resolve(raw, stage, &mut faults);
    faults.into_result(config, file, text)
}

/// Compiles every schema that was not checked `before`, and reports what is wrong with it: of one in
/// the file itself in its very line.
fn check_schemas(raw: &raw::File, before: Option<&Modules>, faults: &mut Faults) {
    let checked = before.into_iter().flat_map(Modules::iter);
    let checked: Vec<_> = checked.filter_map(|module| module.schema()).collect();
    for Setting {
        value: schema,
        path,
        source,
    } in raw.schemas()
    {
        if checked.contains(&schema) {
            continue;
        }
        let Err(invalid) = Schema::new(schema.clone()).compile() else {
            continue;
        };
        match (&*invalid, schema.file()) {
            (InvalidSchema::Faulty(violations), None) => {
                for Violation { pointer, message } in violations {
                    faults.add(path.descend(pointer), *source, message);
                }
            }
            (InvalidSchema::Faulty(violations), Some(file)) => {
                for violation in violations {
                    let message = format!("`{}`, {violation}", file.location().display());
                    faults.add(path.clone(), *source, message);
                }
            }
            (invalid, _) => {
                let found = faults.add(path.clone(), *source, Chain(invalid).to_string());
                if let Some(help) = invalid.help() {
                    found.help(help);
                }
            }
        }
    }
}

/// Reads the issuers' keys that are in files.
fn check_keys(raw: &raw::File, faults: &mut Faults) {
    for guard in raw.guards.values().flatten() {
        let Some(Keys::Public(place @ KeyPlace::File(_))) = guard.keys() else {
            continue;
        };
        if let Err(invalid) = Jwks::new(place).check() {
            let name = guard.name().to_string();
            let path = KeyPath::root().child("access").child(name);
            let path = path.child("jwt").child("jwks");
            let help = match *invalid {
                InvalidJwks::Set {
                    source: InvalidKeySet::Discovery,
                    ..
                } => "leave `jwks` out: the keys are found by `issuer`",
                _ => "write the issuer's JSON Web Key Set there, or name another file",
            };
            faults
                .add(path, Source::File, Chain(&*invalid).to_string())
                .help(help);
        }
    }
}

/// From what was written to what it means. What comes back is complete where no fault was found.
fn resolve(raw: raw::File, stage: &Stage, faults: &mut Faults) -> Config {
    let raw::File {
        service,
        guards,
        defaults,
        modules: written,
    } = raw;
    if written.is_empty() {
        refuse_none(faults);
    }

    let telemetry = telemetry(service.log, service.metrics, service.server_timing);
    let guards = Guards {
        defined: guards,
        default: service.access,
    };
    guards.check_default(defaults.access.as_ref(), faults);
    let cors = service.cors.map(|set| set.value);
    let service_name = service.name.map(|set| set.value).unwrap_or_default();
    let base_path = service
        .base_path
        .and_then(|set| own_base_path(set, &written, faults));
    let idempotency = TableName::of_idempotency(&service_name, stage);
    let mut owners = HashMap::with_capacity(written.len());
    let all = written.iter().map(|(_, _, module)| &**module);
    reserve_idempotency(all.chain([&defaults]), &idempotency, &mut owners);
    let mut modules = Vec::with_capacity(written.len());
    for (name, path, own) in written {
        let mut raw = own.or(&defaults);
        let table = raw.table.take();
        let table = table.unwrap_or_else(|| Setting::default_at(&path));
        let Some(table) = own_table(&name, table, stage, &mut owners, faults) else {
            continue;
        };
        let Some(key) = raw.key.take().map(|set| set.value) else {
            refuse_keyless(&name, path, faults);
            continue;
        };
        check_together(&raw, &key, faults);
        let verbs = raw.methods.map(|set| set.value).unwrap_or_default();
        let indexes = own_indexes(raw.indexes);
        let create = raw.create.is_none_or(|set| set.value);
        let webhooks = raw.webhooks.map_or_else(Vec::new, |set| set.value);
        let events = raw.events.and_then(|set| set.value);
        let history = raw.history;
        let table = Table {
            purpose: Purpose::Items,
            owner: name.clone(),
            name: table,
            indexes: Index::of_table(&indexes, &key, raw.tenant.is_some()),
            key,
            ttl: raw.ttl.map(|set| set.value),
            create,
            stack: raw.stack.map(|set| set.value).filter(|_| create),
            billing: raw.billing.map(|set| set.value).unwrap_or_default(),
            retain: raw.retain.map_or(!stage.is_local(), |set| set.value),
            stream: !webhooks.is_empty() || events.is_some() || history.is_some(),
        };
        let history = history.and_then(|set| own_history(&table, &set, &mut owners, faults));
        modules.push(Arc::new(Module {
            name,
            table,
            verbs,
            max_bytes: raw
                .max_bytes
                .map_or(Module::DEFAULT_MAX_BYTES, |set| set.value),
            envelope: raw.envelope.map(|set| set.value).unwrap_or_default(),
            key_in_document: raw.key_in_document.is_some_and(|set| set.value),
            stamps: raw.stamps.map(|set| set.value).unwrap_or_default(),
            default_ttl: raw.default_ttl.map(|set| set.value),
            storage: raw.storage.map(|set| set.value).unwrap_or_default(),
            document: (raw.document.map(|set| set.value))
                .filter(|named| named.as_str() != Module::DOCUMENT_ATTRIBUTE),
            indexes,
            schema: raw.schema.map(|set| set.value),
            callers: guards.callers(raw.access, raw.tenant, faults),
            cors: own_cors(raw.cors, cors.as_ref()),
            rate_limit: raw.rate_limit.map(|set| set.value),
            webhooks,
            events,
            history,
            idempotency: remembered(raw.idempotency, verbs, &idempotency),
        }));
    }
    Config {
        service: Service {
            name: service_name,
            base_path,
            docs: service.docs.is_none_or(|set| set.value),
            console: service.console.is_none_or(|set| set.value),
            cors: cors.filter(|cors| !cors.is_off()),
            stage: stage.clone(),
            telemetry,
            about: service.about,
            warm_up: service.warm_up.is_none_or(|set| set.value),
        },
        modules: Modules::new(modules),
    }
}

/// The indexes of a module's table, if it has any.
fn own_indexes(set: Option<Setting<Vec<Setting<Index>>>>) -> Vec<Index> {
    let indexes = set.map_or_else(Vec::new, |set| set.value);
    indexes.into_iter().map(|index| index.value).collect()
}

/// Whose pages may call a module: what it says, or else what the service says.
fn own_cors(own: Option<Setting<Arc<Cors>>>, service: Option<&Arc<Cors>>) -> Option<Arc<Cors>> {
    let cors = own.map(|set| set.value).or_else(|| service.cloned());
    cors.filter(|cors| !cors.is_off())
}

/// Where a module's writes are remembered, if it has any that can be.
fn remembered(
    set: Option<Setting<Duration>>,
    verbs: Verbs,
    table: &TableName,
) -> Option<IdempotencyTable> {
    let set = set.filter(|_| verbs.contains(Verb::Post))?;
    Some(IdempotencyTable {
        name: table.clone(),
        keep: set.value,
    })
}

/// Keeps the modules from the table of idempotency keys, if one of them has such keys.
fn reserve_idempotency<'m>(
    mut modules: impl Iterator<Item = &'m raw::Module>,
    table: &TableName,
    owners: &mut HashMap<TableName, ModuleName>,
) {
    if modules.any(|module| module.idempotency.is_some()) {
        owners.insert(table.clone(), ModuleName::of_idempotency());
    }
}

/// What the keys of one module must not say together.
fn check_together(raw: &raw::Module, key: &Key, faults: &mut Faults) {
    check_expiry(raw.ttl.as_ref(), raw.default_ttl.as_ref(), key, faults);
    let storage = raw
        .storage
        .as_ref()
        .map(|set| set.value)
        .unwrap_or_default();
    check_document(
        raw.document.as_ref(),
        storage,
        key,
        raw.ttl.as_ref(),
        faults,
    );
    check_indexes(raw.indexes.as_ref(), storage, key, faults);
    let envelope = raw.envelope.as_ref().map(|set| set.value);
    let envelope = envelope.unwrap_or_default();
    check_key_in_document(raw.key_in_document.as_ref(), envelope, faults);
    check_stamps(raw, key, faults);
    check_key_of_tenant(raw.tenant.as_ref(), key, faults);
    check_room_for_tenant(raw.tenant.as_ref(), raw.indexes.as_ref(), faults);
}

fn telemetry(
    log: Option<Setting<Filter>>,
    metrics: Option<Setting<bool>>,
    server_timing: Option<Setting<bool>>,
) -> Telemetry {
    Telemetry {
        log: log.map(|set| set.value).unwrap_or_default(),
        metrics: metrics.is_none_or(|set| set.value),
        server_timing: server_timing.is_some_and(|set| set.value),
    }
}

/// A file without modules would serve nothing.
fn refuse_none(faults: &mut Faults) {
    let path = KeyPath::root().child("modules");
    if !faults.blame(&path) {
        faults.add(path, Source::File, "no module is defined").help(
            "add one, for instance: [modules.rooms] and, on the line below it, key = \"roomId\"",
        );
    }
}

/// The base path, whose beginning has to be no module's path: else a request could mean either.
fn own_base_path(
    set: Setting<BasePath>,
    modules: &[(ModuleName, KeyPath, Box<raw::Module>)],
    faults: &mut Faults,
) -> Option<BasePath> {
    let first = set.value.first_segment();
    if modules.iter().any(|(name, ..)| name.as_str() == first) {
        let message = format!(
            "`{}` begins with the path of module `{first}`, so that a request could mean either",
            set.value
        );
        faults
            .add(set.path, set.source, message)
            .help("give the module another name, or the front door another path");
        return None;
    }
    Some(set.value)
}

/// Reports that there is no key, unless one that was written, but wrong, has been reported already.
fn refuse_keyless(name: &ModuleName, path: KeyPath, faults: &mut Faults) {
    let default = KeyPath::root().child("defaults").child("key");
    if faults.blame(&path.child("key")) || faults.blame(&default) {
        return;
    }
    let help = format!("name the table's partition key attribute, for instance key = \"{name}Id\"");
    faults
        .add(path, Source::File, "`key` is missing")
        .help(help);
}

/// A module's table at `stage`, which has to be nobody else's.
fn own_table(
    name: &ModuleName,
    table: Setting<TableTemplate>,
    stage: &Stage,
    owners: &mut HashMap<TableName, ModuleName>,
    faults: &mut Faults,
) -> Option<TableName> {
    let expanded = match table.value.expand(name, stage) {
        Ok(expanded) => expanded,
        Err(invalid) => {
            let message = format!("the table's name for stage `{stage}` is invalid: {invalid}");
            faults
                .add(table.path, table.source, message)
                .help("give the module another `table`");
            return None;
        }
    };
    if let Some(owner) = owners.insert(expanded.clone(), name.clone()) {
        let message = format!("table `{expanded}` is already that of module `{owner}`");
        faults
            .add(table.path, table.source, message)
            .help("give each module a table of its own, for instance with `{module}` in its name");
    }
    Some(expanded)
}

/// The history of a module's items, whose table has to be nobody else's either.
fn own_history(
    table: &Table,
    keep: &Setting<Duration>,
    owners: &mut HashMap<TableName, ModuleName>,
    faults: &mut Faults,
) -> Option<History> {
    let mut fault = |message: String, help: &str| {
        let found = faults.add(keep.path.clone(), keep.source, message);
        found.help(help);
    };
    let (least, most) = (History::LEAST, History::MOST);
    for (is_beyond, what, (_, limit)) in [
        (keep.value < least.0, "shorter", least),
        (keep.value > most.0, "longer", most),
    ] {
        if is_beyond {
            let help = "write from 1 day to 10 years, as in history = \"90d\"";
            fault(format!("{what} than {limit}"), help);
        }
    }
    let name = match History::name_beside(table.name()) {
        Ok(name) => name,
        Err(invalid) => {
            fault(
                format!(
                    "the name of the table `{}-history` is invalid: {invalid}",
                    table.name()
                ),
                "give the module another `table`, or leave `history` out",
            );
            return None;
        }
    };
    if let Some(owner) = owners.insert(name.clone(), table.owner().clone()) {
        fault(
            format!("table `{name}`, for the versions, is already that of module `{owner}`"),
            "give that module another `table`, or leave `history` out",
        );
    }
    Some(History::of(table, name, keep.value))
}

/// The guards that the file defines, and the one of modules that name none.
struct Guards {
    /// Those that are wrong have been reported, and are known by their names alone.
    defined: BTreeMap<GuardName, Option<Arc<Guard>>>,
    default: Option<Setting<GuardName>>,
}

impl Guards {
    /// Makes sure that there is the guard of modules that name none, and that `[defaults]` does not
    /// open these modules: which of the two holds could only be guessed.
    fn check_default(&self, access: Option<&Setting<raw::Access>>, faults: &mut Faults) {
        let Some(default) = &self.default else { return };
        self.find(default, faults);
        let Some(set) = access.filter(|set| matches!(set.value, raw::Access::Open)) else {
            return;
        };
        let message = format!(
            "modules that say nothing of their callers have the guard `{}` of [service], and cannot \
             be open too",
            default.value
        );
        faults.add(set.path.clone(), set.source, message).help(
            "leave one of the two out; with the guard, a module that is to be open says \
             access = \"open\" itself",
        );
    }

    fn find(&self, named: &Setting<GuardName>, faults: &mut Faults) -> Option<&Arc<Guard>> {
        let name = &named.value;
        if let Some(found) = self.defined.get(name) {
            return found.as_ref();
        }
        let known: Vec<_> = self.defined.keys().map(GuardName::as_str).collect();
        let help = if name.as_str() == Callers::OPEN {
            "write access = \"open\" in [defaults] or in a module, which has no guard then"
                .to_owned()
        } else if known.is_empty() {
            format!("define it: [access.{name}], with jwt = {{ … }} or keys = [ … ]")
        } else {
            suggest(name.as_str(), &known)
        };
        let message = format!("there is no guard `{name}`");
        faults
            .add(named.path.clone(), named.source, message)
            .help(help);
        None
    }

    /// Who may call a module.
    fn callers(
        &self,
        set: Option<Setting<raw::Access>>,
        tenant: Option<Setting<ClaimPath>>,
        faults: &mut Faults,
    ) -> Callers {
        let place = set.as_ref().map(|set| (set.path.clone(), set.source));
        let undeclared = Callers::Everybody { is_declared: false };
        let raw = match set.map(|set| set.value) {
            None => raw::Requirements::default(),
            Some(raw::Access::Guarded(raw)) => raw,
            Some(raw::Access::Open) => {
                refuse_tenant(tenant, faults);
                return Callers::Everybody { is_declared: true };
            }
        };
        let Some(named) = raw.guard.as_ref().or(self.default.as_ref()) else {
            if let Some((path, source)) = place
                && !faults.blame(&path)
            {
                faults.add(path, source, "there is no guard").help(
                    "name one here, as in guard = \"main\", or for all modules in [service], as in \
                         access = \"main\"",
                );
            } else {
                refuse_tenant(tenant, faults);
            }
            return undeclared;
        };
        let Some(guard) = self.find(named, faults).map(Arc::clone) else {
            return undeclared;
        };
        let public = raw.public.map_or(Verbs::NONE, |set| set.value);
        if let Some(tenant) = &tenant {
            check_tenant(tenant, &guard, public, faults);
        }
        Callers::Guarded(Access {
            guard,
            public,
            scopes: raw.scopes,
            tenant: tenant.map(|set| set.value),
        })
    }
}

/// Without a guard, nobody's tenant is known.
fn refuse_tenant(tenant: Option<Setting<ClaimPath>>, faults: &mut Faults) {
    if let Some(Setting { path, source, .. }) = tenant {
        let message = "there is no guard, so that nobody's tenant is known";
        faults
            .add(path, source, message)
            .help("name one, as in access = { guard = \"main\" }");
    }
}

/// The verb envelope has the id beside the document already.
fn check_key_in_document(set: Option<&Setting<bool>>, envelope: Envelope, faults: &mut Faults) {
    if let Some(set) = set.filter(|set| set.value && envelope != Envelope::Plain) {
        let message = "the verb envelope has the id beside the document, not in it";
        faults
            .add(set.path.clone(), set.source, message)
            .help("say envelope = \"plain\", or leave `key_in_document` out");
    }
}

/// When items expire can't be said in the attribute of their id, nor in none.
fn check_expiry(
    ttl: Option<&Setting<TtlAttribute>>,
    default: Option<&Setting<Duration>>,
    key: &Key,
    faults: &mut Faults,
) {
    if let Some(ttl) = ttl.filter(|ttl| key.contains(ttl.value.as_str())) {
        let message = format!("`{}` is the key attribute, which holds the id", ttl.value);
        faults
            .add(ttl.path.clone(), ttl.source, message)
            .help("name another attribute, which holds the time in seconds since 1970");
    }
    if let Some(set) = default.filter(|_| ttl.is_none()) {
        faults
            .add(set.path.clone(), set.source, "`ttl` is missing")
            .help("name the attribute that holds an item's time, as in ttl = \"expiresAt\"");
    }
    if let Some(set) = default.filter(|set| set.value > LONGEST_TTL) {
        faults
            .add(set.path.clone(), set.source, "longer than 1,000 years")
            .help("leave it out, and items do not expire that do not say so");
    }
}

/// The attribute of the text is one of the item's, and no other setting's.
fn check_document(
    set: Option<&Setting<DocumentAttribute>>,
    storage: Storage,
    key: &Key,
    ttl: Option<&Setting<TtlAttribute>>,
    faults: &mut Faults,
) {
    let Some(set) = set else { return };
    let attribute = set.value.as_str();
    let mut fault = |message: String, help| {
        let found = faults.add(set.path.clone(), set.source, message);
        found.help(help);
    };
    if storage != Storage::Json {
        fault(
            "with `storage = \"document\"` each member is an attribute of its own".to_owned(),
            "leave `document` out, or say storage = \"json\"",
        );
    }
    if key.contains(attribute) {
        fault(
            format!("`{attribute}` is the key attribute, which holds the id"),
            "name the attribute that holds the document's text",
        );
    }
    if ttl.is_some_and(|ttl| ttl.value.as_str() == attribute) {
        fault(
            format!("`{attribute}` is `ttl` already, which holds the time of expiry"),
            "name the attribute that holds the document's text",
        );
    }
}

/// A stamp is an attribute of its own.
fn check_stamps(raw: &raw::Module, key: &Key, faults: &mut Faults) {
    const OTHER_NAME: &str =
        "give the stamp another name, as in stamps = { created_at = \"createdOn\" }";
    let Some(set) = &raw.stamps else { return };
    let mut fault = |message: String, help: &str| {
        let found = faults.add(set.path.clone(), set.source, message);
        found.help(help);
    };
    let ttl = raw.ttl.as_ref().map(|set| set.value.as_str());
    let document = raw.document.as_ref().map(|set| set.value.as_str());
    let mut names = BTreeSet::new();
    for name in set.value.names() {
        if !names.insert(name) {
            fault(format!("`{name}` is two stamps"), OTHER_NAME);
        }
        let taken = if key.contains(name) {
            "the key attribute, which holds the id"
        } else if ttl == Some(name) {
            "`ttl` already, which holds the time of expiry"
        } else if document == Some(name) {
            "`document` already, which holds the document's text"
        } else {
            continue;
        };
        fault(format!("`{name}` is {taken}"), OTHER_NAME);
    }
    let indexes = raw.indexes.iter().flat_map(|indexes| &indexes.value);
    for Setting { value: index, .. } in indexes {
        if names.contains(index.partition.attribute.as_str()) {
            fault(
                format!(
                    "`{}` is the partition of index `{}`",
                    index.partition.attribute, index.name
                ),
                "a stamp can be the sort key of an index, and not its partition",
            );
        }
        let sort = index.sort.as_ref();
        if let Some(sort) = sort
            .filter(|sort| sort.key_type != KeyType::S && names.contains(sort.attribute.as_str()))
        {
            fault(
                format!(
                    "`{}` is a number in index `{}`, and a stamp is a text",
                    sort.attribute, index.name
                ),
                "leave its `type` out",
            );
        }
    }
}

/// The name of an item's tenant stands in its partition key.
fn check_key_of_tenant(tenant: Option<&Setting<ClaimPath>>, key: &Key, faults: &mut Faults) {
    let partition = key.partition();
    if let Some(tenant) = tenant.filter(|_| partition.key_type == KeyType::N) {
        let message = format!(
            "the partition key `{}` is a number, which has no room for a tenant's name",
            partition.attribute
        );
        faults
            .add(tenant.path.clone(), tenant.source, message)
            .help(
                "leave `tenant` out, or keep the items in a table whose partition key is a string",
            );
    }
}

/// The longest `default_ttl`, so that no item expires later than its document could say: some 1,000
/// years.
const LONGEST_TTL: Duration = Duration::from_hours(1_000 * 366 * 24);

/// Makes sure that a module can know its callers' tenants.
fn check_tenant(tenant: &Setting<ClaimPath>, guard: &Guard, public: Verbs, faults: &mut Faults) {
    let mut fault = |message, help| {
        let found = faults.add(tenant.path.clone(), tenant.source, message);
        found.help(help);
    };
    if let Some(verb) = public.iter().next() {
        fault(
            format!("{verb} is public, and a caller without a credential has no tenant"),
            "leave `public` out, or `tenant`",
        );
    }
    if let Credential::Key(keys) = guard.credential()
        && keys.iter().all(|key| key.tenant.is_none())
    {
        fault(
            format!("no key of guard `{}` is of a tenant", guard.name()),
            "say whose each key is, as in { name = \"…\", hash = \"sha256:…\", tenant = \"acme\" }",
        );
    }
}

/// Makes sure that a table has room for the index of a tenant's items, and indexes for their marks.
fn check_room_for_tenant(
    tenant: Option<&Setting<ClaimPath>>,
    indexes: Option<&Setting<Vec<Setting<Index>>>>,
    faults: &mut Faults,
) {
    let (Some(_), Some(indexes)) = (tenant, indexes) else {
        return;
    };
    if indexes.value.len() == limits::INDEXES {
        let message = format!(
            "there are {} indexes, and with tenants a table can have {}",
            limits::INDEXES,
            limits::INDEXES - 1
        );
        faults
            .add(indexes.path.clone(), indexes.source, message)
            .help("one more lists a tenant's items; leave one of these out");
    }
    let longest = limits::KEY_NAME_BYTES - reserved::mark_of("").len();
    for index in &indexes.value {
        let attribute = &index.value.partition.attribute;
        if attribute.as_str().len() > longest {
            let message =
                format!("with tenants, a partition's name has {longest} bytes at the most");
            faults.add(index.path.clone(), index.source, message);
        }
    }
}

/// What a table's indexes must not be, taken together.
fn check_indexes(
    indexes: Option<&Setting<Vec<Setting<Index>>>>,
    storage: Storage,
    key: &Key,
    faults: &mut Faults,
) {
    let Some(set) = indexes else { return };
    if storage != Storage::Document {
        faults
            .add(
                set.path.clone(),
                set.source,
                "a text has no members that an index could be of",
            )
            .help("say storage = \"document\", for a module whose table is still empty");
        return;
    }
    let mut names = BTreeSet::new();
    let mut types = BTreeMap::new();
    for index in &set.value {
        let mut fault = |message| {
            faults.add(index.path.clone(), index.source, message);
        };
        if !names.insert(&index.value.name) {
            fault(format!("there is another index `{}`", index.value.name));
        }
        for index_key in index.value.keys() {
            let attribute = &index_key.attribute;
            if key.contains(attribute.as_str()) {
                fault(format!("`{attribute}` is the table's own key"));
            }
            let known = types.entry(attribute).or_insert(index_key.key_type);
            if *known != index_key.key_type {
                fault(format!("`{attribute}` has another type in another index"));
            }
        }
        if let Some(sort) = &index.value.sort
            && sort.attribute == index.value.partition.attribute
        {
            fault(format!("`{}` is its partition already", sort.attribute));
        }
    }
}

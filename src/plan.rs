//! What a deployment would change for data and for clients, before it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::access::VerbAccess;
pub use self::deployed::UnknownDeployment;
use crate::module::{Module, Modules, Storage};
use crate::name::TENANT_INDEX;
use crate::schema::{InvalidSchema, Schema};
use crate::store::keys_in_words;

mod access;
mod deployed;
mod limits;
mod stage;

/// How many bytes of a schema's hash are kept: two schemas of one hash are not to be met by chance.
const HASH_BYTES: usize = 16;

/// The modules of a deployment, as far as data and clients depend on them. Kept in the stack's
/// template, so what is written by one release must be read by the next: add members with a
/// default, take none away; and CloudFormation takes no `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    modules: BTreeMap<String, ModuleDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ModuleDescription {
    key: String,
    table: String,
    methods: BTreeSet<String>,
    envelope: String,
    max_bytes: usize,
    retain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    #[serde(default = "json")]
    storage: String,
    #[serde(default)]
    indexes: BTreeMap<String, String>,
    /// The claim that names callers' tenants, if there are tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// A hash of the schema, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    /// What each verb asks of its callers; nothing of those that are open to everybody.
    #[serde(default)]
    access: BTreeMap<String, VerbAccess>,
    /// How long idempotency keys are remembered, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency: Option<u64>,
}

/// The storage of modules deployed before there was another.
fn json() -> String {
    Storage::Json.to_string()
}

impl Description {
    /// That of `modules`.
    ///
    /// # Errors
    /// A schema can't be read, which one that was checked can.
    pub fn of(modules: &Modules) -> Result<Self, Arc<InvalidSchema>> {
        let described = modules
            .iter()
            .map(|module| describe(module).map(|described| (module.name().to_string(), described)));
        Ok(Self {
            modules: described.collect::<Result<_, _>>()?,
        })
    }
}

fn describe(module: &Module) -> Result<ModuleDescription, Arc<InvalidSchema>> {
    Ok(ModuleDescription {
        key: module.key().to_string(),
        table: module.table().to_string(),
        methods: module.verbs().iter().map(|verb| verb.to_string()).collect(),
        envelope: module.envelope().to_string(),
        max_bytes: module.max_bytes(),
        retain: module.retain(),
        ttl: module.ttl().map(ToString::to_string),
        storage: module.storage().to_string(),
        indexes: described_indexes(module),
        tenant: module.tenant().map(ToString::to_string),
        schema: module.schema().map(hash).transpose()?,
        access: access::of(module),
        idempotency: module.memory().map(|memory| memory.keep().as_secs()),
    })
}

/// The same for two schemas that say the same, however they are written.
fn hash(schema: &Schema) -> Result<String, Arc<InvalidSchema>> {
    let mut document = schema.to_value()?;
    document.sort_all_objects();
    let hash = Sha256::digest(document.to_string());
    Ok(URL_SAFE_NO_PAD.encode(&hash[..HASH_BYTES]))
}

/// The indexes by name, each with its keys and their types.
fn described_indexes(module: &Module) -> BTreeMap<String, String> {
    let indexes = module.table_indexes();
    indexes
        .map(|index| (index.name.to_owned(), keys_in_words(&index.keys)))
        .collect()
}

/// What changes between two deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Change>);

/// What comes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Data and clients go on as before.
    Fine,
    /// It can't be found out.
    Unknown,
    /// Data or clients suffer.
    Breaks,
    /// The deployment can't be done.
    Fails,
}

/// One edit, or what is in a deployment's way, and its consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    module: String,
    verdict: Verdict,
    edit: String,
    consequence: String,
}

impl Plan {
    /// From what is deployed to what is wanted.
    #[must_use]
    pub fn new(deployed: &Description, wanted: &Description) -> Self {
        let names: BTreeSet<_> = deployed
            .modules
            .keys()
            .chain(wanted.modules.keys())
            .collect();
        let mut changes = Changes {
            module: "",
            found: Vec::new(),
        };
        for name in names {
            changes.module = name;
            match (deployed.modules.get(name), wanted.modules.get(name)) {
                (None, Some(after)) => changes.added(after),
                (Some(before), None) => changes.removed(before),
                (Some(before), Some(after)) => changes.edited(before, after),
                (None, None) => {}
            }
        }
        Self(changes.found)
    }

    /// Whether data or clients would suffer.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.has(Verdict::Breaks)
    }

    /// Whether the deployment can't be done.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        self.has(Verdict::Fails)
    }

    fn has(&self, verdict: Verdict) -> bool {
        self.0.iter().any(|change| change.verdict == verdict)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no module changes");
        }
        for (at, change) in self.0.iter().enumerate() {
            let newline = if at > 0 { "\n" } else { "" };
            let mark = match change.verdict {
                Verdict::Fine => "ok",
                Verdict::Unknown => "?",
                Verdict::Breaks => "BREAKS",
                Verdict::Fails => "FAILS",
            };
            write!(f, "{newline}{mark:<6}  {}: {}", change.module, change.edit)?;
            write!(f, "\n        {}", change.consequence)?;
        }
        Ok(())
    }
}

struct Changes<'n> {
    module: &'n str,
    found: Vec<Change>,
}

impl Changes<'_> {
    fn add(&mut self, breaking: bool, edit: impl Into<String>, consequence: impl Into<String>) {
        let verdict = if breaking {
            Verdict::Breaks
        } else {
            Verdict::Fine
        };
        self.add_as(verdict, edit, consequence);
    }

    fn add_as(
        &mut self,
        verdict: Verdict,
        edit: impl Into<String>,
        consequence: impl Into<String>,
    ) {
        self.found.push(Change {
            module: self.module.to_owned(),
            verdict,
            edit: edit.into(),
            consequence: consequence.into(),
        });
    }

    fn added(&mut self, after: &ModuleDescription) {
        let consequence = format!(
            "`/{}` answers {}, on table `{}`, {}",
            self.module,
            list(&after.methods),
            after.table,
            access::summary(after)
        );
        self.add(false, "is new", consequence);
    }

    fn removed(&mut self, before: &ModuleDescription) {
        let consequence = format!(
            "`/{}` answers 404, and {}",
            self.module,
            fate_of_table(before)
        );
        self.add(true, "is gone", consequence);
    }

    fn edited(&mut self, before: &ModuleDescription, after: &ModuleDescription) {
        if before.table != after.table {
            let edit = format!("table `{}` becomes `{}`", before.table, after.table);
            let consequence = format!(
                "no item moves: the new table begins empty, and {}",
                fate_of_table(before)
            );
            self.add(true, edit, consequence);
        }
        if before.key != after.key {
            let edit = format!("key attribute `{}` becomes `{}`", before.key, after.key);
            if before.table == after.table {
                let consequence = "a table's key can't be changed: the deployment fails unless \
                     `table` changes too";
                self.add_as(Verdict::Fails, edit, consequence);
            } else {
                let consequence =
                    "answers name the id otherwise, and items of the old table have another key";
                self.add(true, edit, consequence);
            }
        }
        let dropped: BTreeSet<_> = before.methods.difference(&after.methods).cloned().collect();
        if !dropped.is_empty() {
            let edit = format!("no longer serves {}", list(&dropped));
            self.add(true, edit, "clients that use it are answered 405");
        }
        let gained: BTreeSet<_> = after.methods.difference(&before.methods).cloned().collect();
        if !gained.is_empty() {
            let edit = format!("serves {} too", list(&gained));
            self.add(false, edit, "the function gains the permission for it");
        }
        if before.envelope != after.envelope {
            let edit = format!(
                "envelope `{}` becomes `{}`",
                before.envelope, after.envelope
            );
            self.add(true, edit, "every answer has another shape");
        }
        if before.storage != after.storage {
            let edit = format!("storage `{}` becomes `{}`", before.storage, after.storage);
            let consequence = "items of the table are not converted and are no longer understood; \
                 export them first, and import them into another table";
            self.add(true, edit, consequence);
        }
        self.edited_tenant(before.tenant.as_deref(), after.tenant.as_deref());
        self.edited_access(before, after);
        self.edited_indexes(&before.indexes, &after.indexes);
        if after.max_bytes < before.max_bytes {
            let edit = format!(
                "max_bytes goes from {} to {}",
                before.max_bytes, after.max_bytes
            );
            self.add(
                true,
                edit,
                "larger documents are answered 413, also those that are stored and sent again",
            );
        }
        if let Some(attribute) = after.ttl.as_ref().filter(|_| before.ttl != after.ttl) {
            let edit = format!("ttl is now `{attribute}`");
            self.add(
                true,
                edit,
                "DynamoDB deletes items whose time in that attribute has passed",
            );
        }
        match (&before.schema, &after.schema) {
            (None, Some(_)) => self.add(
                true,
                "has a schema now",
                "documents that break it are answered 422, also those that are stored and sent again",
            ),
            (Some(before), Some(after)) if before != after => self.add(
                false,
                "schema has changed",
                "what it no longer allows is answered 422, also what is stored and sent again",
            ),
            (Some(_), None) => self.add(false, "has no schema now", "any document is taken"),
            _ => {}
        }
        self.edited_idempotency(before.idempotency, after.idempotency);
        if before.retain && !after.retain {
            self.add(
                true,
                "retain is now false",
                "the table goes with the stack, items and all",
            );
        }
    }
}

impl Changes<'_> {
    fn edited_idempotency(&mut self, before: Option<u64>, after: Option<u64>) {
        match (before, after) {
            (Some(_), None) => self.add(
                true,
                "no longer remembers idempotency keys",
                "a POST that is sent again is done again",
            ),
            (before, Some(seconds)) if before != after => {
                let keep = humantime::format_duration(Duration::from_secs(seconds));
                let edit = format!("remembers idempotency keys for {keep}");
                self.add(
                    false,
                    edit,
                    "a POST that is sent again with its key is not done again",
                );
            }
            _ => {}
        }
    }

    fn edited_tenant(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
            (None, Some(claim)) => self.add(
                true,
                format!("callers are confined to the tenant in `{claim}`"),
                "items of the table are no tenant's and out of reach, but for those with a `/` in \
                 their ids; export them first, and import them into another table, each with its \
                 `tenant`",
            ),
            (Some(claim), None) => self.add(
                true,
                format!("callers are no longer confined to the tenant in `{claim}`"),
                "every caller reaches the items of all tenants, under other ids; export them \
                 first, and import them into another table",
            ),
            (Some(one), Some(other)) if one != other => self.add(
                true,
                format!("the tenant is no longer in `{one}`, but in `{other}`"),
                "callers reach the items of the tenant that the other claim names",
            ),
            _ => {}
        }
    }

    fn edited_indexes(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        // Of the index of a tenant's items, its tenants tell.
        let is_told = |name: &str| name != TENANT_INDEX;
        let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
        for (name, keys) in gone.filter(|(name, _)| is_told(name)) {
            let edit = format!("index `{name}` of {keys} is gone");
            self.add(true, edit, "clients that query it are answered 400");
        }
        for (name, keys) in before {
            if let Some(other) = after.get(name).filter(|other| *other != keys) {
                let edit = format!("index `{name}` of {keys} is now of {other}");
                let consequence = "an index's keys can't be changed: the deployment fails; give \
                     the index another name";
                self.add_as(Verdict::Fails, edit, consequence);
            }
        }
        let added: Vec<_> = after
            .iter()
            .filter(|(name, _)| !before.contains_key(*name))
            .collect();
        for (name, keys) in added.iter().filter(|(name, _)| is_told(name)) {
            let edit = format!("index `{name}` of {keys} is new");
            self.add(
                false,
                edit,
                "it has the items that are there once it is filled",
            );
        }
        let removed = before.keys().filter(|name| !after.contains_key(*name));
        let changed = removed.count() + added.len();
        if changed > 1 {
            let edit = format!("{changed} indexes change");
            let consequence = "DynamoDB makes or removes one index of a table in one deployment: \
                 this one fails; deploy one change after the other";
            self.add_as(Verdict::Fails, edit, consequence);
        }
    }
}

fn fate_of_table(before: &ModuleDescription) -> String {
    if before.retain {
        format!("table `{}` stays, outside the stack", before.table)
    } else {
        format!("table `{}` is deleted with all its items", before.table)
    }
}

fn list(words: &BTreeSet<String>) -> String {
    words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::name::Stage;

    #[track_caller]
    fn description(text: &str) -> Description {
        let stage: Stage = "prod".parse().expect("legal");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("legal");
        Description::of(&config.modules).expect("no schema that can't be read")
    }

    const BEFORE: &str = "
        [modules.modulo1]
        key = 'modulo1Id'
        [modules.modulo2]
        key = 'modulo2Id'
        [modules.modulo3]
        key = 'modulo3Id'
        retain = false
    ";

    #[test]
    fn nothing_changes() {
        let plan = Plan::new(&description(BEFORE), &description(BEFORE));
        assert!(!plan.is_breaking());
        insta::assert_snapshot!(plan, @"no module changes");
    }

    #[test]
    fn a_first_deployment_breaks_nothing() {
        let plan = Plan::new(
            &Description::default(),
            &description("[modules.a]\nkey = 'id'"),
        );
        assert!(!plan.is_breaking());
        insta::assert_snapshot!(plan, @"
        ok      a: is new
                `/a` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `a-prod`, open to everybody
        ");
    }

    #[test]
    fn every_breaking_edit_is_told_with_its_consequence() {
        let after = "
            [modules.modulo1]
            key = 'id'
            methods = ['GET', 'LIST']
            max_bytes = 1000
            ttl = 'expiresAt'
            retain = false
            [modules.modulo2]
            key = 'id'
            table = 'elsewhere'
        ";
        let plan = Plan::new(&description(BEFORE), &description(after));
        assert!(plan.is_breaking());
        insta::assert_snapshot!(plan, @"
        FAILS   modulo1: key attribute `modulo1Id` becomes `id`
                a table's key can't be changed: the deployment fails unless `table` changes too
        BREAKS  modulo1: no longer serves DELETE, PATCH, POST, PUT
                clients that use it are answered 405
        BREAKS  modulo1: max_bytes goes from 409600 to 1000
                larger documents are answered 413, also those that are stored and sent again
        BREAKS  modulo1: ttl is now `expiresAt`
                DynamoDB deletes items whose time in that attribute has passed
        BREAKS  modulo1: retain is now false
                the table goes with the stack, items and all
        BREAKS  modulo2: table `modulo2-prod` becomes `elsewhere`
                no item moves: the new table begins empty, and table `modulo2-prod` stays, outside the stack
        BREAKS  modulo2: key attribute `modulo2Id` becomes `id`
                answers name the id otherwise, and items of the old table have another key
        BREAKS  modulo3: is gone
                `/modulo3` answers 404, and table `modulo3-prod` is deleted with all its items
        ");
    }

    #[test]
    fn who_gains_and_who_loses_access_is_told() {
        const OPEN: &str = "methods = ['GET', 'POST', 'DELETE']";
        let with = |module: &str, keys: &str| {
            description(&format!(
                "[modules.a]\nkey = 'id'\n{OPEN}\n{module}\n[access.partners]\nkeys = [{keys}]"
            ))
        };
        let key = |name: &str, digit: char| {
            let hash = String::from(digit).repeat(64);
            format!("{{ name = '{name}', hash = 'sha256:{hash}' }},")
        };
        let (erp, crm) = (key("erp", '0'), key("crm", '1'));
        let guarded = "access = { guard = 'partners', public = ['GET'] }";
        let scoped = "access = { guard = 'partners', scopes = { DELETE = ['admin'] } }";
        let plan = |before: (&str, &str), after: (&str, &str)| {
            Plan::new(&with(before.0, before.1), &with(after.0, after.1))
        };
        insta::assert_snapshot!(plan(("", &erp), (guarded, &erp)), @"
        BREAKS  a: guards DELETE, POST by `partners` now
                callers without a token or key are answered 401
        ");
        insta::assert_snapshot!(plan((guarded, &erp), (scoped, &erp)), @"
        BREAKS  a: guards GET by `partners` now
                callers without a token or key are answered 401
        BREAKS  a: asks for the scope `admin` for DELETE
                callers without it are answered 403
        ");
        insta::assert_snapshot!(plan((scoped, &erp), ("", &erp)), @"
        BREAKS  a: opens GET, POST to everybody
                whoever finds the URL may do it, without token or key
        BREAKS  a: opens DELETE to everybody
                whoever finds the URL may do it, without token or key
        ");
        insta::assert_snapshot!(plan((scoped, &erp), (guarded, &erp)), @"
        BREAKS  a: opens GET to everybody
                whoever finds the URL may do it, without token or key
        ok      a: no longer asks for the scope `admin` for DELETE
                callers without it may do it now
        ");
        insta::assert_snapshot!(plan((guarded, &erp), (guarded, &format!("{erp}{crm}"))), @"
        ok      a: `partners` trusts `crm` too
                they may do DELETE, POST
        ");
        insta::assert_snapshot!(plan((guarded, &format!("{erp}{crm}")), (guarded, &crm)), @"
        BREAKS  a: guards DELETE, POST by `partners` now, which trusts `crm`
                callers that `partners` trusted (`crm`, `erp`) are answered 401 unless they are trusted still
        ");
        let first = Plan::new(&Description::default(), &with(guarded, &erp));
        insta::assert_snapshot!(first, @"
        ok      a: is new
                `/a` answers DELETE, GET, POST, on table `a-prod`, guarded by `partners`, GET open to everybody
        ");
    }

    #[test]
    fn tenants_are_told_of_and_so_is_their_index() {
        let with = |tenant: &str| {
            description(&format!(
                "
                [access.main]
                jwt = {{ issuer = 'i', audience = 'a', jwks = 'https://issuer.example.com/' }}
                [modules.a]
                key = 'id'
                access = {{ guard = 'main' }}
                {tenant}"
            ))
        };
        let (none, org, group) = (
            with(""),
            with("tenant = { claim = 'org' }"),
            with("tenant = { claim = 'group' }"),
        );
        insta::assert_snapshot!(Plan::new(&none, &org), @"
        BREAKS  a: callers are confined to the tenant in `org`
                items of the table are no tenant's and out of reach, but for those with a `/` in their ids; export them first, and import them into another table, each with its `tenant`
        ");
        insta::assert_snapshot!(Plan::new(&org, &group), @"
        BREAKS  a: the tenant is no longer in `org`, but in `group`
                callers reach the items of the tenant that the other claim names
        ");
        insta::assert_snapshot!(Plan::new(&org, &none), @"
        BREAKS  a: callers are no longer confined to the tenant in `org`
                every caller reaches the items of all tenants, under other ids; export them first, and import them into another table
        ");
    }

    #[test]
    fn a_schemas_edit_is_told_and_its_layout_is_no_edit() {
        let with = |schema: &str| description(&format!("[modules.a]\nkey = 'id'\n{schema}"));
        let (none, strict) = (
            with(""),
            with("schema = { type = 'object', minProperties = 2 }"),
        );
        let same = with("[modules.a.schema]\nminProperties = 2\ntype = 'object'");
        let other = with("schema = { type = 'object' }");
        assert_eq!(strict, same);
        insta::assert_snapshot!(Plan::new(&none, &strict), @"
        BREAKS  a: has a schema now
                documents that break it are answered 422, also those that are stored and sent again
        ");
        insta::assert_snapshot!(Plan::new(&strict, &other), @"
        ok      a: schema has changed
                what it no longer allows is answered 422, also what is stored and sent again
        ");
        insta::assert_snapshot!(Plan::new(&strict, &none), @"
        ok      a: has no schema now
                any document is taken
        ");
    }

    #[test]
    fn a_description_of_an_earlier_release_is_read() {
        let earlier = r#"{"modules":{"modulo3":{"key":"modulo3Id","table":"modulo3-prod","methods":["DELETE","GET","LIST","PATCH","POST","PUT"],"envelope":"verb","max_bytes":409600,"retain":false,"ttl":null}}}"#;
        assert_eq!(
            serde_json::from_str::<Description>(earlier).expect("readable"),
            description("[modules.modulo3]\nkey = 'modulo3Id'\nretain = false")
        );
    }

    #[test]
    fn a_description_is_read_as_it_was_written() {
        let written = description(BEFORE);
        let json = serde_json::to_string(&written).expect("serialisable");
        assert_eq!(
            serde_json::from_str::<Description>(&json).expect("readable"),
            written
        );
    }
}

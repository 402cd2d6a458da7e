//! What a deployment would change for data and for clients, before it is made.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexMap;

use self::change::{Change, Changes, Verdict};
pub use self::deployed::UnknownDeployment;
pub use self::description::Description;
use self::description::ModuleDescription;
pub use self::tables::Imports;
use self::words::list;
use super::open;
use crate::config::Config;
use crate::module::few::few;
use crate::module::name::Stage;
use crate::module::webhook::Webhook;

mod access;
mod change;
mod cors;
mod deployed;
mod description;
mod edits;
mod events;
mod guard;
mod history;
mod limits;
mod live;
mod service;
mod stage;
mod tables;
pub(crate) mod variables;
mod verb_access;
mod webhook;
mod words;

/// What changes between two deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Change>);

impl Plan {
    /// From one configuration to another, whatever is deployed.
    #[must_use]
    pub fn new(before: &Description, after: &Description) -> Self {
        let mut plan = Self::of_edits(before, after);
        plan.add_new_variables(before, after);
        plan
    }

    /// From what is deployed to what is wanted.
    fn of_edits(deployed: &Description, wanted: &Description) -> Self {
        let names: BTreeSet<_> = deployed
            .modules
            .keys()
            .chain(wanted.modules.keys())
            .collect();
        let mut changes = Changes::default();
        for name in names {
            changes.of(name);
            match (deployed.modules.get(name), wanted.modules.get(name)) {
                (None, Some(after)) => changes.added(after),
                (Some(before), None) => changes.removed(before),
                (Some(before), Some(after)) => changes.edited(before, after),
                (None, None) => {}
            }
        }
        changes.edited_guards(&deployed.guards, &wanted.guards);
        if let (Some(before), Some(after)) = (&deployed.service, &wanted.service) {
            changes.edited_service(before, after);
        }
        Self(changes.found)
    }

    /// Adds the modules that `stage` is not deployed with, since they are open to everybody and do
    /// not say so.
    pub fn add_open_modules(&mut self, config: &Config, stage: &Stage) {
        let mut changes = Changes::default();
        for module in open::undeclared(config, stage) {
            changes.of(module.name().as_str());
            changes.fail("is open to everybody, and does not say so", open::WAY_ON);
        }
        self.0.extend(changes.found);
    }

    /// Adds what a deployed function can't do with changes: send them, or keep them.
    pub fn add_unsendable(&mut self, config: &Config, stage: &Stage) {
        let mut changes = Changes::default();
        for module in config.modules.iter() {
            changes.of(module.name().as_str());
            let keys = [
                ("webhooks", !module.webhooks().is_empty(), "sent"),
                ("events", module.events().is_some(), "sent"),
                ("history", module.history().is_some(), "kept"),
            ];
            for (key, is_there, done) in keys {
                if is_there && !module.table().create() {
                    changes.fail(
                        format!("has `{key}`, and create = false"),
                        format!(
                            "what is {done} comes from the table's stream, which is somebody else's; \
                             leave `{key}` out, or `create`"
                        ),
                    );
                }
            }
            let here = module.webhooks().iter().map(Webhook::url);
            for url in here.filter(|url| url.is_here() && !stage.is_local()) {
                changes.fail(
                    format!("webhook `{url}` leads to the machine that sends"),
                    "a function has no other server beside it; name one by `https`",
                );
            }
        }
        self.0.extend(changes.found);
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

    /// Each change once, with all that it is of: an edit of `[defaults]` is one of many modules.
    fn grouped(&self) -> Vec<(&Change, Vec<&str>)> {
        let mut groups: IndexMap<_, (&Change, Vec<&str>)> = IndexMap::new();
        for change in &self.0 {
            let same = (change.verdict, &change.edit, &change.consequence);
            let (_, subjects) = groups.entry(same).or_insert((change, Vec::new()));
            subjects.push(&change.subject);
        }
        groups.into_values().collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no module changes");
        }
        for (at, (change, subjects)) in self.grouped().into_iter().enumerate() {
            let newline = if at > 0 { "\n" } else { "" };
            let mark = match change.verdict {
                Verdict::Fine => "ok",
                Verdict::Unknown => "?",
                Verdict::Breaks => "BREAKS",
                Verdict::Fails => "FAILS",
            };
            write!(f, "{newline}{mark:<6}  {}: {}", few(&subjects), change.edit)?;
            write!(f, "\n        {}", change.consequence)?;
        }
        Ok(())
    }
}

impl Changes {
    fn added(&mut self, after: &ModuleDescription) {
        let consequence = format!(
            "`/{}` answers {}, on table `{}`, {}",
            self.subject,
            list(&after.methods),
            after.table,
            access::summary(after)
        );
        self.add(false, "is new", consequence);
    }

    fn removed(&mut self, before: &ModuleDescription) {
        let mut consequence = format!(
            "`/{}` answers 404, and {}",
            self.subject,
            fate_of_table(before)
        );
        if before.history.is_some() {
            consequence = format!("{consequence}; {}", history::fate(before));
        }
        self.add(true, "is gone", consequence);
    }
}

fn fate_of_table(before: &ModuleDescription) -> String {
    if !before.create {
        format!("table `{}` stays with whom it belongs to", before.table)
    } else if before.retain {
        format!("table `{}` stays, outside the stack", before.table)
    } else {
        format!("table `{}` is deleted with all its items", before.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[track_caller]
    pub(super) fn description(text: &str) -> Description {
        let stage: Stage = "prod".parse().expect("valid");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid");
        Description::of(&config).expect("no schema that can't be read")
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
    fn every_breaking_edit_is_reported_with_its_consequence() {
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
                no item moves to the other table, and table `modulo2-prod` stays, outside the stack
        BREAKS  modulo2: key attribute `modulo2Id` becomes `id`
                answers name the id otherwise, and items of the old table have another key
        BREAKS  modulo3: is gone
                `/modulo3` answers 404, and table `modulo3-prod` is deleted with all its items
        ");
    }

    #[test]
    fn who_gains_and_who_loses_access_is_reported() {
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
    fn tenants_are_reported_and_so_is_their_index() {
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
    fn a_schemas_edit_is_reported_and_its_layout_is_no_edit() {
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
        let earlier: Description = serde_json::from_str(earlier).expect("readable");
        let now = description("[modules.modulo3]\nkey = 'modulo3Id'\nretain = false");
        assert_eq!(earlier.modules, now.modules);
        assert_eq!(Plan::new(&earlier, &now).to_string(), "no module changes");
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

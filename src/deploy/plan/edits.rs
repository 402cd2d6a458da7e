//! What the edits of a module's keys mean for its data and its clients.

use std::collections::{BTreeMap, BTreeSet};

use super::cors::CorsDescription;
use super::description::{Capacity, ModuleDescription, RateDescription};
use super::words::{joined, list, time};
use super::{Changes, fate_of_table};
use crate::module::reserved::TENANT_INDEX;

impl Changes {
    /// Takes the new module apart without `..`: what is described of a module needs an opinion here.
    pub(super) fn edited(&mut self, before: &ModuleDescription, after: &ModuleDescription) {
        let ModuleDescription {
            key,
            table,
            methods,
            envelope,
            max_bytes,
            retain,
            create,
            stack,
            ttl,
            default_ttl,
            storage,
            document,
            indexes,
            tenant,
            schema,
            access: _,
            cors,
            rate_limit,
            idempotency,
            key_in_document,
            stamps,
            webhooks,
            events,
            history: _,
            capacity,
        } = after;
        self.edited_table(before, table);
        self.edited_create(before, *create, before.table == *table);
        if before.create && *create && before.table == *table {
            self.edited_stack(before.stack, *stack);
        }
        self.edited_key(before, key, *create && before.table == *table);
        self.edited_methods(&before.methods, methods);
        self.edited_envelope(&before.envelope, envelope);
        self.edited_key_in_document(before, *key_in_document, key);
        self.edited_storage(&before.storage, storage);
        self.edited_document(&before.document, document);
        self.edited_tenant(before.tenant.as_deref(), tenant.as_deref());
        self.edited_access(before, after);
        self.edited_cors(before.cors.as_ref(), cors.as_ref());
        self.edited_rate_limit(before.rate_limit, *rate_limit);
        self.edited_indexes(&before.indexes, indexes, *create);
        self.edited_max_bytes(before.max_bytes, *max_bytes);
        self.edited_ttl(before.ttl.as_deref(), ttl.as_deref());
        self.edited_default_ttl(before.default_ttl, *default_ttl);
        self.edited_schema(before.schema.as_deref(), schema.as_deref());
        self.edited_idempotency(before.idempotency, *idempotency);
        self.edited_stamps(&before.stamps, stamps);
        self.edited_stream(before, after);
        self.edited_webhooks(&before.webhooks, webhooks);
        self.edited_events(before.events.as_deref(), events.as_deref());
        self.edited_history(before, after);
        if *create {
            self.edited_capacity(before.capacity, *capacity);
            self.edited_retain(before.retain, *retain);
        }
    }

    fn edited_table(&mut self, before: &ModuleDescription, table: &str) {
        if before.table != table {
            let edit = format!("table `{}` becomes `{table}`", before.table);
            let consequence = format!(
                "no item moves to the other table, and {}",
                fate_of_table(before)
            );
            self.add(true, edit, consequence);
        }
    }

    /// Of a table that joins the stack, the plan tells how when it looks at the table.
    fn edited_create(&mut self, before: &ModuleDescription, after: bool, is_same_table: bool) {
        match (before.create, after) {
            (true, false) if is_same_table => {
                self.add(!before.retain, "create is now false", fate_of_table(before));
            }
            (true, false) => self.add(false, "create is now false", "the table is somebody else's"),
            (false, true) => self.add(
                false,
                "create is now true",
                "the stack is to have the table",
            ),
            _ => {}
        }
    }

    /// Of a table that stays the module's, and stays a stack's.
    fn edited_stack(&mut self, before: Option<usize>, after: Option<usize>) {
        if before == after {
            return;
        }
        let words = |stack: Option<usize>| match stack {
            None => "the service's own".to_owned(),
            Some(number) => format!("nested stack {number}"),
        };
        let edit = format!("stack goes from {} to {}", words(before), words(after));
        let way_back = match before {
            None => "leave `stack` out".to_owned(),
            Some(number) => format!("say stack = {number}"),
        };
        let consequence = format!(
            "CloudFormation moves no table from one stack to another; {way_back} as before, or say \
             create = false for a table that is retained: it stays, outside every stack, and the \
             function goes on using it"
        );
        self.fail(edit, consequence);
    }

    fn edited_key(&mut self, before: &ModuleDescription, key: &str, is_kept: bool) {
        if before.key == key {
            return;
        }
        let edit = format!("key attribute `{}` becomes `{key}`", before.key);
        if is_kept {
            let consequence =
                "a table's key can't be changed: the deployment fails unless `table` changes too";
            self.fail(edit, consequence);
        } else {
            let consequence =
                "answers name the id otherwise, and items of the old table have another key";
            self.add(true, edit, consequence);
        }
    }

    fn edited_methods(&mut self, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        let dropped: BTreeSet<_> = before.difference(after).cloned().collect();
        if !dropped.is_empty() {
            let edit = format!("no longer serves {}", list(&dropped));
            self.add(true, edit, "clients that use it are answered 405");
        }
        let gained: BTreeSet<_> = after.difference(before).cloned().collect();
        if !gained.is_empty() {
            let edit = format!("serves {} too", list(&gained));
            self.add(false, edit, "the function gains the permission for it");
        }
    }

    fn edited_envelope(&mut self, before: &str, after: &str) {
        if before != after {
            let edit = format!("envelope `{before}` becomes `{after}`");
            self.add(true, edit, "every answer has another shape");
        }
    }

    fn edited_key_in_document(&mut self, before: &ModuleDescription, after: bool, key: &str) {
        match (before.key_in_document, after) {
            (false, true) => self.add(
                true,
                "key_in_document is now true",
                format!(
                    "documents are answered with their id as the member `{key}`, and one that is \
                     sent with another id there is refused"
                ),
            ),
            (true, false) => self.add(
                true,
                "key_in_document is now false",
                format!("documents are answered without their id as the member `{key}`"),
            ),
            _ => {}
        }
    }

    fn edited_storage(&mut self, before: &str, after: &str) {
        if before != after {
            let edit = format!("storage `{before}` becomes `{after}`");
            let consequence = "items of the table are not converted and are no longer understood; \
                 export them first, and import them into another table";
            self.add(true, edit, consequence);
        }
    }

    fn edited_document(&mut self, before: &str, after: &str) {
        if before != after {
            let edit = format!("document `{before}` becomes `{after}`");
            let consequence = "documents that are stored are no longer found: items keep the text in \
                 the other attribute, and are answered without a document until they are written again";
            self.add(true, edit, consequence);
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

    /// Also of the service's own paths.
    pub(super) fn edited_cors(
        &mut self,
        before: Option<&CorsDescription>,
        after: Option<&CorsDescription>,
    ) {
        let origins = |cors: Option<&CorsDescription>| {
            cors.map_or_else(BTreeSet::new, |cors| cors.origins.clone())
        };
        let is_any = |origins: &BTreeSet<String>| origins.contains("*");
        // What `*` allows, the others have no need to.
        let beyond = |some: &BTreeSet<String>, others: &BTreeSet<String>| -> BTreeSet<_> {
            let beyond = some.difference(others).cloned();
            beyond.filter(|_| !is_any(others)).collect()
        };
        let (old, new) = (origins(before), origins(after));
        let (lost, gained) = (beyond(&old, &new), beyond(&new, &old));
        if !lost.is_empty() {
            let edit = format!("cors no longer names {}", joined(&lost));
            let consequence = if is_any(&lost) {
                "pages of all other origins can no longer call from a browser"
            } else {
                "pages of that origin can no longer call from a browser"
            };
            self.add(true, edit, consequence);
        }
        if !gained.is_empty() {
            let edit = format!("cors names {} too", joined(&gained));
            let consequence = if is_any(&gained) {
                "every page may call from a browser, with a token or key if it has one"
            } else {
                "pages of that origin may call from a browser"
            };
            self.add(false, edit, consequence);
        }
        if let (Some(before), Some(after)) = (before, after)
            && before.max_age != after.max_age
        {
            let edit = format!("cors has the max_age {}", time(after.max_age));
            let consequence = "a browser asks again after that time whether a page may call";
            self.add(false, edit, consequence);
        }
    }

    fn edited_rate_limit(
        &mut self,
        before: Option<RateDescription>,
        after: Option<RateDescription>,
    ) {
        if before == after {
            return;
        }
        let Some(after) = after else {
            self.add(
                false,
                "has no rate_limit now",
                "a caller may call as often as it likes",
            );
            return;
        };
        let rate = |of: RateDescription| format!("{} requests in {}", of.requests, time(of.per));
        let edit = match before {
            None => format!("rate_limit is {}", rate(after)),
            Some(before) => format!("rate_limit goes from {} to {}", rate(before), rate(after)),
        };
        // Fewer at once, or fewer in the long run.
        let is_stricter = before.is_none_or(|before| {
            let product = |requests: u32, per: u64| u128::from(requests) * u128::from(per);
            after.requests < before.requests
                || product(after.requests, before.per) < product(before.requests, after.per)
        });
        if is_stricter {
            self.add(true, edit, "callers that ask more often are answered 429");
        } else {
            self.add(false, edit, "fewer requests are answered 429");
        }
    }

    fn edited_indexes(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        create: bool,
    ) {
        // Of the index of a tenant's items, its tenants tell.
        let is_reported = |name: &str| name != TENANT_INDEX;
        let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
        for (name, keys) in gone.filter(|(name, _)| is_reported(name)) {
            let edit = format!("index `{name}` of {keys} is gone");
            self.add(true, edit, "clients that query it are answered 400");
        }
        for (name, keys) in before {
            if let Some(other) = after.get(name).filter(|other| *other != keys) {
                let edit = format!("index `{name}` of {keys} is now of {other}");
                if create {
                    let consequence = "an index's keys can't be changed: the deployment fails; \
                         give the index another name";
                    self.fail(edit, consequence);
                } else {
                    self.add(true, edit, "clients query it by other members");
                }
            }
        }
        let added: Vec<_> = after
            .iter()
            .filter(|(name, _)| !before.contains_key(*name))
            .collect();
        for (name, keys) in added.iter().filter(|(name, _)| is_reported(name)) {
            let edit = format!("index `{name}` of {keys} is new");
            let consequence = if create {
                "it has the items that are there once it is filled"
            } else {
                "clients can query it; whoever has the table makes it"
            };
            self.add(false, edit, consequence);
        }
        let removed = before.keys().filter(|name| !after.contains_key(*name));
        let changed = removed.count() + added.len();
        if create && changed > 1 {
            let edit = format!("{changed} indexes change");
            let consequence = "DynamoDB makes or removes one index of a table in one deployment: \
                 this one fails; deploy one change after the other";
            self.fail(edit, consequence);
        }
    }

    fn edited_max_bytes(&mut self, before: usize, after: usize) {
        let edit = format!("max_bytes goes from {before} to {after}");
        if after < before {
            self.add(
                true,
                edit,
                "larger documents are answered 413, also those that are stored and sent again",
            );
        } else if after > before {
            self.add(false, edit, "larger documents are taken");
        }
    }

    fn edited_ttl(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
            (before, Some(attribute)) if before != after => self.add(
                true,
                format!("ttl is now `{attribute}`"),
                "DynamoDB deletes items whose time in that attribute has passed",
            ),
            (Some(attribute), None) => self.add(
                false,
                format!("ttl is no longer `{attribute}`"),
                "no item expires: those that have, and that DynamoDB has not deleted yet, are \
                 there again",
            ),
            _ => {}
        }
    }

    /// It deletes what clients wrote without asking for an end.
    fn edited_default_ttl(&mut self, before: Option<u64>, after: Option<u64>) {
        match (before, after) {
            (None, Some(after)) => self.add(
                true,
                format!("default_ttl is {}", time(after)),
                "what is written from now on is deleted after that time, unless it says another; \
                 items that are there stay",
            ),
            (Some(before), Some(after)) if before != after => {
                let edit = format!("default_ttl goes from {} to {}", time(before), time(after));
                let consequence = if after < before {
                    "what is written from now on is deleted sooner, unless it says when"
                } else {
                    "what is written from now on is deleted later, unless it says when"
                };
                self.add(after < before, edit, consequence);
            }
            (Some(_), None) => self.add(
                false,
                "has no default_ttl now",
                "what is written from now on stays, unless it says when it expires",
            ),
            _ => {}
        }
    }

    fn edited_schema(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
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
    }

    fn edited_idempotency(&mut self, before: Option<u64>, after: Option<u64>) {
        match (before, after) {
            (Some(_), None) => self.add(
                true,
                "no longer remembers idempotency keys",
                "a POST that is sent again is done again",
            ),
            (before, Some(seconds)) if before != after => {
                let edit = format!("remembers idempotency keys for {}", time(seconds));
                self.add(
                    false,
                    edit,
                    "a POST that is sent again with its key is not done again",
                );
            }
            _ => {}
        }
    }

    fn edited_stamps(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        for (stamp, name) in before {
            if after.get(stamp) != Some(name) {
                self.add(
                    true,
                    format!("no longer keeps `{name}`"),
                    "answers do not have it; of stored items it stays an attribute, which gets old",
                );
            }
        }
        for (stamp, name) in after {
            if before.get(stamp) != Some(name) {
                let consequence = "an item gets it when it is next written; with \
                                   storage = \"document\", what clients send under this name is \
                                   not stored";
                self.add(false, format!("keeps `{name}`"), consequence);
            }
        }
    }

    /// The stream is there as long as something is done with the module's changes.
    fn edited_stream(&mut self, before: &ModuleDescription, after: &ModuleDescription) {
        match (before.has_stream(), after.has_stream()) {
            (false, true) => self.add(
                false,
                "table gets a stream",
                "its changes are read from it",
            ),
            (true, false) => self.add(
                false,
                "table loses its stream",
                "one that it gets later is another, with another ARN: who else reads it has to be told, \
                 and what is written in between is read by nobody",
            ),
            _ => {}
        }
    }

    fn edited_capacity(&mut self, before: Option<Capacity>, after: Option<Capacity>) {
        if before == after {
            return;
        }
        let words = |capacity: Option<Capacity>| match capacity {
            None => "on-demand".to_owned(),
            Some(Capacity { read, write }) => format!("{read} reads and {write} writes a second"),
        };
        let edit = format!("billing goes from {} to {}", words(before), words(after));
        let is_less = after.is_some_and(|after| {
            before.is_none_or(|before| after.read < before.read || after.write < before.write)
        });
        let consequence = match (after, is_less) {
            (None, _) => "each request is paid for, and none is over a capacity",
            (Some(_), true) => "what is over it is answered 503, and it is paid for unused, too",
            (Some(_), false) => "it is paid for, used or not",
        };
        self.add(is_less, edit, consequence);
    }

    fn edited_retain(&mut self, before: bool, after: bool) {
        match (before, after) {
            (true, false) => self.add(
                true,
                "retain is now false",
                "the table goes with the stack, items and all",
            ),
            (false, true) => self.add(
                false,
                "retain is now true",
                "the table stays when the stack or the module goes",
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::deploy::plan::Plan;
    use crate::deploy::plan::tests::description;

    fn plan(before: &str, after: &str) -> Plan {
        let with = |keys: &str| description(&format!("[modules.a]\nkey = 'id'\n{keys}"));
        Plan::new(&with(before), &with(after))
    }

    /// Found with `default_ttl`, `rate_limit`, `cors` and `billing`: "no module changes".
    #[test]
    fn every_key_is_reported_when_it_comes_and_when_it_goes() {
        for key in [
            "table = 'other'",
            "methods = ['GET']",
            "max_bytes = 1000",
            "max_bytes = 400000",
            "envelope = 'plain'",
            "envelope = 'plain'\nkey_in_document = true",
            "billing = { read = 1, write = 1 }",
            "retain = false",
            "create = false",
            "stack = 1",
            "ttl = 'end'",
            "ttl = 'end'\ndefault_ttl = '1h'",
            "storage = 'document'",
            "document = 'payload'",
            "schema = { type = 'object' }",
            "cors = { origins = ['*'] }",
            "rate_limit = { requests = 1, per = '1s' }",
            "idempotency = '1h'",
            "stamps = true",
            "stamps = { created_at = 'criadoEm' }",
            "webhooks = [{ url = 'https://a.example.com', secret = { env = 'A' } }]",
            "events = true",
            "history = '90d'",
        ] {
            for plan in [plan("", key), plan(key, "")] {
                assert_ne!(plan.to_string(), "no module changes", "{key}");
            }
        }
    }

    #[test]
    fn another_type_or_a_sort_key_is_another_key() {
        let key = |key: &str| description(&format!("[modules.a]\nkey = {key}"));
        let plan = |before, after| Plan::new(&key(before), &key(after));
        let (text, number) = ("'id'", "{ attribute = 'id', type = 'N' }");
        insta::assert_snapshot!(plan(text, number), @"
        FAILS   a: key attribute `id` becomes `id (N)`
                a table's key can't be changed: the deployment fails unless `table` changes too
        ");
        insta::assert_snapshot!(plan("{ partition = 'id', sort = 'at' }", text), @"
        FAILS   a: key attribute `id, at` becomes `id`
                a table's key can't be changed: the deployment fails unless `table` changes too
        ");
        let same = plan("{ partition = 'id' }", text);
        assert_eq!(same.to_string(), "no module changes");
        let text = |document: &str| {
            description(&format!("[modules.a]\nkey = 'id'\ndocument = '{document}'"))
        };
        insta::assert_snapshot!(Plan::new(&text("data"), &text("payload")), @"
        BREAKS  a: document `data` becomes `payload`
                documents that are stored are no longer found: items keep the text in the other attribute, and are answered without a document until they are written again
        ");
    }

    #[test]
    fn a_table_that_leaves_the_stack_is_deleted_unless_it_is_retained() {
        insta::assert_snapshot!(plan("", "create = false"), @"
        ok      a: create is now false
                table `a-prod` stays, outside the stack
        ");
        insta::assert_snapshot!(plan("retain = false", "retain = false\ncreate = false"), @"
        BREAKS  a: create is now false
                table `a-prod` is deleted with all its items
        ");
        // Nor does a deployment change it.
        let indexes = "
            storage = 'document'
            [[modules.a.indexes]]
            name = 'by-x'
            partition = 'x'
            [[modules.a.indexes]]
            name = 'by-y'
            partition = 'y'
        ";
        let foreign = "create = false\nstorage = 'document'";
        let edited = format!("create = false\nbilling = {{ read = 1, write = 1 }}\n{indexes}");
        insta::assert_snapshot!(plan(foreign, &edited), @"
        ok      a: index `by-x` of x (S) is new
                clients can query it; whoever has the table makes it
        ok      a: index `by-y` of y (S) is new
                clients can query it; whoever has the table makes it
        ");
        insta::assert_snapshot!(plan("create = false", "create = false\ntable = 'other'"), @"
        BREAKS  a: table `a-prod` becomes `other`
                no item moves to the other table, and table `a-prod` stays with whom it belongs to
        ");
    }

    #[test]
    fn no_table_moves_from_one_stack_to_another() {
        insta::assert_snapshot!(plan("", "stack = 1"), @"
        FAILS   a: stack goes from the service's own to nested stack 1
                CloudFormation moves no table from one stack to another; leave `stack` out as before, or say create = false for a table that is retained: it stays, outside every stack, and the function goes on using it
        ");
        insta::assert_snapshot!(plan("stack = 1", "stack = 2"), @"
        FAILS   a: stack goes from nested stack 1 to nested stack 2
                CloudFormation moves no table from one stack to another; say stack = 1 as before, or say create = false for a table that is retained: it stays, outside every stack, and the function goes on using it
        ");
        insta::assert_snapshot!(plan("stack = 1", "stack = 1\ncreate = false"), @"
        ok      a: create is now false
                table `a-prod` stays, outside the stack
        ");
        // Another table is made where it is wanted.
        insta::assert_snapshot!(plan("stack = 1", "stack = 2\ntable = 'other'"), @"
        BREAKS  a: table `a-prod` becomes `other`
                no item moves to the other table, and table `a-prod` stays, outside the stack
        ");
    }

    #[test]
    fn an_expiry_by_default_deletes_data() {
        insta::assert_snapshot!(plan("ttl = 'end'", "ttl = 'end'\ndefault_ttl = '30d'"), @"
        BREAKS  a: default_ttl is 30days
                what is written from now on is deleted after that time, unless it says another; items that are there stay
        ");
        let (day, hour) = (
            "ttl = 'end'\ndefault_ttl = '1d'",
            "ttl = 'end'\ndefault_ttl = '1h'",
        );
        insta::assert_snapshot!(plan(day, hour), @"
        BREAKS  a: default_ttl goes from 1day to 1h
                what is written from now on is deleted sooner, unless it says when
        ");
        insta::assert_snapshot!(plan(hour, day), @"
        ok      a: default_ttl goes from 1h to 1day
                what is written from now on is deleted later, unless it says when
        ");
        insta::assert_snapshot!(plan(hour, ""), @"
        ok      a: ttl is no longer `end`
                no item expires: those that have, and that DynamoDB has not deleted yet, are there again
        ok      a: has no default_ttl now
                what is written from now on stays, unless it says when it expires
        ");
    }

    #[test]
    fn a_limit_is_stricter_if_it_allows_less_at_once_or_in_the_long_run() {
        let rate =
            |requests, per| format!("rate_limit = {{ requests = {requests}, per = '{per}' }}");
        for (before, after, is_breaking) in [
            ((60, "1m"), (1, "1s"), true),
            ((1, "1s"), (60, "1m"), false),
            ((60, "1m"), (60, "2m"), true),
            ((60, "2m"), (60, "1m"), false),
            ((60, "1m"), (120, "3m"), true),
        ] {
            let plan = plan(&rate(before.0, before.1), &rate(after.0, after.1));
            assert_eq!(plan.is_breaking(), is_breaking, "{plan}");
        }
        insta::assert_snapshot!(plan("", &rate(10, "1m")), @"
        BREAKS  a: rate_limit is 10 requests in 1m
                callers that ask more often are answered 429
        ");
        insta::assert_snapshot!(plan(&rate(10, "1m"), &rate(20, "1m")), @"
        ok      a: rate_limit goes from 10 requests in 1m to 20 requests in 1m
                fewer requests are answered 429
        ");
    }

    #[test]
    fn pages_that_may_no_longer_call_are_reported() {
        let cors = |origins: &str| format!("cors = {{ origins = [{origins}] }}");
        let (one, other, any) = (
            cors("'https://one.example.com'"),
            cors("'https://other.example.com'"),
            cors("'*'"),
        );
        insta::assert_snapshot!(plan(&one, &other), @"
        BREAKS  a: cors no longer names `https://one.example.com`
                pages of that origin can no longer call from a browser
        ok      a: cors names `https://other.example.com` too
                pages of that origin may call from a browser
        ");
        insta::assert_snapshot!(plan(&one, &any), @"
        ok      a: cors names `*` too
                every page may call from a browser, with a token or key if it has one
        ");
        insta::assert_snapshot!(plan(&any, &one), @"
        BREAKS  a: cors no longer names `*`
                pages of all other origins can no longer call from a browser
        ");
        let longer = one.replace(" }", ", max_age = '1h' }");
        insta::assert_snapshot!(plan(&one, &longer), @"
        ok      a: cors has the max_age 1h
                a browser asks again after that time whether a page may call
        ");
    }

    #[test]
    fn a_capacity_that_is_less_breaks_clients() {
        let billing = |read, write| format!("billing = {{ read = {read}, write = {write} }}");
        insta::assert_snapshot!(plan("", &billing(5, 2)), @"
        BREAKS  a: billing goes from on-demand to 5 reads and 2 writes a second
                what is over it is answered 503, and it is paid for unused, too
        ");
        insta::assert_snapshot!(plan(&billing(5, 2), &billing(5, 3)), @"
        ok      a: billing goes from 5 reads and 2 writes a second to 5 reads and 3 writes a second
                it is paid for, used or not
        ");
        insta::assert_snapshot!(plan(&billing(5, 2), ""), @"
        ok      a: billing goes from 5 reads and 2 writes a second to on-demand
                each request is paid for, and none is over a capacity
        ");
    }

    /// What is said in `[defaults]` comes out in each module that does not say another.
    #[test]
    fn an_edit_of_many_modules_is_reported_once() {
        let modules = (0..1_430).map(|number| format!("[modules.m{number}]\nkey = 'id'\n"));
        let modules = modules.collect::<Vec<_>>().concat();
        let with = |defaults: &str| description(&format!("[defaults]\n{defaults}\n{modules}"));
        let plan = Plan::new(&with("max_bytes = 2000"), &with("max_bytes = 1000"));
        insta::assert_snapshot!(plan, @"
        BREAKS  m0, m1, m10, m100, m1000, m1001, m1002, m1003, m1004, m1005 and 1420 more: max_bytes goes from 2000 to 1000
                larger documents are answered 413, also those that are stored and sent again
        ");
    }
}

//! Tables that are made after the start: each before the first operation that names it, and the others
//! meanwhile.
//!
//! For each table that it makes, `SQLite` searches its whole schema: 5,000 tables take it seconds. An
//! operation is answered as if all tables had been there from the start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use serde_json::Value;

use super::body::read;

/// The tables that are still to be made.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// The bodies of their `CreateTable`, by name. A table is made while this is locked, so that nobody
    /// takes one that is being made for one that is there.
    waiting: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Whether there are any: but for the first seconds there are none.
    any: AtomicBool,
}

impl Later {
    /// Puts a table off, by the body of its `CreateTable`.
    pub(super) fn put_off(&self, body: &[u8]) -> dynoxide::Result<()> {
        let name = read::<CreateTableRequest>(body)?.table_name;
        self.lock().insert(name, body.to_owned());
        self.any.store(true, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn has_any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Makes the tables that an operation's body names.
    pub(super) fn make_named(&self, database: &Database, body: &[u8]) -> dynoxide::Result<()> {
        if !self.has_any() {
            return Ok(());
        }
        // What can't be read names no table, and is refused.
        let Ok(body) = serde_json::from_slice(body) else {
            return Ok(());
        };
        let mut names = Vec::new();
        names_in(&body, &mut names);
        for name in names {
            let mut waiting = self.lock();
            if let Some((name, body)) = waiting.remove_entry(name) {
                self.make(database, &mut waiting, name, body)?;
            }
        }
        Ok(())
    }

    /// Makes all of them.
    pub(super) fn make_all(&self, database: &Database) -> dynoxide::Result<()> {
        while self.make_one(database)? {}
        Ok(())
    }

    /// Makes one of them; `false` if there was none.
    pub(super) fn make_one(&self, database: &Database) -> dynoxide::Result<bool> {
        let mut waiting = self.lock();
        let Some((name, body)) = waiting.pop_first() else {
            return Ok(false);
        };
        self.make(database, &mut waiting, name, body)?;
        Ok(true)
    }

    fn make(
        &self,
        database: &Database,
        waiting: &mut BTreeMap<String, Vec<u8>>,
        name: String,
        body: Vec<u8>,
    ) -> dynoxide::Result<()> {
        if let Err(error) = read(&body).and_then(|request| database.create_table(request)) {
            waiting.insert(name, body);
            return Err(error);
        }
        self.any.store(!waiting.is_empty(), Ordering::SeqCst);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that may be a table's name: texts and members' names, and the parts of those that are ARNs.
fn names_in<'v>(value: &'v Value, names: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => names.extend(text.split('/')),
        Value::Array(values) => values.iter().for_each(|value| names_in(value, names)),
        Value::Object(members) => {
            for (name, value) in members {
                names.push(name);
                names_in(value, names);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn create(name: &str) -> Vec<u8> {
        let table = json!({
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        table.to_string().into_bytes()
    }

    fn of(names: &[&str]) -> (Database, Later) {
        let later = Later::default();
        for name in names {
            later.put_off(&create(name)).unwrap();
        }
        (Database::memory().unwrap(), later)
    }

    #[test]
    fn a_table_is_made_when_it_is_named_and_not_before() {
        for (body, made) in [
            (json!({"TableName": "two"}), 1),
            (
                json!({"RequestItems": {"three": {"Keys": []}, "one": []}}),
                2,
            ),
            (json!({"TransactItems": [{"Put": {"TableName": "two"}}]}), 1),
            (
                json!({"ResourceArn": "arn:aws:dynamodb:us-east-1:0:table/two"}),
                1,
            ),
            (
                json!({"TableName": "two-more", "Key": {"id": {"S": "none"}}}),
                0,
            ),
        ] {
            let (database, later) = of(&["one", "two", "three"]);
            assert_eq!(database.table_count().unwrap(), 0);
            let body = body.to_string();
            later.make_named(&database, body.as_bytes()).unwrap();
            assert_eq!(database.table_count().unwrap(), made, "{body}");
            later.make_all(&database).unwrap();
            assert_eq!(database.table_count().unwrap(), 3);
            assert!(!later.has_any());
        }
    }

    #[test]
    fn a_table_that_can_not_be_made_is_tried_again() {
        let (database, later) = of(&["one"]);
        database
            .create_table(read(&create("one")).unwrap())
            .unwrap();
        later.make_all(&database).unwrap_err();
        assert!(later.has_any());
        let deletion = json!({"TableName": "one"});
        let deletion = serde_json::from_value(deletion).unwrap();
        database.delete_table(deletion).unwrap();
        later.make_all(&database).unwrap();
        assert_eq!(database.table_count().unwrap(), 1);
    }

    #[test]
    fn what_the_engine_refuses_is_refused_when_it_is_put_off() {
        let refused = Later::default().put_off(&create("a")).unwrap_err();
        assert_eq!(refused.status_code(), 400, "{refused}");
    }
}

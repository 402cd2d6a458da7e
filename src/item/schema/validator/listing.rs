//! The violations of a document, as far as they can be listed at a bounded cost.
//!
//! `jsonschema` keeps, of each alternative of an `anyOf` or `oneOf`, all that is wrong with it, and
//! so within each alternative of that: three alternatives that are an expression tree, ten levels
//! deep, are 59,049 lists. It can't be asked to stop, so it is given a schema with a keyword of ours
//! in each subschema, which unwinds when the budget is used up.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::compile;
use crate::item::schema::Violations;

/// The keyword of ours.
const PAID: &str = "modulo::paid";

/// How many subschemas may be held against values, for the document and for each value in it.
const BASE_VISITS: u32 = 20_000;
const VISITS_OF_VALUE: u32 = 4;

/// How much memory errors may take.
const MAX_BYTES: usize = 16 << 20;

/// What the errors of one subschema may take, with their places.
const VISIT_BYTES: usize = 512;

/// What a value takes in a copy, beside its text.
const VALUE_BYTES: usize = 160;

thread_local! {
    /// What is left of the visits and the bytes, while violations are listed on this thread.
    static LEFT: Cell<Option<(u32, usize)>> = const { Cell::new(None) };
}

/// What ends a listing that would cost too much.
struct UsedUp;

/// A schema that can list what breaks it.
#[derive(Debug)]
pub(super) struct Lister(jsonschema::Validator);

impl Lister {
    /// None, if the schema can't be compiled with the keyword in it.
    pub(super) fn new(schema: &Value) -> Option<Self> {
        let mut schema = schema.clone();
        instrument(&mut schema);
        compile(&schema).ok().map(Self)
    }

    /// All that breaks the schema; or the first violation, if that is all that can be listed; or
    /// none, if not even that can be.
    pub(super) fn violations(&self, document: &Value) -> Option<Violations> {
        let all = || Violations::found(self.0.iter_errors(document));
        let first = || {
            let error = self.0.validate(document).err()?;
            Some(Violations::of_first(&error))
        };
        let visits = VISITS_OF_VALUE.saturating_mul(count(document));
        let visits = BASE_VISITS.saturating_add(visits);
        within_budget(visits, all)
            .or_else(|| within_budget(visits, first))
            .flatten()
    }
}

/// How many values a document has.
fn count(document: &Value) -> u32 {
    let inner: u32 = match document {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    };
    inner + 1
}

/// What `list` finds, unless it costs too much.
fn within_budget<T>(visits: u32, list: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(Some((visits, MAX_BYTES)));
    // What is unwound is the library's own, made for this call.
    let listed = catch_unwind(AssertUnwindSafe(list));
    LEFT.set(None);
    match listed {
        Ok(listed) => Some(listed),
        Err(payload) if payload.is::<UsedUp>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

fn pay(visits: u32, bytes: usize) {
    let Some((visits_left, bytes_left)) = LEFT.get() else {
        return;
    };
    let left = visits_left
        .checked_sub(visits)
        .zip(bytes_left.checked_sub(bytes));
    match left {
        Some(left) => LEFT.set(Some(left)),
        // Without the panic hook, which would report a fault.
        None => resume_unwind(Box::new(UsedUp)),
    }
}

/// For a copy of a value within an error.
pub(super) fn pay_for_copy(value: &Value) {
    fn bytes(value: &Value) -> usize {
        VALUE_BYTES
            + match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => 0,
                Value::String(text) => text.len(),
                Value::Array(values) => values.iter().map(bytes).sum(),
                Value::Object(members) => members
                    .iter()
                    .map(|(name, value)| name.len() + VALUE_BYTES + bytes(value))
                    .sum(),
            }
    }
    if LEFT.get().is_some() {
        pay(0, bytes(value));
    }
}

/// The keyword: fits every value, and pays for the visit.
pub(super) struct Paid;

impl<'i> Keyword<'i> for Paid {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        pay(1, 0);
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        pay(1, 0);
        true
    }

    /// Asked for where the errors of the subschema are kept.
    fn iter_errors(&self, _: &'i Value) -> Box<dyn Iterator<Item = ValidationError<'i>> + 'i> {
        pay(1, VISIT_BYTES);
        Box::new(std::iter::empty())
    }
}

/// The keyword's name, under which [`compile`] makes it known.
pub(super) const fn keyword() -> &'static str {
    PAID
}

/// Puts the keyword into a schema and all its subschemas. Where it is not known whether something
/// is a schema, it does no harm: it is looked at only if a `$ref` leads there.
fn instrument(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (keyword, value) in members.iter_mut() {
                match (keyword.as_str(), value) {
                    ("const" | "default" | "enum" | "example" | "examples", _) => {}
                    (
                        "$defs" | "definitions" | "dependencies" | "dependentSchemas"
                        | "patternProperties" | "properties",
                        Value::Object(named),
                    ) => named.values_mut().for_each(instrument),
                    (_, value) => instrument(value),
                }
            }
            insert_first(members);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(instrument),
        _ => {}
    }
}

/// Pays before the other keywords are looked at.
fn insert_first(members: &mut Map<String, Value>) {
    members.shift_insert(0, PAID.to_owned(), Value::Bool(true));
}

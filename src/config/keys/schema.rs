//! The JSON Schema of `modules.toml`, for editors and linters: draft 7, which taplo reads.

use ::config::{Value as Setting, ValueKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Absent, Key, Rule, Section, Shape, Text, rows, sections};
use crate::config::foundation;
use crate::module::Verb;

/// Units of durations and their lengths in minutes, as the humantime crate reads them. Those shorter
/// than a minute come first.
const UNITS: [(&str, u64); 7] = [
    (
        "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s",
        0,
    ),
    ("minutes|minute|mins|min|m", 1),
    ("hours|hour|hrs|hr|h", 60),
    ("days|day|d", 24 * 60),
    ("weeks|week|wks|wk|w", 7 * 24 * 60),
    ("months|month|M", 30 * 24 * 60),
    ("years|year|yrs|yr|y", 365 * 24 * 60),
];

/// The JSON Schema of `modules.toml`.
///
/// It takes every file that modulo takes, and refuses what can be seen in one value or in the keys of
/// one table: unknown and missing keys, wrong types, misspelt words. What is wrong only in the light
/// of another table, of a file or of the stage, `modulo check` says. Keys that are required, and set
/// in the environment instead, are missing for it.
#[must_use]
pub fn schema() -> Value {
    let definitions = sections().into_iter().skip(1);
    let definitions: Map<_, _> = definitions
        .map(|section| (section.id.to_owned(), table(section)))
        .collect();
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    schema.insert("title".to_owned(), json!("modules.toml"));
    if let Value::Object(root) = table(&rows::FILE) {
        schema.extend(root);
    }
    // Each module needs a key, but where `[defaults]` has one.
    schema.insert(
        "if".to_owned(),
        json!({ "properties": { "defaults": { "not": { "required": ["key"] } } } }),
    );
    schema.insert(
        "then".to_owned(),
        json!({ "properties": { "modules": { "additionalProperties": { "required": ["key"] } } } }),
    );
    schema.insert("definitions".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

/// As [`schema()`], as the text of a file.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

fn table(section: &Section) -> Value {
    let keys = section.keys.iter();
    let properties: Map<_, _> = keys
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut schema = json!({
        "description": section.about.english,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    let required = section.keys.iter().filter(|key| key.is_required());
    let required: Vec<_> = required.map(|key| key.name).collect();
    // Of a module it depends on `[defaults]`.
    if !required.is_empty() && section.id != rows::MODULE.id {
        schema["required"] = json!(required);
    }
    match section.rule {
        Rule::Any => {}
        Rule::Some => schema["minProperties"] = json!(1),
        Rule::One => {
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
        }
        Rule::NotBoth {
            keys,
            neither: (key, text),
        } => {
            schema["not"] = json!({ "required": keys });
            schema["if"] =
                json!({ "not": { "anyOf": keys.map(|key| json!({ "required": [key] })) } });
            schema["then"] = json!({ "properties": { key: text_values(text) } });
        }
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = json!({ "description": key.about.english });
    if let Absent::Default(value) = key.absent {
        schema["default"] = json_of(value);
    }
    if !key.example.is_empty() {
        schema["examples"] = json!([json_of(key.example)]);
    }
    let values = values(&key.shape);
    if values.get("$ref").is_some() {
        // What stands beside a `$ref` does not count in this draft.
        schema["allOf"] = json!([values]);
    } else if let (Value::Object(schema), Value::Object(values)) = (&mut schema, values) {
        schema.extend(values);
    }
    schema
}

fn values(shape: &Shape) -> Value {
    match shape {
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { most } => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Shape::Text(text) => text_values(text),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Verb => json!({ "enum": verbs() }),
        Shape::Duration { most } => json!({ "type": "string", "pattern": duration(*most) }),
        Shape::List { of, fewest, most } => {
            let mut schema = json!({ "type": "array", "items": values(of) });
            if *fewest > 0 {
                schema["minItems"] = json!(fewest);
            }
            if let Some(most) = most {
                schema["maxItems"] = json!(most);
            }
            schema
        }
        Shape::Table(section) => {
            json!({ "$ref": format!("#/definitions/{}", section.id) })
        }
        Shape::Named {
            name,
            section,
            fewest,
        } => {
            let mut names = text_values(name);
            if let Some(names) = names.as_object_mut() {
                names.remove("type");
            }
            let mut schema = json!({
                "type": "object",
                "propertyNames": names,
                "additionalProperties": { "$ref": format!("#/definitions/{}", section.id) },
            });
            if *fewest > 0 {
                schema["minProperties"] = json!(fewest);
            }
            schema
        }
        Shape::ByVerb(shape) => {
            let properties: Map<_, _> = verbs()
                .into_iter()
                .map(|verb| (verb.to_owned(), values(shape)))
                .collect();
            json!({ "type": "object", "additionalProperties": false, "properties": properties })
        }
        Shape::JsonSchema => json!({ "type": "object" }),
        Shape::Either(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(values).collect();
            json!({ "anyOf": shapes })
        }
    }
}

fn text_values(text: &Text) -> Value {
    let mut schema = json!({ "type": "string", "pattern": text.pattern });
    if let Some(longest) = text.longest {
        schema["maxLength"] = json!(longest);
    }
    schema
}

fn verbs() -> Vec<&'static str> {
    Verb::ALL.iter().map(|verb| verb.as_str()).collect()
}

/// Numbers with units, not all of them zero, and none above zero whose unit alone is longer than `most`
/// minutes. humantime skips white space, also within a number.
fn duration(most: Option<u64>) -> String {
    let (possible, too_long): (Vec<_>, Vec<_>) = UNITS
        .iter()
        .partition(|(_, minutes)| most.is_none_or(|most| *minutes <= most));
    let alternatives = |units: Vec<&(&str, u64)>| {
        let units: Vec<_> = units.into_iter().map(|(units, _)| *units).collect();
        units.join("|")
    };
    let possible = alternatives(possible);
    let zero = match alternatives(too_long) {
        units if units.is_empty() => String::new(),
        units => format!(r"|0[0\s]*(\.[0\s]+)?({units})"),
    };
    format!(r"^(?=.*[1-9])\s*(([0-9][0-9\s]*(\.[0-9\s]+)?({possible}){zero})\s*)+$")
}

/// A value of TOML as one of JSON.
pub(super) fn json_of(toml: &str) -> Value {
    let mut settings = foundation::read(&format!("value = {toml}")).expect("the rows hold TOML");
    let ValueKind::Table(settings) = &mut settings.kind else {
        unreachable!("a document is a table");
    };
    let value: Setting = settings.remove("value").expect("it was just written");
    let mut value = Value::deserialize(value).expect("JSON has all but dates");
    // The config crate keeps no order.
    value.sort_all_objects();
    value
}

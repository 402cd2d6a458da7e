//! What OpenAPI has no word for, as `x-modulo` of a module's tag: the console is made of it.

use serde_json::{Map, Value, json};

use crate::module::name::Scope;
use crate::module::{Envelope, IndexKey, KeyType, Module};

/// What a program has to know of a module, beside its calls, to show its items to a person.
pub(super) fn of(module: &Module) -> Value {
    let key = module.key().parts();
    let mut about = json!({
        "envelope": match module.envelope() {
            Envelope::Verb => "verb",
            Envelope::Plain => "plain",
        },
        "key": key.map(|part| attribute(part.attribute.as_str(), part.key_type)).collect::<Value>(),
    });
    if module.key_in_document() {
        about["keyInDocument"] = true.into();
    }
    if module.history().is_some() {
        about["history"] = true.into();
    }
    let of_index = |key: &IndexKey| attribute(key.attribute.as_str(), key.key_type);
    let indexes = module.indexes().iter().map(|index| {
        json!({
            "name": index.name.as_str(),
            "key": index.keys().map(of_index).collect::<Value>(),
        })
    });
    let indexes: Vec<_> = indexes.collect();
    if !indexes.is_empty() {
        about["indexes"] = indexes.into();
    }
    let Some(access) = module.access() else {
        return about;
    };
    let scopes = module.verbs().iter().filter_map(|verb| {
        let needed = access.scopes(verb);
        (!needed.is_empty()).then(|| {
            let names: Value = needed.iter().map(Scope::as_str).collect();
            (verb.to_string(), names)
        })
    });
    let scopes: Map<String, Value> = scopes.collect();
    if !scopes.is_empty() {
        about["scopes"] = scopes.into();
    }
    if let Some(claim) = module.tenant() {
        about["tenant"] = claim.names().collect();
    }
    about
}

fn attribute(name: &str, key_type: KeyType) -> Value {
    let key_type = match key_type {
        KeyType::S => "S",
        KeyType::N => "N",
    };
    json!({ "name": name, "type": key_type })
}

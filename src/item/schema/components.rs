//! A schema as components of an OpenAPI document.
//!
//! Many tools that read OpenAPI know no `$id`, no anchors, and no `$defs` within a component. Here,
//! each part that is referred to is a component, and each reference leads to one by its name. Where
//! the references lead is found out as the validator does.

use std::collections::HashMap;
use std::ptr;

use referencing::{Draft, Error, Registry, Resolved, Resolver, uri};
use serde_json::{Map, Value};

use super::InvalidSchema;
use super::validator::{NO_BASE, unresolved};

pub(super) fn components(
    document: &Value,
    name: &str,
    reference: fn(&str) -> Value,
) -> Result<Map<String, Value>, InvalidSchema> {
    let draft = Draft::default().detect(document);
    let made = make(document, draft, name, reference);
    made.map_err(|error| unresolved(&error).unwrap_or(InvalidSchema::Reference(error.to_string())))
}

fn make(
    document: &Value,
    draft: Draft,
    name: &str,
    reference: fn(&str) -> Value,
) -> Result<Map<String, Value>, Error> {
    let resource = draft.create_resource_ref(document);
    let base = uri::from_str(resource.id().unwrap_or(NO_BASE))?;
    let registry = Registry::new()
        .draft(draft)
        .add(base.as_str(), resource)?
        .prepare()?;
    let root = registry.resolver(base).lookup("#")?;
    let mut components = Components {
        root: name,
        reference,
        names: HashMap::new(),
        pending: Vec::new(),
    };
    components.name_of(root, name);
    let mut made = Map::new();
    while let Some((name, part)) = components.pending.pop() {
        let (schema, resolver, draft) = part.into_inner();
        made.insert(name, components.schema(schema, &resolver, draft)?);
    }
    Ok(made)
}

struct Components<'n, 'r> {
    root: &'n str,
    reference: fn(&str) -> Value,
    /// The names of the parts, which are known by their places in memory.
    names: HashMap<*const Value, String>,
    pending: Vec<(String, Resolved<'r>)>,
}

impl<'r> Components<'_, 'r> {
    /// The component that `part` is, which is named after `reference`.
    fn name_of(&mut self, part: Resolved<'r>, reference: &str) -> String {
        let place = ptr::from_ref(part.contents());
        if let Some(name) = self.names.get(&place) {
            return name.clone();
        }
        let name = if self.names.is_empty() {
            self.root.to_owned()
        } else {
            let word = reference.rsplit(['/', '#']).find(|word| !word.is_empty());
            let word = word.unwrap_or("Schema").chars();
            let is_legal = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
            let word: String = word
                .map(|char| if is_legal(char) { char } else { '_' })
                .collect();
            let name = format!("{}.{word}", self.root);
            let is_free = |name: &String| !self.names.values().any(|taken| taken == name);
            let others = (2..).map(|number| format!("{name}{number}"));
            let mut names = [name.clone()].into_iter().chain(others);
            names.find(is_free).unwrap_or(name)
        };
        self.names.insert(place, name.clone());
        self.pending.push((name.clone(), part));
        name
    }

    /// A schema with its references rewritten, without what names it or its parts.
    fn schema(
        &mut self,
        schema: &'r Value,
        resolver: &Resolver<'r>,
        draft: Draft,
    ) -> Result<Value, Error> {
        let Value::Object(keywords) = schema else {
            return Ok(schema.clone());
        };
        let draft = draft.detect(schema);
        let resolver = &resolver.in_subresource(draft.create_resource_ref(schema))?;
        let mut made = Map::new();
        for (keyword, value) in keywords {
            let value = match (keyword.as_str(), value) {
                (
                    "$id" | "$schema" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor"
                    | "$vocabulary" | "$defs" | "definitions",
                    _,
                ) => continue,
                ("id", _) if draft == Draft::Draft4 => continue,
                ("$ref" | "$dynamicRef", Value::String(reference)) => {
                    let name = self.name_of(resolver.lookup(reference)?, reference);
                    made.extend(members((self.reference)(&name)));
                    continue;
                }
                ("$recursiveRef", _) => {
                    let name = self.name_of(resolver.lookup_recursive_ref()?, "");
                    made.extend(members((self.reference)(&name)));
                    continue;
                }
                // The names in these are members', not keywords.
                (
                    "dependencies" | "dependentSchemas" | "patternProperties" | "properties",
                    Value::Object(schemas),
                ) => {
                    let schemas = schemas.iter().map(|(name, schema)| {
                        Ok((name.clone(), self.schema(schema, resolver, draft)?))
                    });
                    schemas.collect::<Result<Map<_, _>, Error>>()?.into()
                }
                ("allOf" | "anyOf" | "items" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                    let schemas = schemas
                        .iter()
                        .map(|schema| self.schema(schema, resolver, draft));
                    schemas.collect::<Result<Vec<_>, Error>>()?.into()
                }
                (
                    "additionalItems"
                    | "additionalProperties"
                    | "contains"
                    | "contentSchema"
                    | "else"
                    | "if"
                    | "items"
                    | "not"
                    | "propertyNames"
                    | "then"
                    | "unevaluatedItems"
                    | "unevaluatedProperties",
                    schema,
                ) => self.schema(schema, resolver, draft)?,
                (_, data) => data.clone(),
            };
            made.insert(keyword.clone(), value);
        }
        Ok(made.into())
    }
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

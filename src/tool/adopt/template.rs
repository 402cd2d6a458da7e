//! Tables as a CloudFormation template describes them.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::table::{Attribute, ExistingIndex, ExistingTable, Owner};

/// The types of resources that are tables.
const TABLES: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"];

/// The tables of a template.
#[derive(Debug)]
pub(super) struct Template {
    tables: Vec<ExistingTable>,
    /// What can't be read of it.
    pub(super) notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    of_type: String,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    table_name: Option<Value>,
    key_schema: Vec<Element>,
    attribute_definitions: Vec<Definition>,
    #[serde(default)]
    global_secondary_indexes: Vec<SecondaryIndex>,
    #[serde(default)]
    local_secondary_indexes: Vec<SecondaryIndex>,
    time_to_live_specification: Option<TimeToLive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Element {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecondaryIndex {
    index_name: String,
    key_schema: Vec<Element>,
    projection: Projection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: Option<String>,
    enabled: Value,
}

impl Template {
    /// Reads a template; `shown` is the name of its file.
    ///
    /// # Errors
    /// It is not a template in JSON.
    pub(super) fn parse(text: &str, shown: &str) -> anyhow::Result<Self> {
        let written: Written = serde_json::from_str(text).with_context(|| {
            format!(
                "`{shown}` is not a CloudFormation template in JSON; `serverless package` writes \
                 one to .serverless/cloudformation-template-update-stack.json"
            )
        })?;
        let mut template = Self {
            tables: Vec::new(),
            notes: Vec::new(),
        };
        for (id, resource) in written.resources {
            if !TABLES.contains(&&*resource.of_type) {
                continue;
            }
            match serde_json::from_value::<Properties>(resource.properties) {
                Ok(properties) => match properties.table(shown) {
                    Some(table) => template.tables.push(table),
                    None => template.notes.push(format!(
                        "resource `{id}` of `{shown}` is left out: its TableName is not a plain \
                         text; give the table's name as an argument, with --aws and without --from"
                    )),
                },
                Err(error) => template
                    .notes
                    .push(format!("resource `{id}` of `{shown}` is left out: {error}")),
            }
        }
        Ok(template)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    pub(super) fn table(&self, name: &str) -> Option<&ExistingTable> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Properties {
    fn table(self, template: &str) -> Option<ExistingTable> {
        let name = self.table_name.as_ref()?.as_str()?.to_owned();
        let index = |index: &SecondaryIndex, is_local| ExistingIndex {
            name: index.index_name.clone(),
            partition: self.attributes(&index.key_schema, "HASH"),
            sort: self.attributes(&index.key_schema, "RANGE"),
            projection: index
                .projection
                .projection_type
                .clone()
                .unwrap_or_else(|| "ALL".to_owned()),
            is_local,
        };
        let global = self.global_secondary_indexes.iter();
        let local = self.local_secondary_indexes.iter();
        let indexes = global
            .map(|found| index(found, false))
            .chain(local.map(|found| index(found, true)));
        let is_on = |ttl: &&TimeToLive| ttl.enabled == true || ttl.enabled == "true";
        let ttl = self.time_to_live_specification.as_ref().filter(is_on);
        Some(ExistingTable {
            key: ["HASH", "RANGE"]
                .iter()
                .flat_map(|role| self.attributes(&self.key_schema, role))
                .collect(),
            ttl: ttl.and_then(|ttl| ttl.attribute_name.clone()),
            indexes: indexes.collect(),
            owner: Owner::Template(template.to_owned()),
            name,
        })
    }

    fn attributes(&self, schema: &[Element], role: &str) -> Vec<Attribute> {
        let with_role = schema.iter().filter(|element| element.key_type == role);
        let attributes = with_role.map(|element| {
            let name = &element.attribute_name;
            let mut definitions = self.attribute_definitions.iter();
            let definition = definitions.find(|definition| definition.attribute_name == *name);
            Attribute {
                name: name.clone(),
                of_type: definition
                    .map_or("S", |found| &found.attribute_type)
                    .to_owned(),
            }
        });
        attributes.collect()
    }
}

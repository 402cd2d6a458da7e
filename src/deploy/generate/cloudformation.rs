//! The tables, as CloudFormation describes them.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::logical_id::table_id;
use crate::config::Config;
use crate::module::name::Stage;
use crate::module::{Billing, Modules, Table, TableIndex};

/// A parameter's value, or a resource's name.
pub(super) fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

/// A resource's attribute.
pub(super) fn attribute(id: &str, name: &str) -> Value {
    json!({ "Fn::GetAtt": [id, name] })
}

/// The type of a table.
pub(super) const TABLE: &str = "AWS::DynamoDB::Table";

/// What a stream shows: items as they were and as they are.
pub(crate) const STREAM_VIEW: &str = "NEW_AND_OLD_IMAGES";

/// The resources of the service's own stack: its tables under their logical ids, and its nested
/// stacks.
pub(super) fn root(modules: &Modules, stage: &Stage) -> Map<String, Value> {
    let nested = numbers(modules).into_iter().map(|number| {
        let resource = json!({
            "Type": "AWS::CloudFormation::Stack",
            // Tables that are retained stay all the same.
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": { "TemplateURL": nested_file(number) },
        });
        (nested_id(number), resource)
    });
    tables(modules, stage, None).chain(nested).collect()
}

/// The templates of the nested stacks, each under its number.
pub(super) fn nested(config: &Config, stage: &Stage) -> Map<String, Value> {
    let Config { service, modules } = config;
    let template = |number| {
        let tables: Map<_, _> = tables(modules, stage, Some(number)).collect();
        let mut template = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("Tables of {}-{stage}, nested stack {number}", service.name),
            "Resources": tables,
        });
        let streams = modules
            .tables()
            .filter(|table| table.create() && table.stream() && table.stack() == Some(number));
        let streams: Map<_, _> = streams
            .map(|table| {
                let id = table_id(table);
                let arn = json!({ "Fn::GetAtt": [id, "StreamArn"] });
                (stream_output(&id), json!({ "Value": arn }))
            })
            .collect();
        if !streams.is_empty() {
            template["Outputs"] = streams.into();
        }
        template
    };
    let numbers = numbers(modules).into_iter();
    numbers
        .map(|number| (number.to_string(), template(number)))
        .collect()
}

/// The name of a nested stack's output with the ARN of a table's stream.
fn stream_output(table: &str) -> String {
    format!("{table}Stream")
}

/// The ARN of a table's stream, in the service's own stack.
pub(super) fn stream_arn(table: &Table) -> Value {
    let id = table_id(table);
    match table.stack() {
        None => json!({ "Fn::GetAtt": [id, "StreamArn"] }),
        Some(number) => {
            let output = format!("Outputs.{}", stream_output(&id));
            json!({ "Fn::GetAtt": [nested_id(number), output] })
        }
    }
}

/// The numbers of the nested stacks.
fn numbers(modules: &Modules) -> BTreeSet<usize> {
    modules.tables().filter_map(Table::stack).collect()
}

/// The tables of a nested stack, or of the service's own.
fn tables(
    modules: &Modules,
    stage: &Stage,
    stack: Option<usize>,
) -> impl Iterator<Item = (String, Value)> {
    let tables = modules.tables();
    tables
        .filter(move |table| table.create() && table.stack() == stack)
        .map(|table| (table_id(table), resource(table, stage)))
}

/// What a nested stack is called inside the service's own. A table's name there ends in a letter.
pub(super) fn nested_id(number: impl Display) -> String {
    format!("{NESTED}{number}")
}

/// Whether that is a nested stack with tables of modules.
pub(crate) fn is_nested_id(id: &str) -> bool {
    id.strip_prefix(NESTED)
        .is_some_and(|number| number.parse::<usize>().is_ok())
}

const NESTED: &str = "Tables";

/// The file of a nested stack's template, beside that of the service's own.
pub(super) fn nested_file(number: impl Display) -> String {
    format!("tables-{number}.json")
}

/// A table as CloudFormation makes it.
pub(crate) fn resource(table: &Table, stage: &Stage) -> Value {
    let policy = if table.retain() { "Retain" } else { "Delete" };
    let attributes: Vec<_> = table
        .key_attributes()
        .map(
            |(name, key_type)| json!({ "AttributeName": name, "AttributeType": key_type.as_str() }),
        )
        .collect();
    let mut properties = json!({
        "TableName": table.name().as_str(),
        "AttributeDefinitions": attributes,
        "KeySchema": key_schema(table.keys().map(|(attribute, _)| attribute)),
        "DeletionProtectionEnabled": table.retain(),
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": !stage.is_local() },
    });
    let throughput = match table.billing() {
        Billing::OnDemand => {
            properties["BillingMode"] = "PAY_PER_REQUEST".into();
            None
        }
        Billing::Provisioned { read, write } => {
            properties["BillingMode"] = "PROVISIONED".into();
            Some(json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write }))
        }
    };
    let indexes = table.indexes().iter();
    let indexes: Vec<_> = indexes
        .map(|described| index(described, throughput.as_ref()))
        .collect();
    if !indexes.is_empty() {
        properties["GlobalSecondaryIndexes"] = indexes.into();
    }
    if let Some(throughput) = throughput {
        properties["ProvisionedThroughput"] = throughput;
    }
    if table.stream() {
        properties["StreamSpecification"] = json!({ "StreamViewType": STREAM_VIEW });
    }
    if let Some(attribute) = table.ttl() {
        properties["TimeToLiveSpecification"] =
            json!({ "AttributeName": attribute.as_str(), "Enabled": true });
    }
    json!({
        "Type": TABLE,
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Properties": properties,
    })
}

/// An index has all of its items' attributes, and as much capacity as its table.
fn index(index: &TableIndex, throughput: Option<&Value>) -> Value {
    let mut described = json!({
        "IndexName": index.name,
        "KeySchema": key_schema(index.keys.iter().map(|(attribute, _)| attribute.as_str())),
        "Projection": { "ProjectionType": "ALL" },
    });
    if let Some(throughput) = throughput {
        described["ProvisionedThroughput"] = throughput.clone();
    }
    described
}

fn key_schema<'k>(attributes: impl IntoIterator<Item = &'k str>) -> Value {
    let keys = attributes.into_iter().zip(["HASH", "RANGE"]);
    keys.map(|(attribute, role)| json!({ "AttributeName": attribute, "KeyType": role }))
        .collect()
}

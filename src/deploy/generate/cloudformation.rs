//! The tables, as CloudFormation describes them.

use serde_json::{Map, Value, json};

use super::logical_id::logical_id;
use crate::module::name::Stage;
use crate::module::{Billing, Modules, Table, TableIndex};

/// The type of a table.
pub(super) const TABLE: &str = "AWS::DynamoDB::Table";

/// Every table that the stack has, under its logical id.
pub(super) fn tables(modules: &Modules, stage: &Stage) -> Map<String, Value> {
    modules
        .tables()
        .filter(|table| table.create())
        .map(|table| (logical_id(table.owner()), resource(table, stage)))
        .collect()
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

//! The tables, as CloudFormation describes them.

use serde_json::{Map, Value, json};

use super::logical_id::logical_id;
use crate::module::name::Stage;
use crate::module::{Billing, Module, Modules, TableIndex};

/// Every module's table, under its logical id.
pub(super) fn tables(modules: &Modules, stage: &Stage) -> Map<String, Value> {
    modules
        .tables()
        .map(|module| (logical_id(module.name()), table(module, stage)))
        .collect()
}

fn table(module: &Module, stage: &Stage) -> Value {
    let key = module.key().as_str();
    let policy = if module.retain() { "Retain" } else { "Delete" };
    let attributes: Vec<_> = module
        .key_attributes()
        .map(
            |(name, key_type)| json!({ "AttributeName": name, "AttributeType": key_type.as_str() }),
        )
        .collect();
    let mut properties = json!({
        "TableName": module.table().as_str(),
        "AttributeDefinitions": attributes,
        "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        "DeletionProtectionEnabled": module.retain(),
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": !stage.is_local() },
    });
    let throughput = match module.billing() {
        Billing::OnDemand => {
            properties["BillingMode"] = "PAY_PER_REQUEST".into();
            None
        }
        Billing::Provisioned { read, write } => {
            properties["BillingMode"] = "PROVISIONED".into();
            Some(json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write }))
        }
    };
    let indexes = module.table_indexes();
    let indexes: Vec<_> = indexes
        .map(|described| index(&described, throughput.as_ref()))
        .collect();
    if !indexes.is_empty() {
        properties["GlobalSecondaryIndexes"] = indexes.into();
    }
    if let Some(throughput) = throughput {
        properties["ProvisionedThroughput"] = throughput;
    }
    if let Some(attribute) = module.ttl() {
        properties["TimeToLiveSpecification"] =
            json!({ "AttributeName": attribute.as_str(), "Enabled": true });
    }
    json!({
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Properties": properties,
    })
}

/// An index has all of its items' attributes, and as much capacity as its table.
fn index(index: &TableIndex<'_>, throughput: Option<&Value>) -> Value {
    let keys = index.keys.iter().zip(["HASH", "RANGE"]);
    let schema: Vec<_> = keys
        .map(|((attribute, _), role)| json!({ "AttributeName": attribute, "KeyType": role }))
        .collect();
    let mut described = json!({
        "IndexName": index.name,
        "KeySchema": schema,
        "Projection": { "ProjectionType": "ALL" },
    });
    if let Some(throughput) = throughput {
        described["ProvisionedThroughput"] = throughput.clone();
    }
    described
}

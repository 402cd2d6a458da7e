//! The tables, as CloudFormation describes them.

use serde_json::{Map, Value, json};

use super::iam::Statement;
use crate::module::name::{ModuleName, Stage};
use crate::module::{Billing, Module, Modules, TableIndex};

/// Every module's table, under its logical id.
pub(super) fn tables(modules: &Modules, stage: &Stage) -> Map<String, Value> {
    modules
        .tables()
        .map(|module| (logical_id(module.name()), table(module, stage)))
        .collect()
}

/// The table's name inside the stack.
pub(crate) fn logical_id(module: &ModuleName) -> String {
    logical_name(module) + "Table"
}

/// What a module's resources inside the stack are named after. CloudFormation replaces a resource
/// whose logical id changes, so it depends on the module's name alone; and since it takes letters
/// and digits only, `Z` is the escape that keeps `a-b`, `a_b` and `aZb` apart.
pub(super) fn logical_name(module: &ModuleName) -> String {
    let mut id = String::with_capacity(module.as_str().len() + 5);
    for character in module.as_str().chars() {
        match character {
            '-' => id.push_str("Zd"),
            '_' => id.push_str("Zu"),
            'Z' => id.push_str("ZZ"),
            letter_or_digit => id.push(letter_or_digit),
        }
    }
    id
}

/// A managed policy. Its role names it, so that it is there before the role is changed.
pub(super) fn policy(statements: &[Statement]) -> Value {
    json!({
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        },
    })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn logical_ids_of_like_names_differ_and_are_legal() {
        let names = [
            "a-b", "a_b", "aZb", "aZdb", "aZub", "ab", "Ab", "a-", "a_", "aZ", "1", "aTable",
        ];
        let mut seen = BTreeMap::new();
        for name in names {
            let id = logical_id(&name.parse().expect("a legal name"));
            assert!(
                id.chars().all(|c| c.is_ascii_alphanumeric()),
                "{name} became {id}"
            );
            if let Some(other) = seen.insert(id.clone(), name) {
                panic!("{name} and {other} both became {id}");
            }
        }
        let longest = "_".repeat(100).replacen('_', "a", 1);
        assert!(logical_id(&longest.parse().expect("a legal name")).len() <= 255);
    }
}

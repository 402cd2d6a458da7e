//! A table as it is, in CloudFormation's words, and in what it differs from a template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    PointInTimeRecoveryStatus, StreamSpecification, TableDescription, TimeToLiveStatus,
};
use serde_json::{Value, json};

use crate::deploy::generate;
use crate::module::Table;
use crate::module::name::Stage;
use crate::store::{self, billing_of};

/// A table as it is.
pub(super) struct Live {
    pub(super) description: TableDescription,
    recovery: bool,
    ttl: Option<String>,
}

/// Its point-in-time recovery or its TTL can't be asked for.
pub(super) struct Hidden;

impl Live {
    /// Asks for what the description of a table does not say.
    pub(super) async fn look(
        client: &Client,
        table: &Table,
        description: TableDescription,
    ) -> Result<Self, Hidden> {
        let name = table.name().as_str();
        let backups = client.describe_continuous_backups().table_name(name).send();
        let ttl = client.describe_time_to_live().table_name(name).send();
        let (backups, ttl) =
            tokio::try_join!(async { backups.await.map_err(|_| Hidden) }, async {
                ttl.await.map_err(|_| Hidden)
            })?;
        let recovery = backups
            .continuous_backups_description
            .and_then(|backups| backups.point_in_time_recovery_description)
            .and_then(|recovery| recovery.point_in_time_recovery_status);
        let ttl = ttl.time_to_live_description.filter(|ttl| {
            let status = ttl.time_to_live_status();
            matches!(
                status,
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            )
        });
        Ok(Self {
            description,
            recovery: recovery == Some(PointInTimeRecoveryStatus::Enabled),
            ttl: ttl.and_then(|ttl| ttl.attribute_name),
        })
    }

    /// The attribute by which DynamoDB deletes items.
    pub(super) fn ttl(&self) -> Option<&str> {
        self.ttl.as_deref()
    }

    /// What its stream shows, if it has one.
    pub(super) fn stream(&self) -> Option<&str> {
        let stream = self.description.stream_specification();
        let stream = stream.filter(|stream| stream.stream_enabled());
        let view = stream.and_then(StreamSpecification::stream_view_type);
        view.map(|view| view.as_str())
    }

    /// The table as CloudFormation imports it: with the properties that the template of `table`
    /// sets, and the values that they have now. So the next update sees what is to change, since it
    /// compares two templates and not a template with a table. What no template of modulo's sets
    /// (streams, encryption, tags, other indexes) stands in neither, and stays.
    pub(super) fn resource(&self, table: &Table, stage: &Stage) -> Value {
        let has_index = |name: &str| store::has_index(&self.description, name);
        let now = Table {
            ttl: (table.ttl.clone()).filter(|ttl| Some(ttl.as_str()) == self.ttl()),
            indexes: (table.indexes.iter())
                .filter(|index| has_index(&index.name))
                .cloned()
                .collect(),
            billing: billing_of(&self.description),
            ..table.clone()
        };
        let mut resource = generate::resource(&now, stage);
        let properties = &mut resource["Properties"];
        let protected = self.description.deletion_protection_enabled();
        properties["DeletionProtectionEnabled"] = protected.unwrap_or_default().into();
        properties["PointInTimeRecoverySpecification"] =
            json!({ "PointInTimeRecoveryEnabled": self.recovery });
        resource
    }
}

/// In what one table's properties differ from another's, as far as modulo sets them: what each is in
/// the one, and in the other.
pub(super) fn differences(now: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, words: fn(&Value) -> String| {
        let (now, other) = (words(now), words(other));
        if now != other {
            found.push(format!("{what}: {now} now, {other} in the template"));
        }
    };
    compare("billing", billing_in_words);
    compare("deletion protection", |of| {
        on_or_off(&of["DeletionProtectionEnabled"])
    });
    compare("point-in-time recovery", |of| {
        on_or_off(&of["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
    });
    compare("TTL", |of| {
        let ttl = &of["TimeToLiveSpecification"];
        let attribute = ttl["AttributeName"].as_str();
        attribute.map_or("off".to_owned(), |name| format!("by `{name}`"))
    });
    found
}

fn on_or_off(value: &Value) -> String {
    let is_on = value.as_bool().unwrap_or_default();
    if is_on { "on" } else { "off" }.to_owned()
}

fn billing_in_words(properties: &Value) -> String {
    let capacity = &properties["ProvisionedThroughput"];
    let units = |name: &str| capacity[name].as_u64().unwrap_or_default();
    if properties["BillingMode"] == "PAY_PER_REQUEST" {
        return "on-demand".to_owned();
    }
    let (read, write) = (units("ReadCapacityUnits"), units("WriteCapacityUnits"));
    format!("{read} read and {write} write units")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{
        GlobalSecondaryIndexDescription, ProvisionedThroughputDescription as Capacity,
    };

    use super::*;
    use crate::config;

    const ROOMS: &str = "
        [modules.rooms]
        key = 'roomId'
        storage = 'document'
        ttl = 'end'
        [[modules.rooms.indexes]]
        name = 'by-building'
        partition = 'building'
        [[modules.rooms.indexes]]
        name = 'by-floor'
        partition = { attribute = 'floor', type = 'N' }
    ";

    /// A table with a capacity and one of the indexes, without protection, recovery and TTL.
    fn live() -> Live {
        let capacity = Capacity::builder()
            .read_capacity_units(5)
            .write_capacity_units(2)
            .build();
        let index = GlobalSecondaryIndexDescription::builder()
            .index_name("by-building")
            .build();
        Live {
            description: TableDescription::builder()
                .provisioned_throughput(capacity)
                .global_secondary_indexes(index)
                .build(),
            recovery: false,
            ttl: None,
        }
    }

    #[test]
    fn a_table_is_imported_as_it_is_and_then_as_it_is_wanted() {
        let stage = "prod".parse().expect("legal");
        let config = config::parse(ROOMS, "modules.toml".as_ref(), &stage, []).expect("legal");
        let table = config.modules.tables().next().expect("there is one");
        let now = live().resource(table, &stage);
        let properties = &now["Properties"];
        let building = json!([{ "AttributeName": "building", "KeyType": "HASH" }]);
        assert_eq!(
            *properties,
            json!({
                "TableName": "rooms-prod",
                "AttributeDefinitions": [
                    { "AttributeName": "roomId", "AttributeType": "S" },
                    { "AttributeName": "building", "AttributeType": "S" },
                ],
                "KeySchema": [{ "AttributeName": "roomId", "KeyType": "HASH" }],
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": { "ReadCapacityUnits": 5, "WriteCapacityUnits": 2 },
                "GlobalSecondaryIndexes": [{
                    "IndexName": "by-building",
                    "KeySchema": building,
                    "Projection": { "ProjectionType": "ALL" },
                    "ProvisionedThroughput": { "ReadCapacityUnits": 5, "WriteCapacityUnits": 2 },
                }],
                "DeletionProtectionEnabled": false,
                "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": false },
            })
        );
        assert_eq!(now["DeletionPolicy"], "Retain");
        let wanted = generate::resource(table, &stage);
        assert_eq!(
            differences(properties, &wanted["Properties"]),
            [
                "billing: 5 read and 2 write units now, on-demand in the template",
                "deletion protection: off now, on in the template",
                "point-in-time recovery: off now, on in the template",
                "TTL: off now, by `end` in the template",
            ]
        );
        assert_eq!(differences(properties, properties), [""; 0]);
    }
}

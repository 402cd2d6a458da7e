//! A table as it is, in CloudFormation's words, and in what it differs from a template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    PointInTimeRecoveryStatus, StreamSpecification, StreamViewType, TableDescription,
    TimeToLiveStatus,
};
use serde_json::{Value, json};

use crate::deploy::generate;
use crate::module::Table;
use crate::module::name::Stage;
use crate::store::{self, billing_of};

/// A table as it is.
pub(super) struct Live {
    pub(super) description: TableDescription,
    /// Nothing, where it may not be asked for them.
    settings: Option<Settings>,
}

/// What the description of a table does not say.
struct Settings {
    /// Whether it has point-in-time recovery, of which some emulators know nothing.
    recovery: Option<bool>,
    /// The attribute by which DynamoDB deletes items.
    ttl: Option<String>,
}

impl Live {
    /// Asks for what its description does not say.
    pub(super) async fn look(client: &Client, description: TableDescription) -> Self {
        let name = description.table_name().unwrap_or_default();
        let settings = Settings::ask(client, name).await.ok();
        Self {
            description,
            settings,
        }
    }

    /// Whether not all of it may be looked at.
    pub(super) fn is_hidden(&self) -> bool {
        self.settings.is_none()
    }

    /// The attribute by which DynamoDB deletes items.
    pub(super) fn ttl(&self) -> Option<&str> {
        self.settings.as_ref()?.ttl.as_deref()
    }

    fn recovery(&self) -> Option<bool> {
        self.settings.as_ref()?.recovery
    }

    /// What its stream shows, if it has one.
    pub(super) fn stream(&self) -> Option<&str> {
        let stream = self.description.stream_specification();
        let stream = stream.filter(|stream| stream.stream_enabled());
        let view = stream.and_then(StreamSpecification::stream_view_type);
        view.map(StreamViewType::as_str)
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
            stream: table.stream && self.stream() == Some(generate::STREAM_VIEW),
            ..table.clone()
        };
        let mut resource = generate::resource(&now, stage);
        let properties = &mut resource["Properties"];
        let protected = self.description.deletion_protection_enabled();
        properties["DeletionProtectionEnabled"] = protected.unwrap_or_default().into();
        properties["PointInTimeRecoverySpecification"] =
            json!({ "PointInTimeRecoveryEnabled": self.recovery().unwrap_or_default() });
        resource
    }

    /// In what the table differs from the properties of a template, as far as modulo sets them, its TTL
    /// and its indexes aside.
    pub(super) fn differences(&self, table: &Table, stage: &Stage, wanted: &Value) -> Vec<String> {
        let now = &self.resource(table, stage)["Properties"];
        let mut found = Vec::new();
        let mut compare = |what: &str, words: fn(&Value) -> String| {
            let (now, wanted) = (words(now), words(wanted));
            if now != wanted {
                found.push(format!("{what} is {now}, and should be {wanted}"));
            }
        };
        compare("billing", billing_in_words);
        compare("deletion protection", |of| {
            on_or_off(&of["DeletionProtectionEnabled"])
        });
        if self.recovery().is_some() {
            compare("point-in-time recovery", |of| {
                on_or_off(&of["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
            });
        }
        found
    }
}

impl Settings {
    async fn ask(client: &Client, table: &str) -> Result<Self, Hidden> {
        let backups = client
            .describe_continuous_backups()
            .table_name(table)
            .send();
        let ttl = client.describe_time_to_live().table_name(table).send();
        let (backups, ttl) = tokio::join!(backups, ttl);
        let recovery = known(backups)?
            .and_then(|found| found.continuous_backups_description)
            .and_then(|found| found.point_in_time_recovery_description)
            .and_then(|found| found.point_in_time_recovery_status);
        let ttl = known(ttl)?
            .and_then(|found| found.time_to_live_description)
            .filter(|found| {
                let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
                (found.time_to_live_status()).is_some_and(|status| on.contains(status))
            });
        Ok(Self {
            recovery: recovery.map(|status| status == PointInTimeRecoveryStatus::Enabled),
            ttl: ttl.and_then(|found| found.attribute_name),
        })
    }
}

/// A table may not be asked for them.
struct Hidden;

/// What was answered; nothing, where an emulator does not know the operation.
fn known<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Result<Option<T>, Hidden>
where
    E: ProvideErrorMetadata,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some("UnknownOperationException") => Ok(None),
        Err(_) => Err(Hidden),
    }
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
            settings: Some(Settings {
                recovery: Some(false),
                ttl: None,
            }),
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
            live().differences(table, &stage, &wanted["Properties"]),
            [
                "billing is 5 read and 2 write units, and should be on-demand",
                "deletion protection is off, and should be on",
                "point-in-time recovery is off, and should be on",
            ]
        );
        assert_eq!(live().differences(table, &stage, properties), [""; 0]);
    }
}

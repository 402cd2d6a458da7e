//! Tables as DynamoDB describes them.

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, KeySchemaElement, KeyType as Role, Projection, ProjectionType,
    ScalarAttributeType, TableDescription, TimeToLiveStatus,
};

use super::content::Content;
use super::table::{Attribute, ExistingIndex, ExistingTable, Owner};
use crate::aws::failure::Failure;
use crate::local::backend::Tables;

/// How many items of a table are looked at.
const ITEMS: i32 = 25;

/// The tag that CloudFormation gives to what a stack makes.
const STACK: &str = "aws:cloudformation:stack-name";

/// The tables of a DynamoDB.
pub(super) struct Live(Client);

impl Live {
    pub(super) fn new(tables: &Tables) -> Self {
        Self(tables.store.client().clone())
    }

    /// The names of all tables that begin with `prefix`.
    pub(super) async fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let call = self.0.list_tables().set_exclusive_start_table_name(after);
            let output = call.send().await.map_err(|error| Failure::new(&error));
            let output = output.context("cannot list the tables")?;
            let page = output.table_names.unwrap_or_default();
            names.extend(page.into_iter().filter(|name| name.starts_with(prefix)));
            after = output.last_evaluated_table_name;
            if after.is_none() {
                return Ok(names);
            }
        }
    }

    /// The table of that name, if it exists.
    pub(super) async fn table(&self, name: &str) -> anyhow::Result<Option<ExistingTable>> {
        let described = self.0.describe_table().table_name(name).send().await;
        let description = match described {
            Ok(output) => output.table,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => {
                let error = anyhow::Error::from(Failure::new(&error));
                return Err(error.context(format!("cannot describe table `{name}`")));
            }
        };
        let Some(description) = description else {
            return Ok(None);
        };
        Ok(Some(ExistingTable {
            name: name.to_owned(),
            key: [Role::Hash, Role::Range]
                .iter()
                .flat_map(|role| attributes(&description, description.key_schema(), role))
                .collect(),
            ttl: self.ttl(name).await?,
            indexes: indexes(&description),
            owner: self.owner(&description).await,
        }))
    }

    async fn ttl(&self, table: &str) -> anyhow::Result<Option<String>> {
        let described = self
            .0
            .describe_time_to_live()
            .table_name(table)
            .send()
            .await;
        let described = described
            .map_err(|error| Failure::new(&error))
            .with_context(|| format!("cannot read the time to live of table `{table}`"))?;
        let ttl = described.time_to_live_description;
        let ttl = ttl.filter(|ttl| {
            matches!(
                ttl.time_to_live_status(),
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            )
        });
        Ok(ttl.and_then(|ttl| ttl.attribute_name))
    }

    /// Who may read a table need not be allowed to read its tags.
    async fn owner(&self, table: &TableDescription) -> Owner {
        let mut next = None;
        loop {
            let call = self.0.list_tags_of_resource();
            let call = call.set_resource_arn(table.table_arn.clone());
            let Ok(output) = call.set_next_token(next).send().await else {
                return Owner::Unknown;
            };
            let mut tags = output.tags().iter();
            if let Some(tag) = tags.find(|tag| tag.key() == STACK) {
                return Owner::Stack(tag.value().to_owned());
            }
            next = output.next_token;
            if next.is_none() {
                return Owner::Nobody;
            }
        }
    }

    /// What is in its first items.
    pub(super) async fn content(&self, table: &ExistingTable) -> Content {
        let call = self.0.scan().table_name(&table.name).limit(ITEMS);
        match call.send().await {
            Ok(output) => Content::of(output.items(), table),
            Err(error) => Content::Unreadable(Failure::new(&error).to_string()),
        }
    }
}

fn indexes(table: &TableDescription) -> Vec<ExistingIndex> {
    let index = |name: Option<&str>,
                 schema: &[KeySchemaElement],
                 projection: Option<&Projection>,
                 is_local| {
        let projection = projection.and_then(Projection::projection_type);
        ExistingIndex {
            name: name.unwrap_or_default().to_owned(),
            partition: attributes(table, schema, &Role::Hash),
            sort: attributes(table, schema, &Role::Range),
            projection: projection
                .unwrap_or(&ProjectionType::All)
                .as_str()
                .to_owned(),
            is_local,
        }
    };
    let global = table.global_secondary_indexes().iter().map(|found| {
        index(
            found.index_name(),
            found.key_schema(),
            found.projection(),
            false,
        )
    });
    let local = table.local_secondary_indexes().iter().map(|found| {
        index(
            found.index_name(),
            found.key_schema(),
            found.projection(),
            true,
        )
    });
    global.chain(local).collect()
}

/// The attributes of a key that have a role in it, with their types.
fn attributes(
    table: &TableDescription,
    schema: &[KeySchemaElement],
    role: &Role,
) -> Vec<Attribute> {
    let with_role = schema.iter().filter(|element| element.key_type() == role);
    let attributes = with_role.map(|element| {
        let name = element.attribute_name();
        let mut definitions = table.attribute_definitions().iter();
        let definition = definitions.find(|definition| definition.attribute_name() == name);
        let of_type = definition.map(AttributeDefinition::attribute_type);
        Attribute {
            name: name.to_owned(),
            of_type: of_type.map_or("S", ScalarAttributeType::as_str).to_owned(),
        }
    });
    attributes.collect()
}

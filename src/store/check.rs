//! What a live table is, held against what it has to be.
//!
//! `/_health/ready`, `modulo serve` and `modulo plan` all ask here, so that they agree.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
#[cfg(feature = "cli")]
use aws_sdk_dynamodb::types::{
    BillingMode, BillingModeSummary, ProvisionedThroughputDescription as Capacity,
};
use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement, KeyType as Role, Projection,
    ProjectionType, TableDescription, TableStatus,
};
#[cfg(feature = "cli")]
use futures_util::{Stream, StreamExt, stream};

use super::classify::classify;
use super::client::Store;
use super::error::StoreError;
#[cfg(feature = "cli")]
use crate::module::Billing;
use crate::module::name::TableName;
use crate::module::{Key, Table, TableIndex};
use crate::telemetry::chain::Chain;

/// Why a module can't use its table.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unusable {
    /// It can't be looked at: it may not be seen, or nobody answers.
    #[error("{}", Chain(.0))]
    Unknown(StoreError),
    /// Nobody answers in time.
    #[error("DynamoDB did not answer in time")]
    Silent,
    /// There is no such table.
    #[error("there is no table `{0}`; a deployment makes it")]
    Absent(TableName),
    /// There is no such table, and modulo makes none.
    #[error(
        "there is no table `{0}`, and because of `create = false` no deployment makes it; make it, or \
         take `create` out of modules.toml"
    )]
    AbsentForeign(TableName),
    /// It is being made, or deleted, or locked.
    #[error("table `{table}` is {status}")]
    Status {
        /// The table.
        table: TableName,
        /// Its status, in DynamoDB's words.
        status: String,
    },
    /// It is not as the module needs it.
    #[error("table `{table}` does not fit: {}", joined(misfits.iter().map(Misfit::to_string), "; "))]
    Unfit {
        /// The table.
        table: TableName,
        /// In what it differs.
        misfits: Vec<Misfit>,
    },
}

impl Unusable {
    /// What there is to say of a table that is not there.
    pub(crate) fn absent(table: &Table) -> Self {
        let name = table.name().clone();
        if table.create() {
            Self::Absent(name)
        } else {
            Self::AbsentForeign(name)
        }
    }

    /// Whether every request would fail, or be answered wrongly.
    #[must_use]
    pub fn is_of_the_key(&self) -> bool {
        matches!(self, Self::Unfit { misfits, .. } if misfits.iter().any(|misfit| misfit.index().is_none()))
    }
}

/// What of a table a module can't do with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Its key is of a type that no module's can be.
    #[error(
        "its key `{key}` is {}, and modulo serves only strings (S) and numbers (N); name another `table` in modules.toml",
        type_in_words(found)
    )]
    KeyType {
        /// The key attribute.
        key: String,
        /// Its type, in DynamoDB's words.
        found: String,
    },
    /// Its key is another.
    #[error(
        "its key is {found}, and the module's is {expected}; say key = {setting} in modules.toml, or name another `table`"
    )]
    Key {
        /// The table's key.
        found: String,
        /// The module's.
        expected: String,
        /// The table's key as `modules.toml` has it.
        setting: String,
    },
    /// It lacks an index.
    #[error("it has no index `{index}` of {keys}; add it, or take it out of modules.toml")]
    NoIndex {
        /// The index.
        index: String,
        /// The keys that it would have.
        keys: String,
    },
    /// An index has other keys.
    #[error(
        "its index `{index}` is of {found}, and the module's is of {expected}; give the module's another `name`"
    )]
    IndexKeys {
        /// The index.
        index: String,
        /// The keys that it has.
        found: String,
        /// Those of the module's.
        expected: String,
    },
    /// An index has only a part of each item.
    #[error(
        "its index `{index}` projects {projection}, and lists need ALL; make one that projects ALL under another name, and give the module's that `name`"
    )]
    IndexProjection {
        /// The index.
        index: String,
        /// What it has of items, in DynamoDB's words.
        projection: String,
    },
    /// An index is being made or deleted.
    #[error("its index `{index}` is {status}")]
    IndexStatus {
        /// The index.
        index: String,
        /// Its status, in DynamoDB's words.
        status: String,
    },
}

impl Misfit {
    /// The index that does not fit. Without it only the lists that it serves can't be answered,
    /// with another key nothing can.
    #[must_use]
    pub fn index(&self) -> Option<&str> {
        match self {
            Self::KeyType { .. } | Self::Key { .. } => None,
            Self::NoIndex { index, .. }
            | Self::IndexKeys { index, .. }
            | Self::IndexProjection { index, .. }
            | Self::IndexStatus { index, .. } => Some(index),
        }
    }
}

impl Store {
    /// Makes sure that the table is there, and as its owner needs it.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub async fn check(&self, table: &Table) -> Result<(), Unusable> {
        let Some(found) = describe(&self.client, table.name()).await? else {
            return Err(Unusable::absent(table));
        };
        check(&found, table)
    }
}

/// A table as DynamoDB describes it, if it is there.
async fn describe(
    client: &Client,
    table: &TableName,
) -> Result<Option<TableDescription>, Unusable> {
    let call = client.describe_table().table_name(table.as_str());
    match call.send().await {
        Ok(output) => Ok(output.table),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(Unusable::Unknown(classify(&error, 0))),
    }
}

/// How many tables are asked for together.
#[cfg(feature = "cli")]
const AT_ONCE: usize = 16;

/// The tables as DynamoDB describes them, in their order.
#[cfg(feature = "cli")]
pub(crate) fn describe_all<'t>(
    client: &Client,
    tables: impl IntoIterator<Item = &'t Table>,
) -> impl Stream<Item = (&'t Table, Result<Option<TableDescription>, Unusable>)> {
    stream::iter(tables)
        .map(move |table| async move { (table, describe(client, table.name()).await) })
        .buffered(AT_ONCE)
}

/// Whether the table that was found can be used as the one that is needed.
pub(crate) fn check(found: &TableDescription, needed: &Table) -> Result<(), Unusable> {
    match found.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => {}
        status => {
            return Err(Unusable::Status {
                table: needed.name().clone(),
                status: status
                    .map_or("of no status", TableStatus::as_str)
                    .to_owned(),
            });
        }
    }
    let misfits = misfits(found, needed);
    if misfits.is_empty() {
        return Ok(());
    }
    Err(Unusable::Unfit {
        table: needed.name().clone(),
        misfits,
    })
}

/// In what a table differs from the one that is needed: in its key, or else in its indexes.
fn misfits(found: &TableDescription, needed: &Table) -> Vec<Misfit> {
    if let Some(misfit) = key_misfit(found, needed.key()) {
        return vec![misfit];
    }
    let indexes = needed.indexes().iter();
    indexes
        .filter_map(|index| index_misfit(found, index))
        .collect()
}

fn key_misfit(table: &TableDescription, expected: &Key) -> Option<Misfit> {
    let [partition, sort] = keys(table.key_schema());
    let found = [Some(partition.unwrap_or_default()), sort];
    let found = found.into_iter().flatten();
    let typed = found.map(|key| (key, type_of(table, key)));
    if let Some((key, Some(other))) = typed
        .clone()
        .find(|(_, found)| !matches!(found, None | Some("S" | "N")))
    {
        return Some(Misfit::KeyType {
            key: key.to_owned(),
            found: other.to_owned(),
        });
    }
    let parts = expected.parts();
    let is_same = parts.clone().count() == typed.clone().count()
        && typed.clone().zip(parts).all(|((name, found), part)| {
            name == part.attribute.as_str()
                && found.is_none_or(|found| found == part.key_type.as_str())
        });
    let needed = expected.parts();
    let needed = needed.map(|part| (part.attribute.as_str(), Some(part.key_type.as_str())));
    (!is_same).then(|| Misfit::Key {
        found: joined(typed.clone().map(in_words), " and "),
        expected: joined(needed.map(in_words), " and "),
        setting: setting(&typed.map(toml).collect::<Vec<_>>()),
    })
}

fn in_words((name, key_type): (&str, Option<&str>)) -> String {
    match key_type {
        Some("N") => format!("`{name}` (N)"),
        _ => format!("`{name}`"),
    }
}

/// A key attribute as `modules.toml` has it.
fn toml((name, key_type): (&str, Option<&str>)) -> String {
    match key_type {
        Some("N") => format!("{{ attribute = {name:?}, type = \"N\" }}"),
        _ => format!("{name:?}"),
    }
}

/// A key of these attributes as `modules.toml` has it.
fn setting(attributes: &[String]) -> String {
    match attributes {
        [partition, sort] => format!("{{ partition = {partition}, sort = {sort} }}"),
        others => others.concat(),
    }
}

fn index_misfit(table: &TableDescription, needed: &TableIndex) -> Option<Misfit> {
    let index = needed.name.clone();
    let Some(found) = index_of(table, &needed.name) else {
        let keys = keys_in_words(&needed.keys);
        return Some(Misfit::NoIndex { index, keys });
    };
    if !has_keys(table, found, needed) {
        let keys = keys(found.key_schema()).into_iter().flatten();
        let typed = keys.map(|key| (key, type_of(table, key).unwrap_or("?")));
        return Some(Misfit::IndexKeys {
            index,
            found: keys_in_words(&typed.collect::<Vec<_>>()),
            expected: keys_in_words(&needed.keys),
        });
    }
    let projection = found.projection();
    match projection.and_then(Projection::projection_type) {
        None | Some(ProjectionType::All) => {}
        Some(part) => {
            let projection = part.as_str().to_owned();
            return Some(Misfit::IndexProjection { index, projection });
        }
    }
    match found.index_status() {
        // One that is being made has not all items yet.
        Some(status @ (IndexStatus::Creating | IndexStatus::Deleting)) => {
            let status = status.as_str().to_owned();
            Some(Misfit::IndexStatus { index, status })
        }
        _ => None,
    }
}

/// Whether a table has an index of that name.
#[cfg(feature = "cli")]
pub(crate) fn has_index(table: &TableDescription, name: &str) -> bool {
    index_of(table, name).is_some()
}

/// A table's index of that name.
fn index_of<'t>(
    table: &'t TableDescription,
    name: &str,
) -> Option<&'t GlobalSecondaryIndexDescription> {
    let mut indexes = table.global_secondary_indexes().iter();
    indexes.find(|index| index.index_name() == Some(name))
}

fn has_keys(
    table: &TableDescription,
    found: &GlobalSecondaryIndexDescription,
    index: &TableIndex,
) -> bool {
    let found = keys(found.key_schema()).into_iter().flatten();
    let expected = index.keys.iter();
    found.clone().count() == expected.len()
        && found.zip(expected).all(|(found, (attribute, key_type))| {
            found == attribute
                && type_of(table, found).is_none_or(|found| found == key_type.as_str())
        })
}

/// The partition key and the sort key of a schema.
fn keys(schema: &[KeySchemaElement]) -> [Option<&str>; 2] {
    [Role::Hash, Role::Range].map(|role| {
        let key = schema.iter().find(|element| *element.key_type() == role)?;
        Some(key.attribute_name())
    })
}

/// How a table is paid for.
#[cfg(feature = "cli")]
pub(crate) fn billing_of(table: &TableDescription) -> Billing {
    let mode = table.billing_mode_summary();
    if mode.and_then(BillingModeSummary::billing_mode) == Some(&BillingMode::PayPerRequest) {
        return Billing::OnDemand;
    }
    // Of a table that was made with a capacity, DynamoDB tells no mode.
    let units = |units: Option<i64>| units.and_then(|units| usize::try_from(units).ok());
    let capacity = table.provisioned_throughput();
    let read = units(capacity.and_then(Capacity::read_capacity_units));
    let write = units(capacity.and_then(Capacity::write_capacity_units));
    match (read, write) {
        (Some(read @ 1..), Some(write @ 1..)) => Billing::Provisioned { read, write },
        _ => Billing::OnDemand,
    }
}

/// An attribute's type; DynamoDB tells that of all keys.
fn type_of<'t>(table: &'t TableDescription, attribute: &str) -> Option<&'t str> {
    let mut definitions = table.attribute_definitions().iter();
    let definition = definitions.find(|definition| definition.attribute_name() == attribute)?;
    Some(definition.attribute_type().as_str())
}

fn type_in_words(name: &str) -> &str {
    match name {
        "N" => "a number (N)",
        "B" => "binary (B)",
        other => other,
    }
}

/// An index's keys, each with its type.
pub(crate) fn keys_in_words<N: fmt::Display, T: fmt::Display>(keys: &[(N, T)]) -> String {
    let keys = keys
        .iter()
        .map(|(attribute, key_type)| format!("{attribute} ({key_type})"));
    joined(keys, ", ")
}

fn joined(texts: impl Iterator<Item = String>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use aws_sdk_dynamodb::types::AttributeDefinition;

    use super::*;
    use crate::config;

    fn needed() -> Table {
        let text = "
            [modules.rooms]
            key = 'roomId'
            storage = 'document'
            [[modules.rooms.indexes]]
            name = 'by-building'
            partition = 'building'
            sort = { attribute = 'floor', type = 'N' }
        ";
        let stage = "prod".parse().expect("valid");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid");
        config
            .modules
            .tables()
            .next()
            .expect("there is one")
            .clone()
    }

    fn schema(keys: &[(&str, Role)]) -> Vec<KeySchemaElement> {
        let element = |(name, role): &(&str, Role)| {
            KeySchemaElement::builder()
                .attribute_name(*name)
                .key_type(role.clone())
                .build()
                .expect("complete")
        };
        keys.iter().map(element).collect()
    }

    /// The table that the module needs, with these keys, types, index keys and projection.
    fn table(
        keys: &[(&str, Role)],
        types: &[(&str, &str)],
        index: &[(&str, Role)],
        projection: ProjectionType,
    ) -> TableDescription {
        let types = types.iter().map(|(name, kind)| {
            AttributeDefinition::builder()
                .attribute_name(*name)
                .attribute_type((*kind).into())
                .build()
                .expect("complete")
        });
        let projection = Projection::builder().projection_type(projection).build();
        let index = GlobalSecondaryIndexDescription::builder()
            .index_name("by-building")
            .set_key_schema(Some(schema(index)))
            .projection(projection)
            .index_status(IndexStatus::Active)
            .build();
        TableDescription::builder()
            .table_status(TableStatus::Active)
            .set_key_schema(Some(schema(keys)))
            .set_attribute_definitions(Some(types.collect()))
            .global_secondary_indexes(index)
            .build()
    }

    const KEY: &[(&str, Role)] = &[("roomId", Role::Hash)];
    const TYPES: &[(&str, &str)] = &[("roomId", "S"), ("building", "S"), ("floor", "N")];
    const INDEX: &[(&str, Role)] = &[("building", Role::Hash), ("floor", Role::Range)];

    #[track_caller]
    fn rendered(table: &TableDescription) -> String {
        check(table, &needed())
            .expect_err("it does not fit")
            .to_string()
    }

    #[test]
    fn a_table_that_fits() {
        let fits = table(KEY, TYPES, INDEX, ProjectionType::All);
        assert!(check(&fits, &needed()).is_ok());
        // In whichever order DynamoDB tells the keys.
        let reversed: Vec<_> = INDEX.iter().rev().cloned().collect();
        let fits = table(KEY, TYPES, &reversed, ProjectionType::All);
        assert!(check(&fits, &needed()).is_ok());
    }

    #[test]
    fn a_table_that_does_not_is_reported_with_what_to_do() {
        let all = ProjectionType::All;
        let named = table(&[("id", Role::Hash)], &[("id", "S")], INDEX, all.clone());
        insta::assert_snapshot!(rendered(&named), @r#"table `rooms-prod` does not fit: its key is `id`, and the module's is `roomId`; say key = "id" in modules.toml, or name another `table`"#);
        // A name that is two names is not the names of two keys.
        let keys = [("pk", Role::Hash), ("sk", Role::Range)];
        let types = [("pk", "S"), ("sk", "N")];
        insta::assert_snapshot!(rendered(&table(&keys, &types, INDEX, all.clone())), @r#"table `rooms-prod` does not fit: its key is `pk` and `sk` (N), and the module's is `roomId`; say key = { partition = "pk", sort = { attribute = "sk", type = "N" } } in modules.toml, or name another `table`"#);
        let types = [("roomId", "N"), ("building", "S"), ("floor", "N")];
        insta::assert_snapshot!(rendered(&table(KEY, &types, INDEX, all.clone())), @r#"table `rooms-prod` does not fit: its key is `roomId` (N), and the module's is `roomId`; say key = { attribute = "roomId", type = "N" } in modules.toml, or name another `table`"#);
        let types = [("roomId", "B"), ("building", "S"), ("floor", "N")];
        insta::assert_snapshot!(rendered(&table(KEY, &types, INDEX, all.clone())), @"table `rooms-prod` does not fit: its key `roomId` is binary (B), and modulo serves only strings (S) and numbers (N); name another `table` in modules.toml");
        let types = [("roomId", "S"), ("building", "S"), ("floor", "S")];
        insta::assert_snapshot!(rendered(&table(KEY, &types, INDEX, all.clone())), @"table `rooms-prod` does not fit: its index `by-building` is of building (S), floor (S), and the module's is of building (S), floor (N); give the module's another `name`");
        insta::assert_snapshot!(rendered(&table(KEY, TYPES, &INDEX[..1], all)), @"table `rooms-prod` does not fit: its index `by-building` is of building (S), and the module's is of building (S), floor (N); give the module's another `name`");
        let part = table(KEY, TYPES, INDEX, ProjectionType::Include);
        insta::assert_snapshot!(rendered(&part), @"table `rooms-prod` does not fit: its index `by-building` projects INCLUDE, and lists need ALL; make one that projects ALL under another name, and give the module's that `name`");
        let bare = TableDescription::builder()
            .table_status(TableStatus::Active)
            .set_key_schema(Some(schema(KEY)))
            .build();
        insta::assert_snapshot!(rendered(&bare), @"table `rooms-prod` does not fit: it has no index `by-building` of building (S), floor (N); add it, or take it out of modules.toml");
        let leaving = TableDescription::builder().table_status(TableStatus::Deleting);
        insta::assert_snapshot!(rendered(&leaving.build()), @"table `rooms-prod` is DELETING");
    }

    #[test]
    fn a_table_with_a_sort_key_fits_a_module_with_the_same() {
        let module = |key: &str| {
            let text = format!("[modules.rooms]\nkey = {key}");
            let stage = "prod".parse().expect("valid");
            let config = config::parse(&text, "modules.toml".as_ref(), &stage, []);
            let tables = config.expect("valid").modules.tables().next().cloned();
            tables.expect("there is one")
        };
        let keys = [("pk", Role::Hash), ("sk", Role::Range)];
        let types = [("pk", "S"), ("sk", "N")];
        let found = table(&keys, &types, INDEX, ProjectionType::All);
        let fits = module("{ partition = 'pk', sort = { attribute = 'sk', type = 'N' } }");
        assert!(check(&found, &fits).is_ok());
        let wrong = [
            "{ partition = 'pk', sort = 'sk' }",
            "'pk'",
            "{ attribute = 'pk', type = 'N' }",
        ];
        let said = wrong.map(|key| check(&found, &module(key)).expect_err("wrong").to_string());
        insta::assert_snapshot!(said.join("\n"), @r#"
        table `rooms-prod` does not fit: its key is `pk` and `sk` (N), and the module's is `pk` and `sk`; say key = { partition = "pk", sort = { attribute = "sk", type = "N" } } in modules.toml, or name another `table`
        table `rooms-prod` does not fit: its key is `pk` and `sk` (N), and the module's is `pk`; say key = { partition = "pk", sort = { attribute = "sk", type = "N" } } in modules.toml, or name another `table`
        table `rooms-prod` does not fit: its key is `pk` and `sk` (N), and the module's is `pk` (N); say key = { partition = "pk", sort = { attribute = "sk", type = "N" } } in modules.toml, or name another `table`
        "#);
    }

    #[test]
    fn capacity_is_that_of_the_table() {
        let throughput = |read, write| {
            Capacity::builder()
                .read_capacity_units(read)
                .write_capacity_units(write)
                .build()
        };
        let provisioned = TableDescription::builder().provisioned_throughput(throughput(5, 2));
        let billing = Billing::Provisioned { read: 5, write: 2 };
        assert_eq!(billing_of(&provisioned.build()), billing);
        let mode = BillingModeSummary::builder().billing_mode(BillingMode::PayPerRequest);
        let on_demand = TableDescription::builder()
            .billing_mode_summary(mode.build())
            .provisioned_throughput(throughput(0, 0));
        assert_eq!(billing_of(&on_demand.build()), Billing::OnDemand);
    }
}

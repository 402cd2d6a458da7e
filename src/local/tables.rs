//! The modules' tables, as far as this program may make or change them.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction,
    DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ProvisionedThroughput,
    ScalarAttributeType, TableDescription,
};
use futures_util::StreamExt;

use crate::module::name::ModuleName;
use crate::module::{Billing, Table, TableIndex};
use crate::store::{Misfit, Unusable, billing_of, check, describe_all};
use crate::telemetry::chain::Chain;

/// So many tables are prepared at a time: the embedded engine makes each in a transaction of its own,
/// and those that wait share one sync of the disk.
const AT_ONCE: usize = 16;

/// So many tables are made at once where more can be put off: it takes a tenth of a second.
const MADE_AT_ONCE: usize = 256;

/// A table can't be looked at or made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare the table of module `{module}`: {reason}")]
pub struct TableError {
    module: ModuleName,
    reason: String,
}

/// Whose the tables are, which decides what may be done to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// This program's, in the embedded engine. Missing tables are made, and indexes changed.
    Own,
    /// An emulator's, where others may have made tables. Missing ones are made, and what is there
    /// is left as it is.
    Shared,
    /// A deployment's, in AWS. Nothing is made or changed.
    Deployed,
}

/// The modules that can't use their tables, and why.
pub(crate) type Found = Vec<(ModuleName, Unusable)>;

/// Makes the modules' tables in an engine that nobody else has: those that are missing, and the
/// indexes of the others.
///
/// # Errors
/// A table can't be made, or one that is there does not fit.
pub async fn create_tables(
    client: &Client,
    tables: impl IntoIterator<Item = &Table>,
) -> Result<(), TableError> {
    let found = prepare(client, tables, Ownership::Own, client).await?;
    match found.into_iter().next() {
        None => Ok(()),
        Some((module, unusable)) => Err(TableError {
            module,
            reason: unusable.to_string(),
        }),
    }
}

/// Does to the modules' tables what may be done, and tells which still can't be used. Those of many
/// that are missing are made by `later`.
pub(crate) async fn prepare(
    client: &Client,
    tables: impl IntoIterator<Item = &Table>,
    ownership: Ownership,
    later: &Client,
) -> Result<Found, TableError> {
    let absent = AtomicUsize::new(0);
    let maker = || match absent.fetch_add(1, Ordering::Relaxed) {
        ..MADE_AT_ONCE => client,
        _ => later,
    };
    let maker = &maker;
    let prepared = describe_all(client, tables).map(|(table, answer)| async move {
        let is_known = answer.is_ok();
        let result = match answer {
            Ok(None) => make_absent(table, ownership, maker).await,
            Ok(Some(found)) => prepare_one(client, table, &found, ownership).await,
            Err(unknown) if ownership == Ownership::Deployed => Ok(Err(unknown)),
            Err(unknown) => Err(table_error(table, unknown.to_string())),
        };
        (table, is_known, result)
    });
    let mut prepared = pin!(prepared.buffered(AT_ONCE));
    let mut found = Vec::new();
    while let Some((table, is_known, result)) = prepared.next().await {
        if let Err(unusable) = result? {
            found.push((table.owner().clone(), unusable));
        }
        if !is_known {
            // What keeps one table from being looked at keeps all.
            break;
        }
    }
    Ok(found)
}

async fn make_absent<'c>(
    table: &Table,
    ownership: Ownership,
    maker: impl FnOnce() -> &'c Client,
) -> Result<Result<(), Unusable>, TableError> {
    let is_made = match ownership {
        // Nobody else can make one there.
        Ownership::Own => true,
        Ownership::Shared => table.create(),
        Ownership::Deployed => false,
    };
    if !is_made {
        return Ok(Err(Unusable::absent(table)));
    }
    create_table(maker(), table).await?;
    Ok(Ok(()))
}

async fn prepare_one(
    client: &Client,
    table: &Table,
    found: &TableDescription,
    ownership: Ownership,
) -> Result<Result<(), Unusable>, TableError> {
    match check(found, table) {
        Err(Unusable::Unfit { misfits, .. })
            if ownership == Ownership::Own
                && misfits.iter().all(|misfit| misfit.index().is_some()) =>
        {
            change_indexes(client, table, found, &misfits).await?;
            Ok(Ok(()))
        }
        checked => Ok(checked),
    }
}

async fn create_table(client: &Client, table: &Table) -> Result<(), TableError> {
    let unbuilt = |error: BuildError| table_error(table, error.to_string());
    let indexes = table.indexes().iter().map(|index| {
        GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(index_schema(index)?))
            .projection(everything())
            .build()
    });
    let indexes: Vec<_> = indexes.collect::<Result<_, _>>().map_err(unbuilt)?;
    client
        .create_table()
        .table_name(table.name().as_str())
        .set_attribute_definitions(Some(definitions(table).map_err(unbuilt)?))
        .set_key_schema(Some(
            key_schema(table.keys().map(|(attribute, _)| attribute)).map_err(unbuilt)?,
        ))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .map_err(|error| table_error(table, Chain(&error).to_string()))?;
    Ok(())
}

/// Makes the indexes that the table lacks, and those anew that do not fit; DynamoDB takes one change
/// at a time.
async fn change_indexes(
    client: &Client,
    table: &Table,
    found: &TableDescription,
    misfits: &[Misfit],
) -> Result<(), TableError> {
    let unbuilt = |error: BuildError| table_error(table, error.to_string());
    let capacity = capacity(billing_of(found)).map_err(unbuilt)?;
    for misfit in misfits {
        let mut indexes = table.indexes().iter();
        let Some(index) = indexes.find(|index| misfit.index() == Some(&*index.name)) else {
            continue;
        };
        let mut updates = Vec::new();
        if !matches!(misfit, Misfit::NoIndex { .. }) {
            let delete = DeleteGlobalSecondaryIndexAction::builder().index_name(&index.name);
            let delete = delete.build().map_err(unbuilt)?;
            updates.push(GlobalSecondaryIndexUpdate::builder().delete(delete).build());
        }
        let create = CreateGlobalSecondaryIndexAction::builder()
            .index_name(&index.name)
            .set_key_schema(Some(index_schema(index).map_err(unbuilt)?))
            .projection(everything())
            .set_provisioned_throughput(capacity.clone());
        let create = create.build().map_err(unbuilt)?;
        updates.push(GlobalSecondaryIndexUpdate::builder().create(create).build());
        for update in updates {
            client
                .update_table()
                .table_name(table.name().as_str())
                .set_attribute_definitions(Some(definitions(table).map_err(unbuilt)?))
                .global_secondary_index_updates(update)
                .send()
                .await
                .map_err(|error| table_error(table, Chain(&error).to_string()))?;
        }
    }
    Ok(())
}

/// What an index needs of capacity: as much as its table has, as in a deployment.
fn capacity(billing: Billing) -> Result<Option<ProvisionedThroughput>, BuildError> {
    let Billing::Provisioned { read, write } = billing else {
        return Ok(None);
    };
    let units = |units| i64::try_from(units).unwrap_or(i64::MAX);
    ProvisionedThroughput::builder()
        .read_capacity_units(units(read))
        .write_capacity_units(units(write))
        .build()
        .map(Some)
}

fn definitions(table: &Table) -> Result<Vec<AttributeDefinition>, BuildError> {
    let keys = table.key_attributes().map(|(name, key_type)| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(key_type.as_str()))
            .build()
    });
    keys.collect()
}

fn index_schema(index: &TableIndex) -> Result<Vec<KeySchemaElement>, BuildError> {
    key_schema(index.keys.iter().map(|(attribute, _)| attribute.as_str()))
}

fn key_schema<'k>(
    attributes: impl IntoIterator<Item = &'k str>,
) -> Result<Vec<KeySchemaElement>, BuildError> {
    let keys = attributes.into_iter().zip([KeyType::Hash, KeyType::Range]);
    let elements = keys.map(|(attribute, role)| {
        KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(role)
            .build()
    });
    elements.collect()
}

fn everything() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::All)
        .build()
}

fn table_error(table: &Table, reason: String) -> TableError {
    TableError {
        module: table.owner().clone(),
        reason,
    }
}

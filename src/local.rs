//! DynamoDB on a laptop: an embedded engine, and the modules' tables in it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction,
    DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType, TableDescription,
};

use crate::chain::Chain;
use crate::module::{Module, TableIndex};
use crate::store;

pub use self::engine::{Data, Embedded, Engine};
pub use self::folder::settings_of_other;
pub use self::settings::settings;

mod connector;
mod engine;
mod folder;
mod http;
mod operation;
mod runner;
mod settings;
mod socket;

/// Why there is no local DynamoDB.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder for the data can't be written to.
    #[error("cannot write to `{}`; choose another folder with --data-dir, or none with --memory", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process uses the folder.
    #[error("`{}` is in use by another `modulo`; stop it, or choose another folder with --data-dir", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder can't have a socket.
    #[error(
        "cannot make a Unix socket in `{}`, by which `modulo export` and `modulo import` would reach a running `modulo serve`; choose a folder of another filesystem with --data-dir, or none with --memory",
        folder.display()
    )]
    Socket {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The other process that uses the folder can't be reached.
    #[error("cannot reach the `modulo` that uses `{}`; stop it, or run this command as the user whose it is", folder.display())]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The engine can't open the data.
    #[error("cannot open the database `{}`; move it away to begin anew: {reason}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// The engine can't listen on a port.
    #[error(
        "cannot listen on {address}; choose another address with --dynamodb-addr, as in --dynamodb-addr 127.0.0.1:8001"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A table can't be made or looked at.
    #[error("cannot prepare table `{table}`: {reason}")]
    Table {
        /// The table.
        table: String,
        /// What DynamoDB says.
        reason: String,
    },
    /// The table is there, with another key.
    #[error(
        "table `{table}` has the key attribute `{found}`, module `{module}` says `{expected}`; name the module's `key` so, or give it another `table`"
    )]
    Key {
        /// The table.
        table: String,
        /// The module.
        module: String,
        /// The table's key attribute.
        found: String,
        /// The module's.
        expected: String,
    },
}

/// Makes the modules' tables that are not there yet; what is there is left as it is.
///
/// # Errors
/// A table can't be made, or is there with another key.
pub async fn create_tables(
    client: &Client,
    modules: impl IntoIterator<Item = &Arc<Module>>,
) -> Result<(), LocalError> {
    for module in modules {
        match client
            .describe_table()
            .table_name(module.table().as_str())
            .send()
            .await
        {
            Ok(found) => {
                check_key(module, found.table.as_ref())?;
                match_indexes(client, module, found.table.as_ref()).await?;
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                create_table(client, module).await?;
            }
            Err(error) => return Err(table_error(module, Chain(&error).to_string())),
        }
    }
    Ok(())
}

async fn create_table(client: &Client, module: &Module) -> Result<(), LocalError> {
    let unbuilt = |error: BuildError| table_error(module, error.to_string());
    let indexes = module.table_indexes().map(|index| {
        GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(index_schema(&index)?))
            .projection(everything())
            .build()
    });
    let indexes: Vec<_> = indexes.collect::<Result<_, _>>().map_err(unbuilt)?;
    client
        .create_table()
        .table_name(module.table().as_str())
        .set_attribute_definitions(Some(definitions(module).map_err(unbuilt)?))
        .key_schema(key_element(module.key().as_str(), KeyType::Hash).map_err(unbuilt)?)
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .map_err(|error| table_error(module, Chain(&error).to_string()))?;
    Ok(())
}

/// Makes the indexes that the table lacks, and those anew that have other keys now; DynamoDB takes
/// one change at a time.
async fn match_indexes(
    client: &Client,
    module: &Module,
    table: Option<&TableDescription>,
) -> Result<(), LocalError> {
    let unbuilt = |error: BuildError| table_error(module, error.to_string());
    let found = table.map(TableDescription::global_secondary_indexes);
    let found = found.unwrap_or_default();
    for index in module.table_indexes() {
        let name = index.name;
        let schema = index_schema(&index).map_err(unbuilt)?;
        let existing = found.iter().find(|found| found.index_name() == Some(name));
        let mut updates = Vec::new();
        if let Some(existing) = existing {
            if existing.key_schema() == schema {
                continue;
            }
            let delete = DeleteGlobalSecondaryIndexAction::builder().index_name(name);
            let delete = delete.build().map_err(unbuilt)?;
            updates.push(GlobalSecondaryIndexUpdate::builder().delete(delete).build());
        }
        let create = CreateGlobalSecondaryIndexAction::builder()
            .index_name(name)
            .set_key_schema(Some(schema))
            .projection(everything());
        let create = create.build().map_err(unbuilt)?;
        updates.push(GlobalSecondaryIndexUpdate::builder().create(create).build());
        for update in updates {
            client
                .update_table()
                .table_name(module.table().as_str())
                .set_attribute_definitions(Some(definitions(module).map_err(unbuilt)?))
                .global_secondary_index_updates(update)
                .send()
                .await
                .map_err(|error| table_error(module, Chain(&error).to_string()))?;
        }
    }
    Ok(())
}

fn definitions(module: &Module) -> Result<Vec<AttributeDefinition>, BuildError> {
    let keys = module.key_attributes().map(|(name, key_type)| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(key_type.as_str()))
            .build()
    });
    keys.collect()
}

fn index_schema(index: &TableIndex<'_>) -> Result<Vec<KeySchemaElement>, BuildError> {
    let keys = index.keys.iter().zip([KeyType::Hash, KeyType::Range]);
    keys.map(|((attribute, _), role)| key_element(attribute, role))
        .collect()
}

fn key_element(attribute: &str, role: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(attribute)
        .key_type(role)
        .build()
}

fn everything() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::All)
        .build()
}

fn check_key(module: &Module, table: Option<&TableDescription>) -> Result<(), LocalError> {
    let found = store::key_of(table);
    if found == module.key().as_str() {
        return Ok(());
    }
    Err(LocalError::Key {
        table: module.table().to_string(),
        module: module.name().to_string(),
        found,
        expected: module.key().to_string(),
    })
}

fn table_error(module: &Module, reason: String) -> LocalError {
    LocalError::Table {
        table: module.table().to_string(),
        reason,
    }
}

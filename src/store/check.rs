//! Whether a module's table is there, and as the module needs it.

use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription, TableStatus};

use super::{Store, StoreError, classify};
use crate::chain::Chain;
use crate::module::Module;

/// Why a module can't use its table.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unusable {
    /// It can't be asked for: it is not there, may not be seen, or nobody answers.
    #[error("{}", Chain(.0))]
    Unknown(StoreError),
    /// Nobody answers in time.
    #[error("DynamoDB did not answer in time")]
    Silent,
    /// It is being made, or deleted, or locked.
    #[error("the table is {0}")]
    Status(String),
    /// It has another key than the module.
    #[error("the table's key is `{found}`, and not `{expected}`")]
    Key {
        /// The table's key attributes.
        found: String,
        /// The module's.
        expected: String,
    },
}

impl Store {
    /// Makes sure that the module's table is there, with its key.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub async fn check(&self, module: &Module) -> Result<(), Unusable> {
        let call = self.client.describe_table();
        let call = call.table_name(module.table().as_str());
        let output = call.send().await;
        let output = output.map_err(|error| Unusable::Unknown(classify(&error, 0)))?;
        let table = output.table.as_ref();
        match table.and_then(TableDescription::table_status) {
            Some(TableStatus::Active | TableStatus::Updating) => {}
            status => {
                let status = status.map_or("of no status", TableStatus::as_str);
                return Err(Unusable::Status(status.to_owned()));
            }
        }
        let key = key_of(table);
        if key == module.key().as_str() {
            return Ok(());
        }
        Err(Unusable::Key {
            found: key,
            expected: module.key().to_string(),
        })
    }
}

/// The attributes that a table's key has.
pub(crate) fn key_of(table: Option<&TableDescription>) -> String {
    let schema = table.map(TableDescription::key_schema).unwrap_or_default();
    let names: Vec<_> = schema
        .iter()
        .map(KeySchemaElement::attribute_name)
        .collect();
    names.join(", ")
}

//! What a module keeps of its items' versions, and for how long.

use std::time::Duration;

use crate::module::name::{InvalidName, KeyAttribute, TableName};
use crate::module::table::Purpose;
use crate::module::{Key, KeyPart, Table};

/// The history of a module's items: a table of their versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    table: Table,
    keep: Duration,
}

impl History {
    /// The table's partition key attribute: which item a version is of.
    pub(crate) const ID: &str = "id";
    /// Its sort key attribute: when the version was written, and by which record of the stream.
    pub(crate) const VERSION: &str = "version";
    /// Its attribute with the time after which DynamoDB deletes a version.
    pub(crate) const TTL: &str = "expiresAt";

    /// The shortest and the longest time, each with its words. DynamoDB deletes what has expired within
    /// days.
    pub(crate) const LEAST: (Duration, &str) = (Duration::from_hours(24), "1 day");
    pub(crate) const MOST: (Duration, &str) = (Duration::from_hours(24 * 3_660), "10 years");

    /// What the table is called that is beside this one.
    ///
    /// # Errors
    /// The name is too long.
    pub(crate) fn name_beside(table: &TableName) -> Result<TableName, InvalidName> {
        format!("{table}-history").parse()
    }

    /// That of the items in `table`, in the table of this name, which is paid for, retained and
    /// deployed as that one is.
    pub(crate) fn of(table: &Table, name: TableName, keep: Duration) -> Self {
        let part = |attribute: &str| -> KeyPart {
            (attribute.parse::<KeyAttribute>())
                .expect("a valid key")
                .into()
        };
        let table = Table {
            purpose: Purpose::History,
            owner: table.owner.clone(),
            name,
            key: Key::new(part(Self::ID), Some(part(Self::VERSION))),
            ttl: Some(Self::TTL.parse().expect("a valid attribute")),
            indexes: Vec::new(),
            create: table.create,
            stack: table.stack,
            billing: table.billing,
            retain: table.retain,
            stream: false,
        };
        Self { table, keep }
    }

    /// The table of the versions.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How long a version is kept after another has taken its place.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.keep
    }
}

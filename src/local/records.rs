//! The records of the engine's streams, trimmed.
//!
//! The engine has no operation that deletes a record, and to number the next one it reads all of
//! them. So a second connection to its database deletes the old ones, and makes an index of their
//! numbers. It is used only while the engine does nothing.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

/// So many records of a table stay for those who come back to where they were.
pub(super) const KEPT: i64 = 1_000;

/// The index, and a table of modulo's own beside the engine's.
const PREPARE: &str = "
    PRAGMA synchronous = NORMAL;
    CREATE INDEX IF NOT EXISTS _modulo_stream_records
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id);
    CREATE TABLE IF NOT EXISTS _modulo_trimmed
        (table_name TEXT PRIMARY KEY, sequence_number INTEGER NOT NULL);";

/// The records up to a number, but for those that stay.
const TRIMMED: &str = "
    SELECT MIN(?2, CAST(sequence_number AS INTEGER)) FROM _stream_records
    WHERE table_name = ?1
    ORDER BY CAST(sequence_number AS INTEGER) DESC LIMIT 1 OFFSET ?3";

/// The second connection.
#[derive(Debug)]
pub(super) struct Records {
    connection: Connection,
    /// The last number that was deleted, by table.
    trimmed: HashMap<String, i64>,
}

impl Records {
    /// Opens the database that `SQLite` knows by this name.
    pub(super) fn open(name: &str) -> Result<Self> {
        let connection = Connection::open(name)?;
        connection.execute_batch(PREPARE)?;
        let trimmed = connection
            .prepare("SELECT table_name, sequence_number FROM _modulo_trimmed")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_>>()?;
        Ok(Self {
            connection,
            trimmed,
        })
    }

    /// The number up to which records of a table may be gone.
    pub(super) fn trimmed(&self, table: &str) -> i64 {
        self.trimmed.get(table).copied().unwrap_or_default()
    }

    /// Deletes all records of a table, whose stream is to begin anew.
    pub(super) fn clear(&mut self, table: &str) -> Result<()> {
        self.delete(table, i64::MAX)?;
        self.connection.execute(
            "DELETE FROM _modulo_trimmed WHERE table_name = ?1",
            params![table],
        )?;
        self.trimmed.remove(table);
        Ok(())
    }

    /// Deletes the records of a table up to number `last`, but for the newest.
    pub(super) fn trim(&mut self, table: &str, last: i64) -> Result<()> {
        let last: Option<i64> = self
            .connection
            .query_row(TRIMMED, params![table, last, KEPT], |row| row.get(0))
            .optional()?;
        let Some(last) = last else {
            return Ok(());
        };
        if last > self.trimmed(table) && self.delete(table, last)? > 0 {
            self.connection.execute(
                "INSERT OR REPLACE INTO _modulo_trimmed VALUES (?1, ?2)",
                params![table, last],
            )?;
            self.trimmed.insert(table.to_owned(), last);
        }
        Ok(())
    }

    fn delete(&self, table: &str, last: i64) -> Result<usize> {
        self.connection.execute(
            "DELETE FROM _stream_records
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2",
            params![table, last],
        )
    }
}

//! DynamoDB's operations as the engine does them: a JSON body in, a JSON body out.
//!
//! The engine's own HTTP server has this table too, but can only be called through a TCP port.

use dynoxide::{Database, DynoxideError};

use super::batch::{read_batch, write_batch};
use super::body::{read, write};

/// What `X-Amz-Target` begins with, before the operation's name.
const TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// One of DynamoDB's operations.
pub(super) struct Operation {
    name: &'static str,
    kind: Kind,
    run: fn(&Database, &[u8]) -> dynoxide::Result<Vec<u8>>,
}

/// Those of many items may take a second where others take a millisecond.
enum Kind {
    Read,
    Write,
    ReadMany,
    WriteMany,
}

/// Those that tell of all tables, or whose tables stand in statements of `PartiQL`.
const OF_ANY_TABLE: [&str; 4] = [
    "ListTables",
    "ExecuteStatement",
    "ExecuteTransaction",
    "BatchExecuteStatement",
];

/// What DynamoDB answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

macro_rules! operations {
    ($($name:literal: $kind:ident $method:ident,)*) => {
        [$(Operation {
            name: $name,
            kind: Kind::$kind,
            run: operations!(@ $method),
        },)*]
    };
    (@ read_batch) => { read_batch };
    (@ write_batch) => { write_batch };
    (@ $method:ident) => {
        |database, body| write(&database.$method(read(body)?)?)
    };
}

/// Those that requests need come first.
static OPERATIONS: [Operation; 28] = operations! {
    "GetItem": Read get_item,
    "PutItem": Write put_item,
    "UpdateItem": Write update_item,
    "DeleteItem": Write delete_item,
    "Query": Read query,
    "Scan": Read scan,
    "BatchGetItem": ReadMany read_batch,
    "BatchWriteItem": WriteMany write_batch,
    "TransactWriteItems": WriteMany transact_write_items,
    "TransactGetItems": ReadMany transact_get_items,
    "CreateTable": Write create_table,
    "DeleteTable": Write delete_table,
    "DescribeTable": Read describe_table,
    "ListTables": Read list_tables,
    "UpdateTable": Write update_table,
    "UpdateTimeToLive": Write update_time_to_live,
    "DescribeTimeToLive": Read describe_time_to_live,
    "ListStreams": Read list_streams,
    "DescribeStream": Read describe_stream,
    "GetShardIterator": Read get_shard_iterator,
    "GetRecords": Read get_records,
    "ExecuteStatement": Write execute_statement,
    "ExecuteTransaction": WriteMany execute_transaction,
    "BatchExecuteStatement": WriteMany batch_execute_statement,
    "TagResource": Write tag_resource,
    "UntagResource": Write untag_resource,
    "ListTagsOfResource": Read list_tags_of_resource,
    "SearchVectors": Read search_vectors,
};

impl Operation {
    pub(super) fn writes(&self) -> bool {
        matches!(self.kind, Kind::Write | Kind::WriteMany)
    }

    /// Whether it is about many items.
    pub(super) fn is_long(&self) -> bool {
        matches!(self.kind, Kind::ReadMany | Kind::WriteMany)
    }

    pub(super) fn makes_a_table(&self) -> bool {
        self.name == "CreateTable"
    }

    /// The one that the value of `X-Amz-Target` names.
    pub(super) fn of_target(target: &str) -> Option<&'static Self> {
        let name = TARGETS
            .iter()
            .find_map(|prefix| target.strip_prefix(prefix))?;
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Whether it reads and writes no tables but those that its body names as a text or a member.
    pub(super) fn names_its_tables(&self) -> bool {
        !OF_ANY_TABLE.contains(&self.name)
    }

    /// Blocks until it is done; a write is then committed, and not yet on the disk.
    pub(super) fn run(&self, database: &Database, body: &[u8]) -> Answer {
        match (self.run)(database, body) {
            Ok(body) => Answer { status: 200, body },
            Err(error) => self.refused(error),
        }
    }

    /// The answer to it where it was not done.
    pub(super) fn refused(&self, error: DynoxideError) -> Answer {
        let error = match (self.name, error) {
            // These three name the request's own fault in an envelope.
            (
                "PutItem" | "UpdateItem" | "DeleteItem",
                DynoxideError::EnvelopedValidation(message),
            ) => DynoxideError::ValidationException(format!(
                "1 validation error detected: {message}"
            )),
            (
                "ExecuteStatement",
                DynoxideError::ConditionalCheckFailedException(message, Some(item)),
            ) => DynoxideError::StatementConditionalCheckFailed(message, item),
            (_, error) => error,
        };
        Answer {
            status: error.status_code(),
            body: error.to_json().into_bytes(),
        }
    }
}

impl Answer {
    /// Whether the operation was done.
    pub(super) fn is_done(&self) -> bool {
        self.status == 200
    }

    /// To a table that is made later.
    pub(super) fn put_off() -> Self {
        Self {
            status: 200,
            body: b"{}".to_vec(),
        }
    }

    /// To a request that names no operation.
    pub(super) fn unknown_operation() -> Self {
        let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
        Self {
            status: 400,
            body: body.into(),
        }
    }
}

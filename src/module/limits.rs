//! DynamoDB's limits: all of those that modulo checks, to the byte.
//!
//! The source of each is a section of the page
//! [Constraints](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)
//! of the DynamoDB Developer Guide, unless it says another. DynamoDB's KB has 1,024 bytes.

use std::ops::RangeInclusive;

/// The size of an item, with the names of its attributes and its key:
/// [400 KB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items).
pub const ITEM_BYTES: usize = 409_600;

/// How deep a value may be within an item, where the value of an attribute is at level 1:
/// [32 levels](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes).
/// So at most 31 maps and lists are around a value, which is what AWS was seen to take in
/// [dynoxide#110](https://github.com/nubo-db/dynoxide/issues/110).
pub const LEVELS: usize = 32;

/// The value of a partition key, of a table or an index:
/// [2,048 bytes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys).
pub const PARTITION_KEY_BYTES: usize = 2_048;

/// The value of a sort key, of a table or an index:
/// [1,024 bytes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys).
pub const SORT_KEY_BYTES: usize = 1_024;

/// How many significant digits a number has:
/// [38](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-data-types).
pub const NUMBER_DIGITS: i64 = 38;

/// The power of ten of a number's first significant digit:
/// [from 1e-130 to 9.9…e125](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-data-types).
pub const NUMBER_EXPONENTS: RangeInclusive<i64> = -130..=125;

/// The name of an attribute, in bytes: "64 KB", as
/// [the reference of `PutItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html)
/// has it to the byte.
pub const ATTRIBUTE_NAME_BYTES: usize = 65_535;

/// The name of a key attribute, of a table or an index:
/// [255 bytes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes).
pub const KEY_NAME_BYTES: usize = 255;

/// The name of the attribute with an item's time to live, in bytes, as
/// [its reference](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TimeToLiveSpecification.html)
/// has it.
pub const TTL_NAME_BYTES: usize = 255;

/// The name of a table or an index:
/// [3 to 255 characters](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-naming-rules).
pub const NAME_CHARACTERS: RangeInclusive<usize> = 3..=255;

/// How many global secondary indexes a table has, unless AWS has raised it for the account:
/// [20](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-secondary-indexes).
pub const INDEXES: usize = 20;

/// The text of one expression:
/// [4 KB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters).
pub const EXPRESSION_BYTES: usize = 4_096;

/// The operators and functions of one expression:
/// [300](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters).
pub const EXPRESSION_OPERATORS: usize = 300;

/// How many items one `BatchGetItem` asks for:
/// [100](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api).
pub const BATCH_GETS: usize = 100;

/// How many items one `BatchWriteItem` writes:
/// [25](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api).
/// Of [`ITEM_BYTES`] each they stay within its 16 MB.
pub const BATCH_WRITES: usize = 25;

/// How many operations one transaction has:
/// [100](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-transactions).
pub const TRANSACTION_OPERATIONS: usize = 100;

/// The items of one transaction together:
/// [4 MB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-transactions).
pub const TRANSACTION_BYTES: usize = 4_194_304;

/// What one `Query` or `Scan` reads:
/// [1 MB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api).
pub const PAGE_BYTES: usize = 1_048_576;

// A batch in one request is one `BatchGetItem`, or one transaction.
const _: () = assert!(TRANSACTION_OPERATIONS <= BATCH_GETS);

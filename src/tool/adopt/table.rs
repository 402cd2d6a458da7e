//! What is known of a table, wherever that is written.

/// A table that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExistingTable {
    pub(super) name: String,
    /// The partition key, and the sort key if it has one.
    pub(super) key: Vec<Attribute>,
    /// The attribute that says when an item expires, if DynamoDB removes such items.
    pub(super) ttl: Option<String>,
    pub(super) indexes: Vec<ExistingIndex>,
    pub(super) owner: Owner,
}

/// An attribute that is a part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// In DynamoDB's words: `S`, `N` or `B`.
    pub(super) of_type: String,
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExistingIndex {
    pub(super) name: String,
    /// The attributes that it is divided by, of which there is usually one.
    pub(super) partition: Vec<Attribute>,
    /// The attributes that it is ordered by.
    pub(super) sort: Vec<Attribute>,
    /// In DynamoDB's words: `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub(super) projection: String,
    pub(super) is_local: bool,
}

/// Which stack made a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// The one of this name.
    Stack(String),
    /// The one of this template.
    Template(String),
    /// None.
    Nobody,
    /// The tags that say it could not be read.
    Unknown,
}

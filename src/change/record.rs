//! Records of a DynamoDB stream, as Lambda's events and `GetRecords` have them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::store::Typed;

/// An item's attributes in DynamoDB's JSON.
type Attributes = BTreeMap<String, Typed>;

/// Who deletes what has expired.
const EXPIRY: (&str, &str) = ("Service", "dynamodb.amazonaws.com");

/// One write of one item.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    #[serde(rename = "eventID")]
    id: String,
    #[serde(rename = "eventName")]
    name: Name,
    dynamodb: Write,
    #[serde(rename = "userIdentity", default)]
    identity: Option<Identity>,
}

/// Why a record does not say what has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the record {id} of the stream lacks the item as it was or as it is; the stream must have new and \
     old images"
)]
pub struct InvalidRecord {
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Name {
    Insert,
    Modify,
    Remove,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Write {
    /// In seconds.
    approximate_creation_date_time: f64,
    sequence_number: String,
    new_image: Option<Attributes>,
    old_image: Option<Attributes>,
}

/// Lambda's events and `GetRecords` spell its members differently.
#[derive(Debug, Clone, Deserialize)]
struct Identity {
    #[serde(rename = "type", alias = "Type", default)]
    kind: String,
    #[serde(rename = "principalId", alias = "PrincipalId", default)]
    principal: String,
}

impl Record {
    /// Its id, which is the same each time it is read.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands in its stream.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// About when the write was done, in seconds since 1970.
    pub(super) fn seconds(&self) -> f64 {
        self.dynamodb.approximate_creation_date_time
    }

    /// About when the write was done.
    pub(super) fn time(&self) -> SystemTime {
        let since_1970 = Duration::try_from_secs_f64(self.seconds());
        SystemTime::UNIX_EPOCH + since_1970.unwrap_or_default()
    }

    /// Whether DynamoDB has removed the item, since its time was over.
    pub(super) fn is_by_expiry(&self) -> bool {
        let identity = self.identity.as_ref();
        identity.is_some_and(|identity| (&*identity.kind, &*identity.principal) == EXPIRY)
    }

    /// The item as it was, and as it is.
    ///
    /// # Errors
    /// One is missing that the write must have.
    pub(super) fn into_images(
        self,
    ) -> Result<(Option<Attributes>, Option<Attributes>), InvalidRecord> {
        let Write {
            new_image,
            old_image,
            ..
        } = self.dynamodb;
        let is_whole = match self.name {
            Name::Insert => new_image.is_some(),
            Name::Modify => new_image.is_some() && old_image.is_some(),
            Name::Remove => old_image.is_some(),
        };
        if is_whole {
            Ok((old_image, new_image))
        } else {
            Err(InvalidRecord { id: self.id })
        }
    }
}

//! Writes that can be sent again without being done again.
//!
//! What is remembered is written in one transaction with the item, so that there is no moment in
//! which one of them is done and the other is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::item::Document;
use crate::item::id::ItemId;
use crate::module::IdempotencyTable;
use crate::module::name::ModuleName;
use crate::module::tenant::Tenant;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A client's name for a write, as the client's only: no caller can learn of another's, and no
/// module of another module's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be one header of 1 to {MAX_KEY_BYTES} visible characters of ASCII")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// The key that a caller has sent for a write of a module: a caller of a `tenant`, whose name is
    /// `subject`.
    ///
    /// # Errors
    /// It is empty, too long or not visible.
    pub fn new(
        key: &[u8],
        module: &ModuleName,
        subject: Option<&str>,
        tenant: Option<&Tenant>,
    ) -> Result<Self, InvalidKey> {
        if !(1..=MAX_KEY_BYTES).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            return Err(InvalidKey);
        }
        Ok(Self(hash([
            module.as_str().as_bytes(),
            subject.unwrap_or_default().as_bytes(),
            // Who is of two tenants is two callers.
            tenant.map_or("", Tenant::as_str).as_bytes(),
            key,
        ])))
    }

    /// The id under which the write is remembered.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A write that is to be done once, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentWrite {
    pub(crate) key: IdempotencyKey,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) table: IdempotencyTable,
}

impl IdempotentWrite {
    /// The write of `document` under these values of the table's key, empty where they are still to
    /// be made, which is remembered in `table`.
    pub(crate) fn new(
        key: IdempotencyKey,
        (partition, sort): (&str, Option<&str>),
        document: &Document,
        table: &IdempotencyTable,
    ) -> Self {
        let parts = [Some(partition), sort, Some(document.sent())];
        Self {
            key,
            fingerprint: Fingerprint(hash(parts.into_iter().flatten().map(str::as_bytes))),
            table: table.clone(),
        }
    }
}

/// What tells whether a write is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub(crate) String);

/// What was remembered of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) id: ItemId,
    pub(crate) was_created: bool,
    pub(crate) expires_at: Option<u64>,
}

/// A hash of the parts, of which none can run into the next.
fn hash<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

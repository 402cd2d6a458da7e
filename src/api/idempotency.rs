//! Writes that can be sent again without being done again: `Idempotency-Key`, as the IETF's draft
//! has it.
//!
//! What is remembered is written in one transaction with the item, so that there is no moment in
//! which one of them is done and the other is not.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::access::Caller;
use crate::item::{Document, ItemId};
use crate::module::tenant::Tenant;
use crate::module::{Memory, Module};

/// The header with the key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A client's name for a write, as the client's only: no caller can learn of another's, and no
/// module of another module's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Why a header has no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be one header of 1 to {MAX_KEY_BYTES} visible characters of ASCII")]
pub struct InvalidKey;

impl IdempotencyKey {
    fn of(
        headers: &HeaderMap,
        module: &Module,
        caller: &Caller,
    ) -> Result<Option<Self>, InvalidKey> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = values.next() else {
            return Ok(None);
        };
        let is_legal = (1..=MAX_KEY_BYTES).contains(&key.len())
            && key.as_bytes().iter().all(u8::is_ascii_graphic);
        if !is_legal || values.next().is_some() {
            return Err(InvalidKey);
        }
        Ok(Some(Self(hash([
            module.name().as_str().as_bytes(),
            caller.subject().unwrap_or_default().as_bytes(),
            // Who is of two tenants is two callers.
            caller.tenant().map_or("", Tenant::as_str).as_bytes(),
            key.as_bytes(),
        ]))))
    }

    /// The id under which the write is remembered.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A write that is to be done once, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub(crate) key: IdempotencyKey,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) memory: Memory,
}

/// What tells whether a write is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub(crate) String);

impl Once {
    /// What `caller` asks to be done once, if the request has a key and the module remembers any:
    /// the write of `document` under `id`, or under one that is still to be made.
    ///
    /// # Errors
    /// The request has more than one key, or one that is empty, too long or not visible.
    pub fn of(
        headers: &HeaderMap,
        module: &Module,
        caller: &Caller,
        id: Option<&ItemId>,
        document: &Document,
    ) -> Result<Option<Self>, InvalidKey> {
        let Some(memory) = module.memory() else {
            return Ok(None);
        };
        let key = IdempotencyKey::of(headers, module, caller)?;
        Ok(key.map(|key| Self {
            key,
            fingerprint: Fingerprint(hash([
                id.map_or("", ItemId::as_str).as_bytes(),
                document.sent().get().as_bytes(),
            ])),
            memory: memory.clone(),
        }))
    }
}

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

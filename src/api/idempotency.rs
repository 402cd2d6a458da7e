//! `Idempotency-Key`, as the IETF's draft has it: a write that can be sent again without being done
//! again.

use axum::http::HeaderMap;

use crate::access::Caller;
use crate::item::Document;
use crate::item::id::ItemId;
use crate::item::idempotency::{IdempotencyKey, IdempotentWrite, InvalidKey};
use crate::module::Module;

/// The header with the key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What `caller` asks to be done once, if the request has a key and the module remembers any:
/// the write of `document` under `id`, or under one that is still to be made.
///
/// # Errors
/// The request has more than one key, or one that is empty, too long or not visible.
pub(crate) fn once(
    headers: &HeaderMap,
    module: &Module,
    caller: &Caller,
    id: Option<&ItemId>,
    document: &Document,
) -> Result<Option<IdempotentWrite>, InvalidKey> {
    let Some(table) = module.idempotency() else {
        return Ok(None);
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(key), None) => key.as_bytes(),
        (Some(_), Some(_)) => return Err(InvalidKey),
    };
    let key = IdempotencyKey::new(key, module.name(), caller.subject(), caller.tenant())?;
    Ok(Some(IdempotentWrite::new(key, id, document, table)))
}

//! A tag of a text: two texts have the same one only if they are the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// How many bytes of the hash make the tag: two texts of one tag are not to be met by chance, nor
/// to be made.
const TAG_BYTES: usize = 16;

/// The tag of this text, of which an entity tag has the characters between its quotes.
pub(crate) fn of(text: &str) -> String {
    let hash = Sha256::digest(text);
    URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES])
}

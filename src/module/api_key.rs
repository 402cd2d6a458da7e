//! API keys, of which only hashes are known.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::module::name::{KeyName, Scope};
use crate::module::tenant::Tenant;

/// A caller's key, as `modules.toml` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose it is, for people to read.
    pub name: KeyName,
    /// The hash of the key.
    pub hash: KeyHash,
    /// What its owner may do.
    pub scopes: Vec<Scope>,
    /// The tenant that its owner is of.
    pub tenant: Option<Tenant>,
}

/// The SHA-256 of a key. It needs neither salt nor time: a key is random, unlike a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash(pub(crate) [u8; 32]);

/// Why a text is not a valid [`KeyHash`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyHash {
    /// It is not the form of a SHA-256.
    #[error("`sha256:` and 64 hexadecimal digits are needed")]
    Form,
    /// Everybody knows a key that has it.
    #[error("it is the hash of {0}; make a key with `modulo key`")]
    Known(&'static str),
}

/// The hashes of keys that nobody has drawn, which `sha256sum` was given by mistake or as an example:
/// nothing, the line end that `echo` adds, and the first example of the standard.
const KNOWN: [(&str, &str); 4] = [
    (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "an empty key",
    ),
    (
        "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
        "an empty line",
    ),
    (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "the key `abc`",
    ),
    (
        "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb",
        "the line `abc`",
    ),
];

impl KeyHash {
    const PREFIX: &str = "sha256:";

    pub(crate) fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

impl FromStr for KeyHash {
    type Err = InvalidKeyHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix(Self::PREFIX)
            .ok_or(InvalidKeyHash::Form)?;
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() || !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
            return Err(InvalidKeyHash::Form);
        }
        let known = KNOWN
            .iter()
            .find(|(known, _)| digits.eq_ignore_ascii_case(known));
        if let Some((_, name)) = known {
            return Err(InvalidKeyHash::Known(name));
        }
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte =
                u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| InvalidKeyHash::Form)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key that nobody has yet.
#[derive(Debug)]
pub struct NewKey(String);

impl NewKey {
    /// A random one.
    #[must_use]
    pub fn random() -> Self {
        // Version 4 UUIDs are the randomness that is at hand: 244 bits of it.
        let bytes = [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes.concat()))
    }

    /// The key, for its owner alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hash, for `modules.toml`.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_as_sha256sum_writes_it() {
        let hash = KeyHash::of(b"first").to_string();
        assert_eq!(
            hash,
            "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
        );
        assert_eq!(hash.parse(), Ok(KeyHash::of(b"first")));
        for wrong in [
            "",
            "sha256:",
            &hash[..70],
            &hash.replace("sha256", "md5"),
            &hash.replace('b', "é"),
        ] {
            let parsed = wrong.parse::<KeyHash>();
            assert_eq!(parsed, Err(InvalidKeyHash::Form), "{wrong}");
        }
    }

    #[test]
    fn a_key_that_everybody_knows_is_refused() {
        for (key, name) in [
            ("", "an empty key"),
            ("\n", "an empty line"),
            ("abc", "the key `abc`"),
            ("abc\n", "the line `abc`"),
        ] {
            let hash = KeyHash::of(key.as_bytes()).to_string();
            for hash in [&*hash, &hash.replace('e', "E")] {
                let parsed = hash.parse::<KeyHash>();
                assert_eq!(parsed, Err(InvalidKeyHash::Known(name)), "{hash}");
            }
        }
    }
}

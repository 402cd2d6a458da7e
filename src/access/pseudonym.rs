//! A name for somebody who is not to be named.

use std::fmt;

use sha2::{Digest, Sha256};

/// Stands for a name wherever it occurs: the beginning of its SHA-256, together with that of what
/// it is a name in. Whoever can guess the name can check the guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pseudonym([u8; 32]);

impl Pseudonym {
    /// What `name` is called, which `realm` knows.
    #[must_use]
    pub fn new(realm: &str, name: &str) -> Self {
        let hash = Sha256::new().chain_update(realm).chain_update([0]);
        Self(hash.chain_update(name).finalize().into())
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_name_and_realm() {
        let ana = Pseudonym::new("main", "ana").to_string();
        // printf 'main\0ana' | sha256sum | cut --characters=-16
        assert_eq!(ana, "f1e8770336d8e060");
        assert_ne!(ana, Pseudonym::new("partners", "ana").to_string());
        assert_ne!(ana, Pseudonym::new("mai", "nana").to_string());
    }
}

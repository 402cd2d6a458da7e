//! Signatures as RFC 7518 has them: those of the algorithms that are used here, checked by ring.

use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// An algorithm that tokens may be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
    Hs256,
}

impl Algorithm {
    /// The one that `alg` names. RFC 9864 gives `EdDSA` the name of the curve.
    pub(super) fn named(alg: &str) -> Option<Self> {
        match alg {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }
}

/// What is signed, and the signature of it.
#[derive(Clone, Copy)]
pub(super) struct Signed<'t> {
    pub(super) algorithm: Algorithm,
    /// What the signer calls the key, if it does.
    pub(super) key_id: Option<&'t str>,
    pub(super) message: &'t [u8],
    pub(super) signature: &'t [u8],
}

impl Signed<'_> {
    /// Whether the one who has `secret` has signed it, with HS256.
    pub(super) fn is_by_secret(self, secret: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, self.message, self.signature).is_ok()
    }

    /// Whether the owner of `key` has signed it, with the one algorithm that the key is for.
    pub(super) fn is_by(self, key: &PublicKey) -> bool {
        let (message, signature) = (self.message, self.signature);
        let outcome = match key {
            PublicKey::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            PublicKey::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            PublicKey::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
        };
        outcome.is_ok()
    }
}

/// A public key in the form that ring takes. Each kind is for one algorithm only.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Modulus and exponent, without zeros at their beginning.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256([u8; 65]),
    Ed25519([u8; 32]),
}

impl PublicKey {
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }
}

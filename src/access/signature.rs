//! Signatures as RFC 7518 has them: those of the algorithms that are used here, checked by ring.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// Whether `key` has signed `message`, with the one algorithm that keys of its kind are for:
/// RS256, ES256, `EdDSA` or HS256.
pub(super) fn is_by(key: &DecodingKey, message: &str, signature: &str) -> bool {
    let Ok(signature) = &URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let message = message.as_bytes();
    let outcome = match (key.family(), key.kind()) {
        (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let (n, e) = (number(n), number(e));
            let key = RsaPublicKeyComponents { n, e };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        }
        (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
        }
        (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
        }
        (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::verify(&key, message, signature)
        }
        (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(_))
        | (_, DecodingKeyKind::RsaModulusExponent { .. }) => return false,
    };
    outcome.is_ok()
}

/// Without the zeros that some issuers begin a number with, and ring refuses.
fn number(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

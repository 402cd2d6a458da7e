//! An issuer of tokens with a key of its own.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// A guard of all modules, to be put into a `modules.toml` beside which [`Issuer::jwks`] is.
pub const GUARD: &str = r#"
[service]
access = "main"

[access.main]
jwt = { issuer = "bench", audience = "modulo", jwks = "jwks.json" }
"#;

/// RS256, as most issuers sign.
pub struct Issuer(RsaKeyPair);

impl Issuer {
    /// With a new key.
    pub fn new() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).expect("there is randomness"))
    }

    /// Its JSON Web Key Set.
    pub fn jwks(&self) -> String {
        let key = self.0.public_key();
        let n = key.modulus().big_endian_without_leading_zero().to_vec();
        let e = key.exponent().big_endian_without_leading_zero().to_vec();
        let n = URL_SAFE_NO_PAD.encode(n);
        let e = URL_SAFE_NO_PAD.encode(e);
        json!({ "keys": [{ "kty": "RSA", "kid": "1", "n": n, "e": e }] }).to_string()
    }

    /// A token that does not expire while the bench runs.
    pub fn token(&self) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "1" }).to_string();
        let claims = json!({
            "iss": "bench",
            "aud": "modulo",
            "sub": "somebody",
            "scope": "openid profile rooms:read rooms:write",
            "exp": u32::MAX,
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("the key signs");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

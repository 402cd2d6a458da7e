//! One key of an issuer, as RFC 7517 writes it: a JSON Web Key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::signature::{Algorithm, PublicKey};

/// The lengths of a modulus that ring takes: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// A key that signatures can be checked with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// What tokens call it.
    pub(super) id: Option<String>,
    pub(super) public: PublicKey,
}

/// The members that are read; all others may be anything.
#[derive(Deserialize)]
struct Written {
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
}

impl Key {
    /// A key of a kind that is used here, and that is not for something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
        let public = written.public()?;
        let is_for_signatures = written.purpose.is_none_or(|purpose| purpose == "sig");
        let verifies = written
            .key_ops
            .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        let is_for_algorithm = written
            .alg
            .is_none_or(|alg| Algorithm::named(&alg) == Some(public.algorithm()));
        (is_for_signatures && verifies && is_for_algorithm).then_some(Self {
            id: written.kid,
            public,
        })
    }
}

impl Written {
    fn public(&self) -> Option<PublicKey> {
        match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (number(self.n.as_ref()?)?, number(self.e.as_ref()?)?);
                let is_usable = MODULUS_BYTES.contains(&n.len());
                is_usable.then_some(PublicKey::Rsa { n, e })
            }
            ("EC", Some("P-256")) => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&field_element(self.x.as_ref()?)?);
                point[33..].copy_from_slice(&field_element(self.y.as_ref()?)?);
                Some(PublicKey::P256(point))
            }
            ("OKP", Some("Ed25519")) => {
                let point = URL_SAFE_NO_PAD.decode(self.x.as_ref()?).ok()?;
                Some(PublicKey::Ed25519(point.try_into().ok()?))
            }
            _ => None,
        }
    }
}

/// Without the zeros that some issuers begin a number with, and ring refuses.
fn number(text: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Some(bytes)
}

/// A coordinate, with the zeros at its beginning that some issuers leave out.
fn field_element(text: &str) -> Option<[u8; 32]> {
    let bytes = number(text)?;
    let mut element = [0; 32];
    let at = element.len().checked_sub(bytes.len())?;
    element[at..].copy_from_slice(&bytes);
    Some(element)
}

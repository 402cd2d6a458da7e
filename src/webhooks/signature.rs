//! The signatures of Standard Webhooks.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::module::webhook::SigningKeys;

/// What the header `webhook-signature` holds: a signature by each key.
pub(super) fn signatures(keys: &SigningKeys, id: &str, timestamp: u64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let mut header = String::new();
    for key in keys.iter() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signature = hmac::sign(&key, signed.as_bytes());
        let separator = if header.is_empty() { "" } else { " " };
        let signature = STANDARD.encode(signature);
        write!(header, "{separator}v1,{signature}").expect("a text takes all");
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own tests.
    #[test]
    fn a_signature_is_as_the_specification_has_it() {
        let keys = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse::<SigningKeys>();
        let keys = keys.expect("a valid secret");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signatures = signatures(&keys, id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(
            signatures,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}

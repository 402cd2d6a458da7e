//! The JSON of requests and answers, and the error for what is no request.

use dynoxide::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the engine's `Deserialize` implementations begin a message with, and the error that it
/// stands for.
const MARKERS: [(&str, ErrorOf); 5] = [
    ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
    ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
    ("VALIDATION:", DynoxideError::ValidationException),
    (
        "SERIALIZATION_AS_READ:",
        DynoxideError::SerializationException,
    ),
    ("SERIALIZATION:", DynoxideError::SerializationException),
];

/// Makes an error of its message.
type ErrorOf = fn(String) -> DynoxideError;

/// A request, of its body.
pub(super) fn read<R: DeserializeOwned>(body: &[u8]) -> dynoxide::Result<R> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

/// The body of an answer.
pub(super) fn write(answer: &impl Serialize) -> dynoxide::Result<Vec<u8>> {
    serde_json::to_vec(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// DynamoDB's error for a body that is not what the operation takes.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let message = error.to_string();
    if error.is_syntax() || error.is_eof() {
        return if message.starts_with("recursion limit exceeded") {
            DynoxideError::ValidationException(
                "Nesting Levels have exceeded supported limits".to_owned(),
            )
        } else {
            DynoxideError::SerializationException(String::new())
        };
    }
    for (marker, kind) in MARKERS {
        if let Some(rest) = message.strip_prefix(marker) {
            let text = if marker.ends_with("_AS_READ:") {
                rest
            } else {
                without_position(rest)
            };
            return kind(text.to_owned());
        }
    }
    let says = |part: &str| message.contains(part);
    if says("missing field") || says("unknown variant") || says("invalid type: null") {
        DynoxideError::ValidationException(message)
    } else if says("empty AttributeValue") {
        DynoxideError::ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                .to_owned(),
        )
    } else if says("Supplied AttributeValue") {
        DynoxideError::ValidationException(without_position(&message).to_owned())
    } else {
        DynoxideError::SerializationException(without_position(&message).to_owned())
    }
}

/// Less `serde_json`'s ` at line 1 column 42`.
fn without_position(message: &str) -> &str {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(before, _)| before)
}

//! The headers of answers.

use serde_json::{Map, Value, json};

use super::{members, reference};

/// References to headers, by the names of their components.
pub(super) fn references(names: &[&str]) -> Value {
    let header = |name: &&str| {
        let field = match *name {
            "AcceptPatch" => "Accept-Patch",
            "RetryAfter" => "Retry-After",
            "WwwAuthenticate" => "WWW-Authenticate",
            "XRequestId" => "x-request-id",
            name => name,
        };
        (field.to_owned(), reference("headers", name))
    };
    names.iter().map(header).collect::<Map<_, _>>().into()
}

/// Every header of an answer.
pub(super) fn all() -> Map<String, Value> {
    let header = |description: &str| {
        let schema = json!({ "type": "string" });
        json!({ "description": description, "required": true, "schema": schema })
    };
    members(json!({
        "AcceptPatch": {
            "description": "To a PATCH only: the media types of a patch.",
            "schema": { "type": "string" },
        },
        "Allow": header("The methods that are served."),
        "ETag": header("The entity tag of the document, for `If-Match` and `If-None-Match`."),
        "Location": header("The path of the new item."),
        "RetryAfter": {
            "description": "How many seconds to wait.",
            "required": true,
            "schema": { "type": "integer" },
        },
        "WwwAuthenticate": header("What has to be shown, as RFC 6750 has it."),
        "XRequestId": header("The request's id, by which its line is found in the log."),
    }))
}

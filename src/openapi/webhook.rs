//! What webhooks are sent, as the description's `webhooks` say it.

use serde_json::{Value, json};

use super::schema::{self, Kind as Shape};
use super::{object, operation_id};
use crate::change::{Kind, MEDIA_TYPE};
use crate::module::Module;

/// The request that is sent for each change of a module's items, by a name; none of a module
/// without webhooks.
pub(super) fn of(module: &Module) -> Option<(String, Value)> {
    if module.webhooks().is_empty() {
        return None;
    }
    let name = module.name().as_str();
    let header = |name: &str, description: &str| {
        json!({
            "name": name,
            "in": "header",
            "required": true,
            "description": description,
            "schema": { "type": "string" },
        })
    };
    let operation = json!({
        "operationId": operation_id("changed", module),
        "tags": [name],
        "summary": "Be told of a change",
        "description": "Sent for each change of an item, to the URLs that the configuration names, \
            and again until it is accepted: the same event can come twice, under the same id. Those \
            of one item come in order. Signed as Standard Webhooks 1.0 has it.",
        "parameters": [
            header("webhook-id", "The event's id."),
            header("webhook-timestamp", "When it was sent, in seconds since 1970."),
            header(
                "webhook-signature",
                "`v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, with a `.` \
                 between; several, with spaces between, while a secret is replaced.",
            ),
        ],
        "requestBody": {
            "required": true,
            "content": { MEDIA_TYPE: { "schema": event(module) } },
        },
        "responses": {
            "204": { "description": "The event is accepted, as by any status from 200 to 299." },
            "410": { "description": "The event is not wanted, and not sent again." },
        },
        "security": [],
    });
    Some((format!("{name}.changed"), json!({ "post": operation })))
}

fn event(module: &Module) -> Value {
    let kinds = Kind::ALL.map(Kind::event_type);
    let text = || json!({ "type": "string" });
    // Of those that webhooks are sent, some may have a part of the members only.
    let has_fields = module.webhooks().iter().any(|hook| hook.fields().is_some());
    let shape = if has_fields {
        Shape::Part
    } else {
        Shape::Document
    };
    let document = |description: &str| {
        json!({
            "description": description,
            "anyOf": [schema::of_module(module, shape), { "type": "null" }],
        })
    };
    let mut data = json!({
        "module": { "const": module.name().as_str() },
        "id": schema::id(module),
        "before": document("The document before the change, if there was one."),
        "after": document("The document after the change, if there is one."),
    });
    if module.tenant().is_some() {
        data["tenant"] = text();
    }
    object(&json!({
        "specversion": { "const": "1.0" },
        "id": text(),
        "source": { "type": "string", "format": "uri-reference" },
        "type": { "enum": kinds },
        "subject": text(),
        "time": { "type": "string", "format": "date-time" },
        "datacontenttype": { "const": "application/json" },
        "data": object(&data),
    }))
}

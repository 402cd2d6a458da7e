//! What is answered to a call: its responses, by status.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::schema::Kind;
use super::{
    header, may_have_key, media_type, members, object, operation_id, reference, refusal, schema,
    security,
};
use crate::api::error::ApiError;
use crate::item::members::Members;
use crate::module::call::{Body, Call};
use crate::module::{Envelope, Module, Storage, Verb};

/// All responses to `call`.
pub(super) fn of(call: Call, module: &Module) -> Value {
    let mut responses = Map::new();
    let mut insert = |status: StatusCode, response| {
        responses.insert(status.as_str().to_owned(), response);
    };
    for (status, response) in done(call, module) {
        insert(status, response);
    }
    if call == Call::Get {
        insert(StatusCode::NOT_MODIFIED, common(NOT_MODIFIED));
    }
    let may_be_unfit = module.schema().is_some() && call.row().body != Body::None;
    let further = [
        (
            security::of(call, module).is_some(),
            StatusCode::UNAUTHORIZED,
        ),
        (
            security::may_be_forbidden(call, module),
            StatusCode::FORBIDDEN,
        ),
        (module.rate_limit().is_some(), StatusCode::TOO_MANY_REQUESTS),
        (
            may_be_unfit || may_have_key(call, module),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ];
    let further = further.iter().filter(|(applies, _)| *applies);
    let further = further.map(|(_, status)| *status);
    for status in refusals(call).into_iter().chain(further) {
        insert(status, refusal::response(module.envelope(), status));
    }
    responses.into()
}

/// A reference to an answer that calls share.
pub(super) fn common(name: &str) -> Value {
    reference("responses", name)
}

/// The answers that calls share, other than errors.
pub(super) fn shared() -> Map<String, Value> {
    let answer = |description: &str, names: &[&str]| json!({ "description": description, "headers": header::references(names) });
    members(json!({
        NOT_MODIFIED: answer("The client has it already.", &["ETag", "XRequestId"]),
        METHODS: answer("`Allow` says which methods are served.", &["Allow", "XRequestId"]),
        HEAD: answer("As GET answers, without its body.", &["XRequestId"]),
    }))
}

pub(super) const NOT_MODIFIED: &str = "NotModified";
const METHODS: &str = "Methods";
const HEAD: &str = "Head";

/// The responses to OPTIONS.
pub(super) fn of_options(envelope: Envelope) -> Value {
    json!({ "204": common(METHODS), "431": headers_too_large(envelope) })
}

/// The responses to HEAD, from those to GET.
pub(super) fn without_content(responses: &Value) -> Value {
    let statuses = responses.as_object().into_iter().flat_map(Map::keys);
    let answers = statuses.map(|status| (status.clone(), common(HEAD)));
    answers.collect::<Map<_, _>>().into()
}

/// What any path can answer.
pub(super) fn headers_too_large(envelope: Envelope) -> Value {
    refusal::response(envelope, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

/// The statuses of all errors that `call` can end in, whatever its module, in their order.
fn refusals(call: Call) -> Vec<StatusCode> {
    let row = call.row();
    let own = row.refusals.iter();
    let own = own.map(|&status| StatusCode::from_u16(status).expect("the table has statuses"));
    let of_preconditions = row
        .has_preconditions
        .then_some(StatusCode::PRECONDITION_FAILED);
    let of_body: &[_] = match row.body {
        Body::None => &[],
        Body::Document | Body::Patch | Body::Batch => &[
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ],
    };
    let of_all = [
        StatusCode::BAD_REQUEST,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    let statuses = own.chain(of_preconditions).chain(of_all);
    let mut statuses: Vec<_> = statuses.chain(of_body.iter().copied()).collect();
    statuses.sort_unstable();
    statuses
}

/// Whether a PATCH is answered with the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Always,
    /// To those who may read it.
    Sometimes,
    Never,
}

impl Shown {
    fn to_patch(module: &Module) -> Self {
        if !module.verbs().contains(Verb::Get) {
            return Self::Never;
        }
        let may_all_read = module.access().is_none_or(|access| {
            let needed = access.scopes(Verb::Patch);
            let has_scopes = || {
                access
                    .scopes(Verb::Get)
                    .iter()
                    .all(|scope| needed.contains(scope))
            };
            let public = access.public();
            public.contains(Verb::Get) || !public.contains(Verb::Patch) && has_scopes()
        });
        if may_all_read {
            Self::Always
        } else {
            Self::Sometimes
        }
    }
}

/// The responses to a call that was done, by status.
fn done(call: Call, module: &Module) -> Vec<(StatusCode, Value)> {
    let shown = match call {
        Call::Patch => Shown::to_patch(module),
        _ => Shown::Always,
    };
    let (description, header_names): (_, &[_]) = match call {
        Call::Patch if shown != Shown::Always => (
            "Written; the document is shown to those who may read it",
            &["XRequestId"],
        ),
        Call::List | Call::ListPartition => ("A page of items", &["XRequestId"]),
        Call::Create | Call::CreateIn => ("Created", &["Location", "ETag", "XRequestId"]),
        Call::Get => ("The item", &["ETag", "XRequestId"]),
        Call::History => ("A page of versions", &["XRequestId"]),
        Call::Post | Call::Put | Call::Patch => ("Written", &["ETag", "XRequestId"]),
        Call::Delete => ("Deleted, or not there", &["XRequestId"]),
        Call::Batch => ("The operations' answers", &["XRequestId"]),
    };
    let mut response =
        json!({ "description": description, "headers": header::references(header_names) });
    let body = match module.envelope() {
        Envelope::Verb => Some(verbed(call, module)),
        Envelope::Plain => plain(call, module),
    };
    if let Some(body) = body {
        response["content"] = json!({ "application/json": body });
    }
    if matches!(call, Call::List | Call::ListPartition) {
        let next = match module.envelope() {
            Envelope::Verb => "$response.body#/LIST/next",
            Envelope::Plain => "$response.body#/next",
        };
        let mut parameters = json!({ "cursor": next });
        if call == Call::ListPartition {
            parameters["partition"] = "$request.path.partition".into();
        }
        response["links"] = json!({
            "next": {
                "operationId": operation_id(call.row().word, module),
                "parameters": parameters,
                "description": "The next page, if `next` is a text.",
            },
        });
    }
    match (module.envelope(), call) {
        (_, Call::Create | Call::CreateIn) => vec![(StatusCode::CREATED, response)],
        (Envelope::Plain, Call::Delete) => vec![(StatusCode::NO_CONTENT, response)],
        (Envelope::Plain, Call::Patch) if shown != Shown::Always => {
            let mut empty = response.clone();
            if let Some(members) = empty.as_object_mut() {
                members.remove("content");
            }
            let full = (shown == Shown::Sometimes).then_some((StatusCode::OK, response));
            full.into_iter()
                .chain([(StatusCode::NO_CONTENT, empty)])
                .collect()
        }
        (Envelope::Plain, Call::Post | Call::Put) => {
            let mut created = response.clone();
            created["description"] = "Created".into();
            vec![(StatusCode::OK, response), (StatusCode::CREATED, created)]
        }
        _ => vec![(StatusCode::OK, response)],
    }
}

/// Schema and example of an answer in the verb envelope.
fn verbed(call: Call, module: &Module) -> Value {
    let word = call.name();
    let keyed = |others| schema::keyed(module, others);
    let example = |others| schema::keyed_example(module, others);
    let bare = || json!({});
    let document = schema::example(module);
    let text = document.as_ref().map(Value::to_string);
    let (text, updated, set) = match module.storage() {
        Storage::Json => {
            let text_schema = json!({ "type": "string", "contentMediaType": "application/json" });
            let data = object(&json!({ "S": text_schema }));
            let set = json!({ "data": { "S": text } });
            (text, object(&json!({ "data": data })), set)
        }
        Storage::Document => {
            let members = document.clone();
            let members = members.and_then(|members| Members::parse(members, module, None).ok());
            let set = members.as_ref().map(|members| json!(members.notation()));
            let text = members.map(|members| members.to_text());
            let updated = json!({ "type": "object", "additionalProperties": true });
            (text, updated, json!(set))
        }
    };
    let item = example(json!({ "data": text.clone() }));
    let (described, example) = match call {
        Call::List | Call::ListPartition => (
            schema::of_module(module, Kind::Page),
            json!({ "items": [item], "next": null }),
        ),
        Call::Get => (schema::of_module(module, Kind::Item), item),
        Call::History => (
            object(&keyed(schema::versions(module))),
            example(json!({ "versions": [version_example("data", &json!(text))], "next": null })),
        ),
        Call::Create | Call::CreateIn | Call::Post => (
            object(&keyed(
                json!({ "data": schema::of_module(module, Kind::Document) }),
            )),
            example(json!({ "data": document })),
        ),
        Call::Patch if Shown::to_patch(module) == Shown::Never => {
            (object(&keyed(bare())), example(bare()))
        }
        Call::Patch if Shown::to_patch(module) == Shown::Sometimes => {
            let mut described = object(&keyed(bare()));
            described["properties"]["item"] = updated;
            (described, example(json!({ "item": set })))
        }
        Call::Put | Call::Patch => (
            object(&keyed(json!({ "item": updated }))),
            example(json!({ "item": set })),
        ),
        Call::Delete => (schema::of_module(module, Kind::Key), example(bare())),
        Call::Batch => (
            results(module),
            json!({
                "results": [
                    { "status": 200, "PUT": example(bare()) },
                    { "status": 404, "ERROR": { "message": ApiError::NoSuchItem.to_string() } },
                ],
            }),
        ),
    };
    let example = document.is_some().then(|| json!({ word: example }));
    media_type(&object(&json!({ word: described })), example)
}

/// The same of a plain answer, if it has a body.
fn plain(call: Call, module: &Module) -> Option<Value> {
    let document = schema::shown_example(module);
    let (described, example) = match call {
        Call::List | Call::ListPartition => (
            schema::of_module(module, Kind::Page),
            json!({
                "items": [{ "id": schema::example_id(module, 1), "item": document }],
                "next": null,
            }),
        ),
        Call::Batch => (
            results(module),
            json!({
                "results": [
                    { "id": schema::example_id(module, 1), "status": 204 },
                    {
                        "id": schema::example_id(module, 2),
                        "status": 404,
                        "problem": refusal::body(Envelope::Plain, &ApiError::NoSuchItem),
                    },
                ],
            }),
        ),
        Call::History => (
            object(&schema::versions(module)),
            json!({ "versions": [version_example("item", &json!(document))], "next": null }),
        ),
        Call::Delete => return None,
        Call::Create | Call::CreateIn | Call::Post | Call::Put | Call::Get | Call::Patch => {
            (schema::of_module(module, Kind::Document), json!(document))
        }
    };
    Some(media_type(
        &described,
        document.is_some().then_some(example),
    ))
}

/// A version in the examples.
fn version_example(name: &str, document: &Value) -> Value {
    json!({ "kind": "created", "time": "2026-11-28T22:30:00.000Z", name: document })
}

/// The object of a batch's answer.
fn results(module: &Module) -> Value {
    let result = schema::of_module(module, Kind::Result);
    object(&json!({ "results": { "type": "array", "items": result } }))
}

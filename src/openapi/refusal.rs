//! The answers of errors, by status, in each envelope that a module has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{header, reference, schema};
use crate::access::rate_limit::TooOften;
use crate::access::{Caller, Identity};
use crate::api::envelope;
use crate::api::error::{ApiError, Panic, UnsupportedMediaType};
use crate::api::middleware::MAX_HEADER_BYTES;
use crate::item::InvalidDocument;
use crate::item::list::InvalidQuery;
use crate::item::patch::{InvalidPatch, Patch, PatchType};
use crate::item::schema::Schema;
use crate::module::schema::SchemaSource;
use crate::module::{Envelope, Module, Verb};

/// A reference to the response of an error of this status.
pub(super) fn response(envelope: Envelope, status: StatusCode) -> Value {
    reference("responses", &name(envelope, status))
}

/// Those of both envelopes.
pub(super) fn all(modules: &[&Module]) -> impl Iterator<Item = (String, Value)> {
    [Envelope::Verb, Envelope::Plain]
        .into_iter()
        .flat_map(|envelope| responses(envelope, modules))
}

fn name(envelope: Envelope, status: StatusCode) -> String {
    let kind = schema::error_name(envelope);
    let reason = status.canonical_reason().unwrap_or_default();
    format!("{kind}.{}", reason.replace(' ', ""))
}

fn responses(
    envelope: Envelope,
    modules: &[&Module],
) -> impl Iterator<Item = (String, Value)> + use<> {
    let mut by_status: BTreeMap<StatusCode, Vec<ApiError>> = BTreeMap::new();
    for error in samples().chain(samples_of(modules)) {
        by_status.entry(error.status()).or_default().push(error);
    }
    by_status.into_iter().map(move |(status, errors)| {
        let examples: Map<_, _> = (1..)
            .zip(errors)
            .map(|(number, error)| {
                let value = body(envelope, &error);
                (number.to_string(), json!({ "value": value }))
            })
            .collect();
        let headers: &[_] = match status {
            StatusCode::METHOD_NOT_ALLOWED => &["Allow", "XRequestId"],
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                &["RetryAfter", "XRequestId"]
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => &["WwwAuthenticate", "XRequestId"],
            StatusCode::UNSUPPORTED_MEDIA_TYPE => &["AcceptPatch", "XRequestId"],
            _ => &["XRequestId"],
        };
        let media_type = match envelope {
            Envelope::Verb => "application/json",
            Envelope::Plain => "application/problem+json",
        };
        let schema = schema::common(schema::error_name(envelope));
        let response = json!({
            "description": status.canonical_reason(),
            "headers": header::references(headers),
            "content": { media_type: { "schema": schema, "examples": examples } },
        });
        (name(envelope, status), response)
    })
}

/// What tells of an error.
pub(super) fn body(envelope: Envelope, error: &ApiError) -> Value {
    let (_, text) = envelope::error_body(envelope, error);
    serde_json::from_str(&text).unwrap_or_default()
}

/// Those of what only some modules ask for.
fn samples_of(modules: &[&Module]) -> impl Iterator<Item = ApiError> {
    let any = |has: fn(&Module) -> bool| modules.iter().any(|module| has(module));
    let too_often = any(|module| module.rate_limit().is_some())
        .then_some(ApiError::TooOften(TooOften(Duration::from_secs(1))));
    let reused = any(|module| module.idempotency().is_some()).then_some(ApiError::KeyReused);
    let accesses: Vec<_> = modules
        .iter()
        .filter_map(|module| module.access())
        .collect();
    let unknown = accesses.first().map(|access| access.guard().unknown());
    let unscoped = accesses.iter().find_map(|access| {
        let mut verbs = Verb::ALL.iter();
        verbs.find_map(|&verb| {
            access
                .permit(verb, &Caller::Known(Identity::default()))
                .err()
        })
    });
    let of_no_tenant = accesses
        .iter()
        .find_map(|access| access.tenant_of(&Identity::default()).err());
    let denied = unknown.into_iter().chain(unscoped).chain(of_no_tenant);
    let denied = denied.map(ApiError::Denied);
    too_often.into_iter().chain(reused).chain(denied)
}

/// One error or more of every status.
fn samples() -> impl Iterator<Item = ApiError> {
    let not_json = serde_json::from_str::<Value>(r#"{"chairs": }"#).err();
    let patch = br#"[{"op":"remove","path":"/chairs"}]"#;
    let misfit = Patch::parse(patch, PatchType::Operations)
        .ok()
        .and_then(|patch| patch.apply(Some("{}"), Module::DEFAULT_MAX_BYTES).err());
    let stored = Patch::parse(b"{}", PatchType::Merge).ok();
    let stored = stored.and_then(|patch| patch.apply(Some(r#"{"a":1,"a":2}"#), 100).err());
    let nameless = SchemaSource::Inline(Arc::new(json!({ "required": ["name"] })));
    let nameless = Schema::new(nameless).check(&json!({}));
    let unfit = nameless.err();
    let form = UnsupportedMediaType::Type("application/x-www-form-urlencoded".to_owned());
    [
        ApiError::MissingData,
        ApiError::EmptyingPatch,
        InvalidQuery::Limit("0".to_owned()).into(),
        ApiError::NoSuchItem,
        ApiError::MethodNotAllowed {
            allow: HeaderValue::from_static("POST, OPTIONS"),
        },
        ApiError::PreconditionFailed,
        ApiError::DocumentTooLarge {
            size: Module::DEFAULT_MAX_BYTES + 1,
            limit: Module::DEFAULT_MAX_BYTES,
        },
        ApiError::UnsupportedMediaType(form),
        ApiError::InvalidPatch(InvalidPatch::Ambiguous),
        ApiError::HeadersTooLarge {
            size: MAX_HEADER_BYTES + 1,
            limit: MAX_HEADER_BYTES,
        },
        ApiError::Contended,
        ApiError::OutOfTime,
        ApiError::Panic(Panic("")),
    ]
    .into_iter()
    .chain(not_json.map(|error| InvalidDocument::NotJson(error).into()))
    .chain(misfit.into_iter().chain(stored).map(ApiError::Misfit))
    .chain(unfit.map(|unfit| InvalidDocument::Unfit(unfit).into()))
}

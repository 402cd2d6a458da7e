//! What callers have to show: the guards as security schemes, and which of them a call asks for.

use serde_json::{Map, Value, json};

use crate::access::X_API_KEY;
use crate::api::batch::Batch;
use crate::module::Module;
use crate::module::call::Call;
use crate::module::guard::{Credential, Jwt};
use crate::module::name::Scope;

/// The guards of `modules`, each once.
pub(super) fn schemes(modules: &[&Module]) -> Map<String, Value> {
    let guards = modules.iter().filter_map(|module| module.access());
    let schemes = guards.map(|access| {
        let guard = access.guard();
        let scheme = match guard.credential() {
            Credential::Jwt(jwt) => {
                let mut scheme = json!({
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": token(jwt),
                });
                if let Some(claim) = &jwt.scopes_claim {
                    scheme["x-modulo"] = json!({ "scopes": claim.names().collect::<Value>() });
                }
                scheme
            }
            Credential::Key(_) => json!({
                "type": "apiKey",
                "in": "header",
                "name": X_API_KEY.as_str(),
                "description": "A key that the API's owner has made.",
            }),
        };
        (guard.name().to_string(), scheme)
    });
    schemes.collect()
}

fn token(jwt: &Jwt) -> String {
    const TOKEN: &str = "A token of the API's issuer.";
    match &jwt.scopes_claim {
        Some(claim) => format!("{TOKEN} Its scopes are what its claim `{claim}` has."),
        None => TOKEN.to_owned(),
    }
}

/// What `call` asks of its callers: nothing, if it is open to everybody. Scopes are in its
/// description: OpenAPI can list them for OAuth 2 only, where it wants to know more of the issuer.
pub(super) fn of(call: Call, module: &Module) -> Option<Value> {
    let access = module.access()?;
    let required = json!({ access.guard().name().as_str(): [] });
    match call.row().verb {
        Some(verb) if access.public().contains(verb) => None,
        // Each operation of a batch asks for what its verb does; if one is public, so is the call.
        None if Batch::verbs()
            .iter()
            .any(|verb| access.public().contains(verb)) =>
        {
            Some(json!([required, {}]))
        }
        _ => Some(json!([required])),
    }
}

/// The scopes that a caller needs for `call`; those for a batch's operations differ.
pub(super) fn scopes(call: Call, module: &Module) -> &[Scope] {
    match (module.access(), call.row().verb) {
        (Some(access), Some(verb)) if !access.public().contains(verb) => access.scopes(verb),
        _ => &[],
    }
}

/// Whether who is known may still not be let in, for lack of a scope or of a tenant; an atomic batch
/// is refused for any of its operations.
pub(super) fn may_be_forbidden(call: Call, module: &Module) -> bool {
    if module.tenant().is_some() {
        return true;
    }
    let verb = call.row().verb;
    let verbs = verb.map_or_else(Batch::verbs, |verb| [verb].into_iter().collect());
    let access = module.access();
    access.is_some_and(|access| verbs.iter().any(|verb| !access.scopes(verb).is_empty()))
}

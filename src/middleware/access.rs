//! The access layer: nobody gets past it to what a module does not let them do, and nothing of a
//! request's body is read before.

use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::around::{Inner, Next};
use super::log::Seen;
use crate::access::Caller;
use crate::batch::Batch;
use crate::error::ApiError;
use crate::router::{Mount, Resource};

/// Finds out who sends the request, and whether they may.
pub(super) async fn guard(request: Request, next: Next<impl Inner>) -> Response {
    let (mut parts, body) = request.into_parts();
    match check(&mut parts).await {
        Ok(caller) => {
            // A batch asks again, for each of its operations.
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn check(request: &mut Parts) -> Result<Caller, ApiError> {
    let caller = admit(request).await?;
    count(request, &caller)?;
    confine(request, &caller)?;
    Ok(caller)
}

/// Counts the request, where a module limits how many there may be.
fn count(request: &Parts, caller: &Caller) -> Result<(), ApiError> {
    let mount = request.extensions.get::<Mount>();
    let Some(limit) = mount.and_then(|mount| mount.module.rate_limit()) else {
        return Ok(());
    };
    // Browsers ask by themselves what they may do.
    if request.method != Method::OPTIONS {
        let address = request.extensions.get().copied();
        limit.count(caller, address).map_err(ApiError::TooOften)?;
    }
    Ok(())
}

async fn admit(request: &Parts) -> Result<Caller, ApiError> {
    let Some(mount) = request.extensions.get::<Mount>() else {
        return Ok(Caller::Anonymous);
    };
    let Some(access) = mount.module.access() else {
        return Ok(Caller::Anonymous);
    };
    let guard = access.guard();
    if mount.resource == Resource::Batch && request.method == Method::POST {
        let caller = access.identify(&request.headers).await?;
        Seen::note(request, guard, &caller);
        let mut verbs = Batch::verbs().iter();
        if caller == Caller::Anonymous && !verbs.any(|verb| access.public().contains(verb)) {
            return Err(ApiError::Denied(guard.unknown()));
        }
        return Ok(caller);
    }
    match mount.verb(&request.method) {
        Some(verb) if !access.public().contains(verb) => {
            let caller = access.identify(&request.headers).await?;
            Seen::note(request, guard, &caller);
            access.permit(verb, &caller).map_err(ApiError::Denied)?;
            Ok(caller)
        }
        // Public; or not served at all, which is no secret: OPTIONS tells it to everybody.
        _ => Ok(Caller::Anonymous),
    }
}

/// Leaves a caller no more of a module than its tenant's items, where the module has tenants.
fn confine(request: &mut Parts, caller: &Caller) -> Result<(), ApiError> {
    let mount = request.extensions.get_mut::<Mount>();
    if let (Some(mount), Caller::Known(identity)) = (mount, caller)
        && let Some(access) = mount.module.access()
        && let Some(tenant) = access.tenant_of(identity).map_err(ApiError::Denied)?
    {
        mount.store = mount.store.confined_to(tenant);
    }
    Ok(())
}

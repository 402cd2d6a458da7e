//! The access layer: nobody gets past it to what a module does not let them do, and nothing of a
//! request's body is read before.

use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::around::{Inner, Next};
use super::log::Seen;
use crate::access::rate_limit::RateLimit;
use crate::access::{Authenticator, Caller, Refused};
use crate::api::batch::Batch;
use crate::api::error::ApiError;
use crate::api::mount::Mount;
use crate::module::claim_path::ClaimPath;

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
    let Some(mount) = request.extensions.get::<Mount>() else {
        return Ok(Caller::Anonymous);
    };
    // Browsers ask by themselves what they may do, and without a credential.
    if request.method == Method::OPTIONS {
        return Ok(Caller::Anonymous);
    }
    let limit = mount.collection.rate_limit();
    let caller = match mount.collection.authenticator() {
        Some(guard) => identify(request, guard, mount.module().tenant(), limit).await?,
        None => Caller::Anonymous,
    };
    if let Some(limit) = limit {
        let address = request.extensions.get().copied();
        limit.count(&caller, address).map_err(ApiError::TooOften)?;
    }
    permit(mount, &caller)?;
    admit(request, &caller)?;
    Ok(caller)
}

/// Finds out who sends the request. A credential that is shown must be right, also where none is
/// needed: what is done is done in its owner's name.
async fn identify(
    request: &Parts,
    authenticator: &Authenticator,
    tenant: Option<&ClaimPath>,
    limit: Option<&RateLimit>,
) -> Result<Caller, ApiError> {
    let address = request.extensions.get().copied();
    if let Some(limit) = limit.filter(|_| authenticator.guard().is_shown(&request.headers)) {
        // Before the credential is looked at: to check a signature is dear.
        limit.check_failures(address).map_err(ApiError::TooOften)?;
    }
    let identified = authenticator.identify(&request.headers, tenant).await;
    if let (Err(Refused::Denied(_)), Some(limit)) = (&identified, limit) {
        limit.count_failure(address).map_err(ApiError::TooOften)?;
    }
    let caller = identified?;
    Seen::note(request, authenticator.guard(), &caller);
    Ok(caller)
}

/// Makes sure that the caller may do what the request asks for.
fn permit(mount: &Mount, caller: &Caller) -> Result<(), ApiError> {
    // That a call is not served is no secret: OPTIONS says so to everybody.
    let (Some(access), Some(call)) = (mount.module().access(), mount.call) else {
        return Ok(());
    };
    if let Some(verb) = call.row().verb {
        return access.permit(verb, caller).map_err(ApiError::Denied);
    }
    // A batch: each of its operations asks again.
    let mut verbs = Batch::verbs().iter();
    if *caller == Caller::Anonymous && !verbs.any(|verb| access.public().contains(verb)) {
        return Err(ApiError::Denied(access.guard().unknown()));
    }
    Ok(())
}

/// Lets a caller reach a module's items: no more than its tenant's, where the module has tenants.
fn admit(request: &mut Parts, caller: &Caller) -> Result<(), ApiError> {
    let Some(mount) = request.extensions.get_mut::<Mount>() else {
        return Ok(());
    };
    let tenant = match (mount.module().access(), caller) {
        (Some(access), Caller::Known(identity)) => {
            access.tenant_of(identity).map_err(ApiError::Denied)?
        }
        _ => None,
    };
    mount.admit(tenant, caller.subject());
    Ok(())
}

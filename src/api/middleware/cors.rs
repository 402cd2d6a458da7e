//! The CORS layer: around all that can refuse a request, so that a page can read why.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ETAG, HeaderName, LOCATION,
    ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};

use super::around::{Inner, Next};
use crate::api::mount::Mount;
use crate::config::Config;
use crate::module::Module;
use crate::module::cors::{Cors, Origin};

/// What a page of another origin may read of an answer, beside what the standard lets it.
const EXPOSED: [HeaderName; 6] = [
    ETAG,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-request-id"),
];

/// The layers of a configuration, one for each list of origins.
#[derive(Debug)]
pub(super) struct Layers {
    service: Option<Arc<Cors>>,
    made: Vec<(Arc<Cors>, CorsLayer)>,
}

impl Layers {
    /// Makes a layer once, however many modules have it from `[defaults]` or `[service]`.
    pub(super) fn new(config: &Config) -> Self {
        let service = config.service.cors.clone();
        let named = config.modules.iter().map(|module| &module.cors);
        let mut made: Vec<(Arc<Cors>, CorsLayer)> = Vec::new();
        for cors in named.chain([&service]).flatten() {
            if !made.iter().any(|(known, _)| Arc::ptr_eq(known, cors)) {
                made.push((Arc::clone(cors), layer(cors)));
            }
        }
        Self { service, made }
    }

    /// That of a module, or of the function's own paths.
    fn find(&self, module: Option<&Module>) -> Option<CorsLayer> {
        let cors = match module {
            Some(module) => module.cors.as_ref(),
            None => self.service.as_ref(),
        }?;
        let mut made = self.made.iter();
        let (_, layer) = made.find(|(known, _)| Arc::ptr_eq(known, cors))?;
        Some(layer.clone())
    }
}

/// What answers preflights, and gives the other answers their headers.
fn layer(cors: &Cors) -> CorsLayer {
    let origins = cors.origins();
    let allowed = if origins.contains(&Origin::Any) {
        AllowOrigin::from(Any)
    } else {
        let origins = origins.iter().map(|origin| origin.to_string().try_into());
        AllowOrigin::list(origins.filter_map(Result::ok))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        // A request's headers do no more than its method does. There are no cookies to guard:
        // a page that has no token or key of its own sends none.
        .allow_headers(AllowHeaders::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(cors.max_age())
}

/// Answers a browser's preflight, and lets pages of the named origins read what is answered: those
/// that the module names, or on the function's own paths the service.
pub(super) async fn share(
    layers: Arc<Layers>,
    request: Request,
    next: Next<impl Inner>,
) -> Response {
    let mount = request.extensions().get::<Mount>();
    let Some(layer) = layers.find(mount.map(|mount| &**mount.module())) else {
        return next.run(request).await;
    };
    let is_preflight = request.method() == Method::OPTIONS;
    let headers = request.headers();
    if is_preflight
        && !(headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))
    {
        return next.run(request).await;
    }
    let allow = mount.filter(|_| is_preflight).map(Mount::allow);
    let inner = service_fn(|request| {
        let next = next.clone();
        async { Ok::<_, Infallible>(next.run(request).await) }
    });
    let answered = layer.layer(inner).oneshot(request).await;
    let mut response = answered.unwrap_or_else(|never| match never {});
    if is_preflight {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if let Some(allow) = allow {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        headers.insert(ALLOW, allow);
    }
    response
}

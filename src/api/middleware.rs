//! The layers around the router, from the outside in, on one page.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

use self::catch_panic::catch_panic;
use self::limit_body::limit_body;
use self::limit_request::limit_head_and_time;
use self::log::Observer;
use self::request_id::MakeId;
use crate::api::router::Routes;
use crate::config::Config;

pub(crate) use self::around::around;
pub(crate) use self::limit_request::MAX_HEADER_BYTES;
pub use self::limit_request::keep_time;

mod access;
pub(crate) mod around;
mod base_path;
mod cache;
mod catch_panic;
mod cors;
mod limit_body;
mod limit_request;
mod log;
mod refusal;
mod request_id;
pub(crate) mod validate;

/// The whole function as one service.
pub type App = BoxCloneSyncService<Request, Response, Infallible>;

/// Puts the layers around `routes`; `mount` finds the module of a request.
pub(crate) fn stack<M>(mount: M, config: &Config, routes: Routes) -> App
where
    M: Fn(Request) -> Request + Clone + Send + Sync + 'static,
{
    let base_path = config.service.base_path.clone().map(|base_path| {
        around(move |request, next| base_path::take_off(base_path.clone(), request, next))
    });
    let cors = config.has_cors().then(|| {
        let layers = Arc::new(cors::Layers::new(config));
        around(move |request, next| cors::share(Arc::clone(&layers), request, next))
    });
    let observer = Observer::new(&config.service);
    let layers = ServiceBuilder::new()
        .option_layer(base_path)
        .map_response(cache::forbid_sniffing)
        .map_request(request_id::drop_strange)
        // So far out, so that everything inside, the log above all, has the id.
        .layer(SetRequestIdLayer::x_request_id(MakeId))
        .map_request(mount)
        // Sees every answer, that to a panic included.
        .layer(around(move |request, next| {
            log::log(Arc::clone(&observer), request, next)
        }))
        .layer(PropagateRequestIdLayer::x_request_id())
        // Around all that can refuse a request, so that a page can read why.
        .option_layer(cors)
        // Around all that can refuse a request, since the module says how a refusal looks.
        .layer(around(refusal::render))
        .layer(around(catch_panic))
        .layer(around(limit_head_and_time))
        // Within the time limit, since an issuer's keys may have to be fetched.
        .layer(around(access::guard))
        .layer(around(limit_body))
        // The validation layer is inside: it is of the modules' paths only.
        .service(routes);
    App::new(layers)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use http_body_util::BodyExt;
    use tower::{ServiceExt, service_fn};

    use super::request_id::X_REQUEST_ID;
    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    #[tokio::test]
    async fn a_panic_is_answered_as_every_error_is() {
        async fn broken(_: Request) -> Result<Response, Infallible> {
            panic!("of {}", "a bug")
        }
        let text = "[modules.rooms]\nkey = 'roomId'";
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let app = stack(
            |request: Request| request,
            &config.unwrap(),
            Routes::new(service_fn(broken)),
        );
        let request = Request::get("/").header(X_REQUEST_ID, "known");
        let answer = app
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[X_REQUEST_ID], "known");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"ERROR":{"message":"Internal error"}}"#);
    }
}

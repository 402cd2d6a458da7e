//! Every path and verb, on one page.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};

use crate::error::ApiError;
use crate::handler;
use crate::middleware::validate;
use crate::module::{Module, Modules, Verb};
use crate::store::Store;

/// A module as it is mounted: all that its handlers can reach.
#[derive(Debug)]
pub struct Mount {
    /// The module.
    pub module: Arc<Module>,
    /// The store its table is in.
    pub store: Store,
    /// The path of the module itself.
    pub collection: Resource,
    /// The paths of its items.
    pub item: Resource,
}

/// One kind of path of a module.
#[derive(Debug)]
pub struct Resource {
    /// The path for people to read, with `{id}` for the id.
    pub route: String,
    /// The methods that are served on it, as `Allow` names them.
    pub allow: HeaderValue,
}

impl Mount {
    fn new(module: &Arc<Module>, store: &Store) -> Arc<Self> {
        let name = module.name();
        let resource = |route: String, verbs: &[(Verb, &'static str)]| Resource {
            route,
            allow: allow(module, verbs),
        };
        Arc::new(Self {
            collection: resource(
                format!("/{name}"),
                &[(Verb::List, "GET, HEAD"), (Verb::Post, "POST")],
            ),
            item: resource(
                format!("/{name}/{{id}}"),
                &[
                    (Verb::Get, "GET, HEAD"),
                    (Verb::Post, "POST"),
                    (Verb::Put, "PUT"),
                    (Verb::Patch, "PATCH"),
                    (Verb::Delete, "DELETE"),
                ],
            ),
            module: Arc::clone(module),
            store: store.clone(),
        })
    }

    /// An item's id in a path of this module, still percent-encoded.
    #[must_use]
    pub fn raw_id<'p>(&self, path: &'p str) -> &'p str {
        &path["/".len() + self.module.name().as_str().len() + "/".len()..]
    }
}

fn allow(module: &Module, verbs: &[(Verb, &'static str)]) -> HeaderValue {
    let served = verbs
        .iter()
        .filter(|(verb, _)| module.verbs().contains(*verb));
    let methods: Vec<_> = served
        .map(|(_, methods)| *methods)
        .chain(["OPTIONS"])
        .collect();
    HeaderValue::from_str(&methods.join(", ")).expect("methods are ASCII")
}

/// Mounts each module at `/<module>`, `/<module>/` and `/<module>/<id>`.
///
/// Which verbs a module serves is the validation layer's to say, so that the routes are the same
/// for all.
pub fn router(modules: &Modules, store: &Store) -> Router {
    let items: MethodRouter<Arc<Mount>> = get(handler::get)
        .post(handler::post)
        .put(handler::put)
        .patch(handler::patch)
        .delete(handler::delete)
        .options(handler::options_of_item);
    let collections: MethodRouter<Arc<Mount>> = get(handler::list)
        .post(handler::create)
        .put(handler::missing_id)
        .patch(handler::missing_id)
        .delete(handler::missing_id)
        .options(handler::options_of_collection);

    modules
        .iter()
        .fold(Router::new(), |router, module| {
            let mount = Mount::new(module, store);
            let collection = collections
                .clone()
                .layer(from_fn_with_state(Arc::clone(&mount), validate::collection))
                .with_state(Arc::clone(&mount));
            let item = items
                .clone()
                .layer(from_fn_with_state(Arc::clone(&mount), validate::item))
                .with_state(mount);
            let name = module.name();
            router
                .route(&format!("/{name}"), collection.clone())
                .route(&format!("/{name}/"), collection)
                .route(&format!("/{name}/{{*id}}"), item)
        })
        .fallback(async || ApiError::NotFound)
}

//! The whole function, put together.

use std::sync::Arc;

use axum::Router;

use crate::api::middleware::{self, App};
use crate::api::router::{self, Routes};
use crate::api::{health, mount};
use crate::config::Config;
use crate::item::collection::Collections;
use crate::openapi::docs;
use crate::store::Store;

/// The whole function: the routes of `config` inside the layers, over `store`.
#[must_use]
pub fn app(config: &Arc<Config>, store: &Store) -> App {
    let collections = Arc::new(Collections::new(&config.modules));
    let mount = mount::mount(&collections, store);
    middleware::stack(mount, config, routes(config, store, None))
}

/// All paths: the modules', those that say whether the function runs, the description's, and the
/// console's where there is one.
pub(crate) fn routes(config: &Arc<Config>, store: &Store, console: Option<Router>) -> Routes {
    let docs = docs::router(config, console.is_some());
    let own = health::router(config, store).merge(docs);
    router::router(own.merge(console.unwrap_or_default()))
}

//! The whole function, put together.

use std::sync::Arc;

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
    middleware::stack(mount, config, routes(config, store))
}

/// All paths: the modules', those that say whether the function runs, and the description's.
pub(crate) fn routes(config: &Arc<Config>, store: &Store) -> Routes {
    router::router(health::router(config, store).merge(docs::router(config)))
}

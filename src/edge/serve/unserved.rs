//! Modules that are not served, since the keys of their tables do not fit: DynamoDB would refuse
//! each request, or answer with items that modulo misreads.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::Layer;

use super::changes::{self, Changes};
use crate::api::error::ApiError;
use crate::api::middleware::around::{Inner, Next, around};
use crate::api::middleware::{self, App};
use crate::api::mount::{self, Mount};
use crate::api::router::Routes;
use crate::app;
use crate::config::Config;
use crate::console;
use crate::item::collection::Collections;
use crate::local::Found;
use crate::module::name::ModuleName;
use crate::store::{Store, Unready};

/// Their names. Shared, so that a module that is served again stays so when another is edited.
#[derive(Debug, Clone, Default)]
pub(super) struct Unserved(Arc<RwLock<HashSet<ModuleName>>>);

impl Unserved {
    /// Those of `found` that no request can be done for.
    pub(super) fn new(found: &Found) -> Self {
        let names = found
            .iter()
            .filter(|(_, unusable)| unusable.is_of_the_key());
        let names = names.map(|(name, _)| name.clone()).collect();
        Self(Arc::new(RwLock::new(names)))
    }

    /// [`crate::app`] with the console and the changes, which answers 503 to requests for these
    /// modules.
    pub(super) fn app(
        &self,
        config: &Arc<Config>,
        collections: &Arc<Collections>,
        store: &Store,
        changes: &Changes,
    ) -> App {
        let unserved = self.clone();
        let refuse = around(move |request, next| refuse(unserved.clone(), request, next));
        let changes = changes.clone();
        let listen = around(move |request, next| changes::answer(changes.clone(), request, next));
        let console = config.service.console.then(|| console::router(config));
        let router = listen.layer(app::routes(config, store, console));
        let router = Routes::new(refuse.layer(router));
        let mount = mount::mount(collections, store);
        let mount = move |request| mount(changes::as_list(request));
        middleware::stack(mount, config, router)
    }

    fn contains(&self, module: &ModuleName) -> bool {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.contains(module)
    }

    fn remove(&self, module: &ModuleName) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.remove(module);
    }
}

/// Looks at the table again, which another program may have made anew.
async fn refuse<S: Inner>(unserved: Unserved, request: Request, next: Next<S>) -> Response {
    let mount = request.extensions().get::<Mount>();
    let Some(mount) = mount.filter(|mount| unserved.contains(mount.module().name())) else {
        return next.run(request).await;
    };
    let name = mount.module().name().clone();
    let (store, module) = (mount.store.clone(), Arc::clone(mount.module()));
    match store.check(module.table()).await {
        Err(unusable) if unusable.is_of_the_key() => ApiError::Unready {
            unready: Arc::new(Unready::new(vec![(name, unusable)])),
            // The client has named it.
            is_open: true,
        }
        .into_response(),
        // The request itself reports any other fault.
        _ => {
            unserved.remove(&name);
            next.run(request).await
        }
    }
}

//! Whether the function runs, and whether it can serve: what load balancers and deployments ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::api::error::ApiError;
use crate::api::own_path::only;
use crate::config::Config;
use crate::module::Table;
use crate::module::name::ModuleName;
use crate::store::{Store, Unready, Unusable};

/// The path that says that the function runs.
pub const LIVE: &str = "/_health";

/// The path that says whether it can serve.
pub const READY: &str = "/_health/ready";

/// Which of the two a path is.
pub(crate) fn probe(path: &str) -> Option<&'static str> {
    [LIVE, READY].into_iter().find(|probe| *probe == path)
}

/// How long a finding is answered again: frequent checks must not cost much.
const READY_LASTS: Duration = Duration::from_secs(10);
const UNREADY_LASTS: Duration = Duration::from_secs(2);

/// How long the tables of some modules may take to be asked for, and how many those are.
const TIME_LIMIT: Duration = Duration::from_secs(3);
const AT_ONCE: usize = 16;

/// What was found, and when.
type Finding = (Instant, Result<(), Arc<Unready>>);

#[derive(Debug)]
struct Readiness {
    config: Arc<Config>,
    store: Store,
    /// Locked while tables are asked for, so that they are asked for once.
    last: Mutex<Option<Finding>>,
}

impl Readiness {
    async fn get(&self) -> Result<(), Arc<Unready>> {
        let mut last = self.last.lock().await;
        if let Some((found, result)) = &*last {
            let lasts = if result.is_ok() {
                READY_LASTS
            } else {
                UNREADY_LASTS
            };
            if found.elapsed() < lasts {
                return result.clone();
            }
        }
        let result = self.find().await.map_err(Arc::new);
        *last = Some((Instant::now(), result.clone()));
        result
    }

    /// Asks for every table, until some can't be used: where one can't be asked for,
    /// waiting for a thousand others helps nobody.
    async fn find(&self) -> Result<(), Unready> {
        let mut tables = self.config.modules.tables();
        loop {
            let mut some = JoinSet::new();
            for table in tables.by_ref().take(AT_ONCE) {
                some.spawn(check(self.store.clone(), table.clone()));
            }
            if some.is_empty() {
                return Ok(());
            }
            let mut unusable: Vec<_> = some.join_all().await.into_iter().flatten().collect();
            if !unusable.is_empty() {
                unusable.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                return Err(Unready::new(unusable));
            }
        }
    }
}

async fn check(store: Store, table: Table) -> Option<(ModuleName, Unusable)> {
    let checked = tokio::time::timeout(TIME_LIMIT, store.check(&table)).await;
    let reason = checked.unwrap_or(Err(Unusable::Silent)).err()?;
    Some((table.owner, reason))
}

/// The two paths.
pub fn router(config: &Arc<Config>, store: &Store) -> Router {
    let readiness = Readiness {
        config: Arc::clone(config),
        store: store.clone(),
        last: Mutex::default(),
    };
    Router::new()
        .route(LIVE, only(get(async || status("live"))))
        .route(READY, only(get(ready)))
        .with_state(Arc::new(readiness))
}

/// `GET /_health/ready`
async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<impl IntoResponse, ApiError> {
    match readiness.get().await {
        Ok(()) => Ok(status("ready")),
        Err(unready) => Err(ApiError::Unready {
            unready,
            // As is the description, which names them all.
            is_open: readiness.config.service.docs,
        }),
    }
}

fn status(status: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, format!(r#"{{"status":"{status}"}}"#))
}

//! The module that a request's path leads to.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderValue;

use crate::api::answer_limit::AnswerLimit;
use crate::api::error::ApiError;
use crate::api::invocation::Invocation;
use crate::item::collection::{Collection, Collections};
use crate::item::id::{InvalidItemId, ItemId};
use crate::module::Module;
use crate::module::call::{Call, PathKind};
use crate::module::tenant::Tenant;
use crate::store::{Items, Store};

/// The module that a request's path leads to, and what the request asks of it.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The module.
    pub module: Arc<Module>,
    /// What runs for it.
    pub collection: Arc<Collection>,
    /// The store its table is in.
    pub store: Store,
    /// Its items, as far as the caller can reach them: none before the access layer has said whose
    /// they are.
    items: Option<Items>,
    /// Which of the module's paths it is.
    pub path: PathKind,
    /// What the request asks for, if the module serves it. OPTIONS, which every path serves, is
    /// none.
    pub call: Option<Call>,
    /// How long the answer can be; without a front door, as long as in Lambda.
    pub answer_limit: AnswerLimit,
    /// Where in the request's path the id begins.
    id_at: usize,
}

impl Mount {
    /// Finds the module of a path. That it is found once, by its name and before all else, is why
    /// the last of a thousand modules costs no more than the only one, and why every layer knows
    /// in which envelope to answer.
    fn find(collections: &Collections, store: &Store, request: &Request) -> Option<Self> {
        let whole = request.uri().path();
        let path = whole.strip_prefix('/')?;
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let (name, path) = match (first, rest) {
            ("_batch", name) => (name, PathKind::Batch),
            (name, "") => (name, PathKind::Collection),
            (name, _) => (name, PathKind::Item),
        };
        let collection = Arc::clone(collections.find(name)?);
        let module = Arc::clone(collection.module());
        let call = Call::find(path, request.method().as_str());
        let invocation = request.extensions().get::<Invocation>();
        Some(Self {
            collection,
            store: store.clone(),
            items: None,
            path,
            call: call.filter(|call| call.is_served(module.verbs())),
            answer_limit: invocation.map_or(AnswerLimit::Lambda, |found| found.answer_limit),
            id_at: whole.len() - rest.len(),
            module,
        })
    }

    /// The path for people to read, with `{id}` for the id.
    #[must_use]
    pub fn route(&self) -> impl fmt::Display {
        self.path.of(self.module.name(), "{id}")
    }

    /// The methods that the module serves here.
    #[must_use]
    pub fn allow(&self) -> HeaderValue {
        allow(self.path.methods(self.module.verbs()))
    }

    /// Why a method is refused that the module does not serve here.
    #[must_use]
    pub fn not_allowed(&self) -> ApiError {
        ApiError::MethodNotAllowed {
            allow: self.allow(),
        }
    }

    /// Leads to the items of `tenant`, or to all where the module has no tenants. To be called by
    /// the access layer, and by nothing else.
    pub(crate) fn admit(&mut self, tenant: Option<Tenant>) {
        self.items = self.store.items(&self.module, tenant);
    }

    /// The items that the caller can reach.
    ///
    /// # Errors
    /// No access layer has let the caller in.
    pub fn items(&self) -> Result<&Items, ApiError> {
        self.items.as_ref().ok_or(ApiError::NotFound)
    }

    /// The tenant whose items the caller can reach, where the module has tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.items.as_ref()?.tenant()
    }

    /// The id in `path`, which is that of the request.
    ///
    /// # Errors
    /// There is none, or it is not valid.
    pub fn id_in(&self, path: &str) -> Result<ItemId, ApiError> {
        if self.path != PathKind::Item {
            return Err(ApiError::MissingId(self.module.key().clone()));
        }
        self.id(ItemId::from_path(&path[self.id_at..]))
    }

    /// An item's id, if it is valid and the table has room for it.
    ///
    /// # Errors
    /// It is not valid, or longer than this caller's can be.
    pub fn id(&self, id: Result<ItemId, InvalidItemId>) -> Result<ItemId, ApiError> {
        let id = id.and_then(|id| match self.tenant() {
            Some(tenant) => id.within(tenant.max_id_bytes()),
            None => Ok(id),
        });
        id.map_err(|invalid| ApiError::InvalidId {
            key: self.module.key().clone(),
            invalid,
        })
    }
}

/// `Allow`: these methods, HEAD with GET, and OPTIONS.
pub(crate) fn allow(methods: impl Iterator<Item = &'static str>) -> HeaderValue {
    let methods = methods.map(|method| if method == "GET" { "GET, HEAD" } else { method });
    let methods: Vec<_> = methods.chain(["OPTIONS"]).collect();
    HeaderValue::from_str(&methods.join(", ")).expect("methods are ASCII")
}

/// Puts the [`Mount`] that a request's path leads to into its extensions.
pub fn mount(
    collections: &Arc<Collections>,
    store: &Store,
) -> impl Fn(Request) -> Request + Clone + use<> {
    let (collections, store) = (Arc::clone(collections), store.clone());
    move |mut request| {
        if let Some(mount) = Mount::find(&collections, &store, &request) {
            request.extensions_mut().insert(mount);
        }
        request
    }
}

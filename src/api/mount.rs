//! The module that a request's path leads to.

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};

use crate::api::answer_limit::AnswerLimit;
use crate::api::error::ApiError;
use crate::api::invocation::Invocation;
use crate::item::collection::{Collection, Collections};
use crate::item::id::{InvalidItemId, ItemId};
use crate::module::tenant::Tenant;
use crate::module::{Module, Verb};
use crate::store::{Items, Store};
use crate::telemetry::metric;

/// The module that a request's path leads to: all that its handler can reach.
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
    pub resource: Resource,
    /// How long the answer can be; without a front door, as long as in Lambda.
    pub answer_limit: AnswerLimit,
}

/// One kind of path of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `/<module>`
    Collection,
    /// `/<module>/<id>`
    Item,
    /// `/_batch/<module>`
    Batch,
}

impl Resource {
    /// The methods that can be served on it, each with the verb that a module must have for it.
    const fn methods(self) -> &'static [(Verb, &'static str)] {
        match self {
            Self::Collection => &[(Verb::List, "GET, HEAD"), (Verb::Post, "POST")],
            Self::Item => &[
                (Verb::Get, "GET, HEAD"),
                (Verb::Post, "POST"),
                (Verb::Put, "PUT"),
                (Verb::Patch, "PATCH"),
                (Verb::Delete, "DELETE"),
            ],
            Self::Batch => &[],
        }
    }
}

impl Mount {
    /// Finds the module of a path. That it is found once, by its name and before all else, is why
    /// the last of a thousand modules costs no more than the only one, and why every layer knows
    /// in which envelope to answer.
    fn find(collections: &Collections, store: &Store, request: &Request) -> Option<Self> {
        let path = request.uri().path().strip_prefix('/')?;
        let (name, resource) = match path.split_once('/') {
            Some(("_batch", name)) => (name, Resource::Batch),
            None | Some((_, "")) => (path.trim_end_matches('/'), Resource::Collection),
            Some((name, _)) => (name, Resource::Item),
        };
        let collection = Arc::clone(collections.find(name)?);
        let invocation = request.extensions().get::<Invocation>();
        Some(Self {
            module: Arc::clone(collection.module()),
            collection,
            store: store.clone(),
            items: None,
            resource,
            answer_limit: invocation.map_or(AnswerLimit::Lambda, |found| found.answer_limit),
        })
    }

    /// The path for people to read, with `{id}` for the id.
    #[must_use]
    pub fn route(&self) -> impl fmt::Display {
        let (before, after) = match self.resource {
            Resource::Collection => ("", ""),
            Resource::Item => ("", "/{id}"),
            Resource::Batch => ("/_batch", ""),
        };
        fmt::from_fn(move |f| write!(f, "{before}/{}{after}", self.module.name()))
    }

    /// What a method does here, if the module serves it.
    #[must_use]
    pub fn verb(&self, method: &Method) -> Option<Verb> {
        let verb = match (self.resource, method) {
            (Resource::Batch, _) => None,
            (Resource::Item, &(Method::GET | Method::HEAD)) => Some(Verb::Get),
            (Resource::Collection, &(Method::GET | Method::HEAD)) => Some(Verb::List),
            (_, &Method::POST) => Some(Verb::Post),
            (_, &Method::PUT) => Some(Verb::Put),
            (_, &Method::PATCH) => Some(Verb::Patch),
            (_, &Method::DELETE) => Some(Verb::Delete),
            _ => None,
        };
        verb.filter(|&verb| self.module.verbs().contains(verb))
    }

    /// What a request does here, for those who count: a verb of the module, or a batch.
    #[must_use]
    pub fn deed(&self, method: &Method) -> Option<&'static str> {
        if self.resource == Resource::Batch {
            return (method == Method::POST).then_some(metric::BATCH);
        }
        self.verb(method).map(Verb::as_str)
    }

    /// The methods that the module serves here.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "methods are ASCII")]
    pub fn allow(&self) -> HeaderValue {
        let verbs = self.module.verbs();
        let methods = self.resource.methods().iter();
        let served = methods.filter(|(verb, _)| verbs.contains(*verb));
        let post = (self.resource == Resource::Batch).then_some("POST");
        let names = served.map(|(_, names)| *names).chain(post);
        let names: Vec<_> = names.chain(["OPTIONS"]).collect();
        HeaderValue::from_str(&names.join(", ")).expect("methods are ASCII")
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

    /// An item's id, if the table has room for it.
    ///
    /// # Errors
    /// It is longer than this caller's can be.
    pub fn check_id(&self, id: &ItemId) -> Result<(), InvalidItemId> {
        match self.tenant() {
            Some(tenant) => id.check(tenant.max_id_bytes(), self.module.key()),
            None => Ok(()),
        }
    }

    /// An item's id in a path of this module, still percent-encoded.
    #[must_use]
    pub fn raw_id<'p>(&self, path: &'p str) -> &'p str {
        &path["/".len() + self.module.name().as_str().len() + "/".len()..]
    }
}

impl<S: Sync> FromRequestParts<S> for Mount {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.remove().ok_or(ApiError::NotFound)
    }
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

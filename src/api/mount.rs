//! The module that a request's path leads to.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderValue;

use crate::api::answer_limit::AnswerLimit;
use crate::api::error::ApiError;
use crate::api::invocation::Invocation;
use crate::item::collection::{Collection, Collections};
use crate::item::id::{InvalidItemId, InvalidKeyValue, ItemId, Partition};
use crate::module::call::{Call, PathKind};
use crate::module::tenant::Tenant;
use crate::module::{KeyType, Module};
use crate::store::{Items, Store};

/// The module that a request's path leads to, and what the request asks of it.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The module, with what runs for it.
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
        let (of, name, rest) = match first {
            "_batch" => (Some(PathKind::Batch), rest, rest),
            "_history" => {
                let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
                (Some(PathKind::History), name, rest)
            }
            _ => (None, first, rest),
        };
        let collection = Arc::clone(collections.find(name)?);
        let module = collection.module();
        let path = of.unwrap_or_else(|| PathKind::of_rest(rest, module.key()));
        if !path.is_in(module) {
            return None;
        }
        let call = Call::find(path, request.method().as_str())
            .filter(|call| call.is_served(module.verbs()));
        let invocation = request.extensions().get::<Invocation>();
        Some(Self {
            collection,
            store: store.clone(),
            items: None,
            path,
            call,
            answer_limit: invocation.map_or(AnswerLimit::Lambda, |found| found.answer_limit),
            id_at: whole.len() - rest.len(),
        })
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        self.collection.module()
    }

    /// The path for people to read, with `{id}` for the id, or `{partition}` and `{sort}`.
    #[must_use]
    pub fn route(&self) -> impl fmt::Display {
        let ids = self.module().key().placeholders();
        self.path.of(self.module().name(), ids)
    }

    /// The methods that the module serves here.
    #[must_use]
    pub fn allow(&self) -> HeaderValue {
        allow(
            self.path
                .methods(self.module().verbs(), self.module().key()),
        )
    }

    /// Why a method is refused that the module does not serve here.
    #[must_use]
    pub fn not_allowed(&self) -> ApiError {
        ApiError::MethodNotAllowed {
            allow: self.allow(),
        }
    }

    /// Leads to the items of `tenant`, or to all where the module has no tenants; `writer` is who
    /// the caller is, if that is known. To be called by the access layer, and by nothing else.
    pub(crate) fn admit(&mut self, tenant: Option<Tenant>, writer: Option<&str>) {
        self.items = self.store.items(self.module(), tenant, writer);
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

    /// Makes sure that the table has room for an id.
    ///
    /// # Errors
    /// It is longer than this caller's can be.
    pub fn check_id(&self, id: &ItemId) -> Result<(), InvalidItemId> {
        match self.tenant() {
            Some(tenant) => id.check(tenant.max_id_bytes(), self.module().key()),
            None => Ok(()),
        }
    }

    /// The id in `path`, which is that of the request.
    ///
    /// # Errors
    /// There is none, or it is not valid.
    pub fn id_in(&self, path: &str) -> Result<ItemId, ApiError> {
        let id = ItemId::from_path(&path[self.id_at..], self.module().key());
        let id = id.map_err(missing)?;
        self.check_id(&id)?;
        Ok(id)
    }

    /// The partition key in `path`, which is that of the request.
    ///
    /// # Errors
    /// There is none, or it is not valid.
    pub fn partition_in(&self, path: &str) -> Result<Partition, ApiError> {
        let raw = &path[self.id_at..];
        let raw = raw.strip_suffix('/').unwrap_or(raw);
        let partition = Partition::from_path(raw, self.module().key()).map_err(missing)?;
        if let Some(tenant) = self.tenant() {
            partition.check(tenant.max_id_bytes(), self.module().key())?;
        }
        Ok(partition)
    }

    /// A new id.
    ///
    /// # Errors
    /// The path has no partition key, or the id would be a number.
    pub fn new_id(&self) -> Result<ItemId, ApiError> {
        let key = self.module().key();
        let partition = key.partition();
        match (key.sort(), partition.key_type) {
            (None, KeyType::S) => Ok(ItemId::new()),
            (None, KeyType::N) => Err(ApiError::MissingNumber(partition.attribute.clone())),
            (Some(_), _) => Err(ApiError::MissingId(partition.attribute.clone())),
        }
    }

    /// A new id in the partition of `path`, which is that of the request.
    ///
    /// # Errors
    /// The path has no valid partition key, or the sort key would be a number.
    pub fn new_id_in(&self, path: &str) -> Result<ItemId, ApiError> {
        let partition = self.partition_in(path)?;
        match self.module().key().sort() {
            Some(sort) if sort.key_type == KeyType::N => {
                Err(ApiError::MissingNumber(sort.attribute.clone()))
            }
            _ => Ok(ItemId::new_in(partition)),
        }
    }
}

/// Why there is no id: an empty value is a missing one.
fn missing(invalid: InvalidItemId) -> ApiError {
    match invalid.reason {
        InvalidKeyValue::Empty => ApiError::MissingId(invalid.attribute),
        _ => invalid.into(),
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

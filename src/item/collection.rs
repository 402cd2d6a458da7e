//! What runs for the modules.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::access::rate_limit::RateLimit;
use crate::item::schema::Schema;
use crate::module::name::ModuleName;
use crate::module::{Module, Modules};

/// A module with what runs for it: made once of its data, and carried over by a reload as far as the
/// data did not change.
#[derive(Debug)]
pub struct Collection {
    module: Arc<Module>,
    schema: Option<Arc<Schema>>,
    limit: Option<Arc<RateLimit>>,
}

impl Collection {
    /// Made of a module, and of what ran for it `before` as far as it had the same data.
    #[must_use]
    pub fn new(module: &Arc<Module>, before: Option<&Self>) -> Self {
        let schema = module.schema().map(|source| {
            let before = before.and_then(|before| before.schema.as_ref());
            let same = before.filter(|schema| schema.source() == source);
            same.map_or_else(|| Arc::new(Schema::new(source.clone())), Arc::clone)
        });
        // Each module counts for itself, also one that has its limit from `[defaults]`.
        let limit = module.rate_limit().map(|rate| {
            let before = before.and_then(|before| before.limit.as_ref());
            let same = before.filter(|limit| limit.rate() == rate);
            same.map_or_else(|| Arc::new(RateLimit::new(rate)), Arc::clone)
        });
        Self {
            module: Arc::clone(module),
            schema,
            limit,
        }
    }

    /// What `modules.toml` says of it.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// What its documents have to fit.
    #[must_use]
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// How often each caller may call it, and has called it.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.limit.as_deref()
    }
}

/// What runs for the modules of a configuration.
#[derive(Debug)]
pub struct Collections(IndexMap<ModuleName, Arc<Collection>>);

impl Collections {
    /// All of it anew.
    #[must_use]
    pub fn new(modules: &Modules) -> Self {
        Self::made(modules, |_| None)
    }

    /// For an edited configuration: what did not change since `before` goes on as it is.
    #[must_use]
    pub fn again(modules: &Modules, before: &Self) -> Self {
        Self::made(modules, |name| before.find(name.as_str()))
    }

    fn made<'b>(
        modules: &Modules,
        before: impl Fn(&ModuleName) -> Option<&'b Arc<Collection>>,
    ) -> Self {
        let made = modules.iter().map(|module| {
            let before = before(module.name()).map(|before| &**before);
            let collection = Arc::new(Collection::new(module, before));
            (module.name().clone(), collection)
        });
        Self(made.collect())
    }

    /// That of the module whose name is this text.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Collection>> {
        self.0.get(name)
    }
}

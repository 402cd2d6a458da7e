//! What runs for the modules.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::access::Authenticator;
use crate::access::rate_limit::RateLimit;
use crate::item::schema::Schema;
use crate::module::guard::Guard;
use crate::module::name::{GuardName, ModuleName};
use crate::module::{Module, Modules};

/// A module with what runs for it: made once of its data, and carried over by a reload as far as the
/// data did not change.
#[derive(Debug)]
pub struct Collection {
    module: Arc<Module>,
    authenticator: Option<Arc<Authenticator>>,
    schema: Option<Arc<Schema>>,
    limit: Option<Arc<RateLimit>>,
}

impl Collection {
    /// Made of a module alone.
    #[must_use]
    pub fn new(module: &Arc<Module>) -> Self {
        Self::made(module, None, &mut Authenticators::default())
    }

    /// Made of a module, and of what ran for it `before` as far as it had the same data.
    fn made(
        module: &Arc<Module>,
        before: Option<&Self>,
        authenticators: &mut Authenticators,
    ) -> Self {
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
        let access = module.access();
        Self {
            module: Arc::clone(module),
            authenticator: access.map(|access| authenticators.of(access.guard())),
            schema,
            limit,
        }
    }

    /// What `modules.toml` says of it.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Who knows its callers; nobody, if it is open to everybody.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_deref()
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

/// One for each guard, which all its modules share, so that keys are fetched once.
#[derive(Debug, Default)]
struct Authenticators(HashMap<GuardName, Arc<Authenticator>>);

impl Authenticators {
    /// That of a guard, made where there is none of the same data.
    fn of(&mut self, guard: &Arc<Guard>) -> Arc<Authenticator> {
        match self.0.get(guard.name()) {
            Some(known) if known.guard() == &**guard => Arc::clone(known),
            _ => {
                let made = Arc::new(Authenticator::new(guard));
                self.0.insert(guard.name().clone(), Arc::clone(&made));
                made
            }
        }
    }
}

/// What runs for the modules of a configuration.
#[derive(Debug)]
pub struct Collections(IndexMap<ModuleName, Arc<Collection>>);

impl Collections {
    /// All of it anew.
    #[must_use]
    pub fn new(modules: &Modules) -> Self {
        Self::made(modules, None)
    }

    /// For an edited configuration: what did not change since `before` goes on as it is.
    #[must_use]
    pub fn again(modules: &Modules, before: &Self) -> Self {
        Self::made(modules, Some(before))
    }

    fn made(modules: &Modules, before: Option<&Self>) -> Self {
        let running = before.into_iter().flat_map(|before| before.0.values());
        let running = running.filter_map(|collection| collection.authenticator.as_ref());
        let running = running.map(|known| (known.guard().name().clone(), Arc::clone(known)));
        let mut authenticators = Authenticators(running.collect());
        let made = modules.iter().map(|module| {
            let before = before.and_then(|before| before.find(module.name().as_str()));
            let collection =
                Collection::made(module, before.map(|before| &**before), &mut authenticators);
            (module.name().clone(), Arc::new(collection))
        });
        Self(made.collect())
    }

    /// That of the module whose name is this text.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Collection>> {
        self.0.get(name)
    }
}

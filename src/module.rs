//! What `modules.toml` means: the modules, validated.
//!
//! Whoever holds a [`Modules`] need check nothing again; there is no way to make one but
//! [`config::load`](crate::config::load). Everything modulo puts out is a function of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::name::{KeyAttribute, ModuleName, TableName, TtlAttribute};

/// One collection: a path, a table, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub(crate) name: ModuleName,
    pub(crate) key: KeyAttribute,
    pub(crate) table: TableName,
    pub(crate) verbs: Verbs,
    pub(crate) max_bytes: usize,
    pub(crate) envelope: Envelope,
    pub(crate) billing: Billing,
    pub(crate) retain: bool,
    pub(crate) ttl: Option<TtlAttribute>,
}

impl Module {
    /// The default for `max_bytes`: what leaves room in DynamoDB's 400 KB for other attributes.
    pub const DEFAULT_MAX_BYTES: usize = 358_400;

    /// The first segment of its paths.
    #[must_use]
    pub fn name(&self) -> &ModuleName {
        &self.name
    }

    /// The partition key attribute of its table.
    #[must_use]
    pub fn key(&self) -> &KeyAttribute {
        &self.key
    }

    /// Its table.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The verbs it serves.
    #[must_use]
    pub fn verbs(&self) -> Verbs {
        self.verbs
    }

    /// The greatest size of one document's text, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The shape of its answers.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// How its table is paid for.
    #[must_use]
    pub fn billing(&self) -> Billing {
        self.billing
    }

    /// Whether its table outlives the stack.
    #[must_use]
    pub fn retain(&self) -> bool {
        self.retain
    }

    /// The attribute after whose time, in seconds since 1970, DynamoDB deletes an item.
    #[must_use]
    pub fn ttl(&self) -> Option<&TtlAttribute> {
        self.ttl.as_ref()
    }
}

/// The modules of one `modules.toml`, ordered by name: at least one, no two on one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules(BTreeMap<ModuleName, Arc<Module>>);

impl Modules {
    /// The caller has made sure of what the type promises.
    pub(crate) fn new(modules: impl IntoIterator<Item = Module>) -> Self {
        let named = modules
            .into_iter()
            .map(|module| (module.name.clone(), Arc::new(module)));
        Self(named.collect())
    }

    /// The modules in the order of their names.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Module>> {
        self.0.values()
    }

    /// The module of that name.
    #[must_use]
    pub fn get(&self, name: &ModuleName) -> Option<&Arc<Module>> {
        self.0.get(name)
    }
}

/// The shape of a module's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Envelope {
    /// The verb around the answer, as the services did that modulo replaces.
    #[default]
    Verb,
}

impl Envelope {
    /// Every envelope's word in `modules.toml`.
    pub const WORDS: &[&str] = &["verb"];
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verb => "verb",
        })
    }
}

impl FromStr for Envelope {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "verb" => Ok(Self::Verb),
            _ => Err(()),
        }
    }
}

/// How a table is paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Billing {
    /// By the request.
    #[default]
    OnDemand,
    /// By the capacity that is kept ready, in DynamoDB's units a second.
    Provisioned {
        /// Strongly consistent reads of 4 KB.
        read: usize,
        /// Writes of 1 KB.
        write: usize,
    },
}

impl Billing {
    /// The word for [`Billing::OnDemand`] in `modules.toml`.
    pub const ON_DEMAND: &str = "on-demand";
}

/// What can be done with a module, as `methods` names it: HTTP's methods on an item, and LIST,
/// which is GET of the module itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are HTTP's")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    List,
}

impl Verb {
    /// Every verb, in the order in which `Allow` and the route listing name them.
    pub const ALL: &[Self] = &[
        Self::Get,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::List,
    ];

    /// Its word in `modules.toml` and in the verb envelope.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::List => "LIST",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|verb| verb.as_str() == word)
            .ok_or(())
    }
}

/// A set of verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verbs(u8);

impl Verbs {
    /// Whether the set has `verb`.
    #[must_use]
    pub const fn contains(self, verb: Verb) -> bool {
        self.0 & (1 << verb as u8) != 0
    }

    /// The set's verbs, in the order of [`Verb::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Verb> {
        Verb::ALL
            .iter()
            .copied()
            .filter(move |&verb| self.contains(verb))
    }
}

impl Default for Verbs {
    fn default() -> Self {
        Verb::ALL.iter().copied().collect()
    }
}

impl FromIterator<Verb> for Verbs {
    fn from_iter<I: IntoIterator<Item = Verb>>(verbs: I) -> Self {
        Self(verbs.into_iter().fold(0, |set, verb| set | 1 << verb as u8))
    }
}

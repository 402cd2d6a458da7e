//! Stamps: the attributes in which items keep who has written them, and when.

use crate::module::name::StampAttribute;

/// The stamps of a module's items. Each has the name of an attribute, or is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps {
    /// When the item came to be. Whatever is there is kept.
    pub created_at: Option<StampAttribute>,
    /// When it was last written.
    pub updated_at: Option<StampAttribute>,
    /// Who has last written it; an item that was last written by nobody known has none.
    pub updated_by: Option<StampAttribute>,
}

impl Stamps {
    /// The default names.
    pub const CREATED_AT: &str = "createdAt";
    /// The default name of [`Stamps::updated_at`].
    pub const UPDATED_AT: &str = "updatedAt";
    /// The default name of [`Stamps::updated_by`].
    pub const UPDATED_BY: &str = "updatedBy";

    /// All of them, under their default names.
    #[must_use]
    pub fn all() -> Self {
        let named = |name: &str| name.parse().ok();
        Self {
            created_at: named(Self::CREATED_AT),
            updated_at: named(Self::UPDATED_AT),
            updated_by: named(Self::UPDATED_BY),
        }
    }

    /// Those that are kept, by their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.created_at, &self.updated_at, &self.updated_by]
            .into_iter()
            .flatten()
            .map(StampAttribute::as_str)
    }

    /// Whether one of them has this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }
}

//! The kinds of changes.

use std::fmt;

use crate::store::Image;

/// What has happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There was none that readers saw.
    Created,
    /// It has another document.
    Updated,
    /// Somebody has deleted it.
    Deleted,
    /// It was removed after its time was over.
    Expired,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Expired];

    /// That of a write which put `new` in the place of `old`, if readers see a difference.
    ///
    /// What has expired stays in its table for a while, in which nobody sees it: a write then begins
    /// the item anew, and whoever deletes it only tidies up.
    pub(super) fn of(old: Option<&Image>, new: Option<&Image>, is_by_expiry: bool) -> Option<Self> {
        match (old, new) {
            (None, None) => None,
            (None, Some(_)) => Some(Self::Created),
            (Some(old), None) if is_by_expiry || old.is_over => Some(Self::Expired),
            (Some(_), None) => Some(Self::Deleted),
            (Some(old), Some(_)) if old.is_over => Some(Self::Created),
            (Some(old), Some(new)) => (old.document != new.document).then_some(Self::Updated),
        }
    }

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }

    /// The `type` of its events.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Created => "modulo.item.created",
            Self::Updated => "modulo.item.updated",
            Self::Deleted => "modulo.item.deleted",
            Self::Expired => "modulo.item.expired",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

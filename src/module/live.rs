//! A part of the configuration together with what runs because of it.

use std::fmt;

/// Data of the configuration, and the state that was made from them, such as counters or a compiled
/// schema.
///
/// Two are equal if their data are, whatever has run. So a reload can go on with the state that is
/// there, wherever the data did not change. Debug output is that of the data: a state may hold a
/// secret.
#[derive(Clone)]
pub(crate) struct Live<D, S> {
    pub(crate) data: D,
    pub(crate) state: S,
}

impl<D: PartialEq, S> PartialEq for Live<D, S> {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl<D: Eq, S> Eq for Live<D, S> {}

impl<D: fmt::Debug, S> fmt::Debug for Live<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}

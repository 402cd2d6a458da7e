//! The pages that may call, as the template keeps them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::module::cors::Cors;

/// The pages that may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CorsDescription {
    pub(super) origins: BTreeSet<String>,
    /// In seconds.
    pub(super) max_age: u64,
}

impl CorsDescription {
    pub(super) fn of(cors: &Cors) -> Self {
        Self {
            origins: cors.origins().iter().map(ToString::to_string).collect(),
            max_age: cors.max_age().as_secs(),
        }
    }
}

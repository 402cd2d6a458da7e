//! Where a module's JSON Schema is.

use std::sync::Arc;

use serde_json::Value;

use crate::module::file::ConfigFile;

/// A schema as `modules.toml` names it. It is read and compiled elsewhere, when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaSource {
    /// In a file beside `modules.toml`.
    File(ConfigFile),
    /// In `modules.toml` itself.
    Inline(Arc<Value>),
}

impl SchemaSource {
    /// Its file, unless it is written in `modules.toml`.
    #[must_use]
    pub fn file(&self) -> Option<&ConfigFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Inline(_) => None,
        }
    }
}

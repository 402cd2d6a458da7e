//! A module's JSON Schema: read and compiled when a document is first held against it.
//!
//! Knows no HTTP. Nothing is ever fetched: a schema is all in one document.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::{Map, Value};

#[cfg(feature = "schemas")]
use self::components::components;
use self::validator::Validator;
#[cfg(not(feature = "schemas"))]
use self::validator::components;
use crate::json::byte_order_mark;
use crate::module::file::ConfigFile;
use crate::module::schema::SchemaSource;

#[cfg(feature = "schemas")]
mod components;
#[cfg(feature = "schemas")]
mod validator;
#[cfg(not(feature = "schemas"))]
#[path = "schema/absent.rs"]
mod validator;

/// How many violations an answer lists at most.
pub const MAX_LISTED: usize = 100;

/// A schema, read and compiled when it is first needed.
pub struct Schema {
    source: SchemaSource,
    /// What is in its file.
    document: OnceLock<Result<Arc<Value>, Arc<InvalidSchema>>>,
    validator: OnceLock<Result<Validator, Arc<InvalidSchema>>>,
}

impl SchemaSource {
    /// The schema's own JSON.
    ///
    /// # Errors
    /// Its file can't be read, or is not JSON.
    pub fn to_value(&self) -> Result<Arc<Value>, Arc<InvalidSchema>> {
        match self {
            Self::File(file) => read(file).map(Arc::new).map_err(Arc::new),
            Self::Inline(document) => Ok(Arc::clone(document)),
        }
    }

    /// The schema as components of an OpenAPI document: itself as `name`, and each part that it
    /// refers to as `name` with a word behind it. `reference` makes a reference to one.
    ///
    /// # Errors
    /// Its file can't be read, or it refers to something that is not in it.
    pub fn components(
        &self,
        name: &str,
        reference: fn(&str) -> Value,
    ) -> Result<Map<String, Value>, Arc<InvalidSchema>> {
        components(&*self.to_value()?, name, reference).map_err(Arc::new)
    }
}

/// As the source: what is compiled of it says nothing more.
impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Schema {
    /// The schema that is in `source`.
    #[must_use]
    pub fn new(source: SchemaSource) -> Self {
        Self {
            source,
            document: OnceLock::new(),
            validator: OnceLock::new(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn source(&self) -> &SchemaSource {
        &self.source
    }

    /// Makes sure that the schema can be used, which also spares the first document the wait.
    ///
    /// # Errors
    /// See [`InvalidSchema`].
    pub fn compile(&self) -> Result<(), Arc<InvalidSchema>> {
        self.validator().map(drop)
    }

    /// Holds a document against the schema.
    ///
    /// # Errors
    /// The document breaks the schema, or the schema can't be used.
    pub fn check(&self, document: &Value) -> Result<(), Unfit> {
        Ok(self.validator()?.check(self.document()?, document)?)
    }

    fn document(&self) -> Result<&Value, Arc<InvalidSchema>> {
        let document = self.document.get_or_init(|| self.source.to_value());
        document.as_deref().map_err(Arc::clone)
    }

    /// Whoever comes while it is being compiled waits for it.
    fn validator(&self) -> Result<&Validator, Arc<InvalidSchema>> {
        let compile = || Validator::new(self.document()?).map_err(Arc::new);
        let compiled = self.validator.get_or_init(compile);
        compiled.as_ref().map_err(Arc::clone)
    }
}

fn read(file: &ConfigFile) -> Result<Value, InvalidSchema> {
    let text = file.read().map_err(|source| InvalidSchema::Read {
        file: file.location(),
        source,
    })?;
    serde_json::from_slice(byte_order_mark::skip(&text)).map_err(|source| InvalidSchema::NotJson {
        file: file.location(),
        source,
    })
}

/// Why a schema can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchema {
    /// Its file can't be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its file is not JSON.
    #[error("`{}` is not JSON", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// It refers to something that is not in it.
    #[error("`$ref` leads to `{0}`, which is not in the schema")]
    Reference(String),
    /// `$schema` names what is no draft of JSON Schema.
    #[error("`$schema` is `{0}`, which is not a known draft")]
    UnknownDraft(String),
    /// The program has nothing to compile it with.
    #[error("this program was built without the feature `schemas`")]
    NotBuilt,
    /// It is JSON, but no JSON Schema.
    #[error("{}", list(.0))]
    Faulty(Vec<Violation>),
}

impl InvalidSchema {
    /// How to mend it, where the error itself does not say so.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => Some("write the file, or name another"),
            Self::Reference(_) => Some("put what it leads to in $defs; no remote $ref is fetched"),
            Self::UnknownDraft(_) => Some(
                "leave `$schema` out, or name \"https://json-schema.org/draft/2020-12/schema\"",
            ),
            Self::NotJson { .. } | Self::NotBuilt | Self::Faulty(_) => None,
        }
    }
}

fn list(faults: &[Violation]) -> String {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// Why a document was not found to fit.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It breaks the schema.
    #[error(transparent)]
    Violations(#[from] Violations),
    /// The schema can't be used.
    #[error(transparent)]
    Schema(#[from] Arc<InvalidSchema>),
}

/// What breaks a schema, at least one thing. As an error it says where in the schema, and nothing
/// of the document, so that it can be logged.
#[derive(Debug, thiserror::Error)]
#[error("broken at {}", places.join(", "))]
pub struct Violations {
    /// How many there are, if they could be counted.
    total: Option<usize>,
    /// The first of them, at least one.
    listed: Vec<Violation>,
    /// JSON pointers into the schema, without repetitions.
    places: Vec<String>,
}

/// One place of a document, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The JSON pointer of the value; of the object, where a member is missing or one too many.
    pub pointer: String,
    /// What is expected, with the value, both shortened.
    pub message: String,
}

impl Violations {
    /// How many there are, after `there`.
    #[must_use]
    pub fn summary(&self) -> String {
        match (self.total, self.listed.len()) {
            (None, _) => "is at least 1 violation".to_owned(),
            (Some(1), _) => "is 1 violation".to_owned(),
            (Some(total), listed) if total == listed => format!("are {total} violations"),
            (Some(total), listed) => {
                format!("are {total} violations, of which {listed} are listed")
            }
        }
    }

    /// They, or the first [`MAX_LISTED`] of them.
    #[must_use]
    pub fn listed(&self) -> &[Violation] {
        &self.listed
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "at `{}`: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

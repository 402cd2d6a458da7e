//! A module's JSON Schema: read and compiled when a document is first held against it.
//!
//! Knows no HTTP. Nothing is ever fetched: a schema is all in one document.

use std::fmt::{self, Write};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ReferencingError, ValidationError, Validator};
use serde::Serialize;
use serde_json::Value;

use crate::file::ConfigFile;

/// How many violations an answer lists at most.
pub const MAX_LISTED: usize = 100;

/// How long all the pointers in an answer may be together, before no more are listed.
const MAX_POINTER_BYTES: usize = 65_536;

const MAX_MESSAGE_CHARS: usize = 300;

/// How much of a value a message shows.
const MAX_VALUE_CHARS: usize = 60;

/// How many places of a schema the log is told.
const MAX_PLACES: usize = 10;

/// What the library puts before a reference without a base.
const NO_BASE: &str = "json-schema:///";

/// A schema as `modules.toml` names it. Of one that has not been needed, nothing has been read.
#[derive(Debug)]
pub struct Schema {
    source: Source,
    validator: OnceLock<Result<Validator, Arc<InvalidSchema>>>,
}

#[derive(Debug)]
enum Source {
    /// A file, and what was in it when it was read.
    File(ConfigFile, OnceLock<Result<Value, Arc<InvalidSchema>>>),
    /// Written in `modules.toml` itself.
    Inline(Value),
}

impl Schema {
    pub(crate) fn in_file(file: ConfigFile) -> Self {
        Self {
            source: Source::File(file, OnceLock::new()),
            validator: OnceLock::new(),
        }
    }

    pub(crate) fn inline(document: Value) -> Self {
        Self {
            source: Source::Inline(document),
            validator: OnceLock::new(),
        }
    }

    /// Its file, unless it is written in `modules.toml`.
    #[must_use]
    pub fn file(&self) -> Option<&ConfigFile> {
        match &self.source {
            Source::File(file, _) => Some(file),
            Source::Inline(_) => None,
        }
    }

    /// The schema's own JSON.
    ///
    /// # Errors
    /// Its file can't be read, or is not JSON.
    pub fn to_value(&self) -> Result<Value, Arc<InvalidSchema>> {
        self.document().cloned()
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
        let violations = self.validator()?.iter_errors(document);
        Violations::found(violations).map_or(Ok(()), |found| Err(found.into()))
    }

    fn document(&self) -> Result<&Value, Arc<InvalidSchema>> {
        match &self.source {
            Source::File(file, document) => document
                .get_or_init(|| read(file.location()).map_err(Arc::new))
                .as_ref()
                .map_err(Arc::clone),
            Source::Inline(document) => Ok(document),
        }
    }

    /// Its JSON, as far as that has been read.
    fn content(&self) -> Option<&Value> {
        match &self.source {
            Source::File(_, document) => document.get()?.as_ref().ok(),
            Source::Inline(document) => Some(document),
        }
    }

    /// Whoever comes while it is being compiled waits for it.
    fn validator(&self) -> Result<&Validator, Arc<InvalidSchema>> {
        let compile = || compile(self.document()?).map_err(Arc::new);
        let compiled = self.validator.get_or_init(compile);
        compiled.as_ref().map_err(Arc::clone)
    }
}

/// From the same place, and of the same content if that has been read.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.file() == other.file() && self.content() == other.content()
    }
}

impl Eq for Schema {}

fn read(file: PathBuf) -> Result<Value, InvalidSchema> {
    match std::fs::read(&file) {
        Ok(text) => {
            serde_json::from_slice(&text).map_err(|source| InvalidSchema::NotJson { file, source })
        }
        Err(source) => Err(InvalidSchema::Read { file, source }),
    }
}

fn compile(document: &Value) -> Result<Validator, InvalidSchema> {
    let options = jsonschema::options()
        .offline()
        .should_validate_formats(true);
    options.build(document).map_err(|error| match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => {
            InvalidSchema::Reference(uri.strip_prefix(NO_BASE).unwrap_or(uri).to_owned())
        }
        ValidationErrorKind::Referencing(ReferencingError::PointerToNowhere { pointer }) => {
            InvalidSchema::Reference(format!("#{pointer}"))
        }
        ValidationErrorKind::Referencing(ReferencingError::NoSuchAnchor { anchor }) => {
            InvalidSchema::Reference(format!("#{anchor}"))
        }
        ValidationErrorKind::Referencing(ReferencingError::UnknownSpecification {
            specification,
        }) => InvalidSchema::UnknownDraft(specification.clone()),
        // The library tells the first fault only; of those that its draft's own schema finds, all
        // can be had.
        _ => {
            let draft = jsonschema::meta::validator_for(document).ok();
            let found = draft
                .as_ref()
                .and_then(|draft| Violations::found(draft.iter_errors(document)));
            InvalidSchema::Faulty(
                found.map_or_else(|| vec![Violation::of(&error)], |all| all.listed),
            )
        }
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
    #[error("`$schema` is `{0}`, which is no known draft")]
    UnknownDraft(String),
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
            Self::NotJson { .. } | Self::Faulty(_) => None,
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
    /// How many there are.
    total: usize,
    /// The first of them.
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
    fn found<'e>(errors: impl Iterator<Item = ValidationError<'e>>) -> Option<Self> {
        let mut found = Self {
            total: 0,
            listed: Vec::new(),
            places: Vec::new(),
        };
        let mut pointer_bytes = 0;
        for error in errors {
            found.total += 1;
            if found.listed.len() == MAX_LISTED || pointer_bytes > MAX_POINTER_BYTES {
                continue;
            }
            let violation = Violation::of(&error);
            pointer_bytes += violation.pointer.len();
            found.listed.push(violation);
            let place = error.schema_path().to_string();
            if found.places.len() < MAX_PLACES && !found.places.contains(&place) {
                found.places.push(place);
            }
        }
        (found.total > 0).then_some(found)
    }

    /// How many there are, after `there`.
    #[must_use]
    pub fn summary(&self) -> String {
        match (self.total, self.listed.len()) {
            (1, _) => "is 1 violation".to_owned(),
            (total, listed) if total == listed => format!("are {total} violations"),
            (total, listed) => format!("are {total} violations, of which {listed} are listed"),
        }
    }

    /// They, or the first [`MAX_LISTED`] of them.
    #[must_use]
    pub fn listed(&self) -> &[Violation] {
        &self.listed
    }
}

impl Violation {
    fn of(error: &ValidationError<'_>) -> Self {
        Self {
            pointer: error.instance_path().to_string(),
            message: shortened(Explained(error), MAX_MESSAGE_CHARS),
        }
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

/// What the library says, with the value shortened, and with what each of several alternatives
/// would have wanted.
struct Explained<'e, 'v>(&'e ValidationError<'v>);

impl fmt::Display for Explained<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = shortened(self.0.instance(), MAX_VALUE_CHARS);
        self.0.masked_with(value).fmt(f)?;
        if let ValidationErrorKind::AnyOf { context }
        | ValidationErrorKind::OneOfNotValid { context } = self.0.kind()
        {
            for (at, error) in context
                .iter()
                .filter_map(|branch| branch.first())
                .enumerate()
            {
                let separator = if at == 0 { ": " } else { "; " };
                write!(f, "{separator}{}", Explained(error))?;
            }
        }
        Ok(())
    }
}

/// The beginning of a text; what is left out is not even made.
fn shortened(text: impl fmt::Display, max_chars: usize) -> String {
    let mut beginning = Beginning {
        text: String::new(),
        room: max_chars,
    };
    if write!(beginning, "{text}").is_err() {
        beginning.text.push('…');
    }
    beginning.text
}

struct Beginning {
    text: String,
    room: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for char in part.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(char);
        }
        Ok(())
    }
}

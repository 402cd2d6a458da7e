//! JSON Schema by the crate `jsonschema`, and what it says in modulo's words.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Keyword, ReferencingError, ValidationError};
use serde_json::Value;

use self::listing::{Lister, Paid};
use self::unique::UniqueItems;
use super::{InvalidSchema, MAX_LISTED, Violation, Violations};

mod digits;
mod listing;
mod unique;

/// How long all the pointers in an answer may be together, before no more are listed.
const MAX_POINTER_BYTES: usize = 65_536;

const MAX_MESSAGE_CHARS: usize = 300;

/// How much of a value a message shows.
const MAX_VALUE_CHARS: usize = 60;

/// How many places of a schema the log names.
const MAX_PLACES: usize = 10;

/// What the library puts before a reference without a base.
pub(super) const NO_BASE: &str = "json-schema:///";

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Validator {
    validator: jsonschema::Validator,
    /// Made when the first document breaks the schema.
    lister: OnceLock<Option<Lister>>,
}

impl Validator {
    pub(super) fn new(schema: &Value) -> Result<Self, InvalidSchema> {
        Ok(Self {
            validator: compile(schema)?,
            lister: OnceLock::new(),
        })
    }

    /// Holds a document against the schema, of which this was made.
    pub(super) fn check(&self, schema: &Value, document: &Value) -> Result<(), Violations> {
        digits::check(document).map_err(Violations::of_digits)?;
        // Whether it is valid takes the library no more than a multiple of the document, since it
        // remembers what a `$ref` came to. What is wrong takes as much as it is allowed to.
        if self.validator.is_valid(document) {
            return Ok(());
        }
        let lister = self.lister.get_or_init(|| Lister::new(schema));
        let violations = lister
            .as_ref()
            .and_then(|lister| lister.violations(document));
        Err(violations.unwrap_or_else(Violations::unlisted))
    }
}

fn compile(document: &Value) -> Result<jsonschema::Validator, InvalidSchema> {
    let options = jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .with_keyword("uniqueItems", |_, value, _| {
            let is_asked = value.as_bool() == Some(true);
            Ok(Box::new(UniqueItems { is_asked }) as Box<dyn for<'i> Keyword<'i>>)
        })
        .with_keyword(listing::keyword(), |_, _, _| {
            Ok(Box::new(Paid) as Box<dyn for<'i> Keyword<'i>>)
        });
    options.build(document).map_err(|error| {
        let unresolved = match error.kind() {
            ValidationErrorKind::Referencing(error) => unresolved(error),
            _ => None,
        };
        // The library tells the first fault only; of those that its draft's own schema finds, all
        // can be had.
        unresolved.unwrap_or_else(|| {
            let draft = jsonschema::meta::validator_for(document).ok();
            let found = draft
                .as_ref()
                .and_then(|draft| Violations::found(draft.iter_errors(document)));
            InvalidSchema::Faulty(
                found.map_or_else(|| vec![Violation::of(&error)], |all| all.listed),
            )
        })
    })
}

/// What is wrong with a reference, where that is what is wrong.
pub(super) fn unresolved(error: &ReferencingError) -> Option<InvalidSchema> {
    Some(match error {
        ReferencingError::Unretrievable { uri, .. } => {
            InvalidSchema::Reference(uri.strip_prefix(NO_BASE).unwrap_or(uri).to_owned())
        }
        ReferencingError::PointerToNowhere { pointer } => {
            InvalidSchema::Reference(format!("#{pointer}"))
        }
        ReferencingError::NoSuchAnchor { anchor } => InvalidSchema::Reference(format!("#{anchor}")),
        ReferencingError::UnknownSpecification { specification } => {
            InvalidSchema::UnknownDraft(specification.clone())
        }
        _ => return None,
    })
}

impl Violations {
    fn of_first(error: &ValidationError<'_>) -> Self {
        Self {
            total: None,
            listed: vec![Violation::of(error)],
            places: vec![error.schema_path().to_string()],
        }
    }

    fn of_digits(violation: Violation) -> Self {
        Self {
            total: None,
            listed: vec![violation],
            places: vec!["the digits of its numbers".to_owned()],
        }
    }

    fn unlisted() -> Self {
        let violation = Violation {
            pointer: String::new(),
            message: "none of the alternatives fits, in more ways than can be listed".to_owned(),
        };
        Self {
            total: None,
            listed: vec![violation],
            places: vec!["more places than can be listed".to_owned()],
        }
    }

    fn found<'e>(errors: impl Iterator<Item = ValidationError<'e>>) -> Option<Self> {
        let mut found = Self {
            total: None,
            listed: Vec::new(),
            places: Vec::new(),
        };
        let mut pointer_bytes = 0;
        let mut total = 0;
        for error in errors {
            total += 1;
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
        found.total = Some(total);
        (total > 0).then_some(found)
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

/// What the library says, with the value shortened, and with what each of several alternatives
/// would have wanted.
struct Explained<'e, 'v>(&'e ValidationError<'v>);

impl fmt::Display for Explained<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = shortened(self.0.instance(), MAX_VALUE_CHARS);
        if let ValidationErrorKind::Custom { message, .. } = self.0.kind() {
            return write!(f, "{value} {message}");
        }
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

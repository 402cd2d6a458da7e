//! The keys of `modules.toml`: what each may hold, its default, and what it is for.
//!
//! A key has one row, in `keys/rows`. From it come the JSON Schema of the file ([`schema()`]), the
//! reference page ([`reference()`]) and the comments of `modulo new` and `modulo init`. The function has no use for
//! sentences, so its reader (`raw`) names its keys itself: the tests hold the two against each other,
//! and each default and example against what the reader makes of it.

pub use self::reference::{Language, reference};
pub use self::schema::{schema, schema_text};

mod reference;
pub(crate) mod rows;
mod schema;
#[cfg(test)]
mod tests;

/// The committed schema's file, which the first line of a `modules.toml` names for editors.
pub const SCHEMA_FILE: &str = "modules.schema.json";

/// A sentence in both languages of the documentation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sentence {
    english: &'static str,
    portuguese: &'static str,
}

/// A table of the file, or one within it.
#[derive(Debug)]
pub(crate) struct Section {
    /// What links and `$ref`s call it.
    id: &'static str,
    /// Its heading on the reference page.
    title: Sentence,
    /// How it begins in the file; nothing for the file itself.
    header: &'static str,
    about: Sentence,
    pub(crate) keys: &'static [Key],
    rule: Rule,
}

/// Which keys of a section can stand together, beside those that are required.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Any,
    /// One or more of all.
    Some,
    /// One of all, and no more.
    One,
    /// One of these, or none: then this key is more than any text.
    NotBoth {
        keys: [&'static str; 2],
        neither: (&'static str, &'static Text),
    },
}

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    shape: Shape,
    about: Sentence,
    absent: Absent,
    /// A value, as TOML has it.
    pub(crate) example: &'static str,
    pub(crate) scaffold: Scaffold,
}

/// What holds where the key is not written.
#[derive(Debug, Clone, Copy)]
enum Absent {
    /// It has to be.
    Required,
    Nothing,
    /// This value, as TOML has it.
    Default(&'static str),
    /// What can't be said in a value.
    Says(Sentence),
}

/// Where `modulo new` and `modulo init` write the key, and the comment beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scaffold {
    Nowhere,
    /// With its default, above the first module of a new file.
    Head(Sentence),
    /// In each module.
    Module(Sentence),
    /// With its example, behind a `#` in each module.
    Offered(Sentence),
}

/// What values a key takes.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Boolean,
    /// An integer from 1 on.
    Integer {
        most: usize,
    },
    Text(&'static Text),
    /// One of a few texts.
    Word(&'static [&'static str]),
    Verb,
    /// A text such as `30d`.
    Duration {
        /// In minutes, if there is a limit.
        most: Option<u64>,
    },
    List {
        of: &'static Self,
        fewest: usize,
        most: Option<usize>,
    },
    Table(&'static Section),
    /// A table whose keys are names.
    Named {
        name: &'static Text,
        section: &'static Section,
        fewest: usize,
    },
    /// A table whose keys are verbs.
    ByVerb(&'static Self),
    /// A JSON Schema as a table.
    JsonSchema,
    Either(&'static [Self]),
}

/// What a text may be. The regular expression is one of those that ECMA 262 and Rust's `fancy-regex`
/// read alike, and refuses nothing that the reader takes.
#[derive(Debug)]
struct Text {
    pattern: &'static str,
    /// In characters.
    longest: Option<usize>,
}

impl Key {
    const fn new(
        name: &'static str,
        shape: Shape,
        english: &'static str,
        portuguese: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            about: Sentence {
                english,
                portuguese,
            },
            absent: Absent::Nothing,
            example: "",
            scaffold: Scaffold::Nowhere,
        }
    }

    const fn required(mut self) -> Self {
        self.absent = Absent::Required;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.absent = Absent::Default(value);
        self
    }

    const fn otherwise(mut self, english: &'static str, portuguese: &'static str) -> Self {
        self.absent = Absent::Says(Sentence {
            english,
            portuguese,
        });
        self
    }

    const fn example(mut self, value: &'static str) -> Self {
        self.example = value;
        self
    }

    const fn scaffold(mut self, scaffold: Scaffold) -> Self {
        self.scaffold = scaffold;
        self
    }

    const fn is_required(&self) -> bool {
        matches!(self.absent, Absent::Required)
    }

    /// What holds where the key is not written, if a value says it.
    pub(crate) const fn default_value(&self) -> Option<&'static str> {
        match self.absent {
            Absent::Default(value) => Some(value),
            _ => None,
        }
    }
}

/// Every section, each after the one that it is within.
fn sections() -> Vec<&'static Section> {
    fn visit(section: &'static Section, found: &mut Vec<&'static Section>) {
        if found.iter().all(|known| known.id != section.id) {
            found.push(section);
            for key in section.keys {
                visit_shape(&key.shape, found);
            }
        }
    }
    fn visit_shape(shape: &'static Shape, found: &mut Vec<&'static Section>) {
        match shape {
            Shape::Table(section) | Shape::Named { section, .. } => visit(section, found),
            Shape::List { of, .. } | Shape::ByVerb(of) => visit_shape(of, found),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| visit_shape(shape, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(&rows::FILE, &mut found);
    found
}

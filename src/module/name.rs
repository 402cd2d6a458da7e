//! The names that `modules.toml` may hold, each a type of its own.
//!
//! A value of one of these types is valid by construction: `FromStr` is the only way in. This
//! module knows nothing of files, HTTP or DynamoDB calls.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::module::limits;
use crate::module::reserved::{QUERY_PARAMETERS, TAG_ATTRIBUTE, TENANT_INDEX, is_mark};

/// Why a text is not one of this module's names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// Shorter than the services behind it take.
    #[error("it has {length} characters, at least {min} are needed")]
    TooShort {
        /// Its length in bytes.
        length: usize,
        /// The least length in bytes.
        min: usize,
    },
    /// Longer than the services behind it take.
    #[error("it has {length} bytes, at most {max} are possible")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The greatest length in bytes.
        max: usize,
    },
    /// A character outside the allowed ones.
    #[error("`{}` is not possible in it; use {allowed}", character.escape_debug())]
    Character {
        /// The first invalid character.
        character: char,
        /// The allowed characters, in words.
        allowed: &'static str,
    },
    /// An invalid first character.
    #[error("it begins with `{}`; begin with {allowed}", character.escape_debug())]
    Start {
        /// The first character.
        character: char,
        /// What it may begin with, in words.
        allowed: &'static str,
    },
    /// Taken by modulo itself.
    #[error("`{name}` is reserved: {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// What it is reserved for.
        reason: &'static str,
    },
}

/// What a kind of name may consist of.
struct Rule {
    min: usize,
    max: usize,
    start: (fn(char) -> bool, &'static str),
    rest: (fn(char) -> bool, &'static str),
}

impl Rule {
    fn check(&self, text: &str) -> Result<(), InvalidName> {
        let first = text.chars().next().ok_or(InvalidName::Empty)?;
        if let Some(character) = text.chars().find(|&c| !(self.rest.0)(c)) {
            return Err(InvalidName::Character {
                character,
                allowed: self.rest.1,
            });
        }
        if !(self.start.0)(first) {
            return Err(InvalidName::Start {
                character: first,
                allowed: self.start.1,
            });
        }
        let length = text.len();
        if length < self.min {
            return Err(InvalidName::TooShort {
                length,
                min: self.min,
            });
        }
        if length > self.max {
            return Err(InvalidName::TooLong {
                length,
                max: self.max,
            });
        }
        Ok(())
    }
}

/// Declares a newtype over a text that only `FromStr` makes, and that its copies share.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> Result<(), InvalidName> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }
        }
    };
}

const ALPHANUMERIC: (fn(char) -> bool, &str) =
    (|c| c.is_ascii_alphanumeric(), "a letter or a digit");
const WORD: (fn(char) -> bool, &str) = (
    |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
    "letters, digits, `-` and `_`",
);

name! {
    /// A module's name: the first segment of its paths.
    ///
    /// 1 to 100 letters, digits, `-` and `_`, beginning with a letter or a digit: paths that begin
    /// with `_` are the function's own.
    ModuleName,
    |text| {
        if text.starts_with('_') {
            return Err(InvalidName::Reserved {
                name: text.to_owned(),
                reason: "paths that begin with `/_` are the function's own",
            });
        }
        Rule { min: 1, max: 100, start: ALPHANUMERIC, rest: WORD }.check(text)
    }
}

name! {
    /// A DynamoDB table's name: 3 to 255 letters, digits, `-`, `_` and `.`.
    ///
    /// Source: DynamoDB's naming rules.
    TableName,
    |text| {
        let rest: (fn(char) -> bool, _) = (
            |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
            "letters, digits, `-`, `_` and `.`",
        );
        let (min, max) = limits::NAME_CHARACTERS.into_inner();
        Rule { min, max, start: rest, rest }.check(text)
    }
}

name! {
    /// The name of a table's partition key attribute: 1 to 255 bytes of UTF-8, and not a member
    /// that the answers use for something else.
    KeyAttribute,
    |text| match text {
        "data" => Err(InvalidName::Reserved {
            name: text.to_owned(),
            reason: "an item keeps its document there",
        }),
        "item" => Err(InvalidName::Reserved {
            name: text.to_owned(),
            reason: "a PUT's answer has its attributes there",
        }),
        _ => {
            refuse_own_attribute(text)?;
            let any: (fn(char) -> bool, _) = (|c| !c.is_control(), "no control characters");
            Rule { min: 1, max: limits::KEY_NAME_BYTES, start: any, rest: any }.check(text)
        }
    }
}

name! {
    /// The name of a table's sort key attribute: as [`KeyAttribute`], and as [`IndexAttribute`],
    /// since a query can name a range of it.
    SortAttribute,
    |text| {
        text.parse::<KeyAttribute>()?;
        text.parse::<IndexAttribute>().map(drop)
    }
}

impl From<SortAttribute> for KeyAttribute {
    fn from(attribute: SortAttribute) -> Self {
        Self(attribute.0)
    }
}

name! {
    /// The attribute that holds an item's document as JSON text: 1 to 255 bytes of UTF-8.
    DocumentAttribute,
    |text| {
        refuse_own_attribute(text)?;
        let any: (fn(char) -> bool, _) = (|c| !c.is_control(), "no control characters");
        Rule { min: 1, max: 255, start: any, rest: any }.check(text)
    }
}

name! {
    /// The attribute that holds the time after which DynamoDB deletes an item: 1 to 255 bytes of
    /// UTF-8, and not the one that holds the document.
    TtlAttribute,
    |text| {
        if text == "data" {
            return Err(InvalidName::Reserved {
                name: text.to_owned(),
                reason: "an item keeps its document there",
            });
        }
        refuse_own_attribute(text)?;
        let any: (fn(char) -> bool, _) = (|c| !c.is_control(), "no control characters");
        Rule { min: 1, max: limits::TTL_NAME_BYTES, start: any, rest: any }.check(text)
    }
}

name! {
    /// The name of a global secondary index: 3 to 255 letters, digits, `-`, `_` and `.`.
    IndexName,
    |text| {
        if text == TENANT_INDEX {
            return Err(InvalidName::Reserved {
                name: text.to_owned(),
                reason: "it is the index of a tenant's items",
            });
        }
        text.parse::<TableName>().map(drop)
    }
}

name! {
    /// A member of documents that is a key of an index: 1 to 255 bytes of UTF-8 without a `.`,
    /// which in a query stands before a comparison, and no other parameter of a query.
    IndexAttribute,
    |text| {
        refuse_own_attribute(text)?;
        if QUERY_PARAMETERS.contains(&text) {
            return Err(InvalidName::Reserved {
                name: text.to_owned(),
                reason: "it is a parameter of every list",
            });
        }
        let any: (fn(char) -> bool, _) =
            (|c| !c.is_control() && c != '.', "neither `.` nor control characters");
        Rule { min: 1, max: limits::KEY_NAME_BYTES, start: any, rest: any }.check(text)
    }
}

name! {
    /// An attribute that says who has written an item, or when: as [`IndexAttribute`], since an index
    /// can be of it, and not a member that the answers use for something else.
    StampAttribute,
    |text| {
        if matches!(text, "data" | "item" | "id") {
            return Err(InvalidName::Reserved {
                name: text.to_owned(),
                reason: "an answer has it beside the stamps",
            });
        }
        text.parse::<IndexAttribute>().map(drop)
    }
}

/// Refuses the attributes that modulo itself writes.
fn refuse_own_attribute(name: &str) -> Result<(), InvalidName> {
    let reason = if name == TAG_ATTRIBUTE {
        "an item keeps its entity tag there"
    } else if is_mark(name) {
        "an item keeps its tenant there"
    } else {
        return Ok(());
    };
    Err(InvalidName::Reserved {
        name: name.to_owned(),
        reason,
    })
}

name! {
    /// A guard's name, which refusals show: 1 to 100 letters, digits, `-` and `_`.
    GuardName,
    |text| Rule { min: 1, max: 100, start: ALPHANUMERIC, rest: WORD }.check(text)
}

name! {
    /// The name of an API key's owner: 1 to 100 letters, digits, `-` and `_`.
    KeyName,
    |text| text.parse::<GuardName>().map(drop)
}

name! {
    /// What a caller may do, in an issuer's words: 1 to 255 characters of ASCII without spaces,
    /// quotation marks and backslashes.
    ///
    /// Source: RFC 6749, section 3.3.
    Scope,
    |text| {
        let allowed: (fn(char) -> bool, _) = (
            |c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'),
            "visible ASCII characters but `\"` and `\\`",
        );
        Rule { min: 1, max: 255, start: allowed, rest: allowed }.check(text)
    }
}

name! {
    /// An issuer, an audience, or the name of a secret: 1 to 1,000 bytes of UTF-8.
    Identifier,
    |text| {
        let any: (fn(char) -> bool, _) = (|c| !c.is_control(), "no control characters");
        Rule { min: 1, max: 1_000, start: any, rest: any }.check(text)
    }
}

name! {
    /// A parameter of AWS Systems Manager: 1 to 1,011 letters, digits and `/_.-`.
    ParameterName,
    |text| {
        let rest: (fn(char) -> bool, _) = (
            |c| c.is_ascii_alphanumeric() || "/_.-".contains(c),
            "letters, digits, `/`, `_`, `.` and `-`",
        );
        Rule { min: 1, max: 1_011, start: rest, rest }.check(text)
    }
}

name! {
    /// A secret of AWS Secrets Manager: 1 to 512 letters, digits and `/_+=.@-`.
    SecretName,
    |text| {
        let rest: (fn(char) -> bool, _) = (
            |c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c),
            "letters, digits, `/`, `_`, `+`, `=`, `.`, `@` and `-`",
        );
        Rule { min: 1, max: 512, start: rest, rest }.check(text)
    }
}

name! {
    /// A stage: the part of every table's name that keeps `local`, `dev` and `prod` apart.
    ///
    /// 1 to 50 letters, digits, `-` and `_`, beginning with a letter or a digit.
    Stage,
    |text| Rule { min: 1, max: 50, start: ALPHANUMERIC, rest: WORD }.check(text)
}

impl Stage {
    /// The stage of a laptop, and the default.
    pub const LOCAL: &str = "local";

    /// Whether this is the stage of a laptop, where data may go with the stack.
    #[must_use]
    pub fn is_local(&self) -> bool {
        &*self.0 == Self::LOCAL
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self(Self::LOCAL.into())
    }
}

name! {
    /// The service's name, from which the stack's and the function's are made.
    ///
    /// 1 to 50 letters, digits and `-`, beginning with a letter (CloudFormation's rule for stacks,
    /// with room for the stage).
    ServiceName,
    |text| Rule {
        min: 1,
        max: 50,
        start: (|c| c.is_ascii_alphabetic(), "a letter"),
        rest: (|c| c.is_ascii_alphanumeric() || c == '-', "letters, digits and `-`"),
    }
    .check(text)
}

impl ModuleName {
    /// What the function's own table of idempotency keys goes by: no module can be called so.
    pub(crate) fn of_idempotency() -> Self {
        Self("_idempotency".into())
    }
}

impl TableName {
    /// The function's own table of idempotency keys.
    pub(crate) fn of_idempotency(service: &ServiceName, stage: &Stage) -> Self {
        Self(format!("{service}-idempotency-{stage}").into())
    }
}

impl Default for ServiceName {
    fn default() -> Self {
        Self("modulo".into())
    }
}

/// A table's name with `{module}` and `{stage}` to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTemplate(Cow<'static, [Part]>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Cow<'static, str>),
    Module,
    Stage,
}

/// Why a text is not a table template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// An unknown placeholder.
    #[error("`{{{name}}}` is not known in it; the placeholders are `{{module}}` and `{{stage}}`")]
    Placeholder {
        /// What stands between the braces.
        name: String,
    },
    /// A brace without its partner.
    #[error("a `{brace}` in it has no partner; write `{{module}}` or `{{stage}}`")]
    Brace {
        /// The lonely brace.
        brace: char,
    },
    /// A fixed part that can't be in a table's name.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl TableTemplate {
    /// The table of `module` at `stage`.
    ///
    /// # Errors
    /// The parts are valid, but together they can be too short or too long.
    pub fn expand(&self, module: &ModuleName, stage: &Stage) -> Result<TableName, InvalidName> {
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Module => module.as_str(),
            Part::Stage => stage.as_str(),
        });
        let mut name = String::with_capacity(texts.clone().map(str::len).sum());
        name.extend(texts);
        name.parse()
    }
}

impl Default for TableTemplate {
    fn default() -> Self {
        const PARTS: &[Part] = &[Part::Module, Part::Text(Cow::Borrowed("-")), Part::Stage];
        Self(Cow::Borrowed(PARTS))
    }
}

impl FromStr for TableTemplate {
    type Err = InvalidTemplate;

    fn from_str(template: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, braced) = rest.split_at(at);
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned().into()));
            }
            let (name, after) = braced
                .strip_prefix('{')
                .ok_or(InvalidTemplate::Brace { brace: '}' })?
                .split_once('}')
                .ok_or(InvalidTemplate::Brace { brace: '{' })?;
            parts.push(match name {
                "module" => Part::Module,
                "stage" => Part::Stage,
                _ => {
                    return Err(InvalidTemplate::Placeholder {
                        name: name.to_owned(),
                    });
                }
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned().into()));
        }
        if parts.is_empty() {
            return Err(InvalidName::Empty.into());
        }
        for part in &parts {
            if let Part::Text(text) = part {
                // Padded, since a part may be shorter than a whole name.
                format!("{text}---").parse::<TableName>()?;
            }
        }
        Ok(Self(parts.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused<T: FromStr<Err = E> + fmt::Debug, E: fmt::Display>(text: &str) -> String {
        text.parse::<T>().expect_err("must be refused").to_string()
    }

    #[test]
    fn a_module_name_begins_with_a_letter_or_digit() {
        for valid in ["modulo1", "2nd", "a", "salas-de-aula", "A_b"] {
            assert_eq!(valid.parse::<ModuleName>().expect("valid").as_str(), valid);
        }
        insta::assert_snapshot!(refused::<ModuleName, _>("_health"), @"`_health` is reserved: paths that begin with `/_` are the function's own");
        insta::assert_snapshot!(refused::<ModuleName, _>("-a"), @"it begins with `-`; begin with a letter or a digit");
        insta::assert_snapshot!(refused::<ModuleName, _>("a/b"), @"`/` is not possible in it; use letters, digits, `-` and `_`");
        insta::assert_snapshot!(refused::<ModuleName, _>(""), @"it is empty");
        insta::assert_snapshot!(refused::<ModuleName, _>(&"x".repeat(101)), @"it has 101 bytes, at most 100 are possible");
    }

    #[test]
    fn a_key_attribute_is_what_dynamodb_takes_and_the_answers_leave_free() {
        for valid in ["modulo1Id", "id", "código", "a b", "#", "size"] {
            assert_eq!(
                valid.parse::<KeyAttribute>().expect("valid").as_str(),
                valid
            );
        }
        insta::assert_snapshot!(refused::<KeyAttribute, _>("data"), @"`data` is reserved: an item keeps its document there");
        insta::assert_snapshot!(refused::<KeyAttribute, _>(&"é".repeat(128)), @"it has 256 bytes, at most 255 are possible");
    }

    #[test]
    fn a_table_template_expands_to_a_table_name() {
        let module = "modulo1".parse().expect("valid");
        let stage = Stage::default();
        let expand = |text: &str| {
            text.parse::<TableTemplate>()
                .map(|template| template.expand(&module, &stage))
        };
        let default = TableTemplate::default()
            .expand(&module, &stage)
            .expect("valid");
        assert_eq!(default.as_str(), "modulo1-local");
        assert_eq!(
            expand("{module}-{stage}").expect("valid").expect("valid"),
            default
        );
        assert_eq!(
            expand("fixed.Name_1")
                .expect("valid")
                .expect("valid")
                .as_str(),
            "fixed.Name_1"
        );
        insta::assert_snapshot!(expand("ab").expect("valid").expect_err("short"), @"it has 2 characters, at least 3 are needed");
        insta::assert_snapshot!(refused::<TableTemplate, _>("{modulo}-x"), @"`{modulo}` is not known in it; the placeholders are `{module}` and `{stage}`");
        insta::assert_snapshot!(refused::<TableTemplate, _>("{module"), @"a `{` in it has no partner; write `{module}` or `{stage}`");
        insta::assert_snapshot!(refused::<TableTemplate, _>("module}"), @"a `}` in it has no partner; write `{module}` or `{stage}`");
        insta::assert_snapshot!(refused::<TableTemplate, _>("salas de aula"), @"` ` is not possible in it; use letters, digits, `-`, `_` and `.`");
        insta::assert_snapshot!(refused::<TableTemplate, _>(""), @"it is empty");
    }
}

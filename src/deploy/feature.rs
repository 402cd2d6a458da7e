//! Parts of the function that some configurations need and others do without, so that it is no
//! larger than it must be. Each is a Cargo feature.

use std::fmt;
use std::hint::black_box;

use crate::config::Config;
use crate::module::secret_place::SecretPlace;

/// A part that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Holding documents against JSON Schemas.
    Schemas,
    /// Guards whose secret is in Parameter Store or Secrets Manager.
    Secrets,
}

/// The two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// That which serves the modules.
    Bootstrap,
    /// That which sends their changes.
    Changes,
}

impl Program {
    /// The name of its binary, before it is packed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Changes => "changes",
        }
    }

    /// Its own feature in `Cargo.toml`.
    const fn feature(self) -> &'static str {
        match self {
            Self::Bootstrap => "lambda",
            Self::Changes => "changes",
        }
    }

    /// Whether a binary is this one, and not some other program.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn is(self, binary: &[u8]) -> bool {
        contains(binary, &mark("program", self.as_str()))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `changes` is and was built with, as [`BUILT`] is of `bootstrap`: nothing else calls
/// [`check_changes`].
#[cfg(feature = "changes")]
static CHANGES: &[&str] = &[
    "modulo-program:changes;",
    #[cfg(feature = "secrets")]
    "modulo-feature:secrets;",
];

/// What this program is and was built with. `modulo package` looks for these marks in a binary.
/// Only `bootstrap` has them: nothing else calls [`check`].
static BUILT: &[&str] = &[
    "modulo-program:bootstrap;",
    #[cfg(feature = "schemas")]
    "modulo-feature:schemas;",
    #[cfg(feature = "secrets")]
    "modulo-feature:secrets;",
];

impl Feature {
    const ALL: &[Self] = &[Self::Schemas, Self::Secrets];

    /// Its name in `Cargo.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schemas => "schemas",
            Self::Secrets => "secrets",
        }
    }

    /// Those without which the program can't do what `config` says.
    pub fn needed_by(program: Program, config: &Config) -> impl Iterator<Item = Self> {
        let modules = || config.modules.iter();
        let is_needed = move |feature: &Self| match (program, feature) {
            (Program::Bootstrap, Self::Schemas) => {
                modules().any(|module| module.schema().is_some())
            }
            (Program::Bootstrap, Self::Secrets) => {
                config.modules.secrets().any(SecretPlace::is_fetched)
            }
            (Program::Changes, Self::Schemas) => false,
            (Program::Changes, Self::Secrets) => {
                let mut webhooks = modules().flat_map(|module| module.webhooks());
                webhooks.any(|webhook| webhook.secret().is_fetched())
            }
        };
        Self::ALL.iter().copied().filter(is_needed)
    }

    fn mark(self) -> String {
        mark("feature", self.as_str())
    }

    fn is_among(self, built: &[&str]) -> bool {
        let mark = self.mark();
        built.iter().any(|built| **built == *mark)
    }

    /// Whether a `bootstrap` was built with it.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn is_in(self, binary: &[u8]) -> bool {
        contains(binary, &self.mark())
    }
}

/// Made here of parts, so that it is in no binary but by [`BUILT`].
fn mark(kind: &str, name: &str) -> String {
    format!("modulo-{kind}:{name};")
}

#[cfg(feature = "cli")]
fn contains(binary: &[u8], mark: &str) -> bool {
    memchr::memmem::find(binary, mark.as_bytes()).is_some()
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a configuration needs and a program does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this function was built without {}, which modules.toml needs; \
     build it with `--no-default-features --features {},{}`, or use the {} zip of a release",
    named(missing),
    program.feature(),
    names(needed),
    program.as_str()
)]
pub struct MissingFeatures {
    program: Program,
    missing: Vec<Feature>,
    /// All that the configuration needs: who built with the missing ones alone would miss the others.
    needed: Vec<Feature>,
}

impl MissingFeatures {
    /// What `config` needs of what is not `built`, if anything.
    fn find(program: Program, config: &Config, built: impl Fn(Feature) -> bool) -> Option<Self> {
        let needed: Vec<_> = Feature::needed_by(program, config).collect();
        let missing: Vec<_> = (needed.iter().copied())
            .filter(|&feature| !built(feature))
            .collect();
        (!missing.is_empty()).then_some(Self {
            program,
            missing,
            needed,
        })
    }

    /// What `config` needs of a program, and its binary was built without.
    #[cfg(feature = "cli")]
    pub(crate) fn of_binary(program: Program, config: &Config, binary: &[u8]) -> Option<Self> {
        Self::find(program, config, |feature| feature.is_in(binary))
    }
}

/// Makes sure that this program can serve `config`.
///
/// # Errors
/// See [`MissingFeatures`].
pub fn check(config: &Config) -> Result<(), MissingFeatures> {
    // Else the compiler may do without the marks themselves.
    check_against(black_box(BUILT), config)
}

/// Makes sure that this program can send what `config` says.
///
/// # Errors
/// See [`MissingFeatures`].
#[cfg(feature = "changes")]
pub fn check_changes(config: &Config) -> Result<(), MissingFeatures> {
    let built = black_box(CHANGES);
    let missing =
        MissingFeatures::find(Program::Changes, config, |feature| feature.is_among(built));
    missing.map_or(Ok(()), Err)
}

fn check_against(built: &[&str], config: &Config) -> Result<(), MissingFeatures> {
    let missing = MissingFeatures::find(Program::Bootstrap, config, |feature| {
        feature.is_among(built)
    });
    missing.map_or(Ok(()), Err)
}

/// In a sentence.
fn named(features: &[Feature]) -> String {
    let names: Vec<_> = features
        .iter()
        .map(|feature| format!("`{feature}`"))
        .collect();
    names.join(" and ")
}

/// As Cargo takes them.
fn names(features: &[Feature]) -> String {
    let names: Vec<_> = features.iter().map(|feature| feature.as_str()).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config(module: &str) -> Config {
        let text = format!("[modules.rooms]\nkey = \"roomId\"\n{module}");
        config::parse(
            &text,
            "modules.toml".as_ref(),
            &"local".parse().unwrap(),
            [],
        )
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_program_without_schemas_serves_modules_without_schemas() {
        assert_eq!(check_against(&[], &config("")), Ok(()));
        let with_schema = config("schema = { type = \"object\" }");
        let schemas = vec![Feature::Schemas];
        let missing = Err(MissingFeatures {
            program: Program::Bootstrap,
            missing: schemas.clone(),
            needed: schemas,
        });
        assert_eq!(check_against(&[], &with_schema), missing);
        assert_eq!(check(&with_schema), Ok(()));
    }

    /// Found with a function that lacked both: built as the message said, it lacked the other.
    #[test]
    fn what_is_built_as_the_message_says_lacks_nothing() {
        let both = config(
            "schema = { type = \"object\" }\naccess = { guard = \"main\" }\n\
             [access.main]\njwt = { issuer = \"https://x/\", audience = \"x\", secret = { ssm = \"/x\" } }",
        );
        for built in [
            &[][..],
            &["modulo-feature:schemas;"],
            &["modulo-feature:secrets;"],
        ] {
            let message = check_against(built, &both)
                .expect_err("one is missing")
                .to_string();
            assert!(
                message.contains("--features lambda,schemas,secrets`"),
                "{message}"
            );
        }
        let message =
            check_against(&["modulo-feature:schemas;"], &both).expect_err("one is missing");
        insta::assert_snapshot!(message, @"this function was built without `secrets`, which modules.toml needs; build it with `--no-default-features --features lambda,schemas,secrets`, or use the bootstrap zip of a release");
    }

    #[test]
    fn a_secret_of_the_environment_needs_nothing() {
        let guarded = |secret: &str| {
            config(&format!(
                "access = {{ guard = \"main\" }}\n\
                 [access.main]\njwt = {{ issuer = \"https://x/\", audience = \"x\", secret = {secret} }}"
            ))
        };
        let of = |secret: &str| {
            let config = guarded(secret);
            let needed = Feature::needed_by(Program::Bootstrap, &config);
            needed.collect::<Vec<_>>()
        };
        assert_eq!(of("{ env = \"SECRET\" }"), []);
        assert_eq!(of("{ ssm = \"/rooms/secret\" }"), [Feature::Secrets]);
    }

    #[test]
    fn the_function_that_sends_needs_what_webhooks_need() {
        let told = |secret: &str| {
            let webhook = "[[modules.rooms.webhooks]]\nurl = \"https://erp.example.com/\"";
            config(&format!("schema = {{}}\n{webhook}\nsecret = {secret}"))
        };
        let of = |secret: &str| {
            let config = told(secret);
            let needed = Feature::needed_by(Program::Changes, &config);
            needed.collect::<Vec<_>>()
        };
        assert_eq!(of("{ env = \"SECRET\" }"), []);
        assert_eq!(of("{ ssm = \"/rooms/secret\" }"), [Feature::Secrets]);
    }

    #[test]
    fn a_mark_is_found_anywhere_in_a_binary() {
        assert!(Feature::Schemas.is_in(b"\x7fELF \0modulo-feature:schemas;\0"));
        assert!(!Feature::Schemas.is_in(b"\x7fELF \0modulo-feature:schema;\0"));
    }

    #[test]
    fn the_program_is_marked_and_every_feature_under_its_name() {
        let names: Vec<_> = Feature::ALL.iter().map(|feature| feature.mark()).collect();
        let (program, features) = BUILT.split_first().expect("the program's own mark");
        assert!(Program::Bootstrap.is(program.as_bytes()));
        assert!(!features.is_empty());
        for mark in features {
            assert!(names.iter().any(|name| name == mark), "{mark}");
        }
    }
}

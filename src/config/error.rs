//! What can be wrong with a configuration, and where: file, line, key path.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::iter;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::string::FromUtf8Error;

use toml::de::{DeTable, DeValue};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read `{}`; write it, or name another with --file", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}:{column}: not TOML: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// The file is TOML, but does not say what modulo takes.
    #[error("{}", Listing(faults))]
    Invalid {
        /// Everything that is wrong, in the file's order.
        faults: Vec<Fault>,
    },
}

impl ConfigError {
    /// The config crate keeps no line, so the text is parsed again for it, here on the failure
    /// path alone.
    pub(super) fn syntax(file: &Path, text: &str, error: &::config::ConfigError) -> Self {
        let (offset, message) = match DeTable::parse(text) {
            Err(error) => (
                error.span().map_or(0, |span| span.start),
                error.message().to_owned(),
            ),
            Ok(_) => (0, error.to_string()),
        };
        Self::at(file, text, offset, message.replace('\n', ", "))
    }

    pub(super) fn not_utf8(file: &Path, error: &FromUtf8Error) -> Self {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = String::from_utf8_lossy(valid);
        Self::at(
            file,
            &text,
            text.len(),
            "a byte that is not UTF-8".to_owned(),
        )
    }

    fn at(file: &Path, text: &str, offset: usize, message: String) -> Self {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Syntax {
            file: file.to_owned(),
            line: Lines::of(text).number(offset),
            column: before[line_start..].chars().count() + 1,
            message,
        }
    }
}

/// One thing that is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `modules.toml:12: modules.modulo1.key`, or the environment variable.
    place: String,
    message: String,
    help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.help
            .iter()
            .try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

struct Listing<'f>(&'f [Fault]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.0 {
            writeln!(f, "{fault}")?;
        }
        match self.0.len() {
            1 => f.write_str("1 error"),
            count => write!(f, "{count} errors"),
        }
    }
}

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    File,
    Environment,
}

/// The keys that lead to a value. Every setting has one, and few are ever shown: so it shares its
/// beginning with its neighbours'.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyPath(Option<Rc<Step>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Step {
    parent: KeyPath,
    key: Cow<'static, str>,
}

impl KeyPath {
    pub(super) fn root() -> Self {
        Self(None)
    }

    pub(super) fn child(&self, key: impl Into<Cow<'static, str>>) -> Self {
        Self(Some(Rc::new(Step {
            parent: self.clone(),
            key: key.into(),
        })))
    }

    /// Further along a JSON pointer.
    pub(super) fn descend(&self, pointer: &str) -> Self {
        let keys = pointer.split('/').skip(1);
        keys.map(|key| key.replace("~1", "/").replace("~0", "~"))
            .fold(self.clone(), |path, key| path.child(key))
    }

    fn parent(&self) -> Option<&Self> {
        self.0.as_deref().map(|step| &step.parent)
    }

    /// From the outermost on.
    fn keys(&self) -> Vec<&str> {
        let steps = iter::successors(self.0.as_deref(), |step| step.parent.0.as_deref());
        let mut keys: Vec<_> = steps.map(|step| &*step.key).collect();
        keys.reverse();
        keys
    }

    /// The environment variable that sets it.
    fn variable(&self) -> String {
        let segments = self.keys().into_iter().map(str::to_uppercase);
        let words: Vec<_> = iter::once(super::ENV_PREFIX.to_owned())
            .chain(segments)
            .collect();
        words.join(super::ENV_SEPARATOR)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        for (at, key) in self.keys().into_iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            if !key.is_empty() && key.chars().all(bare) {
                f.write_str(key)?;
            } else {
                write!(f, "{key:?}")?;
            }
        }
        Ok(())
    }
}

/// The faults found so far, their lines not yet looked up.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<Found>,
    /// Their paths, and those above them.
    blamed: HashSet<KeyPath>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    path: KeyPath,
    source: Source,
    message: String,
    help: Option<String>,
}

impl Found {
    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl Faults {
    pub(super) fn add(
        &mut self,
        path: KeyPath,
        source: Source,
        message: impl Into<String>,
    ) -> &mut Found {
        let mut wrong = Some(&path);
        while let Some(path) = wrong.filter(|path| !self.blamed.contains(path)) {
            self.blamed.insert(path.clone());
            wrong = path.parent();
        }
        self.found.push(Found {
            path,
            source,
            message: message.into(),
            help: None,
        });
        self.found.last_mut().expect("one was just pushed")
    }

    /// Whether anything at `path`, or below it, has been found wrong.
    pub(super) fn blame(&self, path: &KeyPath) -> bool {
        self.blamed.contains(path)
    }

    /// `value` if nothing was found.
    pub(super) fn into_result<T>(
        self,
        value: T,
        file: &Path,
        text: &str,
    ) -> Result<T, ConfigError> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let document = Document::parse(text);
        let mut placed: Vec<(usize, Fault)> = Vec::new();
        for Found {
            path,
            source,
            message,
            help,
        } in self.found
        {
            let (line, place) = match source {
                Source::Environment => (usize::MAX, format!("environment: {}", path.variable())),
                Source::File => {
                    let line = document.line(&path).unwrap_or(1);
                    (line, format!("{}:{line}: {path}", file.display()))
                }
            };
            placed.push((
                line,
                Fault {
                    place,
                    message,
                    help,
                },
            ));
        }
        // A wrong default is one fault, however many modules take it over.
        // The keys of one line were met in any order.
        placed.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.place.cmp(&other.place)));
        placed.dedup();
        let faults = placed.into_iter().map(|(_, fault)| fault).collect();
        Err(ConfigError::Invalid { faults })
    }
}

/// The file again, with its places, which the config crate does not keep.
struct Document<'t> {
    lines: Lines,
    root: Option<DeValue<'t>>,
}

impl<'t> Document<'t> {
    fn parse(text: &'t str) -> Self {
        let table = DeTable::parse(text).ok();
        Self {
            lines: Lines::of(text),
            root: table.map(|table| DeValue::Table(table.into_inner())),
        }
    }

    /// The line of the innermost key of the path that the text has.
    fn line(&self, path: &KeyPath) -> Option<usize> {
        let mut value = self.root.as_ref()?;
        let mut line = None;
        for segment in path.keys() {
            let (place, inner) = match value {
                DeValue::Table(table) => {
                    let Some((key, inner)) = table.get_key_value(segment) else {
                        break;
                    };
                    (key.span(), inner)
                }
                DeValue::Array(items) => {
                    let Some(item) = segment.parse().ok().and_then(|at: usize| items.get(at))
                    else {
                        break;
                    };
                    (item.span(), item)
                }
                _ => break,
            };
            line = Some(self.lines.number(place.start));
            value = inner.get_ref();
        }
        line
    }
}

/// Where a text's lines end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of what is at `offset`, from 1.
    fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|&end| end < offset) + 1
    }
}

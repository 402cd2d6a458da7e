//! The files that a configuration consists of, beside `modules.toml` itself: JSON, all of them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::{fs, io};

/// Where such a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its path below the folder of `modules.toml`, there and in the function's package.
    pub path: FilePath,
    /// That folder.
    folder: PathBuf,
    /// What was in it when the configuration was read, if it was read with that.
    content: Option<Arc<[u8]>>,
}

impl ConfigFile {
    pub(crate) fn new(path: FilePath, folder: &Path) -> Self {
        Self {
            path,
            folder: folder.to_owned(),
            content: None,
        }
    }

    /// With what is in it now, so that an edit of the file is an edit of the configuration. One
    /// that can't be read stays as it is: whoever needs it learns why.
    pub(crate) fn with_content(mut self) -> Self {
        self.content = self.read().ok().map(Arc::from);
        self
    }

    /// The file's path, for messages and to watch it: [`ConfigFile::read`] opens it.
    #[must_use]
    pub fn location(&self) -> PathBuf {
        self.folder.join(self.path.as_str())
    }

    /// What is in the file: as it was when the configuration was read with it, or now. Symbolic
    /// links are followed within the folder, where Kubernetes makes some, and not out of it: a
    /// schema is packed and, by `/_openapi.json`, public.
    ///
    /// # Errors
    /// It can't be read, or a link leads out of the folder.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        if let Some(content) = &self.content {
            return Ok(content.to_vec());
        }
        // Joined, since the folder of a file that is named without one is the empty path.
        let folder = self.folder.join(".").canonicalize()?;
        let location = self.location().canonicalize()?;
        if location.starts_with(folder) {
            fs::read(location)
        } else {
            let message = "a symbolic link leads out of the folder of modules.toml";
            Err(io::Error::other(message))
        }
    }
}

/// A file's path, relative to the folder of `modules.toml` and never outside of it, so that the
/// function's package can hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePath(String);

/// Why a text is no [`FilePath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilePath {
    /// It begins at the root, or on another system's drive.
    #[error("it must be relative to the folder of modules.toml")]
    Absolute,
    /// It has a segment that is no name.
    #[error("`{0}` cannot be a part of it; use names of folders with one `/` between them")]
    Segment(String),
    /// It does not look like JSON.
    #[error("its name must end in `.json`")]
    NotJson,
}

impl FilePath {
    const SUFFIX: &str = ".json";

    /// The path, with `/` between its segments.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = InvalidFilePath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('/') {
            return Err(InvalidFilePath::Absolute);
        }
        let is_name = |segment: &str| {
            !matches!(segment, "" | "." | "..") && !segment.contains(['\\', ':', '\0'])
        };
        if let Some(segment) = text.split('/').find(|segment| !is_name(segment)) {
            return Err(InvalidFilePath::Segment(segment.to_owned()));
        }
        if text.ends_with(Self::SUFFIX) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidFilePath::NotJson)
        }
    }
}

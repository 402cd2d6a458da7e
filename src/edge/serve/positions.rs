//! Up to where somebody has read the streams of the embedded engine, kept in the data folder: whom a
//! webhook tells, or who keeps versions.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::local::{Position, Stream};

/// All of them.
#[derive(Debug)]
pub(super) struct Positions {
    /// Nothing, if they are gone with the process, as the data is.
    file: Option<PathBuf>,
    known: Mutex<BTreeMap<String, String>>,
}

impl Positions {
    /// Those that `folder` has in a file of this name.
    pub(super) fn open(folder: Option<&Path>, name: &str) -> io::Result<Self> {
        let file = folder.map(|folder| folder.join(name));
        let known = match &file {
            None => BTreeMap::new(),
            Some(file) => match fs::read(file) {
                Ok(text) => serde_json::from_slice(&text)?,
                Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
                Err(error) => return Err(error),
            },
        };
        Ok(Self {
            file,
            known: Mutex::new(known),
        })
    }

    pub(super) fn get(&self, who: &str) -> Option<Position> {
        self.known().get(who)?.parse().ok()
    }

    /// Notes where somebody goes on in a stream, which keeps what is behind that.
    pub(super) fn keep(&self, who: &str, stream: &Stream, position: &Position) {
        self.set(who, position);
        stream.need(who, position);
    }

    fn set(&self, who: &str, position: &Position) {
        let mut known = self.known();
        let position = position.to_string();
        if known.get(who) != Some(&position) {
            known.insert(who.to_owned(), position);
            self.write(&known);
        }
    }

    /// Forgets all but these: who comes back begins with what happens from then on.
    pub(super) fn forget_others(&self, others_than: &[String]) {
        let mut known = self.known();
        let count = known.len();
        known.retain(|name, _| others_than.contains(name));
        if known.len() < count {
            self.write(&known);
        }
    }

    /// Puts the file in the place of the one before at once, so that there is always a whole one.
    /// Without a sync: a cut of power loses the last of it at the most, and changes are read again.
    fn write(&self, known: &BTreeMap<String, String>) {
        let Some(file) = &self.file else { return };
        let text = serde_json::to_vec_pretty(known).expect("texts are JSON");
        let folder = file.parent().unwrap_or(Path::new(""));
        let written = NamedTempFile::new_in(folder).and_then(|mut new| {
            new.write_all(&text)?;
            new.persist(file).map_err(io::Error::from)
        });
        if let Err(error) = written {
            // The same changes are read again after a restart.
            tracing::warn!(%error, "cannot write to {}", file.display());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

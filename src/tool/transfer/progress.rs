//! `FILE.progress`: how far a run has come, for the one that goes on after an interruption.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a run moves. A run may continue another one only if both move the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tool) struct Job {
    pub(in crate::tool) command: Command,
    pub(in crate::tool) module: String,
    pub(in crate::tool) table: String,
    /// Where the table is.
    pub(in crate::tool) place: String,
    /// When the table was made: one of the same name, made anew, has nothing of what was done.
    pub(in crate::tool) table_created_ms: Option<i64>,
    /// What is imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::tool) content: Option<Content>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::tool) enum Command {
    Import,
    Export,
}

/// What identifies a file's content, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tool) struct Content {
    pub(in crate::tool) bytes: u64,
    pub(in crate::tool) sha256: String,
    #[serde(default)]
    pub(in crate::tool) keeps_stamps: bool,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Import => "import",
            Self::Export => "export",
        })
    }
}

impl Job {
    /// Why the progress of `self` is not that of `other`.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let same_target = |job: &Self| (job.command, job.module.clone(), job.table.clone());
        let keeps_stamps = |job: &Self| job.content.as_ref().map(|content| content.keeps_stamps);
        if self == other {
            None
        } else if same_target(self) != same_target(other) || self.place != other.place {
            Some("that was another run")
        } else if keeps_stamps(self) != keeps_stamps(other) {
            Some("one run was with `--keep-stamps`, and one without")
        } else if self.content != other.content {
            Some("the file has changed since then")
        } else {
            Some("the table was deleted and created again since then")
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Note<P> {
    job: Job,
    position: P,
}

/// The progress file of a run.
#[derive(Debug)]
pub(in crate::tool) struct Progress {
    file: PathBuf,
    job: Job,
}

impl Progress {
    /// The progress file beside `file`, and the position that it records, if there is one.
    pub(in crate::tool) fn open<P: DeserializeOwned>(
        file: &Path,
        job: Job,
        restart: bool,
    ) -> anyhow::Result<(Self, Option<P>)> {
        let progress = Self {
            file: beside(file, ".progress"),
            job,
        };
        let position = if restart { None } else { progress.read()? };
        Ok((progress, position))
    }

    fn read<P: DeserializeOwned>(&self) -> anyhow::Result<Option<P>> {
        let shown = self.file.display();
        let text = match fs::read(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read `{shown}`"))?,
        };
        let Ok(note) = serde_json::from_slice::<Note<serde_json::Value>>(&text) else {
            bail!("`{shown}` is not a progress file of this version; start again with --restart");
        };
        if let Some(difference) = note.job.difference(&self.job) {
            let Job {
                command,
                module,
                table,
                place,
                ..
            } = note.job;
            bail!(
                "`{shown}` records the progress of the {command} of module `{module}`, table \
                 `{table}` of {place}, but {difference}; start again with --restart"
            );
        }
        serde_json::from_value(note.position)
            .map(Some)
            .with_context(|| format!("`{shown}` is damaged; start again with --restart"))
    }

    /// Records that everything before `position` is done.
    pub(in crate::tool) fn save(&self, position: &impl Serialize) -> anyhow::Result<()> {
        let job = self.job.clone();
        let note = serde_json::to_vec(&Note { job, position })?;
        // Under another name first: there is at any time the old one or the new one, whole.
        let new = beside(&self.file, ".new");
        fs::write(&new, note)
            .and_then(|()| fs::rename(&new, &self.file))
            .with_context(|| format!("cannot write `{}`", self.file.display()))
    }

    /// Deletes the file, since nothing is left to do.
    pub(in crate::tool) fn remove(self) -> anyhow::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", self.file.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The path of a file beside `file`, whose name has this suffix in addition.
pub(in crate::tool) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    path.into()
}

//! `modulo man`: what packages install.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

/// Write the manual pages into a folder, one for each command
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Args {
    folder: PathBuf,
}

impl Args {
    /// Runs the command, with the whole program's arguments.
    pub fn run(self, program: clap::Command) -> anyhow::Result<()> {
        let folder = self.folder;
        let written =
            fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(program, &folder));
        written.with_context(|| format!("cannot write to `{}`", folder.display()))
    }
}

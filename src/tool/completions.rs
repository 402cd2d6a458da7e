//! `modulo completions`.

use clap_complete::Shell;

use crate::edge::serve::say;

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

impl Args {
    /// Runs the command, with the whole program's arguments.
    pub fn run(self, mut program: clap::Command) -> anyhow::Result<()> {
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        say(&String::from_utf8(script)?);
        Ok(())
    }
}

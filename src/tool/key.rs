//! `modulo key`.

use crate::edge::serve::say;
use crate::module::api_key::NewKey;
use crate::module::name::KeyName;

/// Make a new API key, and print it with the line that modules.toml needs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of the key's owner
    name: KeyName,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let (name, key) = (self.name, NewKey::random());
        say(&format!(
            "The key, which modulo does not store; give it to its owner and to nobody else:\n\n  {}\n\n\
             The line for `keys` of [access.NAME] in modules.toml:\n\n  \
             {{ name = \"{name}\", hash = \"{}\", scopes = [] }}\n",
            key.as_str(),
            key.hash()
        ));
        Ok(())
    }
}

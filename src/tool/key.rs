//! `modulo key`.

use crate::access::NewKey;
use crate::edge::serve::say;
use crate::module::name::KeyName;

/// Make a new API key, and print it with the line that modules.toml needs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose key it will be
    name: KeyName,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let (name, key) = (self.name, NewKey::random());
        say(&format!(
            "The key, for its owner alone; it is kept nowhere:\n\n  {}\n\n\
             What [access.NAME] in modules.toml needs, among `keys`:\n\n  \
             {{ name = \"{name}\", hash = \"{}\", scopes = [] }}\n",
            key.as_str(),
            key.hash()
        ));
        Ok(())
    }
}

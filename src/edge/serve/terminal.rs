//! What a person at the terminal reads of `modulo serve`, beside the log.

use std::io::{self, Write};
use std::net::SocketAddr;

use super::host::HostName;
use super::options::Options;
use crate::api::listing;
use crate::aws::credentials;
use crate::config::Config;
use crate::console;
use crate::local::Found;
use crate::module::few::few;

/// Writes to standard output. A failed write is ignored: nobody reads the output (EPIPE), and the
/// server goes on.
pub fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// What is printed once the server listens.
pub(super) fn welcome(
    address: SocketAddr,
    opened: Option<SocketAddr>,
    options: &Options,
    config: &Config,
) -> String {
    let file = options.file.display();
    let table = listing::overview(config);
    let examples = listing::examples(config, &format!("http://{address}"));
    let docs = if config.service.docs {
        format!("To read about the API, and to try it: http://{address}/_docs\n")
    } else {
        String::new()
    };
    let console = if config.service.console {
        format!(
            "To see and mend the data: http://{address}{}\n",
            console::PATH
        )
    } else {
        String::new()
    };
    let opened = opened.map_or_else(String::new, |opened| {
        format!(
            "DynamoDB's own protocol is open at http://{opened}: any program on this machine can \
             read and write all tables there, without passing a guard.\n"
        )
    });
    format!(
        "modulo serves {file} on http://{address}, stage {}, with {}.\n\
         An edit of {file} is mounted as soon as it is saved. Ctrl-C stops.\n\
         {opened}{docs}{console}\n\
         {table}\nTry:\n{examples}\n",
        options.stage, options.backend
    )
}

/// Of modules whose events are sent in AWS, where a person looks for them; here only `has_changes` can
/// show what they are.
pub(super) fn events_elsewhere(config: &Config, has_changes: bool) -> Option<String> {
    let modules = config.modules.iter();
    let modules = modules.filter(|module| module.events().is_some());
    let names: Vec<_> = modules.map(|module| module.name()).collect();
    let first = names.first()?;
    let changes = if has_changes {
        format!(" GET /_changes/{first} shows here what is sent there.")
    } else {
        String::new()
    };
    let names = few(&names);
    Some(format!(
        "The events of {names} are sent in AWS only.{changes}\n"
    ))
}

/// The warning where other machines can connect.
pub(super) fn reachable(address: SocketAddr, hosts: &[HostName]) -> String {
    let given = hosts.iter().map(HostName::to_string);
    let names: Vec<_> = std::iter::once("localhost".to_owned())
        .chain(given)
        .collect();
    format!(
        "Warning: other machines can connect to {address}. Without a proxy that adds TLS, the \
         connection is not encrypted. The `Host` of a request may be any IP address or one of \
         these names: {}. --host NAME adds one.",
        names.join(", ")
    )
}

/// Prints, for each module that can't use its table, why.
pub(super) fn report(found: &Found) {
    for (module, unusable) in found {
        let served = if unusable.is_of_the_key() {
            " is not served"
        } else {
            ""
        };
        eprintln!("{module}{served}: {unusable}");
        if let Some(help) = credentials::help(&unusable.to_string()) {
            eprintln!("  help: {help}");
        }
    }
}

//! The mounted routes, for people to read.

use std::fmt::Write;

use crate::config::Config;
use crate::module::base_path::BasePath;
use crate::module::call::PathKind;
use crate::module::few::{MOST_NAMED, few};
use crate::module::guard::Callers;
use crate::module::{KeyType, Module, Modules, Verb};

/// The routes as a table, one line for each kind of path of a module, and below it what is open to
/// everybody, and where callers are confined to tenants.
#[must_use]
pub fn table(config: &Config) -> String {
    listing(config, usize::MAX)
}

/// As [`table`], but with the first modules only if there are many.
#[must_use]
pub fn overview(config: &Config) -> String {
    listing(config, MOST_NAMED)
}

fn listing(config: &Config, most: usize) -> String {
    let (base_path, modules) = (base_path(config), &config.modules);
    let header = ["PATH", "METHODS", "TABLE", "KEY"].map(str::to_owned);
    let mut rows = vec![header];
    for module in modules.iter().take(most) {
        let name = module.name();
        let key = module.key();
        let sort = key.sort().map(|sort| format!("<{}>", sort.attribute));
        let id = match &sort {
            Some(_) => format!("<{}>", key.partition().attribute),
            None => "<id>".to_owned(),
        };
        for &path in PathKind::ALL {
            // Every module has batches.
            if path == PathKind::Batch || !path.is_in(module) {
                continue;
            }
            let methods: Vec<_> = path.methods(module.verbs(), key).collect();
            if !methods.is_empty() {
                let path = format!("{base_path}{}", path.of(name, (&id, sort.as_deref())));
                let (table, key) = (module.table().name().to_string(), module.key().to_string());
                rows.push([path, methods.join(" "), table, key]);
            }
        }
    }
    let more = match modules.iter().len().saturating_sub(most) {
        0 => String::new(),
        more => format!("… and {more} more modules, which `modulo routes` lists\n"),
    };
    let notes = notes(modules);
    let notes = notes.map_or_else(String::new, |notes| format!("\n{notes}"));
    columns(&rows) + &more + &notes
}

fn base_path(config: &Config) -> &str {
    let base_path = config.service.base_path.as_ref();
    base_path.map_or("", BasePath::as_str)
}

/// The lines below the table: which modules are open to everybody, which of them say so, and which
/// confine callers to a tenant.
#[must_use]
pub fn notes(modules: &Modules) -> Option<String> {
    let notes = [
        open_to_everybody(modules),
        open_on_purpose(modules),
        confined_to_tenants(modules),
    ];
    notes
        .into_iter()
        .flatten()
        .reduce(|one, other| one + &other)
}

fn confined_to_tenants(modules: &Modules) -> Option<String> {
    let confined = modules.iter().filter_map(|module| {
        let claim = module.tenant()?;
        Some(format!("{} (`{claim}`)", module.name()))
    });
    let confined: Vec<_> = confined.collect();
    let line = || {
        let count = count(&confined);
        format!(
            "Confined to the caller's tenant{count}: {}.\n",
            few(&confined)
        )
    };
    (!confined.is_empty()).then(line)
}

fn open_to_everybody(modules: &Modules) -> Option<String> {
    let open = modules.iter().filter(|module| !is_declared_open(module));
    let open: Vec<_> = open.filter_map(|module| open_to_all(module)).collect();
    (!open.is_empty()).then(|| {
        let all = if open.len() > MOST_NAMED {
            "; `modulo resources` lists all"
        } else {
            ""
        };
        format!(
            "Open to everybody{}: {} (see \"Who may do what\" in README.md{all}).\n",
            count(&open),
            few(&open)
        )
    })
}

fn open_on_purpose(modules: &Modules) -> Option<String> {
    let open = modules.iter().filter(|module| is_declared_open(module));
    let open: Vec<_> = open.map(|module| module.name()).collect();
    (!open.is_empty()).then(|| {
        let count = count(&open);
        format!(
            "Open to everybody on purpose, by `access = \"open\"`{count}: {}.\n",
            few(&open)
        )
    })
}

fn is_declared_open(module: &Module) -> bool {
    *module.callers() == Callers::Everybody { is_declared: true }
}

/// The number of modules, if not all are named.
fn count<T>(names: &[T]) -> String {
    if names.len() > MOST_NAMED {
        format!(", {} modules", names.len())
    } else {
        String::new()
    }
}

/// The modules that are open to everybody, each with its open verbs unless those are all.
pub fn open(modules: &Modules) -> impl Iterator<Item = String> {
    modules.iter().filter_map(|module| open_to_all(module))
}

/// A module's name, with its open verbs unless those are all; nothing, if none is open.
fn open_to_all(module: &Module) -> Option<String> {
    let (name, verbs) = (module.name(), module.open_verbs());
    if verbs == module.verbs() {
        return Some(name.to_string());
    }
    let verbs: Vec<_> = verbs.iter().map(Verb::as_str).collect();
    (!verbs.is_empty()).then(|| format!("{name} ({})", verbs.join(" ")))
}

fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Three `curl` lines to try on the first module, or as many as it serves.
#[must_use]
pub fn examples(config: &Config, url: &str) -> String {
    let mut text = String::new();
    let Some(module) = config.modules.iter().next() else {
        return text;
    };
    let collection = format!("{url}{}/{}", base_path(config), module.name());
    let values = module.key().parts().zip(["sala90", "b90"]);
    let item = values.fold(collection.clone(), |path, (part, text)| {
        let value = match part.key_type {
            KeyType::S => text,
            KeyType::N => "90",
        };
        format!("{path}/{value}")
    });
    let body =
        r#"-H 'content-type: application/json' -d '{"description": "Sala 90", "chairs": 90}'"#;
    let calls = [
        (Verb::Post, format!("curl -X POST {item} {body}")),
        (Verb::Get, format!("curl {item}")),
        (Verb::List, format!("curl {collection}")),
        (Verb::Put, format!("curl -X PUT {item} {body}")),
        (Verb::Delete, format!("curl -X DELETE {item}")),
    ];
    let served = calls
        .iter()
        .filter(|(verb, _)| module.verbs().contains(*verb));
    for (_, call) in served.take(3) {
        writeln!(text, "  {call}").expect("a String takes all");
    }
    text
}

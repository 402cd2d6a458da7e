//! The order of the rooms in `src/`: no arrow points back, and no room names what it must not know.
//!
//! An arrow is a path in the code of one file that leads into another file. Unit tests are not
//! looked at, nor is what a folder's own file and its parts take from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The rooms from the lowest to the highest: each knows only those before it.
const ROOMS: [&str; 17] = [
    "json", "module", "aws", "access", "item", "store", "change", "webhooks", "config", "api",
    "openapi", "app", "console", "local", "deploy", "edge", "tool",
];

/// Every room writes to it, and it reads what they say of themselves.
const BESIDE_THE_ROOMS: &str = "telemetry";

/// A rule of what only some may name.
struct Rule {
    what: &'static str,
    is_of: fn(&[String]) -> bool,
    /// Whether a file may, by its path in `src/` without its ending.
    may: fn(&str) -> bool,
}

const RULES: [Rule; 3] = [
    Rule {
        what: "HTTP",
        is_of: |path| {
            let crates = ["axum", "headers", "http", "tower", "tower_http"];
            path.len() > 1 && crates.contains(&&*path[0])
        },
        may: |file| !is_in(file, &["json", "module", "item", "store", "change"]),
    },
    Rule {
        what: "the AWS SDK",
        is_of: |path| path.len() > 1 && path[0].starts_with("aws_"),
        may: |file| {
            // Issuers and webhooks are called by the SDK's HTTP client, which the function has anyway.
            is_in(
                file,
                &[
                    "store",
                    "aws",
                    "local",
                    "deploy/plan",
                    "tool",
                    "access/fetch",
                    "webhooks/post",
                ],
            )
        },
    },
    Rule {
        what: "the environment",
        is_of: |path| {
            let readers = ["var", "var_os", "vars", "vars_os"];
            path.windows(2)
                .any(|pair| pair[0] == "env" && readers.contains(&&*pair[1]))
        },
        may: |file| {
            // OpenTelemetry's exporter reads its variables itself, so that its user does too.
            let others = ["tool/environment", "telemetry/otlp"];
            is_in(file, &["main", "bin", "config", "edge", "aws"]) || others.contains(&file)
        },
    },
];

fn is_in(file: &str, places: &[&str]) -> bool {
    let mut places = places.iter();
    places.any(|place| {
        let rest = file.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// A path that stands in the code, such as `crate::store::Store`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    path: Vec<String>,
    line: usize,
}

/// The files by their path in `src/` without its ending, each with what it names.
type Sources = BTreeMap<String, Vec<Named>>;

/// An arrow: to which file, and in which line.
type Arrows = BTreeMap<String, BTreeMap<String, usize>>;

fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let file = path.strip_prefix(&root).unwrap().with_extension("");
                sources.insert(name_of(&file), names_in(&text));
            }
        }
    }
    sources
}

fn name_of(file: &Path) -> String {
    let parts = file.iter().map(|part| part.to_str().unwrap());
    parts.collect::<Vec<_>>().join("/")
}

fn names_in(text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    read(text.parse().expect("it is Rust"), &mut found);
    found
}

fn read(stream: TokenStream, found: &mut Vec<Named>) {
    let tokens: Vec<_> = stream.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at = match token {
            TokenTree::Punct(_) => at + length_of_tests(&tokens[at..]).max(1),
            TokenTree::Ident(_) => read_path(&tokens, at, &[], found),
            TokenTree::Group(group) => {
                read(group.stream(), found);
                at + 1
            }
            TokenTree::Literal(_) => at + 1,
        };
    }
}

/// Reads the path that begins `at`, or the paths, as in `crate::{item, store::Store}`, and says
/// where it ends.
fn read_path(
    tokens: &[TokenTree],
    mut at: usize,
    before: &[String],
    found: &mut Vec<Named>,
) -> usize {
    let line = tokens[at].span().start().line;
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for part in inner.split(is_comma).filter(|part| !part.is_empty()) {
                    read_path(part, 0, &path, found);
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        if !(is_colon(at) && is_colon(at + 1)) {
            break;
        }
        at += 2;
    }
    found.push(Named { path, line });
    at
}

/// How many tokens a module of unit tests has that begins here.
fn length_of_tests(tokens: &[TokenTree]) -> usize {
    match tokens {
        [
            TokenTree::Punct(hash),
            TokenTree::Group(attribute),
            rest @ ..,
        ] if hash.as_char() == '#' && is_of_tests(&attribute.to_string()) => {
            let is_mod = |token: &TokenTree| token.to_string() == "mod";
            // `pub(crate)` may stand before it.
            let at = rest.iter().take(3).position(is_mod);
            at.map_or(0, |at| 2 + at + 3)
        }
        _ => 0,
    }
}

fn is_of_tests(attribute: &str) -> bool {
    let attribute = attribute.replace(' ', "");
    attribute.starts_with("[cfg(test") || attribute.starts_with("[cfg(all(test")
}

/// The file that a path leads into: that of the longest part of it that is a file.
fn target<'s>(sources: &'s Sources, file: &str, path: &[String]) -> Option<&'s str> {
    let mut segments: Vec<&str> = file.split('/').collect();
    let mut path = path.iter().map(String::as_str).peekable();
    match path.next()? {
        "crate" => segments.clear(),
        "self" => {}
        "super" => {
            segments.pop();
            while path.next_if_eq(&"super").is_some() {
                segments.pop();
            }
        }
        _ => return None,
    }
    segments.extend(path);
    (1..=segments.len()).rev().find_map(|length| {
        let (found, _) = sources.get_key_value(&segments[..length].join("/"))?;
        Some(found.as_str())
    })
}

fn arrows(sources: &Sources) -> Arrows {
    let mut arrows = Arrows::new();
    for (file, names) in sources {
        let mut of_file = BTreeMap::new();
        for Named { path, line } in names {
            if let Some(target) = target(sources, file, path)
                && !is_in(file, &[target])
                && !is_in(target, &[file])
            {
                of_file.entry(target.to_owned()).or_insert(*line);
            }
        }
        arrows.insert(file.clone(), of_file);
    }
    arrows
}

/// Every file to which one arrow after the other leads.
fn reached<'a>(arrows: &'a Arrows, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        for target in arrows[file].keys() {
            if reached.insert(target.as_str()) {
                next.push(target);
            }
        }
    }
    reached
}

fn place(file: &str, line: usize) -> String {
    let file = PathBuf::from("src").join(file).with_extension("rs");
    format!("{}:{line}", file.display())
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let arrows = arrows(&sources());
    let mut faults = Vec::new();
    for (file, targets) in &arrows {
        for (target, line) in targets {
            if reached(&arrows, target).contains(file.as_str()) {
                faults.push(format!(
                    "{}: `{file}` takes from `{target}`, which takes from `{file}`, by way of \
                     others or not",
                    place(file, *line)
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn no_room_takes_from_a_higher_one() {
    let room_of = |file: &str| file.split('/').next().unwrap_or_default().to_owned();
    let rank = |file: &str| {
        let room = room_of(file);
        ROOMS.iter().position(|known| *known == room)
    };
    let sources = sources();
    let mut faults = Vec::new();
    for file in sources.keys() {
        let is_known =
            rank(file).is_some() || is_in(file, &[BESIDE_THE_ROOMS, "lib", "main", "bin"]);
        if !is_known {
            faults.push(format!(
                "{}: a new room, whose place is to be said in ROOMS",
                place(file, 1)
            ));
        }
    }
    for (file, targets) in &arrows(&sources) {
        for (target, line) in targets {
            let is_upward = rank(target) > rank(file) && rank(file).is_some();
            if is_upward {
                faults.push(format!(
                    "{}: `{}` must not know `{}`",
                    place(file, *line),
                    room_of(file),
                    room_of(target)
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn nobody_names_what_they_must_not_know() {
    let mut faults = Vec::new();
    for (file, names) in &sources() {
        for rule in RULES.iter().filter(|rule| !(rule.may)(file)) {
            for Named { path, line } in names.iter().filter(|one| (rule.is_of)(&one.path)) {
                faults.push(format!(
                    "{}: it must not know {}, and names `{}`",
                    place(file, *line),
                    rule.what,
                    path.join("::")
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn paths_are_read_wherever_they_stand() {
    let text = "\
//! crate::comment
use crate::{item, store::{self, Store as S}};
fn f() { g::<super::A>(\"crate::text\", env::var(1)) }
#[cfg(test)]
pub(crate) mod tests { use crate::api; }
const B: &str = json!({ \"a\": [crate::b::C] });";
    let named: Vec<_> = names_in(text)
        .into_iter()
        .filter(|named| named.path.len() > 1)
        .map(|Named { path, line }| format!("{line} {}", path.join("::")))
        .collect();
    assert_eq!(
        named,
        [
            "2 crate::item",
            "2 crate::store::self",
            "2 crate::store::Store",
            "3 super::A",
            "3 env::var",
            "6 crate::b::C",
        ]
    );
}

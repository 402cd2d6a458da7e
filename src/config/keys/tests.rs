use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::schema::json_of;
use super::{Absent, Language, Rule, SCHEMA_FILE, Section, reference, schema_text, sections};
use crate::config::{self, Config, ConfigError, foundation};
use crate::module::name::Stage;

const MODULE: &str = "[modules.rooms]\nkey = \"roomId\"\n";
const GUARDED: &str = "[modules.rooms]\nkey = \"roomId\"\naccess = { guard = \"main\" }\n";
const GUARD: &str =
    "[access.main.jwt]\nissuer = \"https://issuer.example.com/\"\naudience = \"modulo\"\n";

/// What stands before the keys of a section, in a file that has nothing but what it needs.
fn before(section: &Section) -> String {
    match section.id {
        "file" => String::new(),
        "service" => format!("{GUARD}{MODULE}[service]\n"),
        "contact" => format!("{MODULE}[service.contact]\n"),
        "licence" => format!("{MODULE}[service.licence]\n"),
        "cors" => format!("{MODULE}[modules.rooms.cors]\n"),
        "guard" => format!("{GUARDED}[access.main]\n"),
        "jwt" => format!("{GUARDED}[access.main.jwt]\n"),
        "secret" => {
            let issuer = "issuer = \"https://issuer.example.com/\"\naudience = \"modulo\"\n";
            format!("{GUARDED}[access.main.jwt]\n{issuer}[access.main.jwt.secret]\n")
        }
        "api-key" => format!("{GUARDED}[[access.main.keys]]\n"),
        "module" => format!("{GUARD}[modules.rooms]\n"),
        "key" | "key-part" => "[modules.rooms.key]\n".to_owned(),
        "index" => format!("{MODULE}storage = \"document\"\n[[modules.rooms.indexes]]\n"),
        "index-key" => {
            let index = "[[modules.rooms.indexes]]\nname = \"by-building\"\n";
            format!("{MODULE}storage = \"document\"\n{index}[modules.rooms.indexes.partition]\n")
        }
        "stamps" => format!("{MODULE}[modules.rooms.stamps]\n"),
        "billing" => format!("{MODULE}[modules.rooms.billing]\n"),
        "access" => format!("service.access = \"main\"\n{GUARD}{MODULE}[modules.rooms.access]\n"),
        "tenant" => format!("{GUARD}{GUARDED}[modules.rooms.tenant]\n"),
        "webhook" => format!("{MODULE}[[modules.rooms.webhooks]]\n"),
        "events" => format!("{MODULE}[modules.rooms.events]\n"),
        "rate-limit" => format!("{MODULE}[modules.rooms.rate_limit]\n"),
        other => panic!("say in which file section `{other}` can stand"),
    }
}

/// What a key needs beside it.
fn needs(section: &Section, key: &str) -> &'static str {
    match (section.id, key) {
        ("module", "default_ttl") => "ttl = \"expiresAt\"\n",
        ("module", "indexes") => "storage = \"document\"\n",
        ("module", "key_in_document") => "envelope = \"plain\"\n",
        ("module", "tenant") => "access = { guard = \"main\" }\n",
        _ => "",
    }
}

/// A file in which the section has that key with that value, or without a value lacks it, and all
/// that it needs to be valid but for these.
fn file(section: &Section, name: &str, value: Option<&str>) -> String {
    let mut text = before(section) + needs(section, name);
    for key in section.keys {
        if key.name != name && key.is_required() {
            let _ = writeln!(text, "{} = {}", key.name, key.example);
        }
    }
    let is_alone = matches!(section.rule, Rule::One | Rule::Some);
    if is_alone && section.keys.iter().all(|key| key.name != name) {
        let _ = writeln!(
            text,
            "{} = {}",
            section.keys[0].name, section.keys[0].example
        );
    }
    match value {
        Some(value) => text + &format!("{name} = {value}\n"),
        None => text,
    }
}

fn read(text: &str) -> Result<Config, ConfigError> {
    config::parse(text, Path::new("modules.toml"), &Stage::default(), [])
}

fn is_valid(schema: &jsonschema::Validator, text: &str) -> bool {
    let settings = foundation::read(text).expect("TOML");
    let settings = serde_json::Value::deserialize(settings).expect("JSON");
    schema.is_valid(&settings)
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&super::schema()).expect("a JSON Schema")
}

#[test]
fn the_reader_knows_the_keys_of_the_table() {
    for section in sections() {
        let text = file(section, "zzzzzzzz", Some("1"));
        let found = read(&text).expect_err("an unknown key").to_string();
        let (_, help) = found
            .split_once("unknown key `zzzzzzzz`\n  help: known here: ")
            .unwrap_or_else(|| panic!("of\n{text}\n{found}"));
        let known = help.lines().next().unwrap_or_default();
        let known: BTreeSet<_> = known.split(", ").map(|key| key.trim_matches('`')).collect();
        let rows: BTreeSet<_> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(known, rows, "of {}", section.header);
        assert_eq!(
            rows.len(),
            section.keys.len(),
            "twice in {}",
            section.header
        );
    }
}

#[test]
fn each_example_is_legal() {
    let schema = validator();
    for section in sections() {
        for key in section.keys {
            let text = file(section, key.name, Some(key.example));
            if let Err(error) = read(&text) {
                panic!("of\n{text}\n{error}");
            }
            assert!(is_valid(&schema, &text), "of\n{text}");
        }
    }
}

#[test]
fn each_default_is_what_the_reader_takes() {
    for section in sections() {
        for key in section.keys {
            let bare = read(&file(section, key.name, None));
            match (key.absent, bare) {
                (Absent::Default(default), bare) => {
                    let written = file(section, key.name, Some(default));
                    let same = bare.expect("valid without it") == read(&written).expect("valid");
                    assert!(same, "of\n{written}");
                    let other = read(&file(section, key.name, Some(key.example)));
                    let is_read = other.expect("valid") != read(&written).expect("valid");
                    assert!(is_read, "the example is the default: {}", key.name);
                }
                (Absent::Required, bare) => {
                    assert!(bare.is_err(), "not required: {}.{}", section.id, key.name);
                }
                (Absent::Nothing | Absent::Says(_), bare) => {
                    let alone = matches!(section.rule, Rule::One | Rule::Some);
                    assert_eq!(bare.is_ok(), !alone, "of {}.{}", section.id, key.name);
                }
            }
        }
    }
}

/// Values of every type, and texts at the edges of what some key takes.
fn samples() -> Vec<String> {
    const LENGTHS: [usize; 13] = [
        50, 51, 100, 101, 255, 256, 257, 512, 513, 1_000, 1_001, 1_011, 1_012,
    ];
    let short = include_str!("samples.txt").lines().map(str::to_owned);
    let long = LENGTHS
        .iter()
        .map(|&length| format!("{:?}", "a".repeat(length)));
    short.chain(long).collect()
}

/// Where the two differ on a sample: it is seen when that gets more.
#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = validator();
    let (mut lax, mut strict) = (Vec::new(), Vec::new());
    for section in sections() {
        for key in section.keys {
            // Which guards there are is said in another table.
            if matches!(
                (section.id, key.name),
                ("service", "access") | ("access", "guard")
            ) {
                continue;
            }
            for sample in samples() {
                let text = file(section, key.name, Some(&sample));
                let differ = match (read(&text).is_ok(), is_valid(&schema, &text)) {
                    (false, true) => &mut lax,
                    (true, false) => &mut strict,
                    _ => continue,
                };
                differ.push(format!("{}.{} = {sample}", section.id, key.name));
            }
        }
    }
    assert!(strict.is_empty(), "{strict:?}");
    insta::assert_snapshot!(lax.join("\n"));
}

#[test]
fn a_row_is_whole() {
    for section in sections() {
        for key in section.keys {
            let text = [key.about.english, key.about.portuguese];
            assert!(text.iter().all(|text| text.ends_with('.')), "{}", key.name);
            assert!(json_of(key.example) != serde_json::Value::Null);
        }
    }
}

/// Fails where a file in the tree is not what the rows say, and writes it anew.
fn assert_written(file: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if fs::read_to_string(&file).is_ok_and(|written| written == text) {
        return;
    }
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, text).expect("a file");
    panic!(
        "{} was not what src/config/keys/rows says; it has been written anew: look at `git diff`, and \
         run the test again",
        file.display()
    );
}

#[test]
fn the_committed_schema_is_that_of_the_table() {
    assert_written(SCHEMA_FILE, &schema_text());
}

#[test]
fn the_reference_is_that_of_the_table() {
    let page = reference(Language::English);
    assert_written("docs/reference/modules-toml.md", &page);
}

#[test]
fn the_portuguese_reference_is_that_of_the_table() {
    let page = reference(Language::Portuguese);
    assert_written("docs/reference/modules-toml.pt-BR.md", &page);
}

//! The JSON Schema of `modules.toml`, held against files that modulo takes and that it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ::config::{Config, File, FileFormat};
use jsonschema::Validator;
use modulo::config;
use modulo::config::keys::{self, SCHEMA_FILE};
use modulo::module::name::Stage;

use crate::book::blocks;
use crate::command::Folder;

fn validator() -> Validator {
    let schema = keys::schema();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

/// The text as JSON, if it is TOML.
fn json(text: &str) -> Option<serde_json::Value> {
    let file = File::from_str(text, FileFormat::Toml);
    let settings = Config::builder().add_source(file).build().ok()?;
    settings.try_deserialize().ok()
}

/// The files below a folder that have this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found
}

/// What a schema can see, it refuses: all but a reference to what is not there, and what depends on the
/// stage.
#[test]
fn bad_configurations_are_refused_by_the_schema() {
    let unseen = fs::read_to_string("tests/schema/unseen.txt").unwrap();
    let mut unseen: BTreeMap<_, _> = unseen
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let schema = validator();
    let bad = files(Path::new("tests/api/bad_config"), "toml");
    assert!(bad.len() > 20, "{bad:?}");
    for file in bad {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let is_valid = json(&text).is_some_and(|value| schema.is_valid(&value));
        assert_eq!(is_valid, unseen.remove(name).is_some(), "{name}");
    }
    assert_eq!(unseen, BTreeMap::new());
}

/// Each file of the tree, and each block of the documentation, that modulo takes.
#[test]
fn legal_configurations_are_valid() {
    let schema = validator();
    let mut texts = Vec::new();
    let here = Path::new(".");
    let corpus = fs::read_dir("fuzz/corpus/configuration").unwrap();
    let corpus = corpus.map(|entry| entry.unwrap().path());
    let tomls = ["modules.toml", "tests/openapi/modules.toml"].map(|file| here.join(file));
    let tomls = tomls
        .into_iter()
        .chain(files(Path::new("examples"), "toml"));
    for file in tomls.chain(corpus) {
        texts.push((file.clone(), fs::read_to_string(file).unwrap()));
    }
    let pages = ["README.md", "README.pt-BR.md"].map(|file| here.join(file));
    for page in pages.into_iter().chain(files(Path::new("docs"), "md")) {
        let found = blocks(&fs::read_to_string(&page).unwrap());
        texts.extend(found.into_iter().map(|block| (page.clone(), block.text)));
    }
    let mut valid = 0;
    for (place, text) in texts {
        if config::parse(&text, &place, &Stage::default(), []).is_ok() {
            let value = json(&text).unwrap();
            let faults: Vec<_> = schema.iter_errors(&value).collect();
            assert!(faults.is_empty(), "{}: {faults:?}\n{text}", place.display());
            valid += 1;
        }
    }
    assert!(valid > 10, "only {valid} are valid");
}

#[tokio::test]
async fn the_tool_prints_the_committed_schema() {
    let folder = Folder::with("");
    let (status, stdout, stderr) = folder.run(&["schema"]).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout, fs::read_to_string(SCHEMA_FILE).unwrap());
}

#[tokio::test]
async fn a_new_file_names_its_schema() {
    let folder = Folder::with("");
    let file = folder.path().join("modules.toml");
    let schema = folder.path().join(SCHEMA_FILE);
    fs::remove_file(&file).unwrap();
    folder.run(&["new", "rooms"]).await;
    let first = format!("#:schema ./{SCHEMA_FILE}\n");
    assert!(fs::read_to_string(&file).unwrap().starts_with(&first));
    let printed = fs::read_to_string(SCHEMA_FILE).unwrap();
    assert_eq!(fs::read_to_string(&schema).unwrap(), printed);
    // One that is there already stays.
    fs::write(&schema, "{}").unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(folder.run(&["new", "rooms"]).await.0, Some(0));
    assert_eq!(fs::read_to_string(&schema).unwrap(), "{}");
    let this = fs::read_to_string("modules.toml").unwrap();
    assert!(this.starts_with(&first), "{this}");
}

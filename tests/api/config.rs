//! What is wrong with a `modules.toml`: all of it, where, and how to mend it.

use std::path::Path;

use modulo::config::{self, ConfigError};
use modulo::module::Verb;
use modulo::module::name::Stage;

use crate::app::MODULES;

fn errors(text: &str, environment: &[(&str, &str)]) -> String {
    let environment = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    config::parse(
        text,
        Path::new("modules.toml"),
        &Stage::default(),
        environment,
    )
    .map_or_else(
        |error: ConfigError| error.to_string(),
        |config| panic!("valid: {config:?}"),
    )
}

/// A file for each kind of mistake; its message stands in `snapshots/`.
#[test]
fn every_mistake_is_reported() {
    insta::glob!("bad_config/*.toml", |path| {
        let error = config::check(path, &Stage::default(), []).expect_err("wrong");
        let folder = format!("{}/", path.parent().unwrap().display());
        let file = path.display().to_string();
        let told = error.to_string().replace(&file, "modules.toml");
        insta::assert_snapshot!(told.replace(&folder, ""));
    });
}

#[test]
fn the_environment_layers_over_settings() {
    let environment = [
        ("MODULO__SERVICE__NAME", "rooms"),
        ("MODULO__DEFAULTS__METHODS", "GET, LIST"),
        ("MODULO__DEFAULTS__MAX_BYTES", "1000"),
        ("MODULO_STAGE", "ignored"),
        ("PATH", "/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let text = format!("[service]\nname = \"x\"\n{MODULES}max_bytes = 5");
    let parsed = config::parse(
        &text,
        Path::new("modules.toml"),
        &Stage::default(),
        environment,
    );
    let config = parsed.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.service.name.as_str(), "rooms");
    let modules: Vec<_> = config.modules.iter().collect();
    let verbs: Vec<_> = modules[0].verbs().iter().map(Verb::as_str).collect();
    assert_eq!(verbs, ["GET", "LIST"]);
    // A module's own setting wins over any default, the environment's too.
    assert_eq!((modules[0].max_bytes(), modules[1].max_bytes()), (1_000, 5));
}

#[test]
fn a_mistake_in_the_environment_is_reported_by_its_variable() {
    let environment = [
        ("MODULO__DEFAULTS__SCHEMA__TYPE", "object"),
        ("MODULO__SERVICE__NAME", "my service"),
        ("MODULO__SERVICE__NAEM", "x"),
        ("MODULO__DEFAULTS__METHODS", "GET,FETCH"),
        ("MODULO__MODULES__ROOMS__KEY", "roomId"),
        ("MODULO__DOCS", "true"),
    ];
    insta::assert_snapshot!(errors(MODULES, &environment));
}

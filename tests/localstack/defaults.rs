//! What a deployment is where its user has said nothing.

use std::process::Command;

use crate::contract;
use crate::program::run;
use crate::project::Project;

/// The one address that is known of an emulator nobody has named.
const USUAL: &str = "http://127.0.0.1:4566";

#[test]
fn the_function_finds_an_emulator_that_is_not_named() {
    let project = Project::new("local", contract::MODULES);
    let mut print = project.equip(Command::new("npm"));
    print.env_remove("AWS_ENDPOINT_URL").args([
        "exec",
        "--",
        "osls",
        "print",
        "--stage",
        "local",
        "--format",
        "json",
        "--path",
        "provider.environment",
    ]);
    let environment = run(&mut print).unwrap_or_else(|why| panic!("{why}"));
    assert!(
        environment.contains("\"MODULO_STAGE\": \"local\""),
        "{environment}"
    );
    // LocalStack, should one listen there, gives its functions the address itself.
    let is_localstack = reqwest::blocking::get(format!("{USUAL}/_localstack/info"))
        .is_ok_and(|answer| answer.status().is_success());
    assert_eq!(
        environment.contains(&format!("\"AWS_ENDPOINT_URL\": \"{USUAL}\"")),
        !is_localstack,
        "{environment}"
    );
}

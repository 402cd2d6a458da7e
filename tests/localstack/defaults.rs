//! What a deployment is where its user has said nothing.

use std::process::Command;

use crate::contract;
use crate::emulator::{USUAL_PORT, usual_port};
use crate::program::{root, run};
use crate::project::Project;

#[test]
fn the_function_finds_an_emulator_that_is_not_named() {
    let _lock = usual_port();
    let usual = format!("http://127.0.0.1:{USUAL_PORT}");
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
    let is_localstack = reqwest::blocking::get(format!("{usual}/_localstack/info"))
        .is_ok_and(|answer| answer.status().is_success());
    assert_eq!(
        environment.contains(&format!("\"AWS_ENDPOINT_URL\": \"{usual}\"")),
        !is_localstack,
        "{environment}"
    );
}

/// So that an emulator in a container is the one that the tests deploy to.
#[test]
fn compose_yml_has_the_emulator_that_is_tested() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is in the tree");
    let requirements = read("tests/localstack/requirements.txt");
    let version = requirements
        .lines()
        .find_map(|line| line.strip_prefix("ministack=="))
        .expect("it is required");
    let image = format!("ministackorg/ministack:{version}-full");
    let of_projects =
        ["en", "pt-BR"].map(|language| format!("src/tool/init/{language}/compose.yml"));
    for file in of_projects
        .iter()
        .map(String::as_str)
        .chain(["compose.yml"])
    {
        assert!(read(file).contains(&image), "{image} is not in {file}");
    }
    for guide in ["local-aws.md", "local-aws.pt-BR.md"] {
        assert!(read(&format!("docs/guides/{guide}")).contains(&format!("ministack=={version}\n")));
    }
}

/// In the container there is no rustup to read rust-toolchain.toml.
#[test]
fn the_container_has_the_compiler_of_the_repository() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is in the tree");
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'))
        .expect("it names a version");
    let image = format!("FROM docker.io/library/rust:{version}-slim-bookworm AS build\n");
    assert!(read("Containerfile").contains(&image), "{image}");
}

//! The template of a deployment, held against what AWS says that CloudFormation takes: emulators
//! take more.

use std::path::PathBuf;
use std::process::Command;

use crate::features::project;
use crate::program::{python_program, run};

/// What else has a part in the template.
const MORE: &str = r#"
[modules.modulo1]
key = "modulo1Id"

[modules.kept]
key = "id"
storage = "document"
ttl = "expiresAt"
billing = { read = 1, write = 2 }
retain = true

[[modules.kept.indexes]]
name = "by-floor"
partition = { attribute = "floor", type = "N" }

[modules.kept.access]
guard = "secret"
scopes = { PUT = ["kept:write"] }
"#;

#[test]
fn cloudformation_takes_the_template() {
    let linter = python_program("cfn-lint")
        .unwrap_or_else(|why| panic!("install Python 3.10 or newer with venv and pip: {why}"));
    let project = project("prod", MORE);
    let dashboard = ["--param", "dashboard=true"];
    let collector = ["--param", "otlp=http://collector.example.com:4318"];
    let address = [
        "domain=api.example.com",
        "certificate=arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
        "zone=Z0123456789ABC",
        "base-path=v1",
    ];
    let address = address.map(|param| ["--param", param]).concat();
    let address_of_rest = [address.as_slice(), &["--param", "http-api=no"]].concat();
    let lint = |template: PathBuf| {
        // Warnings are of style, and of what osls itself writes.
        let lint = ["--non-zero-exit-code", "error", "--template"];
        run(Command::new(&linter).args(lint).arg(template)).unwrap_or_else(|why| panic!("{why}"));
    };
    for arguments in [
        [].as_slice(),
        &dashboard,
        &collector,
        &address,
        &address_of_rest,
    ] {
        lint(project.package(arguments));
    }

    let in_stacks = MORE
        .replace("key = \"modulo1Id\"", "key = \"modulo1Id\"\nstack = 1")
        .replace("key = \"id\"", "key = \"id\"\nstack = 2");
    let project = self::project("prod", &in_stacks);
    lint(project.package(&[]));
    let files = std::fs::read_dir(project.path(".serverless")).expect("it is packed");
    let files = files.map(|file| file.expect("it is readable").path());
    let nested: Vec<_> = files
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("tables-"))
        })
        .collect();
    assert_eq!(nested.len(), 2);
    nested.into_iter().for_each(lint);
}

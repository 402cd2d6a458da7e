//! The template of a deployment, held against what AWS says that CloudFormation takes: emulators
//! take more.

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
    for arguments in [[].as_slice(), &dashboard, &collector] {
        let template = project.package(arguments);
        // Warnings are of style, and of what osls itself writes.
        let lint = ["--non-zero-exit-code", "error", "--template"];
        run(Command::new(&linter).args(lint).arg(template)).unwrap_or_else(|why| panic!("{why}"));
    }
}

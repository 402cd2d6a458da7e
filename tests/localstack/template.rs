//! The template of a deployment, held against what AWS says that CloudFormation takes: emulators
//! take more.

use std::process::Command;

use crate::program::{python_program, run};
use crate::project::Project;

/// All that has a part in the template.
const MODULES: &str = r#"
[modules.modulo1]
key = "modulo1Id"

[modules.rooms]
key = "roomId"
storage = "document"
ttl = "expiresAt"
billing = { read = 1, write = 2 }
retain = true

[[modules.rooms.indexes]]
name = "by-building"
partition = "building"
sort = { attribute = "floor", type = "N" }

[access.parameter]
jwt = { issuer = "i", audience = "a", secret = { ssm = "/modulo-tests/jwt" } }

[access.secret]
jwt = { issuer = "i", audience = "a", secret = { secretsmanager = "modulo-tests/jwt" } }

[modules.orders]
key = "orderId"
idempotency = "1h"
tenant = { claim = "org_id" }
access = { guard = "parameter" }

[modules.invoices]
key = "invoiceId"
access = { guard = "secret", scopes = { PUT = ["invoices:write"] } }
"#;

#[test]
fn cloudformation_takes_the_template() {
    let linter = python_program("cfn-lint")
        .unwrap_or_else(|why| panic!("install Python 3.10 or newer with venv and pip: {why}"));
    let project = Project::new("prod", MODULES).with_all_features();
    let dashboard = ["--param", "dashboard=true"];
    let collector = ["--param", "otlp=http://collector.example.com:4318"];
    for arguments in [[].as_slice(), &dashboard, &collector] {
        let template = project.package(arguments);
        // Warnings are of style, and of what osls itself writes.
        let lint = ["--non-zero-exit-code", "error", "--template"];
        run(Command::new(&linter).args(lint).arg(template)).unwrap_or_else(|why| panic!("{why}"));
    }
}

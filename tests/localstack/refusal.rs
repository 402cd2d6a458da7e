//! What must not be deployed is not.

use crate::project::{Project, template};
use crate::tables;

#[test]
fn a_broken_modules_toml_deploys_nothing() {
    let mut project = Project::new("local", "[modules.modulo1]\nkye = \"modulo1Id\"\n");
    let check = project.modulo(&["check"]).expect_err("it is broken");
    let deploy = project.deploy(&[]).err().expect("it is broken");
    // Before them stands the command line.
    let faults: Vec<_> = check.lines().skip(1).collect();
    assert!(check.contains("unknown key `kye`"), "{check}");
    assert!(
        deploy.contains(&faults.join("\n")),
        "check says\n{check}\ndeploy says\n{deploy}"
    );
    assert!(template(&project).is_none(), "there is no stack");
    assert_eq!(tables::ending_in(&project.table_suffix()), [""; 0]);
}

//! Hundreds of modules, whose tables are in nested stacks.

use serde_json::json;

use crate::contract::Visitor;
use crate::plan;
use crate::project::Project;
use crate::tables;

/// As many as one stack would take, but for a dashboard; more would take the test longer.
const MODULES: usize = 150;

/// In the service's own stack.
const OWN: &str = "[modules.own]\nkey = \"ownId\"\n";

/// Modules with their tables in three nested stacks, and one more.
fn modules() -> String {
    let module = |n: usize| {
        let stack = n % 3 + 1;
        format!("[modules.m{n}]\nkey = \"m{n}Id\"\nstack = {stack}\n")
    };
    (1..=MODULES).map(module).collect::<String>() + OWN
}

#[test]
fn a_hundred_and_fifty_modules_are_deployed_in_nested_stacks() {
    let mut project = Project::new("local", &modules());
    let closed = ["--param", "rest-api=no", "--param", "http-api=no"];
    let doors = project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"));
    let url = doors.function_url.as_deref().expect("it is open");
    let visitor = Visitor::new(url);
    let of_each_stack = ["own", "m1", "m2", "m150"];
    for module in of_each_stack {
        let made = json!({ "POST": { format!("{module}Id"): "a", "data": [1] } });
        visitor.expect("POST", &format!("/{module}/a"), "[1]", 200, &made);
    }

    // The tables of nested stacks are the service's own.
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(said.contains("no module changes"), "{said}");
    // A deployment of the same is none.
    let said = project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"))
        .said;
    assert!(said.contains("No changes to deploy"), "{said}");

    // A module comes and another goes; no other table is touched.
    let added = "[modules.added]\nkey = \"addedId\"\nstack = 2\n";
    let gone = "[modules.m1]\nkey = \"m1Id\"\nstack = 2\n";
    assert!(modules().contains(gone));
    project.write_modules(&(modules().replace(gone, "") + added));
    project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"));
    let made = json!({ "POST": { "addedId": "b", "data": [2] } });
    visitor.expect("POST", "/added/b", "[2]", 200, &made);
    for module in ["own", "m2", "m150"] {
        let kept = json!({ "GET": { format!("{module}Id"): "a", "data": "[1]" } });
        visitor.expect("GET", &format!("/{module}/a"), "", 200, &kept);
    }
    let all = tables::ending_in(&project.table_suffix());
    assert!(!all.contains(&project.table("m1")), "{all:?}");

    project.write_modules(&modules().replace("stack = 2", "stack = 1"));
    let why = project.deploy(&closed).err().expect("a table would move");
    let moved = "stack goes from nested stack 2 to nested stack 1";
    assert!(why.contains(moved), "{why}");

    project.remove();
    assert_eq!(tables::ending_in(&project.table_suffix()), [""; 0]);
}

/// A table that is there is no nested stack's, and stays as it is.
#[test]
fn a_table_that_is_there_is_kept_out_of_a_nested_stack() {
    let mut project = Project::new(
        "prod",
        "[modules.modulo1]\nkey = \"modulo1Id\"\nstack = 1\n",
    );
    let name = project.table("modulo1");
    let seed = format!("seed{}", project.table_suffix());
    let mut table = plan::table(&name);
    table["DeletionPolicy"] = "Retain".into();
    plan::make(&seed, &json!({ "Resources": { "Table": table } }));
    plan::delete(&seed);
    tables::put(&name, "modulo1Id", "old", "[1]");
    let why = project.deploy(&[]).err().expect("it can't be imported");
    let reason = "no deployment imports a table into a nested stack; leave `stack` out";
    assert!(why.contains(reason), "{why}");
    let kept = tables::data(&name, "modulo1Id", "old");
    assert_eq!(kept.as_deref(), Some("[1]"));
    tables::delete(&name);
}

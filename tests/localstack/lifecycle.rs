//! A project's life: deploy, edit `modules.toml`, deploy again, remove.

use std::time::Instant;

use serde_json::json;

use crate::contract::{self, Visitor};
use crate::project::{Project, report, template};
use crate::{permissions, tables};

#[test]
fn edit_modules_toml_and_deploy_again() {
    let mut project = Project::new("local", contract::MODULES);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    assert!(doors.function_url.is_some() && doors.rest_api.is_some());
    for door in doors.iter() {
        contract::holds(door);
    }

    let old = json!({ "GET": { "modulo1Id": "old", "data": "{\"kept\":true}" } });
    let url = doors.function_url.as_deref().expect("it is open");
    let visitor = Visitor::new(url);
    tables::put(
        &project.table("modulo1"),
        "modulo1Id",
        "old",
        "{\"kept\":true}",
    );
    visitor.expect("GET", "/modulo1/old", "", 200, &old);

    let modulo3 = "[modules.modulo3]\nkey = \"modulo3Id\"\n";
    let edit = Instant::now();
    project.write_modules(&format!("{}{modulo3}", contract::MODULES));
    let plan = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(plan.contains("modulo3: is new"), "{plan}");
    project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    let new = json!({ "POST": { "modulo3Id": "a", "data": [1] } });
    visitor.expect("POST", "/modulo3/a", "[1]", 200, &new);
    report("from edit to answering route", edit.elapsed());
    visitor.expect("GET", "/modulo1/old", "", 200, &old);

    assert!(permissions::actions(&project).contains(&"dynamodb:DeleteItem".to_owned()));
    let read_only = format!("{}{modulo3}", contract::MODULES)
        .replace("Id\"\n", "Id\"\nmethods = [\"GET\"]\n")
        .replace(
            "methods = [\"GET\"]\nmethods = [\"GET\", \"PUT\"]",
            "methods = [\"GET\"]",
        );
    project.write_modules(&read_only);
    let plan = project.modulo(&["plan"]).expect_err("clients lose methods");
    assert!(
        plan.contains("modulo1: no longer serves DELETE, LIST, PATCH, POST, PUT"),
        "{plan}"
    );
    project
        .modulo(&["plan", "--accept-breaking"])
        .unwrap_or_else(|why| panic!("it was accepted: {why}"));
    project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        permissions::actions(&project),
        [
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem"
        ]
    );
    assert_eq!(visitor.send("DELETE", "/modulo1/old", "", "").status(), 405);
    visitor.expect("GET", "/modulo1/old", "", 200, &old);

    project.remove();
    assert_eq!(tables::ending_in(&project.table_suffix()), [""; 0]);
}

#[test]
fn tables_outlive_their_stack_outside_local() {
    let mut project = Project::new("prod", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    let closed = ["--param", "rest-api=false", "--param", "http-api=false"];
    let doors = project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(doors.function_url.is_some() && doors.rest_api.is_none() && doors.http_api.is_none());

    let table = project.table("modulo1");
    tables::put(&table, "modulo1Id", "a", "[1]");
    project.remove();
    assert!(template(&project).is_none(), "the stack is gone");
    assert_eq!(
        tables::data(&table, "modulo1Id", "a").as_deref(),
        Some("[1]")
    );
    tables::delete(&table);
}

//! A project's life: deploy, edit `modules.toml`, deploy again, remove.

use std::time::Instant;

use serde_json::json;

use crate::contract::{self, Visitor};
use crate::emulator::emulator;
use crate::project::{Project, report, template};
use crate::{permissions, tables};

#[test]
fn edit_modules_toml_and_deploy_again() {
    let mut project = Project::new("local", contract::MODULES);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    assert!(doors.function_url.is_some() && doors.rest_api.is_some());
    assert_eq!(doors.http_api.is_some(), emulator().http_api);
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
        plan.contains("local, modulo1, modulo3: no longer serves DELETE, LIST, PATCH, POST, PUT"),
        "{plan}"
    );
    project
        .modulo(&["plan", "--accept-breaking"])
        .unwrap_or_else(|why| panic!("it was accepted: {why}"));
    project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        permissions::actions_of_template(&project),
        [
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem"
        ]
    );
    assert_eq!(visitor.send("DELETE", "/modulo1/old", "", "").status(), 405);
    visitor.expect("GET", "/modulo1/old", "", 200, &old);

    project.remove();
    assert!(template(&project).is_none(), "the stack is gone");
    assert_eq!(tables::ending_in(&project.table_suffix()), [""; 0]);

    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    let url = doors.function_url.as_deref().expect("it is open");
    let none = json!({ "ERROR": { "message": "Resource does not exist" } });
    Visitor::new(url).expect("GET", "/modulo1/old", "", 404, &none);
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

/// `modulo plan` is asked before anything is built or sent.
#[test]
fn a_breaking_edit_is_deployed_if_it_is_meant() {
    let closed = ["--param", "rest-api=no", "--param", "http-api=FALSE"];
    let mut project = Project::new("prod", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"));
    let before = template(&project);

    project.write_modules("[modules.modulo1]\nkey = \"modulo1Id\"\nmethods = [\"GET\"]\n");
    let why = project.deploy(&closed).err().expect("clients lose methods");
    assert!(why.contains("BREAKS  modulo1: no longer serves"), "{why}");
    assert!(why.contains("--param accept-breaking=true"), "{why}");
    assert!(!why.contains("Building the function"), "{why}");
    assert_eq!(template(&project), before);

    let accepted = [closed.as_slice(), &["--param", "accept-breaking=true"]].concat();
    project
        .deploy(&accepted)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_ne!(template(&project), before);
    project.remove();
    tables::delete(&project.table("modulo1"));
}

#[test]
fn a_deployment_tells_which_modules_are_open() {
    let modules = r#"
        [access.partners]
        keys = [{ name = "ana", hash = "sha256:dce2b192cf474384db8f78f0f4b70cb006b926ee68eaf536c510d15a9b09e322" }]

        [modules.kept]
        key = "id"
        access = { guard = "partners" }

        [modules.news]
        key = "id"
        access = { guard = "partners", public = ["GET"] }

        [modules.open]
        key = "id"
    "#;
    let mut project = Project::new("local", modules);
    let doors = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    let open = "open to everybody who knows an endpoint:\n  news (GET)\n  open\n";
    assert!(doors.said.contains(open), "{}", doors.said);
}

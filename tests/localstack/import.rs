//! Tables that are there before the deployment that is to have them.

use aws_sdk_dynamodb::types::{
    BillingMode, ProvisionedThroughput, TableDescription, TimeToLiveSpecification,
};
use axum::body::Bytes;
use serde_json::{Value, json};

use crate::contract::Visitor;
use crate::emulator::emulator;
use crate::plan;
use crate::program::run;
use crate::project::{Project, template};
use crate::proxy::{Passage, proxy};
use crate::tables::{self, client, wait};

const MODULO1: &str = "[modules.modulo1]\nkey = \"modulo1Id\"\n";
const MODULO2: &str = "[modules.modulo2]\nkey = \"modulo2Id\"\n";
const CLOSED: [&str; 4] = ["--param", "rest-api=no", "--param", "http-api=no"];
const ACCEPTED: [&str; 2] = ["--param", "accept-breaking=yes"];

fn described(table: &str) -> TableDescription {
    let described = wait(client().describe_table().table_name(table).send());
    described
        .expect("it is there")
        .table
        .expect("and described")
}

/// Whether stack has this table, by its template.
fn has_table(project: &Project, table: &str) -> bool {
    let template = template(project).expect("it is deployed");
    let resources = template["Resources"].as_object().expect("an object");
    let mut names = resources
        .values()
        .map(|resource| &resource["Properties"]["TableName"]);
    names.any(|name| name == table)
}

/// A module out and in again; meanwhile somebody has changed its table.
#[test]
fn a_module_comes_back_over_its_table() {
    if !emulator().can_import("a module does not come back over its table") {
        return;
    }
    let mut project = Project::new("prod", &format!("{MODULO1}{MODULO2}"));
    let name = project.table("modulo2");
    project
        .deploy(&CLOSED)
        .unwrap_or_else(|why| panic!("{why}"));
    let item = [("modulo2Id", "a"), ("data", "[1]"), ("by", "ana")];
    tables::put_item(&name, &item);

    project.write_modules(MODULO1);
    project
        .deploy(&[CLOSED.as_slice(), &ACCEPTED].concat())
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(!has_table(&project, &name));
    let capacity = ProvisionedThroughput::builder()
        .read_capacity_units(5)
        .write_capacity_units(5)
        .build()
        .expect("complete");
    let change = client()
        .update_table()
        .table_name(&name)
        .deletion_protection_enabled(false)
        .billing_mode(BillingMode::Provisioned)
        .provisioned_throughput(capacity);
    wait(change.send()).expect("it is changed");

    project.write_modules(&format!("{MODULO1}{MODULO2}"));
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    let imported = format!("table `{name}` is there already, in no stack, and is imported");
    assert!(said.contains(&imported), "{said}");
    for setting in [
        "billing is 5 read and 5 write units, and should be on-demand",
        "deletion protection is off, and should be on",
    ] {
        assert!(said.contains(setting), "{said}");
    }
    let doors = project
        .deploy(&CLOSED)
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(has_table(&project, &name));
    assert_eq!(tables::items(&name), [tables::item(&item)]);
    let table = described(&name);
    assert_eq!(table.deletion_protection_enabled(), Some(true));
    let billing = table.billing_mode_summary().expect("it is known");
    assert_eq!(billing.billing_mode(), Some(&BillingMode::PayPerRequest));
    let visitor = Visitor::new(doors.function_url.as_deref().expect("it is open"));
    let answer = json!({ "GET": { "modulo2Id": "a", "data": "[1]" } });
    visitor.expect("GET", "/modulo2/a", "", 200, &answer);

    project.remove();
    tables::delete(&project.table("modulo1"));
    tables::delete(&name);
}

/// What LocalStack makes of a call: it ignores `ImportExistingResources`.
fn forget_imports(body: Bytes) -> Passage {
    let text = String::from_utf8_lossy(&body);
    Passage::PassOn(match text.split_once("&ImportExistingResources=true") {
        Some((before, after)) => Bytes::from(format!("{before}{after}")),
        None => body,
    })
}

#[test]
fn an_emulator_that_cannot_import_touches_no_table() {
    let mut project = Project::new("prod", MODULO1);
    let name = project.table("modulo1");
    make(&name, "modulo1Id", "S");
    tables::put(&name, "modulo1Id", "old", "[1]");
    let before = described(&name).table_id;
    project.is_tried();
    let mut deploy = project.osls("deploy");
    deploy
        .args(CLOSED)
        .env("AWS_ENDPOINT_URL", proxy(forget_imports));
    let why = run(&mut deploy).expect_err("it can't be imported");
    assert!(why.contains("an emulator that cannot import"), "{why}");
    assert_eq!(described(&name).table_id, before);
    let kept = tables::data(&name, "modulo1Id", "old");
    assert_eq!(kept.as_deref(), Some("[1]"));
    project.remove();
    tables::delete(&name);
}

/// What `plan` says of modulo1 over its table.
fn planned(project: &Project) -> String {
    let said = project.modulo(&["plan", "--accept-breaking"]);
    let said = said.unwrap_or_else(|why| why);
    said.split_inclusive('\n')
        .filter(|line| !line.contains("is new") && !line.contains("answers"))
        .collect()
}

#[test]
fn a_table_of_another_stack_is_said_with_the_two_ways_on() {
    let project = Project::new("prod", MODULO1);
    let name = project.table("modulo1");
    let seed = format!("seed{}", project.table_suffix());
    plan::make(
        &seed,
        &json!({ "Resources": { "OldTable": plan::table(&name) } }),
    );
    let said = planned(&project);
    let there = format!("FAILS   modulo1: table `{name}` is there already, in stack `{seed}`");
    assert!(said.contains(&there), "{said}");
    assert!(said.contains("create = false in modules.toml"), "{said}");
    assert!(said.contains("DeletionPolicy: Retain"), "{said}");

    project.write_modules(&format!("{MODULO1}create = false\n"));
    let said = planned(&project);
    let left = format!("ok      modulo1: table `{name}` is left as it is");
    assert!(said.contains(&left), "{said}");
    plan::delete(&seed);
}

/// A table that no stack has.
fn make(name: &str, key: &str, kind: &str) {
    let mut template = plan::table(name);
    template["DeletionPolicy"] = "Retain".into();
    let properties = &mut template["Properties"];
    properties["AttributeDefinitions"] = json!([{ "AttributeName": key, "AttributeType": kind }]);
    properties["KeySchema"] = json!([{ "AttributeName": key, "KeyType": "HASH" }]);
    let stack = format!("made-{name}");
    plan::make(&stack, &json!({ "Resources": { "Table": template } }));
    plan::delete(&stack);
}

#[test]
fn a_table_that_can_not_be_imported_is_said_with_the_reason() {
    let project = Project::new("prod", MODULO1);
    let name = project.table("modulo1");
    for (key, kind, reason) in [
        (
            "id",
            "S",
            "its key is `id`, and the module's is `modulo1Id`",
        ),
        (
            "modulo1Id",
            "N",
            "its key is `modulo1Id` (N), and the module's is `modulo1Id`",
        ),
    ] {
        make(&name, key, kind);
        let said = planned(&project);
        let there = format!("FAILS   modulo1: table `{name}` is there already, and not in stack");
        assert!(said.contains(&there) && said.contains(reason), "{said}");
        // Nor could it be served as it is.
        project.write_modules(&format!("{MODULO1}create = false\n"));
        let said = planned(&project);
        assert!(
            said.contains("BREAKS  modulo1") && said.contains(reason),
            "{said}"
        );
        project.write_modules(MODULO1);
        wait(client().delete_table().table_name(&name).send()).expect("it is deleted");
    }

    make(&name, "modulo1Id", "S");
    let plain = planned(&project);
    assert!(plain.contains("and is imported"), "{plain}");
    project.write_modules(&format!("{MODULO1}retain = false\n"));
    let said = planned(&project);
    assert!(said.contains("say retain = true"), "{said}");

    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("end")
        .enabled(true)
        .build()
        .expect("complete");
    let call = client().update_time_to_live().table_name(&name);
    wait(call.time_to_live_specification(ttl).send()).expect("it is on");
    project.write_modules(&format!("{MODULO1}ttl = \"expiresAt\"\n"));
    let said = planned(&project);
    assert!(said.contains("its TTL is by `end`"), "{said}");
    project.write_modules(&format!("{MODULO1}ttl = \"end\"\n"));
    let said = planned(&project);
    assert!(
        said.contains("and is imported") && !said.contains("TTL"),
        "{said}"
    );
    project.write_modules(MODULO1);
    let said = planned(&project);
    assert!(said.contains("TTL by `end` stays on"), "{said}");
    wait(client().delete_table().table_name(&name).send()).expect("it is deleted");

    let said = planned(&project);
    assert!(said.contains("modulo1: its table is created"), "{said}");
    project.write_modules(&format!("{MODULO1}create = false\n"));
    let said = planned(&project);
    let absent = format!("BREAKS  modulo1: there is no table `{name}`, and because of");
    assert!(said.contains(&absent), "{said}");
}

/// What the imports are, by `plan --imports`.
#[test]
fn drift_is_said_and_imports_are_for_what_the_stack_has_not() {
    let project = Project::new("prod", MODULO1);
    let (name, stack) = (project.table("modulo1"), project.stack());
    let said = project
        .modulo(&["resources"])
        .unwrap_or_else(|why| panic!("{why}"));
    let resources: Value = serde_json::from_str(&said).expect("JSON");
    plan::make(&stack, &resources["resources"]);
    let change = client().update_table().table_name(&name);
    let change = change.deletion_protection_enabled(false);
    wait(change.send()).expect("it is unprotected");
    let file = project.path("imports.json");
    let imports = ["plan", "--imports", file.to_str().expect("UTF-8")];
    let said = project
        .modulo(&imports)
        .unwrap_or_else(|why| panic!("{why}"));
    let drift = "has drifted: deletion protection is off, and should be on";
    assert!(said.contains(drift), "{said}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("it is written"),
        "{}\n"
    );
    plan::delete(&stack);
    tables::delete(&name);
}

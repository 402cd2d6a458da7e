//! `modulo plan` against a real CloudFormation: what is in a deployment's way.
//!
//! The stacks are made as osls would, but of tables only, so that no function has to be built.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::Capability;
use modulo::{config, local};
use serde_json::{Value, json};

use crate::project::Project;
use crate::tables::{self, account, wait};

fn client() -> Client {
    Client::new(account())
}

/// Makes a stack, and waits until that is done.
pub(crate) fn make(stack: &str, template: &Value) {
    make_until(stack, template, "CREATE_COMPLETE");
}

/// Makes a stack, which ends in a status.
pub(crate) fn make_until(stack: &str, template: &Value, end: &str) {
    let client = client();
    let call = client.create_stack().stack_name(stack);
    let call = call.capabilities(Capability::CapabilityIam);
    let call = call.template_body(template.to_string());
    wait(call.send()).expect("it is made");
    assert_eq!(wait_until_done(stack), end, "stack {stack}");
}

/// Waits until nothing is done to a stack any more, and returns its status then.
pub(crate) fn wait_until_done(stack: &str) -> String {
    let client = client();
    let start = std::time::Instant::now();
    loop {
        let output = wait(client.describe_stacks().stack_name(stack).send()).expect("it is there");
        let status = output.stacks()[0]
            .stack_status()
            .expect("it has one")
            .as_str();
        if !status.ends_with("_IN_PROGRESS") {
            return status.to_owned();
        }
        assert!(start.elapsed().as_secs() < 60, "stack {stack} is {status}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

pub(crate) fn delete(stack: &str) {
    wait(client().delete_stack().stack_name(stack).send()).expect("it is deleted");
}

/// What `modulo resources` wants of CloudFormation.
fn wanted(project: &Project) -> Value {
    let said = project
        .modulo(&["resources"])
        .unwrap_or_else(|why| panic!("{why}"));
    let mut resources: Value = serde_json::from_str(&said).expect("JSON");
    resources["resources"].take()
}

pub(crate) fn table(name: &str) -> Value {
    json!({
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "modulo1Id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "modulo1Id", "KeyType": "HASH" }],
        },
    })
}

/// Makes what these modules lack, as `modulo serve` does.
fn make_tables(modules: &str) {
    let stage = "local".parse().expect("valid");
    let config = config::parse(modules, "modules.toml".as_ref(), &stage, []).expect("valid");
    let dynamodb = aws_sdk_dynamodb::Client::new(account());
    let made = local::create_tables(&dynamodb, config.modules.tables());
    wait(made).expect("they are made");
}

/// Found with a table that is paid for by its capacity: the index was asked for without any. The
/// embedded engine takes it, AWS and emulators do not.
#[test]
fn an_index_gets_the_capacity_of_its_table() {
    let rooms = "[modules.rooms]\nkey = \"roomId\"\nstorage = \"document\"\n";
    let project = Project::new("local", rooms);
    let stack = project.stack();
    let name = project.table("rooms");
    let mut template = wanted(&project);
    let properties = &mut template["Resources"]["roomsTable"]["Properties"];
    properties["BillingMode"] = "PROVISIONED".into();
    properties["ProvisionedThroughput"] =
        json!({ "ReadCapacityUnits": 3, "WriteCapacityUnits": 2 });
    make(&stack, &template);

    let index = "[[modules.rooms.indexes]]\nname = \"by-x\"\npartition = \"x\"\n";
    let modules = format!("{rooms}table = \"{name}\"\n{index}");
    make_tables(&modules);
    let dynamodb = aws_sdk_dynamodb::Client::new(account());
    let described = wait(dynamodb.describe_table().table_name(&name).send());
    let table = described
        .expect("it is there")
        .table
        .expect("and described");
    let index = &table.global_secondary_indexes()[0];
    let capacity = index.provisioned_throughput().expect("it has a capacity");
    assert_eq!(
        (
            capacity.read_capacity_units(),
            capacity.write_capacity_units()
        ),
        (Some(3), Some(2))
    );
    delete(&stack);
}

const MODULO1: &str = "[modules.modulo1]\nkey = \"modulo1Id\"\n";
const MODULO2: &str = "[modules.modulo2]\nkey = \"modulo2Id\"\n";

#[test]
fn a_table_of_another_stack_is_found() {
    let project = Project::new("local", MODULO1);
    let name = project.table("modulo1");
    let seed = format!("seed{}", project.table_suffix());
    make(&seed, &json!({ "Resources": { "OldTable": table(&name) } }));
    tables::put(&name, "modulo1Id", "old", "[1]");
    for arguments in [["plan"].as_slice(), &["plan", "--accept-breaking"]] {
        let said = project.modulo(arguments).expect_err("it is in the way");
        let there = format!("FAILS   modulo1: table `{name}` is there already");
        assert!(said.contains(&there), "{said}");
    }
    delete(&seed);
}

/// As after a deployment without the module.
#[test]
fn a_module_that_comes_back_over_its_table_is_found() {
    let project = Project::new("local", MODULO2);
    let (name, stack) = (project.table("modulo1"), project.stack());
    make(&stack, &wanted(&project));
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(said.contains("no module changes"), "{said}");

    make_tables(&format!("{MODULO1}table = \"{name}\"\n"));
    project.write_modules(&format!("{MODULO1}{MODULO2}"));
    let said = project
        .modulo(&["plan", "--accept-breaking"])
        .expect_err("it is in the way");
    assert!(
        said.contains(&format!("table `{name}` is there already")),
        "{said}"
    );
    delete(&stack);
    tables::delete(&name);
}

#[test]
fn a_stack_that_is_not_modulos_is_reported() {
    let project = Project::new("local", MODULO1);
    let topic = json!({ "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } } });
    make(&project.stack(), &topic);
    let said = project
        .modulo(&["plan"])
        .expect_err("it is somebody else's");
    assert!(said.contains("was not deployed by modulo"), "{said}");
    delete(&project.stack());
}

#[test]
fn a_stack_of_a_bucket_is_no_deployment() {
    let project = Project::new("local", MODULO1);
    let bucket = json!({ "Type": "AWS::S3::Bucket" });
    let template = json!({ "Resources": { "ServerlessDeploymentBucket": bucket } });
    make(&project.stack(), &template);
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(said.contains("modulo1: is new"), "{said}");
    delete(&project.stack());
}

//! `modulo plan` against a real CloudFormation: what is in a deployment's way.
//!
//! The stacks are made as osls would, but of tables only, so that no function has to be built.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType};
use modulo::{config, local};
use serde_json::{Value, json};

use crate::project::Project;
use crate::tables::{self, account, wait};

const CHANGE: &str = "change";

fn client() -> Client {
    Client::new(account())
}

/// Makes or updates a stack, and waits until that is done.
pub(crate) fn put(stack: &str, template: &Value) {
    let client = client();
    let described = wait(client.describe_stacks().stack_name(stack).send());
    let is_there = described.is_ok_and(|output| {
        let status = output
            .stacks()
            .first()
            .and_then(|stack| stack.stack_status());
        status.is_some_and(|status| !status.as_str().starts_with("DELETE_"))
    });
    // By change sets, as osls does: after any other update LocalStack has lost the template.
    let kind = if is_there {
        ChangeSetType::Update
    } else {
        ChangeSetType::Create
    };
    let change = client
        .create_change_set()
        .stack_name(stack)
        .change_set_name(CHANGE)
        .change_set_type(kind)
        .capabilities(Capability::CapabilityIam)
        .template_body(template.to_string());
    wait(change.send()).expect("it is described");
    let execute = client.execute_change_set().stack_name(stack);
    wait(execute.change_set_name(CHANGE).send()).expect("it is begun");
    let start = std::time::Instant::now();
    loop {
        let output = wait(client.describe_stacks().stack_name(stack).send()).expect("it is there");
        let status = output.stacks()[0]
            .stack_status()
            .expect("it has one")
            .as_str();
        if !status.ends_with("_IN_PROGRESS") {
            assert!(status.ends_with("E_COMPLETE"), "stack {stack} is {status}");
            return;
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
    put(&stack, &template);

    let index = "[[modules.rooms.indexes]]\nname = \"by-x\"\npartition = \"x\"\n";
    let modules = format!("{rooms}table = \"{name}\"\n{index}");
    let stage = "local".parse().expect("legal");
    let config = config::parse(&modules, "modules.toml".as_ref(), &stage, []).expect("legal");
    let dynamodb = aws_sdk_dynamodb::Client::new(account());
    let made = local::create_tables(&dynamodb, config.modules.tables());
    wait(made).expect("it is made");
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
    put(&seed, &json!({ "Resources": { "OldTable": table(&name) } }));
    tables::put(&name, "modulo1Id", "old", "[1]");
    for arguments in [["plan"].as_slice(), &["plan", "--accept-breaking"]] {
        let said = project.modulo(arguments).expect_err("it is in the way");
        let there = format!("FAILS   modulo1: table `{name}` is there already");
        assert!(said.contains(&there), "{said}");
    }
    delete(&seed);
}

#[test]
fn a_module_that_comes_back_over_its_table_is_found() {
    let both = format!("{MODULO1}retain = true\n{MODULO2}");
    let project = Project::new("local", &both);
    let name = project.table("modulo1");
    let stack = project.stack();
    put(&stack, &wanted(&project));
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(said.contains("no module changes"), "{said}");

    project.write_modules(MODULO2);
    put(&stack, &wanted(&project));
    project.write_modules(&both);
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
fn a_stack_that_is_not_modulos_is_told() {
    let project = Project::new("local", MODULO1);
    let topic = json!({ "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } } });
    put(&project.stack(), &topic);
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
    put(&project.stack(), &template);
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(said.contains("modulo1: is new"), "{said}");
    delete(&project.stack());
}

//! What the deployed function's role may do.
//!
//! The emulators keep policies and don't enforce them, so the policy itself is looked at, as IAM
//! has it after the deployment.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::contract::Visitor;
use crate::emulator::{authorization, emulator};
use crate::project::{Project, template};
use crate::tables;

/// The DynamoDB actions of the deployed function's role.
pub(crate) fn actions(project: &Project) -> Vec<String> {
    dynamodb_actions(&statements(project))
}

/// The same by the template that is deployed. LocalStack leaves the policy of a role as it was when
/// the role was made, so this is all that can be seen of a later deployment.
pub(crate) fn actions_of_template(project: &Project) -> Vec<String> {
    let template = template(project).expect("it is deployed");
    let role = &template["Resources"]["IamRoleLambdaExecution"]["Properties"];
    let policies = role["Policies"].as_array().expect("a role has policies");
    let statements: Vec<_> = policies
        .iter()
        .filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array())
        .flatten()
        .cloned()
        .collect();
    dynamodb_actions(&statements)
}

fn dynamodb_actions(statements: &[Value]) -> Vec<String> {
    let actions = statements.iter().flat_map(|statement| {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        strings(&statement["Action"])
    });
    let mut actions: Vec<_> = actions
        .filter(|action| !action.starts_with("logs:") && !action.starts_with("xray:"))
        .collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn statements(project: &Project) -> Vec<Value> {
    let client = aws_sdk_cloudformation::Client::new(tables::account());
    let role = client
        .describe_stack_resource()
        .stack_name(project.stack())
        .logical_resource_id("IamRoleLambdaExecution");
    let role = tables::wait(role.send()).expect("it is deployed");
    let role = role.stack_resource_detail.expect("the stack has a role");
    let role = role.physical_resource_id.expect("it was made");
    let names = iam(&[("Action", "ListRolePolicies"), ("RoleName", &role)]);
    let documents = elements(&names, "member").into_iter().map(|name| {
        let policy = iam(&[
            ("Action", "GetRolePolicy"),
            ("RoleName", &role),
            ("PolicyName", name),
        ]);
        let document = elements(&policy, "PolicyDocument").concat();
        let document = percent_decode_str(&document).decode_utf8_lossy();
        let document: Value = serde_json::from_str(&document).expect("a policy is JSON");
        document["Statement"]
            .as_array()
            .expect("statements")
            .clone()
    });
    let statements: Vec<_> = documents.flatten().collect();
    assert!(!statements.is_empty(), "role {role} has no policy");
    statements
}

/// A call of IAM, whose SDK would be much for two calls.
fn iam(parameters: &[(&str, &str)]) -> String {
    let client = reqwest::blocking::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client is possible");
    let body = parameters.iter().chain(&[("Version", "2010-05-08")]);
    let body: Vec<_> = body
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = client
        .post(&emulator().endpoint)
        .header("authorization", authorization("iam"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    let answer = request
        .send()
        .and_then(|answer| answer.error_for_status()?.text());
    answer.expect("IAM answers")
}

/// What stands in the elements of this name.
fn elements<'x>(xml: &'x str, name: &str) -> Vec<&'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts
        .filter_map(|part| part.split(close.as_str()).next())
        .collect()
}

/// A policy's list, which may be a text where it has one entry.
fn strings(value: &Value) -> Vec<String> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice).iter();
    all.map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn the_role_of_a_module_that_is_only_read_can_write_nothing() {
    let modules = "[modules.modulo1]\nkey = \"modulo1Id\"\nmethods = [\"GET\", \"LIST\"]\n";
    let mut project = Project::new("local", modules);
    let closed = ["--param", "rest-api=false", "--param", "http-api=false"];
    let doors = project
        .deploy(&closed)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        actions(&project),
        [
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:Scan"
        ]
    );
    let table = project.table("modulo1");
    for statement in statements(&project) {
        if strings(&statement["Action"])
            .iter()
            .any(|action| action.starts_with("dynamodb:"))
        {
            for resource in strings(&statement["Resource"]) {
                assert!(resource.ends_with(&format!("table/{table}")), "{statement}");
            }
        }
    }

    tables::put(&table, "modulo1Id", "a", "[1]");
    let visitor = Visitor::new(doors.function_url.as_deref().expect("it is open"));
    for (method, path) in [
        ("POST", "/modulo1"),
        ("POST", "/modulo1/a"),
        ("PUT", "/modulo1/a"),
        ("PATCH", "/modulo1/a"),
        ("DELETE", "/modulo1/a"),
    ] {
        let refused = visitor.send(method, path, "application/json", "[2]");
        assert_eq!(refused.status(), 405, "{method} {path}");
    }
    let batch = r#"{"operations":[{"op":"put","id":"a","item":[2]},{"op":"delete","id":"b"}]}"#;
    let answer = visitor.send("POST", "/_batch/modulo1", "application/json", batch);
    let answer: Value = answer.json().expect("it is JSON");
    for result in answer["BATCH"]["results"].as_array().expect("results") {
        assert_eq!(result["status"], 405, "{answer}");
    }
    let kept = tables::data(&table, "modulo1Id", "a");
    assert_eq!(kept.as_deref(), Some("[1]"));
}

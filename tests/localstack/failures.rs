//! What ends a deployment though nothing of the service is wrong: each is a sentence that says how to go
//! on, with exit status 1 and nothing of osls's code.
//!
//! Emulators check no credentials, and do one thing after the other. Where AWS would refuse a call, a
//! proxy before the emulator answers that call as AWS does.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::ChangeSetType;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::plan;
use crate::program::run;
use crate::project::{Project, template};
use crate::proxy::{Passage, proxy};
use crate::tables::{self, account, wait};

const MODULO1: &str = "[modules.modulo1]\nkey = \"modulo1Id\"\n";
const CLOSED: [&str; 4] = ["--param", "rest-api=no", "--param", "http-api=no"];

/// What a command says that fails.
#[track_caller]
fn failure(command: &mut Command) -> String {
    let why = run(command).expect_err("it fails");
    assert!(why.contains("exit status: 1"), "{why}");
    for trace in ["    at ", "node_modules", "Environment:"] {
        let (_, said) = why.split_once("exit status: 1").expect("it stands there");
        assert!(!said.contains(trace), "{why}");
    }
    why
}

/// What is answered of the calls to CloudFormation, by their actions, before the emulator sees them.
type Answer = fn(&str) -> Option<(StatusCode, String)>;

/// The emulator at another address, but for these calls.
fn refusing(answer: Answer) -> String {
    proxy(move |body| match action(&body).and_then(answer) {
        Some(answer) => Passage::Answer(answer.into_response()),
        None => Passage::PassOn(body),
    })
}

/// The action of a call to CloudFormation.
fn action(body: &Bytes) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let parameters = text.split('&');
    let mut actions = parameters.filter_map(|parameter| parameter.strip_prefix("Action="));
    actions.next()
}

/// An error of CloudFormation's, as it answers.
fn error(status: StatusCode, code: &str, message: &str) -> (StatusCode, String) {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>8f1a7c5e-5b0a-4f6e-9d7e-2f7f3a7d2b11</RequestId></ErrorResponse>"
    );
    (status, body)
}

/// What CloudFormation says of a stack that is being updated.
const BUSY: &str = "<DescribeStacksResponse \
    xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks>\
    <member><StackName>modulo-prod</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
    <StackStatus>UPDATE_IN_PROGRESS</StackStatus></member></Stacks></DescribeStacksResult>\
    </DescribeStacksResponse>";

#[test]
fn credentials_that_aws_refuses_are_reported_with_the_way_on() {
    let project = Project::new("prod", MODULO1);
    for (answer, expected) in [
        (
            (|_| {
                let message = "The security token included in the request is invalid.";
                Some(error(
                    StatusCode::FORBIDDEN,
                    "InvalidClientTokenId",
                    message,
                ))
            }) as Answer,
            "AWS does not accept the credentials; check AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, and the clock of this machine",
        ),
        (
            |_| {
                let message = "The security token included in the request is expired";
                Some(error(StatusCode::FORBIDDEN, "ExpiredToken", message))
            },
            "the AWS credentials have expired; log in again, for instance with `aws sso login`",
        ),
        (
            |_| {
                let message = "User: arn:aws:iam::123456789012:user/ana is not authorized to \
                               perform: cloudformation:DescribeStacks";
                Some(error(StatusCode::FORBIDDEN, "AccessDenied", message))
            },
            "the AWS credentials do not permit it; allow the action that AWS names",
        ),
    ] {
        let endpoint = refusing(answer);
        let verbs = ["deploy", "info", "remove"].into_iter();
        let commands = verbs.map(|verb| project.osls(verb));
        for mut command in commands.chain([project.modulo_command(&["plan"])]) {
            let why = failure(command.env("AWS_ENDPOINT_URL", &endpoint));
            assert!(why.contains(expected), "{why}");
            assert!(!why.contains("Building"), "{why}");
        }
    }
}

#[test]
fn a_stack_that_failed_to_be_made_is_removed_and_deployed_again() {
    let mut project = Project::new("prod", MODULO1);
    let broken = json!({ "Resources": {
        "Broken": { "Type": "AWS::CloudFormation::Stack", "Properties": {} },
    } });
    plan::make_until(&project.stack(), &broken, "ROLLBACK_COMPLETE");
    let why = failure(project.osls("deploy").args(CLOSED));
    let state = format!("FAILS   stack {}: is ROLLBACK_COMPLETE", project.stack());
    assert!(why.contains(&state), "{why}");
    assert!(why.contains("npm run remove -- --stage prod"), "{why}");
    assert!(!why.contains("Building"), "{why}");

    is_removed_and_deployed_again(&mut project);
}

/// The way on that was said.
fn is_removed_and_deployed_again(project: &mut Project) {
    project.remove();
    project
        .deploy(&CLOSED)
        .unwrap_or_else(|why| panic!("{why}"));
    project.remove();
    tables::delete(&project.table("modulo1"));
}

/// As Ctrl-C leaves it between the two calls with which a stack begins.
#[test]
fn a_first_deployment_that_was_interrupted_is_removed_and_deployed_again() {
    let mut project = Project::new("prod", MODULO1);
    let bucket = json!({ "Resources": { "Bucket": { "Type": "AWS::S3::Bucket" } } });
    let call = Client::new(account())
        .create_change_set()
        .stack_name(project.stack())
        .change_set_name("interrupted")
        .change_set_type(ChangeSetType::Create)
        .template_body(bucket.to_string());
    wait(call.send()).expect("it is made");
    let why = failure(project.osls("deploy").args(CLOSED));
    let state = format!("FAILS   stack {}: is REVIEW_IN_PROGRESS", project.stack());
    assert!(why.contains(&state), "{why}");
    assert!(why.contains("npm run remove -- --stage prod"), "{why}");

    is_removed_and_deployed_again(&mut project);
}

/// The other deployment began while this one was building.
#[test]
fn the_second_of_two_deployments_changes_nothing() {
    let mut project = Project::new("prod", MODULO1);
    project
        .deploy(&CLOSED)
        .unwrap_or_else(|why| panic!("{why}"));
    let before = template(&project);
    let answers: [Answer; 3] = [
        // The other one's update is running.
        |action| {
            (action == "CreateChangeSet").then_some(())?;
            let message = "Stack:arn:aws:cloudformation:us-east-1:123456789012:stack/modulo-prod/8f1a \
                           is in UPDATE_IN_PROGRESS state and can not be updated.";
            Some(error(StatusCode::BAD_REQUEST, "ValidationError", message))
        },
        // It has begun since this one's change set was made.
        |action| {
            static IS_BUSY: AtomicBool = AtomicBool::new(false);
            match action {
                "CreateChangeSet" => {
                    IS_BUSY.store(true, Ordering::Relaxed);
                    None
                }
                "ExecuteChangeSet" => panic!("it is executed all the same"),
                "DescribeStacks" if IS_BUSY.load(Ordering::Relaxed) => {
                    Some((StatusCode::OK, BUSY.to_owned()))
                }
                _ => None,
            }
        },
        // It has executed its change set, and this one's is void.
        |action| {
            (action == "ExecuteChangeSet").then_some(())?;
            let message = "ChangeSet [modulo] cannot be executed in its current execution status of [OBSOLETE]";
            Some(error(
                StatusCode::BAD_REQUEST,
                "InvalidChangeSetStatus",
                message,
            ))
        },
    ];
    project.write_modules(&format!(
        "{MODULO1}[modules.modulo2]\nkey = \"modulo2Id\"\n"
    ));
    for answer in answers {
        let mut deploy = project.osls("deploy");
        deploy
            .args(CLOSED)
            .env("AWS_ENDPOINT_URL", refusing(answer));
        let why = failure(&mut deploy);
        let expected = format!("Another deployment of stack {} is running", project.stack());
        assert!(why.contains(&expected), "{why}");
        assert!(
            why.contains("wait until it has ended, and deploy again"),
            "{why}"
        );
        assert_eq!(template(&project), before);
    }
    project.remove();
    tables::delete(&project.table("modulo1"));
}

#[test]
fn missing_credentials_are_reported_with_the_way_on() {
    let project = Project::new("prod", MODULO1);
    let mut deploy = project.osls("deploy");
    deploy
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_SHARED_CREDENTIALS_FILE", project.path("none"))
        .env("AWS_CONFIG_FILE", project.path("none"))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let why = failure(&mut deploy);
    let expected = "cannot load AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`";
    assert!(why.contains(expected), "{why}");
}

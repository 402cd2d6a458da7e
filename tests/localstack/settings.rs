//! What a deployment sets: by its parameters, also of the REST API's stage, which is no resource of
//! osls's template, and by what its user's `serverless.yml` says itself.

use serde_json::{Value, json};

use crate::emulator::{authorization, emulator};
use crate::project::Project;

/// The stage of a REST API, as API Gateway has it.
fn stage(rest_api: &str) -> Value {
    let (_, rest) = rest_api
        .split_once("/restapis/")
        .unwrap_or_else(|| panic!("{rest_api}"));
    let id = rest.split('/').next().expect("it has an id");
    let answer = reqwest::blocking::Client::new()
        .get(format!(
            "{}/restapis/{id}/stages/local",
            emulator().endpoint
        ))
        .header("authorization", authorization("apigateway"))
        .send()
        .expect("the emulator answers");
    answer.json().expect("it is JSON")
}

#[test]
fn a_rest_api_is_limited_and_logged_like_an_http_api() {
    let mut project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    let params = [
        "throttle-rate=50",
        "throttle-burst=100",
        "access-log=yes",
        "reserved-concurrency=20",
        "http-api=no",
    ];
    let arguments = params.map(|param| ["--param", param]).concat();
    let doors = project
        .deploy(&arguments)
        .unwrap_or_else(|why| panic!("{why}"));
    let rest_api = doors.rest_api.expect("it is open");
    let settings = stage(&rest_api);
    let limits = &settings["methodSettings"]["*/*"];
    let numbers = ["throttlingRateLimit", "throttlingBurstLimit"];
    let numbers = numbers.map(|name| limits[name].as_f64());
    assert_eq!(numbers, [Some(50.0), Some(100.0)], "{settings}");
    let log = &settings["accessLogSettings"];
    let destination = log["destinationArn"].as_str().expect("a text");
    let group = format!(":log-group:/aws/vendedlogs/apis/{}", project.stack());
    assert!(destination.ends_with(&group), "{settings}");
    let line: Value = serde_json::from_str(log["format"].as_str().expect("a text")).expect("JSON");
    assert_eq!(line["requestId"], "$context.requestId");

    project
        .deploy(&["--param", "http-api=no"])
        .unwrap_or_else(|why| panic!("{why}"));
    let settings = stage(&rest_api);
    let log = settings
        .get("accessLogSettings")
        .cloned()
        .unwrap_or_default();
    assert!(log.is_null() || log == json!({}), "{settings}");
}

#[test]
fn half_a_limit_and_values_that_are_not_valid_are_reported() {
    let project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    for (param, expected) in [
        (
            "throttle-rate=50",
            "--param `throttle-rate` needs --param `throttle-burst`; add --param throttle-burst=50",
        ),
        (
            "throttle-burst=50",
            "--param `throttle-burst` needs --param `throttle-rate`",
        ),
        (
            "reserved-concurrency=many",
            "invalid --param `reserved-concurrency=many`; expected a whole number",
        ),
        (
            "url-auth=IAM",
            "invalid --param `url-auth=IAM`; expected NONE or AWS_IAM",
        ),
        (
            "kms-key=alias/mine",
            "invalid --param `kms-key=alias/mine`; expected the ARN of a key of KMS",
        ),
        (
            "log-retention=10",
            "invalid --param `log-retention=10`; expected a number of days",
        ),
        (
            "memory=64",
            "invalid --param `memory=64`; expected a whole number from 128 to 10240",
        ),
    ] {
        let mut osls = project.osls("package");
        let why = crate::program::run(osls.args(["--param", param])).expect_err(param);
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("Building the function"), "{why}");
    }
}

/// As a team adds to it what else its function needs.
#[test]
fn what_a_serverless_yml_says_itself_stays() {
    let modules = r#"
[modules.modulo1]
key = "modulo1Id"
webhooks = [{ url = "https://10.1.2.3/hooks", private = true, secret = { ssm = "/hooks" } }]
"#;
    let project = Project::new("prod", modules);
    let file = std::fs::read_to_string(project.path("serverless.yml")).expect("it is there");
    let stage = "  stage: local\n";
    assert!(file.contains(stage), "{file}");
    let own = "  memorySize: 300
  environment: { OWN: \"${param:mine}\" }
  vpc: { securityGroupIds: [sg-1], subnetIds: [subnet-1, subnet-2] }
";
    let more = r#"
params: { prod: { log-retention: 7, mine: yes-mine } }
functions: { api: { events: [{ schedule: rate(1 hour) }] } }
resources: { Resources: { Queue: { Type: "AWS::SQS::Queue" } } }
"#;
    let file = file.replace(stage, &format!("{stage}{own}"));
    project.write("serverless.yml", &format!("{file}{more}"));

    let template = std::fs::read_to_string(project.package(&[])).expect("it is there");
    let template: Value = serde_json::from_str(&template).expect("it is JSON");
    let resources = &template["Resources"];
    let function = &resources["ApiLambdaFunction"]["Properties"];
    assert_eq!(function["MemorySize"], 300);
    let variables = &function["Environment"]["Variables"];
    assert_eq!(variables["OWN"], "yes-mine");
    assert_eq!(variables["MODULO_STAGE"], "prod");
    // What is in a network is reached from there by both.
    let network = json!({ "SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-1", "subnet-2"] });
    for (function, role) in [
        ("ApiLambdaFunction", "IamRoleLambdaExecution"),
        ("ChangesLambdaFunction", "ChangesRole"),
    ] {
        assert_eq!(resources[function]["Properties"]["VpcConfig"], network);
        let policies = resources[role]["Properties"]["ManagedPolicyArns"].to_string();
        let expected = "service-role/AWSLambdaVPCAccessExecutionRole";
        assert!(policies.contains(expected), "{role}: {policies}");
    }
    let log_group = &resources["ApiLogGroup"]["Properties"];
    assert_eq!(log_group["RetentionInDays"], 7);
    for added in ["ApiEventsRuleSchedule1", "HttpApi", "Queue", "modulo1Table"] {
        assert!(resources[added].is_object(), "{added}");
    }
}

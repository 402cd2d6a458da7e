//! The templates of a deployment, osls's and that of `modulo template`: held against each other, and
//! against what AWS says that CloudFormation takes, since emulators take more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, Parameter};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::contract;
use crate::emulator::{authorization, emulator};
use crate::features;
use crate::plan;
use crate::program::{python_program, root, run};
use crate::project::{Project, complete};
use crate::tables::{self, account, wait};

/// What else has a part in the template.
const MORE: &str = r#"
[modules.modulo1]
key = "modulo1Id"

[modules.kept]
key = "id"
storage = "document"
ttl = "expiresAt"
billing = { read = 1, write = 2 }
retain = true

[[modules.kept.indexes]]
name = "by-floor"
partition = { attribute = "floor", type = "N" }

[modules.kept.access]
guard = "secret"
scopes = { PUT = ["kept:write"] }

[modules.told]
key = "id"
events = { bus = "erp" }

[[modules.told.webhooks]]
url = "https://erp.example.com/hooks"
secret = { secretsmanager = "modulo-tests/webhook" }
"#;

const CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

/// `--param`s of osls, of which each is a way to a template.
const PARAMS: &[&[(&str, &str)]] = &[
    &[],
    &[
        ("dashboard", "true"),
        ("alarm-topic", "arn:aws:sns:us-east-1:123456789012:alarms"),
    ],
    &[("otlp", "http://collector.example.com:4318")],
    &[
        ("domain", "api.example.com"),
        ("certificate", CERTIFICATE),
        ("zone", "Z0123456789ABC"),
        ("base-path", "v1"),
    ],
    &[
        ("domain", "api.example.com"),
        ("certificate", CERTIFICATE),
        ("http-api", "false"),
    ],
    &[
        ("reserved-concurrency", "20"),
        ("throttle-rate", "50"),
        ("throttle-burst", "100"),
        ("access-log", "true"),
        ("url-auth", "AWS_IAM"),
        ("kms-key", KEY),
    ],
    &[
        ("arch", "arm64"),
        ("memory", "512"),
        ("timeout", "29"),
        ("log-retention", "90"),
        ("tracing", "false"),
        ("function-url", "false"),
        ("rest-api", "false"),
        ("dashboard", "true"),
    ],
    &[
        ("rest-api", "false"),
        ("http-api", "false"),
        ("access-log", "true"),
        ("reserved-concurrency", "0"),
    ],
];

/// What both make of the same `--param`s.
struct Pair {
    params: &'static [(&'static str, &'static str)],
    osls: Value,
    modulo: Value,
}

fn pairs() -> &'static [Pair] {
    static PAIRS: OnceLock<Vec<Pair>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        let project = features::project("prod", MORE);
        PARAMS.iter().map(|params| pair(&project, params)).collect()
    })
}

fn pair(project: &Project, params: &'static [(&'static str, &'static str)]) -> Pair {
    let texts = params.iter().map(|(name, value)| format!("{name}={value}"));
    let texts: Vec<_> = texts.collect();
    let arguments: Vec<_> = texts.iter().flat_map(|text| ["--param", text]).collect();
    let osls = std::fs::read_to_string(project.package(&arguments)).expect("it is there");

    let mut arguments = vec![
        "template",
        "--artifact",
        "my-bucket/function.zip",
        "--changes-artifact",
        "my-bucket/changes.zip",
    ];
    for (name, value) in params {
        if let Some(flag) = table()[*name]["flag"].as_str() {
            arguments.push(flag);
            arguments.extend((*value != "true").then_some(*value));
        }
    }
    let modulo = project
        .modulo(&arguments)
        .unwrap_or_else(|why| panic!("{why}"));
    Pair {
        params,
        osls: serde_json::from_str(&osls).expect("it is JSON"),
        modulo: serde_json::from_str(&modulo).expect("it is JSON"),
    }
}

/// serverless/params.json.
fn table() -> &'static Value {
    static TABLE: OnceLock<Value> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = std::fs::read_to_string(root().join("serverless/params.json"));
        serde_json::from_str(&text.expect("it is in the tree")).expect("it is JSON")
    })
}

#[test]
fn cloudformation_takes_the_templates() {
    let linter = python_program("cfn-lint")
        .unwrap_or_else(|why| panic!("install Python 3.10 or newer with venv and pip: {why}"));
    let folder = TempDir::new().expect("it is writable");
    let mut files = nested().to_vec();
    for (number, pair) in pairs().iter().enumerate() {
        for (origin, template) in [("osls", &pair.osls), ("modulo", &pair.modulo)] {
            let file = folder.path().join(format!("{number}-{origin}.json"));
            std::fs::write(&file, template.to_string()).expect("it is writable");
            files.push(file);
        }
    }
    // Warnings are of style, and of what osls itself writes. All at once, since the program reads its
    // rules for seconds.
    let lint = ["--non-zero-exit-code", "error", "--template"];
    run(Command::new(&linter).args(lint).args(files)).unwrap_or_else(|why| panic!("{why}"));
}

/// The files of templates with nested stacks, by osls and by `modulo template`.
fn nested() -> &'static [PathBuf] {
    static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    static PROJECT: OnceLock<Project> = OnceLock::new();
    FILES.get_or_init(|| {
        let in_stacks = MORE
            .replace("key = \"modulo1Id\"", "key = \"modulo1Id\"\nstack = 1")
            .replace("key = \"id\"", "key = \"id\"\nstack = 2");
        let project = PROJECT.get_or_init(|| features::project("prod", &in_stacks));
        let osls = project.package(&[]);
        let own = project.path("own");
        std::fs::create_dir(&own).expect("it is writable");
        let file = own.join("template.json");
        let command = [
            "template",
            "--artifact",
            "my-bucket/function.zip",
            "--changes-artifact",
            "my-bucket/changes.zip",
            "--output",
        ];
        project
            .modulo(&[&command[..], &[file.to_str().expect("it is UTF-8")]].concat())
            .unwrap_or_else(|why| panic!("{why}"));
        let nested = [project.path(".serverless"), own].map(|folder| nested_in(&folder));
        assert_eq!(nested.each_ref().map(Vec::len), [2, 2]);
        [osls, file].into_iter().chain(nested.concat()).collect()
    })
}

fn nested_in(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).expect("it is readable");
    let files = files.map(|file| file.expect("it is readable").path());
    let mut nested: Vec<_> = files
        .filter(|file| {
            let name = file.file_name().expect("it has one");
            name.to_string_lossy().starts_with("tables-")
        })
        .collect();
    nested.sort();
    nested
}

#[test]
fn both_have_the_same_nested_templates() {
    let read = |file: &PathBuf| -> Value {
        let text = std::fs::read_to_string(file).expect("it is readable");
        serde_json::from_str(&text).expect("it is JSON")
    };
    let [osls, own, nested @ ..] = nested() else {
        panic!("there are two and their nested ones");
    };
    assert!(read(osls)["Resources"]["Tables1"].is_object());
    for number in ["1", "2"] {
        let stack = &read(own)["Resources"][format!("Tables{number}")];
        assert_eq!(
            stack["Properties"]["TemplateURL"],
            format!("tables-{number}.json")
        );
    }
    let (theirs, ours) = nested.split_at(2);
    for (their, our) in theirs.iter().zip(ours) {
        let without_key = BTreeMap::from([("KmsKeyArn".to_owned(), String::new())]);
        let resolved = Resolver::new(&read(our), without_key).section("Resources");
        assert_eq!(read(their)["Resources"], Value::Object(resolved));
    }
}

/// Whose stack was deployed by one can be deployed by the other: nothing is replaced.
#[test]
fn both_templates_have_the_same_resources() {
    for Pair {
        params,
        osls,
        modulo,
    } in pairs()
    {
        let given = params.iter().filter_map(|(name, value)| {
            let parameter = table()[*name]["parameter"].as_str()?;
            Some((parameter.to_owned(), (*value).to_owned()))
        });
        let resolved = Resolver::new(modulo, given.collect()).template();
        for section in ["Resources", "Outputs"] {
            let theirs = without_what_is_meant(members(&osls[section]));
            let ours = without_what_is_meant(members(&resolved[section]));
            let ids = |members: &Map<String, Value>| -> Vec<String> {
                let mut ids: Vec<_> = members.keys().cloned().collect();
                ids.sort_unstable();
                ids
            };
            assert_eq!(ids(&ours), ids(&theirs), "{params:?}: {section}");
            for (id, their) in &theirs {
                assert_eq!(&ours[id], their, "{params:?}: {section}.{id}");
            }
        }
        assert_eq!(osls["Metadata"], modulo["Metadata"], "{params:?}");
    }
}

/// What differs on purpose, each with its reason.
fn without_what_is_meant(members: Map<String, Value>) -> Map<String, Value> {
    let members = members.into_iter().filter(|(id, _)| {
        // The package is in a bucket of its user's own.
        let is_of_the_bucket = id.starts_with("ServerlessDeploymentBucket");
        // osls makes the deployment's id of the time and the stage by the deployment, and sets what
        // the stage has by calls of API Gateway afterwards. Here the stage is a resource.
        let is_of_the_rest_stage =
            id.starts_with("ApiGatewayDeployment") || id == "ApiGatewayStage";
        !is_of_the_bucket && !is_of_the_rest_stage
    });
    let members = members.map(|(id, mut member)| {
        match id.as_str() {
            "ApiLambdaFunction" | "ChangesLambdaFunction" => {
                member["Properties"]["Code"] = "in the user's bucket".into();
            }
            // osls says that there is none. CDK refuses a policy that is no object.
            "ApiGatewayRestApi" => {
                let properties = member["Properties"].as_object_mut().expect("an object");
                assert!(
                    properties
                        .remove("Policy")
                        .is_none_or(|policy| policy == "")
                );
            }
            // osls says by its name, and by a dependency, which stage it is.
            "ApiDomainMapping" => {
                let mapping = member.as_object_mut().expect("an object");
                mapping.remove("DependsOn");
                for (id, name) in [("HttpApiStage", "$default"), ("ApiGatewayStage", "prod")] {
                    if mapping["Properties"]["Stage"] == json!({ "Ref": id }) {
                        mapping["Properties"]["Stage"] = name.into();
                    }
                }
            }
            _ => {}
        }
        (id, texts(&member))
    });
    members.collect()
}

/// A parameter's number is a text, which CloudFormation takes for the number.
fn texts(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Array(values) => values.iter().map(texts).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), texts(value)))
            .collect(),
        _ => value.clone(),
    }
}

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().expect("an object").clone()
}

/// What CloudFormation makes of parameters and conditions.
struct Resolver<'t> {
    template: &'t Value,
    parameters: BTreeMap<String, String>,
}

impl<'t> Resolver<'t> {
    fn new(template: &'t Value, given: BTreeMap<String, String>) -> Self {
        let defaults = members(&template["Parameters"]);
        for name in given.keys() {
            assert!(defaults.contains_key(name), "there is no parameter {name}");
        }
        let mut parameters = BTreeMap::new();
        for (name, parameter) in &defaults {
            let default = match &parameter["Default"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            parameters.insert(name.clone(), default);
        }
        parameters.extend(given);
        Self {
            template,
            parameters,
        }
    }

    /// Resources and outputs that are left.
    fn template(&self) -> Value {
        json!({ "Resources": self.section("Resources"), "Outputs": self.section("Outputs") })
    }

    fn section(&self, name: &str) -> Map<String, Value> {
        let members = members(&self.template[name]).into_iter();
        let left = members.filter_map(|(id, mut member)| {
            let condition = member.as_object_mut()?.remove("Condition");
            let is_there = condition.is_none_or(|name| self.holds(&json!({ "Condition": name })));
            is_there.then(|| (id, self.resolve(&member).expect("it is not left out")))
        });
        left.collect()
    }

    fn holds(&self, condition: &Value) -> bool {
        let (name, operand) = members(condition).into_iter().next().expect("it has one");
        let operands = operand.as_array().cloned().unwrap_or_default();
        match name.as_str() {
            "Condition" => {
                self.holds(&self.template["Conditions"][operand.as_str().expect("a name")])
            }
            "Fn::Equals" => self.resolve(&operands[0]) == self.resolve(&operands[1]),
            "Fn::Not" => !self.holds(&operands[0]),
            "Fn::And" => operands.iter().all(|operand| self.holds(operand)),
            "Fn::Or" => operands.iter().any(|operand| self.holds(operand)),
            _ => panic!("{condition}"),
        }
    }

    /// A value, unless it is left out.
    fn resolve(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(object) => {
                if let Some(choice) = object.get("Fn::If") {
                    let holds = self.holds(&json!({ "Condition": choice[0] }));
                    return self.resolve(&choice[if holds { 1 } else { 2 }]);
                }
                match object.get("Ref").and_then(Value::as_str) {
                    Some("AWS::NoValue") => return None,
                    Some(name) if self.parameters.contains_key(name) => {
                        return Some(self.parameters[name].as_str().into());
                    }
                    _ => {}
                }
                if let Some(Value::String(text)) = object.get("Fn::Sub") {
                    return Some(self.substitute(text));
                }
                let members = object.iter();
                let members = members.filter_map(|(name, value)| {
                    self.resolve(value).map(|value| (name.clone(), value))
                });
                Some(Value::Object(members.collect()))
            }
            Value::Array(values) => {
                let values = values.iter().filter_map(|value| self.resolve(value));
                Some(values.collect())
            }
            _ => Some(value.clone()),
        }
    }

    fn substitute(&self, text: &str) -> Value {
        let parameters = self.parameters.iter();
        let replaced = parameters.fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        });
        if replaced.contains("${") {
            json!({ "Fn::Sub": replaced })
        } else {
            replaced.into()
        }
    }
}

/// Puts the project's package into a bucket, as its user does with `aws s3 cp`.
fn upload(project: &Project, bucket: &str, key: &str) {
    let zip = project.path("function.zip");
    let mut package = project.modulo_command(&["package"]);
    package.arg("--bootstrap").arg(complete());
    run(package.arg("--output").arg(&zip)).unwrap_or_else(|why| panic!("{why}"));
    let zip = std::fs::read(zip).expect("it was written");
    for (path, body) in [
        (bucket.to_owned(), Vec::new()),
        (format!("{bucket}/{key}"), zip),
    ] {
        let answer = reqwest::blocking::Client::new()
            .put(format!("{}/{path}", emulator().endpoint))
            .header("authorization", authorization("s3"))
            .body(body)
            .send()
            .expect("the emulator answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}

type Outputs = BTreeMap<String, String>;

/// Makes the project's stack of a template, or updates it, and returns its outputs.
fn deploy(project: &Project, template: &str, parameters: &[(&str, &str)]) -> Outputs {
    let client = Client::new(account());
    let stack = project.stack();
    let parameters = parameters.iter().map(|(name, value)| {
        Parameter::builder()
            .parameter_key(*name)
            .parameter_value(*value)
            .build()
    });
    let parameters: Vec<_> = parameters.collect();
    let capability = Capability::CapabilityNamedIam;
    if crate::project::template(project).is_some() {
        let call = client.update_stack().stack_name(&stack);
        let call = call.template_body(template).capabilities(capability);
        wait(call.set_parameters(Some(parameters)).send()).expect("it is updated");
    } else {
        let call = client.create_stack().stack_name(&stack);
        let call = call.template_body(template).capabilities(capability);
        wait(call.set_parameters(Some(parameters)).send()).expect("it is made");
    }
    let status = plan::wait_until_done(&stack);
    assert!(status.ends_with("E_COMPLETE"), "stack {stack} is {status}");
    let output = wait(client.describe_stacks().stack_name(&stack).send()).expect("it is there");
    let outputs = output.stacks()[0].outputs().iter();
    let outputs = outputs.filter_map(|output| {
        let name = output.output_key()?.to_owned();
        Some((name, output.output_value()?.to_owned()))
    });
    outputs.collect()
}

/// Where the outputs' addresses answer, as `npm run url` has it for an emulator.
fn addresses(project: &Project, outputs: &Outputs) -> Vec<String> {
    let script = format!(
        "const {{ addresses }} = require('./serverless/emulator.cjs');\n\
         console.log(addresses({}, 'prod').join('\\n'));",
        json!(outputs)
    );
    let mut node = project.equip(Command::new("node"));
    let said = run(node.args(["-e", &script])).unwrap_or_else(|why| panic!("{why}"));
    said.lines().map(str::to_owned).collect()
}

/// By CloudFormation alone, then by osls, and by CloudFormation again: one stack, one table, one URL.
#[test]
fn a_stack_is_deployed_without_osls_and_with_it() {
    let mut project = Project::new("prod", contract::MODULES);
    let key = "functions/1.zip";
    let bucket = format!("artifacts{}", project.table_suffix());
    upload(&project, &bucket, key);
    let artifact = format!("{bucket}/{key}");
    let template = project
        .modulo(&["template", "--artifact", &artifact])
        .unwrap_or_else(|why| panic!("{why}"));
    let http_api = emulator().http_api.to_string();
    let usual = [("UseHttpApi", http_api.as_str())];
    project.is_tried();
    let made = deploy(&project, &template, &usual);
    let doors = addresses(&project, &made);
    assert_eq!(
        doors.len(),
        if emulator().http_api { 3 } else { 2 },
        "{made:?}"
    );
    for door in &doors {
        contract::holds(door);
    }
    let said = project
        .modulo(&["plan"])
        .unwrap_or_else(|why| panic!("{why}"));
    // What ministack does not make as it is asked is reported; of the modules nothing is.
    assert!(
        !said.contains("is new") && !said.contains("needs"),
        "{said}"
    );

    let table = project.table("modulo1");
    tables::put(&table, "modulo1Id", "old", "[1]");
    let is_there = |door: &str| {
        let url = format!("{door}/modulo1/old");
        let answer = contract::client(door).get(url).send().expect("an answer");
        let answer: Value = answer.json().expect("it is JSON");
        assert_eq!(answer["GET"]["data"], "[1]", "{door}: {answer}");
    };
    let url = "ApiLambdaFunctionUrl";
    let by_osls = project.deploy(&[]).unwrap_or_else(|why| panic!("{why}"));
    let host = made[url]
        .trim_start_matches("https://")
        .trim_end_matches('/');
    let id = host.split('.').next().expect("it has an id");
    let same = by_osls.function_url.expect("it is open");
    assert!(same.contains(id), "{same} is not {host}");
    let rest_api = by_osls.rest_api.expect("it is open");
    is_there(&same);
    is_there(&rest_api);

    let less = [
        &usual[..],
        &[("UseRestApi", "false"), ("MemorySize", "512")],
    ]
    .concat();
    let again = deploy(&project, &template, &less);
    assert_eq!(again[url], made[url]);
    assert!(!again.contains_key("ServiceEndpoint"), "{again:?}");
    for door in addresses(&project, &again) {
        is_there(&door);
    }

    project.remove();
    for module in ["modulo1", "modulo2", "local"] {
        tables::delete(&project.table(module));
    }
}

//! The API under a name of one's own.

use std::process::Command;

use serde_json::Value;

use crate::emulator::{authorization, emulator};
use crate::program::run;
use crate::project::{Project, template};
use crate::tables::{self, wait};

const MODULO1: &str = "[modules.modulo1]\nkey = \"modulo1Id\"\n";
const CERTIFICATE: &str = "certificate=arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";

/// A zone of Route 53 for `example.com`.
fn zone() -> String {
    let answer = reqwest::blocking::Client::new()
        .post(format!("{}/2013-04-01/hostedzone", emulator().endpoint))
        .header("authorization", authorization("route53"))
        .body(format!(
            "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
             <Name>example.com</Name><CallerReference>{}</CallerReference>\
             </CreateHostedZoneRequest>",
            uuid::Uuid::now_v7()
        ))
        .send()
        .expect("the emulator answers");
    let text = answer.text().expect("it is text");
    let (_, rest) = text
        .split_once("<Id>/hostedzone/")
        .unwrap_or_else(|| panic!("{text}"));
    rest.split_once('<').expect("its end").0.to_owned()
}

/// `METHOD PATH` of the domain, as a client sends it that its DNS has led to the emulator.
fn send(domain: &str, method: &str, path: &str, body: &str) -> (u16, String, Value) {
    let answer = reqwest::blocking::Client::new()
        .request(
            method.parse().expect("legal"),
            format!("{}{path}", emulator().endpoint),
        )
        .header("host", domain)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .expect("the emulator answers");
    let status = answer.status().as_u16();
    let location = answer.headers().get("location");
    let location = location
        .map_or("", |location| location.to_str().expect("ASCII"))
        .to_owned();
    let body = answer.json().unwrap_or_default();
    (status, location, body)
}

/// On the HTTP API, which keeps a mapped path, and then on the REST API, which takes it off.
#[test]
fn a_domain_leads_to_the_api() {
    // Which the first line of this run says.
    if !emulator().http_api {
        return;
    }
    let mut project = Project::new("prod", MODULO1);
    let domain = format!("api{}.example.com", project.table_suffix());
    let zone = zone();
    let (name, records) = (format!("domain={domain}"), format!("zone={zone}"));
    let address = [
        "--param",
        &name,
        "--param",
        CERTIFICATE,
        "--param",
        &records,
    ];
    let path = ["--param", "base-path=v1"];
    for apis in [[].as_slice(), &["--param", "http-api=no"]] {
        let arguments = [address.as_slice(), &path, apis].concat();
        project
            .deploy(&arguments)
            .unwrap_or_else(|why| panic!("{why}"));
        let (status, location, made) = send(&domain, "POST", "/v1/modulo1", "[1]");
        assert_eq!(status, 201);
        let id = made["POST"]["modulo1Id"].as_str().expect("a text");
        assert_eq!(location, format!("/v1/modulo1/{id}"));
        let (status, _, got) = send(&domain, "GET", &location, "");
        assert_eq!((status, &got["GET"]["data"]), (200, &"[1]".into()));
    }
    // Without a path before its own, which clients know.
    let why = project.deploy(&address).err().expect("clients lose it");
    let known = format!("The API is deployed at https://{domain}/v1, and would no longer be");
    assert!(why.contains(&known), "{why}");
    let accepted = ["--param", "accept-breaking=yes"];
    project
        .deploy(&[address.as_slice(), &accepted].concat())
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(send(&domain, "GET", "/_health", "").0, 200);

    // An emulator's records are those of its template.
    let client = aws_sdk_cloudformation::Client::new(tables::account());
    let resources = client.list_stack_resources().stack_name(project.stack());
    let resources = wait(resources.send()).expect("there is a stack");
    let kinds: Vec<_> = resources
        .stack_resource_summaries()
        .iter()
        .filter_map(|resource| resource.logical_resource_id())
        .filter(|id| id.starts_with("ApiDomain"))
        .collect();
    for kind in [
        "ApiDomain",
        "ApiDomainMapping",
        "ApiDomainRecordA",
        "ApiDomainRecordAAAA",
    ] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let url = template(&project).expect("it is deployed")["Outputs"]["ApiDomainUrl"].take();
    assert_eq!(url["Value"], format!("https://{domain}"));
    project.remove();
    tables::delete(&project.table("modulo1"));
}

/// `npm run url`, of the outputs that AWS gives; an emulator's DNS has no such name.
#[test]
fn the_domain_is_the_first_address() {
    let project = Project::new("prod", MODULO1);
    let script = r#"
        const { addresses } = require("./serverless/emulator.cjs");
        const outputs = {
          ApiLambdaFunctionUrl: "https://a.lambda-url.us-east-1.on.aws/",
          HttpApiUrl: "https://b.execute-api.us-east-1.amazonaws.com",
          ApiDomainUrl: "https://api.example.com/v1",
        };
        console.log(addresses(outputs, "prod").join("\n"));
    "#;
    let mut node = project.equip(Command::new("node"));
    node.env_remove("AWS_ENDPOINT_URL").args(["-e", script]);
    let said = run(&mut node).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        said,
        "https://api.example.com/v1\nhttps://a.lambda-url.us-east-1.on.aws\n\
         https://b.execute-api.us-east-1.amazonaws.com\n"
    );
}

#[test]
fn what_does_not_go_together_is_said_in_a_sentence() {
    let project = Project::new("prod", MODULO1);
    let domain = "domain=api.example.com";
    let of_another_region = CERTIFICATE.replace("us-east-1", "eu-west-1");
    for (params, expected) in [
        (
            vec!["domain=https://api.example.com"],
            "invalid --param `domain=https://api.example.com`; expected a host name",
        ),
        (
            vec![domain],
            "--param `domain` needs the ARN of a certificate",
        ),
        (
            vec![domain, "certificate=mine"],
            "invalid --param `certificate=mine`; expected the ARN",
        ),
        (
            vec![domain, &of_another_region],
            "the certificate is in eu-west-1, and the API in us-east-1",
        ),
        (
            vec![domain, CERTIFICATE, "zone=example.com"],
            "invalid --param `zone=example.com`; expected the id of a hosted zone",
        ),
        (
            vec![domain, CERTIFICATE, "http-api=no", "rest-api=no"],
            "--param `domain` needs an API",
        ),
        (
            vec![domain, CERTIFICATE, "base-path=_v1"],
            "paths that begin with `/_` are the function's own",
        ),
        (vec!["base-path=v1"], "--param `base-path` needs a domain"),
    ] {
        let mut osls = project.osls("package");
        for param in params {
            osls.args(["--param", param]);
        }
        let why = run(&mut osls).expect_err(expected);
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("Building the function"), "{why}");
    }

    let file = std::fs::read_to_string(project.path("modules.toml")).expect("it is there");
    let file = file.replace("[service]\n", "[service]\nbase_path = \"/v2\"\n");
    project.write("modules.toml", &file);
    let mut osls = project.osls("package");
    for param in [domain, CERTIFICATE, "base-path=v1"] {
        osls.args(["--param", param]);
    }
    let why = run(&mut osls).expect_err("they differ");
    assert!(
        why.contains("`base-path` is /v1, and `base_path` in [service]"),
        "{why}"
    );
}

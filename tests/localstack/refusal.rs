//! What must not be deployed is not.

use crate::emulator::free_port;
use crate::program::run;
use crate::project::{Project, template};
use crate::{plan, tables};

#[test]
fn a_broken_modules_toml_deploys_nothing() {
    let mut project = Project::new("local", "[modules.modulo1]\nkye = \"modulo1Id\"\n");
    let check = project.modulo(&["check"]).expect_err("it is broken");
    let deploy = project.deploy(&[]).err().expect("it is broken");
    // Before them stands the command line.
    let faults: Vec<_> = check.lines().skip(1).collect();
    assert!(check.contains("unknown key `kye`"), "{check}");
    assert!(
        deploy.contains(&faults.join("\n")),
        "check says\n{check}\ndeploy says\n{deploy}"
    );
    assert!(template(&project).is_none(), "there is no stack");
    assert_eq!(tables::ending_in(&project.table_suffix()), [""; 0]);
}

#[test]
fn a_param_that_is_not_there_is_reported_with_the_one_that_was_meant() {
    let project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    for (param, expected) in [
        (
            "memroy=512",
            "unknown --param `memroy`; did you mean `memory`? expected one of",
        ),
        (
            "colour=red",
            "unknown --param `colour`; expected one of accept-breaking, access-log, alarm-topic",
        ),
        (
            "rest-api=maybe",
            "invalid --param `rest-api=maybe`; expected yes or no",
        ),
        (
            "function=small",
            "invalid --param `function=small`; expected minimal or complete",
        ),
        (
            "dashboard=maybe",
            "invalid --param `dashboard=maybe`; expected yes or no",
        ),
    ] {
        let why = run(project.osls("package").args(["--param", param])).expect_err(param);
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_switch_reads_every_way_to_say_yes_and_no() {
    let project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    let has = |params: &[&str], types: &[&str; 3]| {
        let params = params.iter().flat_map(|param| ["--param", param]);
        let arguments: Vec<_> = params.collect();
        let template = std::fs::read_to_string(project.package(&arguments)).expect("it is there");
        types.map(|kind| template.contains(kind))
    };
    let types = [
        "AWS::ApiGateway::RestApi",
        "AWS::CloudWatch::Dashboard",
        "AWS::Lambda::Url",
    ];
    let on = ["rest-api=yes", "dashboard=Yes", "function-url=1"];
    assert_eq!(has(&on, &types), [true; 3]);
    let off = ["rest-api=no", "dashboard=0", "function-url=off"];
    assert_eq!(has(&off, &types), [false; 3]);
}

#[test]
fn an_emulator_that_does_not_run_is_reported_before_anything_is_built() {
    let project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    for verb in ["deploy", "url", "remove"] {
        let why = run(project.osls(verb).env("AWS_ENDPOINT_URL", &endpoint))
            .expect_err("nothing listens there");
        let told = format!("No emulator of AWS answers at {endpoint}. Start one:");
        assert!(why.contains(&told), "{why}");
        assert!(why.contains("docker compose up --detach --wait"), "{why}");
        assert!(!why.contains("Building"), "{why}");
    }
}

/// Found with a guard that worked on a laptop: its function answered each token 500.
#[test]
fn a_variable_that_the_function_would_not_have_is_reported_with_its_line() {
    let project = Project::new(
        "local",
        "[access.main]\njwt = { issuer = \"i\", audience = \"a\", secret = { env = \"JWT_SECRET\" } }\n\
         [modules.modulo1]\nkey = \"modulo1Id\"\naccess = { guard = \"main\" }\n",
    );
    let package = || {
        let mut osls = project.osls("package");
        run(osls.env("JWT_SECRET", "thirty-two bytes or more of secret"))
            .unwrap_or_else(|why| panic!("{why}"))
    };
    let line = r#"environment: { JWT_SECRET: "${env:JWT_SECRET}" }"#;
    let said = package();
    assert!(said.contains("no variable JWT_SECRET"), "{said}");
    assert!(said.contains(line), "{said}");

    let file = std::fs::read_to_string(project.path("serverless.yml")).expect("it is there");
    project.write(
        "serverless.yml",
        &format!("{file}\nfunctions:\n  api:\n    {line}\n"),
    );
    let said = package();
    assert!(!said.contains("JWT_SECRET"), "{said}");
}

/// Neither what is open to everybody by oversight, nor a guard that could let nobody in.
#[test]
fn a_stage_is_not_deployed_with_modules_that_nobody_has_thought_about() {
    let mut project = Project::new("prod", "");
    let service = format!("[service]\nname = \"{}\"\n", project.service());
    let module = "[modules.modulo1]\nkey = \"modulo1Id\"\n";
    let secret = "jwt = { issuer = \"i\", audience = \"a\", secret = { env = \"JWT_SECRET\" } }";
    let guarded = format!("[access.main]\n{secret}\n{module}access = {{ guard = \"main\" }}\n");
    for (modules, fault, way_on) in [
        (
            module,
            "FAILS   modulo1: is open to everybody, and does not say so",
            "say access = \"open\" if it is meant",
        ),
        (
            &guarded,
            "FAILS   environment: the function has no variable `JWT_SECRET`",
            "environment: { JWT_SECRET: \"${env:JWT_SECRET}\" }",
        ),
    ] {
        project.write("modules.toml", &format!("{service}{modules}"));
        for arguments in [[].as_slice(), &["--param", "accept-breaking=yes"]] {
            let why = project.deploy(arguments).err().expect(fault);
            assert!(why.contains(fault), "{why}");
            assert!(why.contains(way_on), "{why}");
            assert!(!why.contains("Building the function"), "{why}");
        }
    }
    assert!(template(&project).is_none(), "there is no stack");
}

/// An emulator puts an empty table in its place; AWS fails when all is built and uploaded.
#[test]
fn a_table_of_another_stack_is_left_alone() {
    let mut project = Project::new("local", "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    let name = project.table("modulo1");
    let seed = format!("seed{}", project.table_suffix());
    plan::make(
        &seed,
        &serde_json::json!({ "Resources": { "OldTable": plan::table(&name) } }),
    );
    tables::put(&name, "modulo1Id", "old", "[1]");

    for arguments in [[].as_slice(), &["--param", "accept-breaking=yes"]] {
        let why = project.deploy(arguments).err().expect("it is in the way");
        let there = format!("FAILS   modulo1: table `{name}` is there already");
        assert!(why.contains(&there), "{why}");
        assert!(!why.contains("Building the function"), "{why}");
    }
    assert!(template(&project).is_none(), "there is no stack");
    let kept = tables::data(&name, "modulo1Id", "old");
    assert_eq!(kept.as_deref(), Some("[1]"));
    plan::delete(&seed);
}

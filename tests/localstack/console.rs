//! `modulo console`, over a deployed function.

use std::fs;
use std::process::Command;

use reqwest::StatusCode;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::contract::Visitor;
use crate::program::{root, run};
use crate::project::{MODULO, Project};
use crate::served::Served;

const MODULES: &str = r#"
[modules.rooms]
key = "roomId"
envelope = "plain"

[modules.bookings]
key = { partition = "roomId", sort = "bookingId" }
"#;
const CLOSED: [&str; 4] = ["--param", "rest-api=no", "--param", "http-api=no"];

/// Deploys the project's function, and opens its console.
fn deployed(project: &mut Project) -> Served {
    let doors = project
        .deploy(&CLOSED)
        .unwrap_or_else(|why| panic!("{why}"));
    let function = doors.function_url.expect("it is open");
    let mut command = project.modulo_program();
    command.args(["console", "--url", &function, "--addr", "127.0.0.1:0"]);
    Served::by(command, "The console of ")
}

#[test]
fn the_console_of_a_deployed_function_passes_its_calls_on() {
    let mut project = Project::new("local", MODULES);
    let console = deployed(&mut project);
    let client = Client::new();
    let page = client.get(&console.url).send().expect("it answers");
    assert_eq!(page.status(), StatusCode::OK);
    let policy = &page.headers()["content-security-policy"];
    assert!(
        policy
            .to_str()
            .is_ok_and(|policy| !policy.contains("unsafe"))
    );

    let description = format!("{}/openapi.json", console.url);
    let description = client.get(description).send().expect("it answers");
    let description: Value = description.json().expect("it is JSON");
    let tags = description["tags"].as_array().expect("a list").iter();
    let modules: Vec<_> = tags
        .filter(|tag| tag["x-modulo"].is_object())
        .map(|tag| {
            (
                &tag["name"],
                tag["x-modulo"]["key"].as_array().map(Vec::len),
            )
        })
        .collect();
    let expected = [(&json!("bookings"), Some(2)), (&json!("rooms"), Some(1))];
    assert_eq!(modules, expected);

    let origin = console.url.trim_end_matches("/_console").to_owned();
    let visitor = Visitor::new(&origin);
    let room = json!({ "chairs": 90 });
    visitor.expect("PUT", "/rooms/sala90", "{\"chairs\":90}", 201, &room);
    visitor.expect("GET", "/rooms/sala90", "", 200, &room);
    let put = client
        .put(format!("{origin}/rooms/sala90"))
        .header("content-type", "application/json")
        .header("if-match", "\"another\"")
        .body("{\"chairs\":1}");
    let refused = put.send().expect("it answers");
    assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED);
    visitor.expect("GET", "/rooms/sala90", "", 200, &room);

    let of_another_page = client
        .get(format!("{origin}/rooms/sala90"))
        .header("origin", "https://elsewhere.example.com");
    let refused = of_another_page.send().expect("it answers");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    console.ends_by("INT");
}

/// The steps of the console's own tests, behind the front door that a person has.
#[test]
#[ignore = "opens Chromium: .ci/run asks for it"]
fn people_work_with_a_deployed_function() {
    let read = |path| fs::read_to_string(root().join(path)).expect("it is in the tree");
    let mut project = Project::empty("local");
    let name = format!("name = \"{}\"", project.service());
    let modules = read("tests/console/modules.toml").replace("name = \"school\"", &name);
    let suffix = project.table_suffix();
    let tables = format!("\n[defaults]\ntable = \"{{module}}-{{stage}}{suffix}\"\n");
    project.write("modules.toml", &(modules + &tables));
    let secret = "\nfunctions: { api: { environment: { CONSOLE_SECRET: the-secret-of-the-tests-of-the-console } } }\n";
    project.write("serverless.yml", &(read("serverless.yml") + secret));
    let console = deployed(&mut project);
    let origin = console.url.trim_end_matches("/_console");
    let mut steps = Command::new("bash");
    steps
        .args(["tests/console/run", origin])
        .current_dir(root())
        .env("MODULO_BIN", MODULO);
    let said = run(&mut steps).unwrap_or_else(|why| panic!("{why}"));
    println!("{said}");
    console.ends_by("INT");
}

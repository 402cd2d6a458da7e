//! `modulo template`, and the parameters that it shares with the deployment by osls.

use serde_json::{Value, json};

use crate::command::Folder;

const MODULES: &str =
    "[service]\nname = \"salas\"\n\n[modules.rooms]\nkey = \"roomId\"\naccess = \"open\"\n";

/// `modulo template` with more arguments.
async fn template(folder: &Folder, arguments: &[&str]) -> Result<Value, String> {
    let usual = [
        "template",
        "--stage",
        "prod",
        "--artifact",
        "my-bucket/1.zip",
    ];
    let (status, stdout, stderr) = folder.run(&[&usual, arguments].concat()).await;
    if status == Some(0) {
        Ok(serde_json::from_str(&stdout).unwrap())
    } else {
        Err(stderr)
    }
}

#[tokio::test]
async fn a_base_path_is_in_the_environment_the_mapping_and_the_address() {
    let folder = Folder::with(MODULES);
    let without = template(&folder, &[]).await.unwrap();
    let with = template(&folder, &["--base-path", "v1"]).await.unwrap();
    let pointers = [
        "/Resources/ApiLambdaFunction/Properties/Environment/Variables/MODULO__SERVICE__BASE_PATH",
        "/Resources/ApiDomainMapping/Properties/ApiMappingKey",
        "/Outputs/ApiDomainUrl/Value/Fn::Sub",
        "/Metadata/modulo/service/base_path",
    ];
    let values = |template: &Value| pointers.map(|pointer| template.pointer(pointer).cloned());
    let expected = ["/v1", "v1", "https://${DomainName}/v1", "/v1"];
    assert_eq!(values(&with), expected.map(|value| Some(json!(value))));
    let expected = [None, None, Some(json!("https://${DomainName}")), None];
    assert_eq!(values(&without), expected);

    let other = MODULES.replace("\"salas\"\n", "\"salas\"\nbase_path = \"/v2\"\n");
    let folder = Folder::with(&other);
    let why = template(&folder, &["--base-path", "v1"]).await.unwrap_err();
    assert_eq!(
        why,
        "--base-path is /v1, and `base_path` in [service] of modules.toml is /v2; leave one of \
         them out\n"
    );
    // As in a deployment by osls, it is no address by itself.
    let mapping = &template(&folder, &[]).await.unwrap()["Resources"]["ApiDomainMapping"];
    assert_eq!(mapping["Properties"].get("ApiMappingKey"), None);
}

#[tokio::test]
async fn a_history_needs_the_second_function() {
    let folder = Folder::with(&format!("{MODULES}history = \"90d\"\n"));
    let why = template(&folder, &[]).await.unwrap_err();
    assert_eq!(
        why,
        "modules have webhooks, events or a history, for which there is a second function; say where its \
         package is, as in --changes-artifact my-bucket/modulo/changes-1.zip\n"
    );
    let artifact = ["--changes-artifact", "my-bucket/2.zip"];
    let made = template(&folder, &artifact).await.unwrap();
    let resources = &made["Resources"];
    let code = json!({ "S3Bucket": "my-bucket", "S3Key": "2.zip" });
    assert_eq!(
        resources["ChangesLambdaFunction"]["Properties"]["Code"],
        code
    );
    let table = &resources["roomsHistory"]["Properties"];
    assert_eq!(table["TableName"], "rooms-prod-history");
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    let stream = &resources["roomsTable"]["Properties"]["StreamSpecification"];
    assert_eq!(stream["StreamViewType"], "NEW_AND_OLD_IMAGES");
}

#[tokio::test]
async fn a_template_can_be_written_to_a_file() {
    let folder = Folder::with(MODULES);
    let printed = template(&folder, &["--arch", "arm64"]).await.unwrap();
    let arguments =
        "template --stage prod --artifact my-bucket/1.zip --arch arm64 -o template.json";
    let arguments: Vec<_> = arguments.split(' ').collect();
    assert_eq!(
        folder.run(&arguments).await,
        (Some(0), String::new(), String::new())
    );
    let written = std::fs::read_to_string(folder.path().join("template.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), printed);
    let function = &printed["Resources"]["ApiLambdaFunction"]["Properties"];
    assert_eq!(function["Architectures"], json!(["arm64"]));
    assert_eq!(
        function["Code"],
        json!({ "S3Bucket": "my-bucket", "S3Key": "1.zip" })
    );
}

#[tokio::test]
async fn what_makes_no_template_is_reported() {
    let folder = Folder::with(MODULES);
    for (arguments, expected) in [
        (
            ["--artifact", "function.zip"],
            "not a bucket and a key, such as my-bucket/modulo/function-1.zip",
        ),
        (
            ["--artifact=a-bucket/1.zip", "--arch=mips"],
            "[possible values: x86_64, arm64]",
        ),
    ] {
        let arguments = [["template", "--stage=prod"], arguments].concat();
        let (status, _, stderr) = folder.run(&arguments).await;
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[tokio::test]
async fn a_stage_with_modules_that_are_open_by_oversight_has_none() {
    let folder = Folder::with(&MODULES.replace("access = \"open\"\n", ""));
    let why = template(&folder, &[]).await.unwrap_err();
    assert!(
        why.contains("open to everybody and do not say so: rooms"),
        "{why}"
    );
}

#[tokio::test]
async fn nested_templates_are_written_beside_it() {
    let folder = Folder::with(&format!("{MODULES}stack = 3\n"));
    let why = template(&folder, &[]).await.unwrap_err();
    assert!(
        why.contains("write all of them with --output template.json"),
        "{why}"
    );
    let written = folder.run(&[
        "template",
        "--stage",
        "prod",
        "--artifact",
        "my-bucket/1.zip",
        "-o",
        "template.json",
    ]);
    assert_eq!(written.await, (Some(0), String::new(), String::new()));
    let read = |file: &str| -> Value {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let stack = &read("template.json")["Resources"]["Tables3"];
    assert_eq!(stack["Properties"]["TemplateURL"], "tables-3.json");
    let table = &read("tables-3.json")["Resources"]["roomsTable"];
    assert_eq!(table["Properties"]["TableName"], "rooms-prod");
}

/// serverless/params.json has the defaults of osls and the parameters of the template; the guide's
/// table, in both languages, must have the same.
#[test]
fn the_guide_has_every_parameter() {
    let text = std::fs::read_to_string("serverless/params.json").unwrap();
    let params: Value = serde_json::from_str(&text).unwrap();
    let code = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    };
    let params = params.as_object().unwrap().iter().map(|(name, param)| {
        let of_template = param.get("parameter").or(param.get("flag"));
        let of_template = code(of_template.unwrap_or(&Value::Null));
        [format!("`{name}`"), code(&param["default"]), of_template]
    });
    let params: Vec<_> = params.collect();
    assert!(params.len() > 20);
    for page in ["docs/guides/deploy.md", "docs/guides/deploy.pt-BR.md"] {
        let text = std::fs::read_to_string(page).unwrap();
        let rows = text
            .lines()
            .skip_while(|line| !line.starts_with("| `--param` |"));
        let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
        let rows: Vec<_> = rows
            .map(|row| {
                let cells: Vec<_> = row.split('|').map(str::trim).collect();
                [1, 2, 3].map(|at| cells[at].to_owned())
            })
            .collect();
        assert_eq!(rows, params, "{page}");
    }
}

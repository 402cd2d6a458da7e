//! `modulo init`: a project, and nothing of what was there before is touched.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::process::Command;

use crate::command::Folder;

/// All that `modulo init` writes.
const FILES: [&str; 8] = [
    ".gitignore",
    "README.md",
    "compose.yml",
    "modules.schema.json",
    "modules.toml",
    "package.json",
    "schemas/courses.json",
    "serverless.yml",
];

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(folder).unwrap();
                found.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

fn read(folder: &Folder, file: &str) -> String {
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

#[tokio::test]
async fn a_new_project_is_served_as_it_is() {
    let folder = Folder::empty();
    let arguments = ["init", "--name", "school", "--stage", "dev", "--lang", "en"];
    let (status, stdout, stderr) = folder.run(&arguments).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(stdout, @"
    Written:
      modules.toml
      modules.schema.json
      schemas/courses.json
      package.json
      serverless.yml
      compose.yml
      .gitignore
      README.md

    Next:
      npm install    gets modulo and what deploys it
      npm run dev    serves the modules on this machine, as `modulo serve` does
    README.md says the rest.
    ");
    assert_eq!(files(folder.path()), FILES.map(str::to_owned).into());
    let modules = read(&folder, "modules.toml");
    insta::assert_snapshot!(modules, @r#"
    #:schema ./modules.schema.json

    # The modules of this service. Each is a collection of JSON documents: mounted at /<name>/<id> and
    # kept in a DynamoDB table of its own. `modulo new <name>` adds one, `modulo check` tells what is
    # wrong, `modulo serve` serves them on this machine. Editors complete and check the keys with the
    # schema of the first line, which `modulo schema` prints.

    [service]
    name = "school"               # the name of the stack and of the function

    # What every module has that does not say otherwise.
    [defaults]
    table = "{module}-{stage}"    # the table's name; the stage is "local" on a laptop

    [modules.courses]
    key = "courseId"              # the table's partition key attribute, a string
    schema = "schemas/courses.json" # documents that do not fit this JSON Schema are answered 422
    # Without its `#`, a line below holds.
    # methods = ["GET", "LIST"]   # what is served; all six if not said
    # max_bytes = 10_000          # of one document
    # envelope = "plain"          # answers are the document itself, not {"GET": {…}}
    # stamps = true               # items keep when they were created, and when and by whom they were last written
    # storage = "document"        # documents are kept as native attributes, not as text
    # ttl = "expiresAt"           # when an item expires: the attribute with the time in epoch seconds
    # default_ttl = "30d"         # when one expires that does not say so; needs `ttl`
    # retain = true               # the table outlives its stack; if not said, in every stage but "local"
    "#);
    let serverless = read(&folder, "serverless.yml");
    assert!(serverless.contains("\n  stage: dev\n"), "{serverless}");
    for file in FILES {
        assert!(!read(&folder, file).contains("{{"), "{file}");
    }

    let (status, stdout, _) = folder.run(&["check"]).await;
    assert_eq!(status, Some(0));
    assert!(
        stdout.starts_with("modules.toml: 1 module, no errors\n"),
        "{stdout}"
    );
    let mut served = folder.serve(&["--memory"]).await;
    let suggested = served.line("curl -X POST").await;
    let mut shell = Command::new("sh");
    let tried = shell.args(["-c", &suggested]).output().await.unwrap();
    let answer = String::from_utf8(tried.stdout).unwrap();
    assert!(answer.starts_with(r#"{"POST":"#), "{suggested}: {answer}");
    let course = r#"{"description":"Algebra","hours":40}"#;
    let stored = served.send("POST", "/courses/algebra", course).await;
    assert_eq!(
        stored.body,
        format!(r#"{{"POST":{{"courseId":"algebra","data":{course}}}}}"#)
    );
    let refused = served
        .send("POST", "/courses/algebra", r#"{"hours":0}"#)
        .await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn what_is_there_stays_and_the_rest_is_written() {
    let folder = Folder::empty();
    for file in ["README.md", "package.json", ".gitignore"] {
        std::fs::write(folder.path().join(file), file).unwrap();
    }
    let (status, stdout, _) = folder.run(&["init", "--lang", "en"]).await;
    assert_eq!(status, Some(0));
    for file in ["README.md", "package.json", ".gitignore"] {
        assert_eq!(read(&folder, file), file);
    }
    assert_eq!(files(folder.path()), FILES.map(str::to_owned).into());
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        "There already, and left as they are:".to_owned(),
        "  README.md".to_owned(),
        format!("  package.json: it needs `npm install --save-dev modulo-rest@{version} osls`"),
        "  .gitignore: it needs /.modulo, /.serverless, /node_modules".to_owned(),
    ] {
        assert!(stdout.lines().any(|said| said == line), "{line}: {stdout}");
    }

    std::fs::write(
        folder.path().join("modules.toml"),
        "[modules.a]\nkey = \"id\"\n",
    )
    .unwrap();
    std::fs::remove_dir_all(folder.path().join("schemas")).unwrap();
    let (status, stdout, _) = folder.run(&["init", "--lang", "en"]).await;
    assert_eq!(status, Some(0));
    assert!(!stdout.contains("Written:"), "{stdout}");
    assert_eq!(read(&folder, "modules.toml"), "[modules.a]\nkey = \"id\"\n");
    assert!(
        !files(folder.path()).contains("schemas/courses.json"),
        "of no module here"
    );
}

#[tokio::test]
async fn a_folder_is_made_and_names_the_service() {
    let folder = Folder::empty();
    let (status, stdout, _) = folder.run(&["init", "a/Escola 2", "--lang", "pt-BR"]).await;
    assert_eq!(status, Some(0));
    assert!(stdout.contains("\n  cd a/Escola 2\n"), "{stdout}");
    let modules = read(&folder, "a/Escola 2/modules.toml");
    insta::assert_snapshot!(modules, @r#"
    #:schema ./modules.schema.json

    # Os módulos deste serviço. Cada um é uma coleção de documentos JSON: montado em /<nome>/<id> e
    # guardado numa tabela própria do DynamoDB. `modulo new <nome>` acrescenta um, `modulo check` diz o
    # que está errado, `modulo serve` os serve nesta máquina. Editores completam e conferem as chaves com
    # o schema da primeira linha, que `modulo schema` mostra.

    [service]
    name = "escola-2"             # o nome da stack e da função

    # O que vale para todo módulo que não diz outra coisa.
    [defaults]
    table = "{module}-{stage}"    # o nome da tabela; o stage é "local" num laptop

    [modules.courses]
    key = "courseId"              # o atributo da chave de partição da tabela, uma string
    schema = "schemas/courses.json" # documentos que não obedecem a este JSON Schema recebem 422
    # Sem o seu `#`, uma linha abaixo passa a valer.
    # methods = ["GET", "LIST"]   # o que é servido; todos os seis, se nada for dito
    # max_bytes = 10_000          # de um documento
    # envelope = "plain"          # as respostas são o próprio documento, e não {"GET": {…}}
    # stamps = true               # os itens guardam quando foram criados, e quando e por quem foram gravados por último
    # storage = "document"        # documentos são guardados como atributos nativos, e não como texto
    # ttl = "expiresAt"           # quando um item expira: o atributo com o instante, em segundos desde 1970
    # default_ttl = "30d"         # quando expira um item que não o diz; precisa de `ttl`
    # retain = true               # a tabela sobrevive à stack; se nada for dito, em todo stage menos "local"
    "#);
    assert!(read(&folder, "a/Escola 2/README.md").starts_with("# escola-2\n\nColeções REST"));
}

#[tokio::test]
async fn the_language_is_that_of_the_environment() {
    for (variables, english) in [
        ([("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", "")], true),
        (
            [("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", "pt_BR.UTF-8")],
            false,
        ),
        (
            [
                ("LC_ALL", ""),
                ("LC_MESSAGES", "C"),
                ("LANG", "pt_BR.UTF-8"),
            ],
            true,
        ),
        (
            [("LC_ALL", "pt_PT"), ("LC_MESSAGES", "C"), ("LANG", "C")],
            false,
        ),
    ] {
        let folder = Folder::empty();
        let mut init = folder.modulo(&["init"]);
        let said = init.envs(variables).output().await.unwrap().stdout;
        let expected = if english { "Written:" } else { "Escritos:" };
        assert!(said.starts_with(expected.as_bytes()), "{variables:?}");
    }
    let (status, _, stderr) = Folder::empty().run(&["init", "--lang", "fr"]).await;
    assert_eq!(status, Some(2));
    assert!(stderr.contains("expected en or pt-BR"), "{stderr}");
}

#[tokio::test]
async fn a_folder_without_modules_toml_leads_to_init() {
    for command in ["check", "routes", "serve"] {
        let (status, stdout, stderr) = Folder::empty().run(&[command]).await;
        assert_eq!((status, stdout.as_str()), (Some(64), ""));
        insta::allow_duplicates! {
            insta::assert_snapshot!(stderr, @"
            cannot read `modules.toml`; write it, or name another with --file: No such file or directory (os error 2)
              help: `modulo init` begins a project in this folder, `modulo init FOLDER` in another
            ");
        }
    }
}

/// What a project gets is what is tested here.
#[test]
fn a_project_has_the_versions_of_this_repository() {
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    };
    let (ours, project) = (json("package.json"), json("src/tool/init/package.json"));
    let package = json("packages/npm/package.json");
    assert_eq!(
        project["devDependencies"]["osls"],
        ours["devDependencies"]["osls"]
    );
    assert_eq!(package["engines"], ours["engines"]);
    let needed = package["dependencies"].as_object().unwrap();
    assert!(
        needed
            .keys()
            .all(|name| ours["devDependencies"].get(name).is_some())
    );
    let ours = std::fs::read_to_string("serverless.yml").unwrap();
    let version = ours
        .lines()
        .find(|line| line.starts_with("frameworkVersion:"))
        .unwrap();
    for language in ["en", "pt-BR"] {
        let file = format!("src/tool/init/{language}/serverless.yml");
        let project = std::fs::read_to_string(file).unwrap();
        assert!(project.lines().any(|line| line == version), "{language}");
    }
}

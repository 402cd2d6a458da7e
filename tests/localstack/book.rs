//! The book's pages about deployments, run as they are printed.

use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::emulator::{emulator, free_port};
use crate::program::{root, run};
use crate::project::{MODULO, Project, report, template};
use crate::tables;

const NEXT: &str = "--- the next block ---";

/// The blocks of commands between the marks of the tour, each with the answer that stands below.
fn tour(page: &str) -> Vec<(String, Option<String>)> {
    let text = fs::read_to_string(root().join(page)).expect("it is in the tree");
    let (_, rest) = text
        .split_once("<!-- deploy -->")
        .expect("the tour's first mark");
    let (tour, _) = rest
        .split_once("<!-- /deploy -->")
        .expect("the tour's last mark");
    let mut blocks: Vec<(String, Option<String>)> = Vec::new();
    let mut lines = tour.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "sh" => blocks.push((text.join("\n"), None)),
            "json" => {
                blocks.last_mut().expect("a command before its answer").1 = Some(text.join("\n"));
            }
            // What a test can't run: it needs an engine, an account, or the network.
            _ => {}
        }
    }
    blocks
}

/// Runs a page's blocks as a reader would, with `words` of them replaced, and compares each answer.
/// Returns what each block said.
pub(crate) fn run_tour(
    page: &str,
    project: &Project,
    words: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> Vec<String> {
    let replaced = |text: &str| {
        words.iter().fold(text.to_owned(), |text, (word, other)| {
            text.replace(word, other)
        })
    };
    let blocks = tour(page);
    assert!(blocks.len() > 5, "the tour is lost");
    // One shell for all, since a later block uses what an earlier one set.
    let script: Vec<_> = blocks
        .iter()
        .map(|(commands, _)| format!("{}\necho; echo '{NEXT}'", replaced(commands)))
        .collect();
    let mut shell = Command::new("sh");
    shell.args(["-ec", &script.join("\n")]);
    let mut shell = project.equip(shell);
    let said = run(shell.envs(variables.iter().copied())).unwrap_or_else(|why| panic!("{why}"));
    let said: Vec<_> = said
        .split(NEXT)
        .map(|said| said.trim().to_owned())
        .collect();
    for ((commands, answer), said) in blocks.iter().zip(&said) {
        if let Some(answer) = answer {
            assert_eq!(*said, replaced(answer), "{commands}");
        }
    }
    said
}

#[test]
fn the_tours_are_the_same_in_portuguese() {
    for page in ["local-aws", "move-in"] {
        let page = format!("docs/guides/{page}");
        assert_eq!(
            tour(&format!("{page}.pt-BR.md")),
            tour(&format!("{page}.md"))
        );
    }
}

/// The guide, with a service to be replaced: a function in Python and its table, which a stack of
/// its own has, with items that others wrote to as well.
#[test]
fn a_team_moves_in_as_printed() {
    if !emulator().can_import("the guide \"Move in\"") {
        return;
    }
    let mut project = Project::empty("dev");
    let name = format!("modulo1x{}", project.table_suffix().trim_start_matches('-'));
    let old = project.path("old");
    for file in ["serverless.yml", "handler.py"] {
        let source = root().join("tests/localstack/old").join(file);
        let text = fs::read_to_string(source).expect("it is in the tree");
        project.write(&format!("old/{file}"), &text.replace("modulo1", &name));
    }
    let osls = |arguments: &[&str]| {
        let mut npx = project.equip(Command::new("npx"));
        run(npx
            .current_dir(&old)
            .arg("osls")
            .args(arguments)
            .args(["--stage", "dev"]))
        .unwrap_or_else(|why| panic!("{why}"))
    };
    let said = osls(&["deploy"]);
    let host = said
        .split_once("https://")
        .and_then(|(_, rest)| rest.split_once(".lambda-url"))
        .unwrap_or_else(|| panic!("{said}"))
        .0;
    let url = format!("{}/_aws/lambda-url/{host}", emulator().endpoint);
    let (table, key) = (format!("{name}-dev"), format!("{name}Id"));
    let document = r#"{"description": "Sala 90", "chairs": 90}"#;
    tables::put_item(
        &table,
        &[(&key, "sala90"), ("data", document), ("by", "ana")],
    );
    tables::put_item(
        &table,
        &[
            (&key, "a/b c"),
            ("data", "[1, 1.10, 1e400]"),
            ("seen", "2026"),
        ],
    );
    for number in 0..40 {
        let id = format!("room{number}");
        tables::put_item(
            &table,
            &[(&key, &id), ("data", &format!("{{\"n\": {number}}}"))],
        );
    }
    let before = tables::items(&table);
    assert_eq!(before.len(), 42);

    let service = project.service();
    let address = format!("127.0.0.1:{}", free_port());
    let words = [
        ("modulo1", name.as_str()),
        ("\"school\"", &format!("\"{service}\"")),
        ("127.0.0.1:3000", &address),
        ("cargo run -q --", MODULO),
    ];
    let variables = [("OLD", url.as_str()), ("AWS_REGION", "us-east-1")];
    project.is_tried();
    let start = Instant::now();
    let said = run_tour("docs/guides/move-in.md", &project, &words, &variables);
    report("the guide \"Move in\"", start.elapsed());

    let said = said.join("\n");
    let left = format!("{name}: table `{table}` is left as it is");
    let imported =
        format!("{name}: table `{table}` is there already, in no stack, and is imported");
    assert!(said.contains(&left) && said.contains(&imported), "{said}");
    assert_eq!(tables::items(&table), before);
    let template = template(&project).expect("it is deployed");
    let resource = &template["Resources"][format!("{name}Table")];
    assert_eq!(resource["Properties"]["TableName"], table);
    assert!(tables::is_protected(&table), "the second step came");
    project.remove();
    assert_eq!(tables::items(&table), before);
    tables::delete(&table);
}

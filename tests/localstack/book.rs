//! The book's tour of a deployment, run as it is printed.

use std::fs;
use std::process::Command;

use crate::program::{root, run};
use crate::project::Project;

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

#[test]
fn the_tour_is_as_printed() {
    let blocks = tour("docs/guides/local-aws.md");
    assert!(blocks.len() > 5, "the tour is lost");
    // One shell for all, since a later block uses what an earlier one set.
    let script: Vec<_> = blocks
        .iter()
        .map(|(commands, _)| format!("{commands}\necho; echo '{NEXT}'"))
        .collect();
    let project = Project::of_the_repository();
    let mut shell = Command::new("sh");
    shell.args(["-ec", &script.join("\n")]);
    let said = run(&mut project.equip(shell)).unwrap_or_else(|why| panic!("{why}"));
    for ((commands, answer), said) in blocks.iter().zip(said.split(NEXT)) {
        if let Some(answer) = answer {
            assert_eq!(said.trim(), answer, "{commands}");
        }
    }
}

#[test]
fn the_tour_is_the_same_in_portuguese() {
    assert_eq!(
        tour("docs/guides/local-aws.pt-BR.md"),
        tour("docs/guides/local-aws.md")
    );
}

//! The READMEs' tour, run as it is printed: every command, every answer, in both languages.

use std::path::Path;

use tokio::process::Command;

use crate::command::Folder;

/// The address that the READMEs name.
const ADDRESS: &str = "127.0.0.1:3000";

/// A fenced block, and whether only blank lines stand between it and the one before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    follows: bool,
}

pub(crate) fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    let mut follows = false;
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language: language.to_owned(),
                text: text.join("\n"),
                follows,
            });
            follows = true;
        } else if !line.is_empty() {
            follows = false;
        }
    }
    blocks
}

fn tour(readme: &str) -> Vec<Block> {
    // What is deployed is run by the end-to-end tests.
    let (laptop, rest) = readme
        .split_once("<!-- deploy -->")
        .expect("the mark of the other tours");
    let reference = rest
        .split_once("<!-- /deploy -->")
        .map_or(rest, |(_, reference)| reference);
    blocks(laptop)
        .into_iter()
        .chain(blocks(reference))
        .collect()
}

/// With what differs from run to run made equal.
fn comparable(text: &str) -> String {
    let words = text.split('"').map(|word| {
        let is_uuid = word.len() == 36
            && word
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_uuid { "<uuid>" } else { word }
    });
    words.collect::<Vec<_>>().join("\"").trim_end().to_owned()
}

async fn assert_tour(readme: &str) {
    let modules = std::fs::read_to_string("modules.toml").unwrap();
    let folder = Folder::with(&modules);
    let mut served = folder.serve(&[]).await;
    let address = served.url["http://".len()..].to_owned();
    let here = |text: &str| text.replace(ADDRESS, &address);
    let binary = env!("CARGO_BIN_EXE_modulo");
    let blocks = tour(readme);
    let mut run = 0;
    for (at, block) in blocks.iter().enumerate() {
        let next = blocks.get(at + 1).filter(|next| next.follows);
        match block.language.as_str() {
            "sh" => {
                let command = here(&block.text).replace("cargo run -q --", binary);
                let mut shell = Command::new("sh");
                let output = shell.args(["-c", &command]).current_dir(folder.path());
                let output = output.output().await.unwrap();
                let stdout = String::from_utf8(output.stdout).unwrap();
                let expected = next.map(|next| here(&next.text)).unwrap_or_default();
                assert_eq!(comparable(&stdout), comparable(&expected), "of\n{command}");
                assert!(output.status.success(), "of\n{command}");
                run += 1;
            }
            "text"
                if ["Try:", "these are the routes now"]
                    .iter()
                    .any(|said| block.text.contains(said)) =>
            {
                for line in here(&block.text).lines().filter(|line| !line.is_empty()) {
                    served.line(line).await;
                }
                run += 1;
            }
            "toml" => {
                let expected = blocks
                    .get(at + 1)
                    .filter(|next| next.text.ends_with(" errors"));
                let other = Folder::with(&format!("{}\n", block.text));
                let output = other.modulo(&["check"]).output().await.unwrap();
                let stderr = String::from_utf8(output.stderr).unwrap();
                let expected = expected.map(|next| next.text.as_str()).unwrap_or_default();
                assert_eq!(stderr.trim_end(), expected, "of\n{}", block.text);
                run += 1;
            }
            _ => {}
        }
    }
    assert!(run > 15, "only {run} blocks were found");
}

#[tokio::test]
async fn the_tour_works_as_printed() {
    assert_tour(&std::fs::read_to_string("README.md").unwrap()).await;
}

#[tokio::test]
async fn the_tour_works_as_printed_in_portuguese() {
    assert_tour(&std::fs::read_to_string("README.pt-BR.md").unwrap()).await;
}

#[test]
fn both_readmes_have_the_same_blocks() {
    let of = |file: &str| blocks(&std::fs::read_to_string(Path::new(file)).unwrap());
    assert_eq!(of("README.md"), of("README.pt-BR.md"));
}

#[test]
fn the_modules_of_other_pages_are_legal() {
    let page = std::fs::read_to_string("docs/admin.md").unwrap();
    let modules: Vec<_> = blocks(&page)
        .into_iter()
        .filter(|block| block.language == "toml")
        .collect();
    assert!(!modules.is_empty());
    for block in modules {
        crate::app::parse(&block.text);
    }
}

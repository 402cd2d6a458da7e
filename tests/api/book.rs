//! The READMEs and the book, run as they are printed: every command, every answer, in both languages.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::command::{Folder, Served};

/// The address that the pages name.
const ADDRESS: &str = "127.0.0.1:3000";

/// A fenced block, and whether only blank lines stand between it and the one before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    follows: bool,
}

/// What the name of each Portuguese page ends in.
const PORTUGUESE: &str = ".pt-BR.md";

/// The README of a language, and the book's pages in it.
fn pages(is_of_the_language: fn(&str) -> bool) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                pages.push(path);
            }
        }
    }
    pages.extend(["README.md", "README.pt-BR.md"].map(PathBuf::from));
    pages.retain(|page| is_of_the_language(page.to_str().unwrap()));
    pages.sort();
    pages
}

fn english(page: &str) -> bool {
    Path::new(page).extension().is_some_and(|end| end == "md") && !portuguese(page)
}

fn portuguese(page: &str) -> bool {
    page.ends_with(PORTUGUESE)
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
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

/// The blocks of a page, without those that the end-to-end tests run.
fn tour(page: &str) -> Vec<Block> {
    let Some((laptop, rest)) = page.split_once("<!-- deploy -->") else {
        return blocks(page);
    };
    let (_, reference) = rest
        .split_once("<!-- /deploy -->")
        .expect("the end of what is deployed");
    let mut blocks_of_page = blocks(laptop);
    blocks_of_page.extend(blocks(reference));
    blocks_of_page
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

/// Runs a page as a reader would, in a folder and beside a server of its own; says how many of its
/// blocks can be run.
async fn run_page(page: &Path) -> usize {
    let blocks = tour(&std::fs::read_to_string(page).unwrap());
    let modules = std::fs::read_to_string("modules.toml").unwrap();
    let folder = Folder::with(&modules);
    run_blocks(&blocks, &folder, folder.serve(&[]).await).await
}

/// Runs the blocks that can be run, and says how many they were.
pub(crate) async fn run_blocks(blocks: &[Block], folder: &Folder, mut served: Served) -> usize {
    let address = served.url["http://".len()..].to_owned();
    let here = |text: &str| text.replace(ADDRESS, &address);
    let binary = env!("CARGO_BIN_EXE_modulo");
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
    run
}

async fn assert_tour(pages: &[PathBuf]) {
    let mut run = 0;
    for page in pages {
        run = run.max(run_page(page).await);
    }
    // Those of the tour.
    assert!(run > 15, "only {run} blocks were found");
}

#[tokio::test]
async fn the_tour_works_as_printed() {
    assert_tour(&pages(english)).await;
}

#[tokio::test]
async fn the_tour_works_as_printed_in_portuguese() {
    assert_tour(&pages(portuguese)).await;
}

/// An indented block, as in a list, would be shown and not run.
#[test]
fn blocks_that_are_run_begin_a_line() {
    for page in pages(english).into_iter().chain(pages(portuguese)) {
        let text = std::fs::read_to_string(&page).unwrap();
        let indented = text
            .lines()
            .find(|line| line.starts_with(' ') && ["```sh", "```toml"].contains(&line.trim()));
        assert_eq!(indented, None, "{}", page.display());
    }
}

/// The end-to-end tests run the commands between the marks of these pages, and of no others.
#[test]
fn what_is_deployed_is_on_two_pages() {
    let marked = pages(english).into_iter().filter(|page| {
        let page = std::fs::read_to_string(page).unwrap();
        page.contains("<!-- deploy -->")
    });
    let marked: Vec<_> = marked.collect();
    let run = ["docs/guides/local-aws.md", "docs/guides/move-in.md"];
    assert_eq!(marked, run.map(Path::new));
}

#[test]
fn both_languages_have_the_same_blocks() {
    let of = |file: &str| blocks(&std::fs::read_to_string(Path::new(file)).unwrap());
    let translations = pages(portuguese);
    assert!(translations.len() > 1);
    for translation in translations {
        let translation = translation.to_str().unwrap();
        let original = translation.replace(PORTUGUESE, ".md");
        assert_eq!(of(&original), of(translation), "{translation}");
    }
}

#[test]
fn the_modules_of_other_pages_are_legal() {
    let page = std::fs::read_to_string("docs/guides/admin.md").unwrap();
    let modules: Vec<_> = blocks(&page)
        .into_iter()
        .filter(|block| block.language == "toml")
        .collect();
    assert!(!modules.is_empty());
    for block in modules {
        crate::app::parse(&block.text);
    }
}

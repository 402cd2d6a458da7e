//! The fuzz targets on stable Rust: the corpus, and for a moment what can be made of it.
//!
//! Every run is the same, so that it is red only for a reason: `MODULO_SEED` makes another of it,
//! `MODULO_FUZZ_INPUTS` makes so many inputs a target, and `MODULO_FUZZ_SECONDS` ends it after so long.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program of tests has settings of its own"
)]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own, for the fuzzer")]
mod targets;

/// How many inputs each target gets that is given no number and no time.
const INPUTS: u64 = 2_000;

/// What a target may have of addresses that must do with little memory; its stacks are in it.
const MAX_KIB: u32 = 1_500_000;

/// What makes sense to one parser or another.
const WORDS: [&str; 26] = [
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "=",
    "\n",
    " ",
    "/",
    "..",
    "?",
    "&",
    "%",
    "%2F",
    "%00",
    "é",
    "😀",
    "null",
    "-1",
    "1e400",
    "99999999999999999999",
    "\\ud800",
    "\\u0000",
];

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

/// A few small changes of an input of the corpus.
fn mutated(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(..=input.len());
        let end = (at + rng.usize(..16)).min(input.len());
        match rng.u32(..6) {
            0 => input[at..end]
                .iter_mut()
                .take(1)
                .for_each(|byte| *byte ^= 1 << rng.u32(..8)),
            1 => input.insert(at, rng.u8(..)),
            2 => drop(input.drain(at..end)),
            3 => input.extend_from_within(at..end),
            4 => {
                let other = &corpus[rng.usize(..corpus.len())];
                input.truncate(at);
                input.extend(&other[rng.usize(..=other.len())..]);
            }
            _ => drop(input.splice(at..at, WORDS[rng.usize(..WORDS.len())].bytes())),
        }
    }
    input
}

fn fuzz(name: &str, target: fn(&[u8])) {
    let seed = variable("MODULO_SEED").unwrap_or(1);
    let time = variable("MODULO_FUZZ_SECONDS").map(Duration::from_secs);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let corpus: Vec<_> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    assert!(!corpus.is_empty(), "{} is empty", folder.display());

    let try_one = |input: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(
            outcome.is_ok(),
            "{name} fails, with MODULO_SEED={seed}, on b\"{}\"",
            input.escape_ascii()
        );
    };
    for input in &corpus {
        try_one(input);
    }
    let mut rng = Rng::with_seed(seed);
    let inputs = variable("MODULO_FUZZ_INPUTS");
    let inputs = inputs.unwrap_or(if time.is_some() { u64::MAX } else { INPUTS });
    let mut count = corpus.len() as u64;
    let start = Instant::now();
    while count < inputs && time.is_none_or(|time| start.elapsed() < time) {
        try_one(&mutated(&corpus, &mut rng));
        count += 1;
    }
    // Not by `println!`, which is shown of failed tests only.
    let line = format!("fuzz: {count} inputs of {name}, MODULO_SEED={seed}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// As [`fuzz`], by this program started anew with little memory: what runs wild ends it.
fn fuzz_within_memory(name: &str, target: fn(&[u8])) {
    const IN_CHILD: &str = "MODULO_FUZZ_CHILD";
    if std::env::var_os(IN_CHILD).is_some() {
        return fuzz(name, target);
    }
    let script = format!("ulimit -v {MAX_KIB} 2>/dev/null; exec \"$0\" --exact {name} --nocapture");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(IN_CHILD, "1")
        .status();
    assert!(
        child.unwrap().success(),
        "{name} fails, or takes too much memory"
    );
}

#[test]
fn batch() {
    fuzz("batch", targets::batch);
}

#[test]
fn body() {
    fuzz("body", targets::body);
}

#[test]
fn configuration() {
    fuzz("configuration", targets::configuration);
}

#[test]
fn cursor() {
    fuzz("cursor", targets::cursor);
}

#[test]
fn event() {
    fuzz("event", targets::event);
}

#[test]
fn patch() {
    fuzz_within_memory("patch", targets::patch);
}

#[test]
fn path() {
    fuzz("path", targets::path);
}

#[test]
fn schema() {
    fuzz_within_memory("schema", targets::schema);
}

#[test]
fn token() {
    fuzz("token", targets::token);
}

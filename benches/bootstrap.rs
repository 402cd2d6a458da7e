//! `bootstrap` as Lambda runs it, against the least that a function can do.
//!
//! ```text
//! cargo bench --bench bootstrap -- [--rounds N] [--requests N] [NAME=BINARY …]
//! ```
//!
//! Builds the function and two floors the same way, then starts them in turn, round after round,
//! behind a runtime API and a DynamoDB that always gives the same answer. Any further binary, such
//! as the function of another commit, is measured beside them, with 2 modules.

#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use figures::{Figure, percentile, table};
use subject::{Run, Subject};

mod dynamodb;
mod figures;
mod modules;
mod runtime_api;
mod schemas;
mod subject;

/// Where among the subjects the bare handler is.
const BARE: usize = 1;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let roots = TaskRoots::create()?;
    let subjects = subjects(&arguments, &roots)?;

    let dynamodb = dynamodb::start().await?;
    let mut runs: Vec<Vec<Run>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 1..=arguments.rounds {
        eprint!("\rround {round} of {}", arguments.rounds);
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            runs.push(subject.run(dynamodb, arguments.requests).await?);
        }
    }
    eprintln!();

    let names: Vec<_> = subjects
        .iter()
        .map(|subject| subject.name.clone())
        .collect();
    let mut figures = figures(&runs, arguments.requests);
    figures.extend(sizes(&subjects)?);
    println!(
        "Medians of {} rounds of {} requests; in brackets the ratio to the bare handler.\n",
        arguments.rounds, arguments.requests
    );
    println!("{}", table(&names, BARE, &figures));
    Ok(())
}

struct Arguments {
    rounds: usize,
    requests: usize,
    /// Name and binary.
    others: Vec<(String, PathBuf)>,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed = Self {
            rounds: 15,
            requests: 1_000,
            others: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                arguments
                    .next()
                    .context("a number is missing")?
                    .parse()
                    .context("no number")
            };
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--rounds" => parsed.rounds = number()?,
                "--requests" => parsed.requests = number()?,
                other => {
                    let (name, binary) = other.split_once('=').with_context(|| {
                        format!("`{other}` is neither an option nor NAME=BINARY")
                    })?;
                    parsed.others.push((name.to_owned(), binary.into()));
                }
            }
        }
        Ok(parsed)
    }
}

/// What lies beside a binary in its package, by the number of modules.
struct TaskRoots {
    two: TempDir,
    hundred: TempDir,
    hundred_with_schemas: TempDir,
    thousand: TempDir,
}

impl TaskRoots {
    fn create() -> Result<Self> {
        let root = |modules| {
            let root = tempfile::tempdir()?;
            fs::write(root.path().join("modules.toml"), modules::toml(modules))?;
            anyhow::Ok(root)
        };
        let hundred_with_schemas = tempfile::tempdir()?;
        schemas::write(hundred_with_schemas.path(), 100)?;
        Ok(Self {
            two: root(2)?,
            hundred: root(100)?,
            hundred_with_schemas,
            thousand: root(1_000)?,
        })
    }
}

fn subjects(arguments: &Arguments, roots: &TaskRoots) -> Result<Vec<Subject>> {
    let floors = build(&["--package", "floors"])?;
    let modulo = build(&[
        "--package",
        "modulo",
        "--bin",
        "bootstrap",
        "--no-default-features",
        "--features",
        "lambda",
    ])?;
    let bootstrap = modulo.join("bootstrap");
    let subject = |name: &str, binary: &Path, root: &TempDir| {
        ensure!(binary.is_file(), "there is no {}", binary.display());
        Ok(Subject {
            name: name.to_owned(),
            binary: fs::canonicalize(binary)?,
            task_root: root.path().to_owned(),
        })
    };
    let mut subjects = vec![
        subject("hello", &floors.join("floor-hello"), &roots.two)?,
        subject("bare", &floors.join("floor-bare"), &roots.two)?,
        subject("modulo, 2 modules", &bootstrap, &roots.two)?,
        subject("modulo, 100 modules", &bootstrap, &roots.hundred)?,
        subject(
            "modulo, 100 modules with schemas",
            &bootstrap,
            &roots.hundred_with_schemas,
        )?,
        subject("modulo, 1,000 modules", &bootstrap, &roots.thousand)?,
    ];
    for (name, binary) in &arguments.others {
        subjects.push(subject(name, binary, &roots.two)?);
    }
    Ok(subjects)
}

/// Has Cargo build binaries as they are deployed: the folder they are in.
fn build(what: &[&str]) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(what)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "cargo build: {}", output.status);
    let executable = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo build made no binary")?;
    let folder = executable.parent().context("a binary is in a folder")?;
    Ok(folder.to_owned())
}

fn figures(runs: &[Vec<Run>], requests: usize) -> Vec<Figure> {
    let figure = |name, digits, value: &dyn Fn(&Run) -> f64| Figure {
        name,
        digits,
        values: runs
            .iter()
            .map(|runs| runs.iter().map(value).collect())
            .collect(),
    };
    let latency = |per_cent| {
        move |run: &Run| percentile(run.latencies.iter().copied().map(microseconds), per_cent)
    };
    let thousands = requests as f64 / 1_000.0;
    vec![
        figure("spawn to first poll, ms", 2, &|run| {
            milliseconds(run.first_poll)
        }),
        figure("CPU until first poll, ms", 2, &|run| {
            milliseconds(run.first_poll_cpu)
        }),
        figure("first request, ms", 2, &|run| {
            milliseconds(run.first_answer)
        }),
        figure("warm request, p50, µs", 0, &latency(50)),
        figure("warm request, p99, µs", 0, &latency(99)),
        figure("CPU of 1,000 requests, ms", 0, &|run| {
            milliseconds(run.cpu) / thousands
        }),
        figure("resident after them, MB", 2, &|run| {
            megabytes(run.resident_kib * 1_024)
        }),
    ]
}

fn sizes(subjects: &[Subject]) -> Result<[Figure; 2]> {
    let mut binaries = Vec::with_capacity(subjects.len());
    let mut zips = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let binary = fs::read(&subject.binary)?;
        binaries.push(vec![megabytes(binary.len() as u64)]);
        zips.push(vec![megabytes(zipped(&binary)? as u64)]);
    }
    let figure = |name, values| Figure {
        name,
        digits: 2,
        values,
    };
    Ok([figure("binary, MB", binaries), figure("zip, MB", zips)])
}

/// The size of the package with `binary` in it.
fn zipped(binary: &[u8]) -> Result<usize> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default())?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner().len())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1_024.0 * 1_024.0)
}

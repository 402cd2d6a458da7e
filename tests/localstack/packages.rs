//! The packages of npm and pip, made as a release makes them, installed and used where there is
//! neither Rust nor, for npm's, Python.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::contract::Visitor;
use crate::program::{python_program, root, run};
use crate::project::{MODULO, Project, changes, complete, report, stripped, template};
use crate::served::Served;
use crate::tables;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All programs that a user of the npm packages needs.
const PROGRAMS: [&str; 5] = ["node", "npm", "npx", "env", "sh"];

const COURSE: &str = r#"{"description":"Algebra","hours":40}"#;

/// A folder with links to programs, and with nothing else.
fn path_of(folder: &Path, programs: &[&str]) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).expect("it is writable");
    let path = std::env::var_os("PATH").expect("every shell has one");
    for program in programs {
        let found = std::env::split_paths(&path).map(|folder| folder.join(program));
        let found = found.into_iter().find(|file| file.is_file());
        let found = found.unwrap_or_else(|| panic!("the end-to-end tests need `{program}`"));
        let found = found.canonicalize().expect("it is there");
        symlink(found, bin.join(program)).expect("it is writable");
    }
    bin
}

#[track_caller]
fn assert_serves(url: &str) {
    let visitor = Visitor::new(url);
    let data: Value = serde_json::from_str(COURSE).expect("it is JSON");
    let stored = json!({ "POST": { "courseId": "algebra", "data": data } });
    visitor.expect("POST", "/courses/algebra", COURSE, 200, &stored);
    let read = json!({ "GET": { "courseId": "algebra", "data": COURSE } });
    visitor.expect("GET", "/courses/algebra", "", 200, &read);
    assert_eq!(
        visitor
            .send("POST", "/courses/x", "application/json", r#"{"hours":1}"#)
            .status(),
        422
    );
}

/// What npm has installed is to be enough, so the function is that of the package, too.
#[test]
fn a_project_needs_only_what_npm_installs() {
    let made = TempDir::with_prefix("modulo-packages-").expect("it is writable");
    let packages = npm_packages(made.path());
    let mut project = Project::bare("local");
    project.is_tried();
    let path = path_of(made.path(), &PROGRAMS);
    let command = |program: PathBuf| {
        let mut command = project.equip(Command::new(program));
        command
            .env("PATH", &path)
            .env_remove("MODULO_BIN")
            .env_remove("MODULO_ARTIFACT");
        command
    };
    let said = |program: &str, arguments: &[&str]| {
        run(command(path.join(program)).args(arguments)).unwrap_or_else(|why| panic!("{why}"))
    };

    let start = Instant::now();
    let osls = osls();
    let [package, binary] = &packages;
    said(
        "npm",
        &[
            "install",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            &osls,
            package,
            binary,
        ],
    );
    report("npm install", start.elapsed());
    let version = said("npx", &["modulo", "--version"]);
    assert_eq!(version.trim(), format!("modulo {VERSION}"));
    let page = project.path("node_modules/modulo-rest/man/modulo-plan.1");
    assert!(page.is_file(), "the package has no manual pages");

    // npm has written one, which `init` would leave as it is.
    fs::remove_file(project.path("package.json")).expect("it is there");
    said("npx", &["modulo", "init", "--name", &project.service()]);
    let modules = fs::read_to_string(project.path("modules.toml")).expect("it is written");
    let table = format!("\"{{module}}-{{stage}}{}\"", project.table_suffix());
    project.write(
        "modules.toml",
        &modules.replace("\"{module}-{stage}\"", &table),
    );
    let checked = said("npm", &["run", "check"]);
    assert!(checked.contains("1 module, no errors"), "{checked}");
    for signal in ["INT", "TERM"] {
        let served = Served::start(command(project.path("node_modules/.bin/modulo")));
        assert_serves(&served.url);
        served.ends_by(signal);
    }
    report("from nothing to answers, by npm", start.elapsed());

    let minimal = command(path.join("npm"))
        .args([
            "run",
            "deploy",
            "--",
            "--stage",
            "local",
            "--param",
            "function=minimal",
        ])
        .output()
        .expect("npm is there");
    let why = String::from_utf8_lossy(&minimal.stderr);
    assert!(
        !minimal.status.success() && why.contains("the npm package has the complete"),
        "{why}"
    );

    said("npm", &["run", "deploy", "--", "--stage", "local"]);
    let urls = said("npm", &["run", "--silent", "url", "--", "--stage", "local"]);
    let url = urls
        .lines()
        .find(|line| line.starts_with("http"))
        .expect("an address");
    assert_serves(url);
    let table = project.table("courses");
    assert_eq!(
        tables::data(&table, "courseId", "algebra").as_deref(),
        Some(COURSE)
    );
    said("npm", &["run", "remove", "--", "--stage", "local"]);
    assert!(template(&project).is_none(), "the stack is gone");
}

/// In the version that a project's package.json has.
fn osls() -> String {
    let manifest: Value = serde_json::from_str(include_str!("../../src/tool/init/package.json"))
        .expect("a project's package.json is JSON");
    let version = manifest["devDependencies"]["osls"].as_str();
    format!("osls@{}", version.expect("a project needs it"))
}

/// The packages of npm for this platform, as their files.
fn npm_packages(folder: &Path) -> [String; 2] {
    let ask = ["-p", "`${process.platform}-${process.arch}`"];
    let platform = run(Command::new("node").args(ask)).unwrap_or_else(|why| panic!("{why}"));
    let platform = platform.trim();
    let mut pack = Command::new("node");
    pack.arg(root().join("packages/npm/pack.cjs"))
        .arg("--output")
        .arg(folder)
        .args([
            "--tool",
            &format!("{platform}={}", stripped(MODULO, folder).display()),
        ])
        .args(["--function", &format!("x86_64={}", complete().display())])
        .args(["--changes", &format!("x86_64={}", changes().display())]);
    run(&mut pack).unwrap_or_else(|why| panic!("{why}"));
    ["modulo-rest".to_owned(), format!("modulo-rest-{platform}")].map(|name| {
        let file = folder.join(format!("{name}-{VERSION}.tgz"));
        report_size(&file);
        file.display().to_string()
    })
}

fn report_size(file: &Path) {
    let bytes = fs::metadata(file).expect("it is made").len();
    let name = file.file_name().expect("it has one").display();
    println!("figure: {name} has {bytes} bytes");
}

#[test]
fn the_wheel_is_the_tool() {
    let made = TempDir::with_prefix("modulo-wheel-").expect("it is writable");
    let ministack = python_program("ministack").unwrap_or_else(|why| panic!("{why}"));
    let mut pack = Command::new(ministack.with_file_name("python"));
    pack.arg(root().join("packages/pypi/pack.py"))
        .arg("--output")
        .arg(made.path())
        .arg("--tool")
        .arg(stripped(MODULO, made.path()));
    run(&mut pack).unwrap_or_else(|why| panic!("{why}"));
    let files = fs::read_dir(made.path()).expect("it is readable");
    let mut files = files.map(|entry| entry.expect("it is readable").path());
    let wheel = files
        .find(|file| file.extension().is_some_and(|end| end == "whl"))
        .expect("it is made");
    report_size(&wheel);

    let start = Instant::now();
    let home = made.path().join("environment");
    let said = |command: &mut Command| run(command).unwrap_or_else(|why| panic!("{why}"));
    said(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let install = ["install", "--quiet", "--no-index"];
    said(Command::new(home.join("bin/pip")).args(install).arg(&wheel));
    report("pip install", start.elapsed());
    let project = Project::bare("local");
    let modulo = || project.equip(Command::new(home.join("bin/modulo")));
    assert_eq!(
        said(modulo().arg("--version")).trim(),
        format!("modulo {VERSION}")
    );
    said(modulo().arg("init"));
    let served = Served::start(modulo());
    assert_serves(&served.url);
    report("from nothing to answers, by pip", start.elapsed());
    said(modulo().args(["health", &served.url]));
    served.ends_by("TERM");
    let shared = ["man/man1/modulo.1", "bash-completion/completions/modulo"];
    for file in shared.map(|file| home.join("share").join(file)) {
        assert!(file.is_file(), "the wheel lacks {}", file.display());
    }
}

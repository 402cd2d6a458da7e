//! A project of its own: a folder with the repository's `serverless.yml` and a `modules.toml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::emulator::emulator;
use crate::program::{lock, root, run};

pub(crate) const MODULO: &str = env!("CARGO_BIN_EXE_modulo");

/// A folder to deploy from. Its stack is removed when it is dropped.
pub(crate) struct Project {
    folder: TempDir,
    id: String,
    stage: &'static str,
    deployed: bool,
    package: fn() -> &'static Path,
}

/// Where a deployed function answers.
pub(crate) struct Doors {
    pub(crate) function_url: Option<String>,
    pub(crate) rest_api: Option<String>,
    pub(crate) http_api: Option<String>,
    /// All that the deployment said.
    pub(crate) said: String,
}

impl Doors {
    /// From what `osls` tells its user.
    fn read(said: String) -> Self {
        let door = |mark: &str| {
            said.lines()
                .map(|line| line.trim().trim_end_matches('/'))
                .find(|line| line.starts_with("http") && line.contains(mark))
                .map(str::to_owned)
        };
        Self {
            function_url: door("lambda-url"),
            rest_api: door("/restapis/"),
            http_api: door("/execute-api/"),
            said,
        }
    }

    /// All that are open.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &String> {
        [&self.function_url, &self.rest_api, &self.http_api]
            .into_iter()
            .flatten()
    }
}

impl Project {
    /// A project at `stage` with these modules, on tables that no other project has.
    pub(crate) fn new(stage: &'static str, modules: &str) -> Self {
        let project = Self::empty(stage);
        project.write_modules(modules);
        project
    }

    /// A project with the repository's own `modules.toml`, under other names, and with the release
    /// of its function.
    pub(crate) fn of_the_repository() -> Self {
        let mut project = Self::empty("local");
        project.package = release;
        project.deployed = true;
        let text = fs::read_to_string(root().join("modules.toml")).expect("it is in the tree");
        let table = format!("\"{{module}}-{{stage}}-{}\"", project.id);
        let own = text
            .replace("\"modulo\"", &format!("\"{}\"", project.service()))
            .replace("\"{module}-{stage}\"", &table);
        fs::write(project.path("modules.toml"), own).expect("it is writable");
        project
    }

    /// A project without a `modules.toml`.
    pub(crate) fn empty(stage: &'static str) -> Self {
        let project = Self::bare(stage);
        for name in ["serverless.yml", "package.json", "serverless"] {
            copy(&root().join(name), &project.path(name));
        }
        std::os::unix::fs::symlink(node_modules(), project.path("node_modules"))
            .expect("it is writable");
        project
    }

    /// An empty folder.
    pub(crate) fn bare(stage: &'static str) -> Self {
        let folder = TempDir::with_prefix("modulo-project-").expect("it is writable");
        let id = uuid::Uuid::now_v7().simple().to_string().split_off(20);
        Self {
            folder,
            id,
            stage,
            deployed: false,
            package: complete,
        }
    }

    /// Another `modules.toml`.
    pub(crate) fn write_modules(&self, modules: &str) {
        let Self { id, stage, .. } = self;
        // Other stages are deployed only if it is said.
        let access = if *stage == "local" {
            ""
        } else {
            "access = \"open\"\n"
        };
        let text = format!(
            "[service]\nname = \"{}\"\n\n[defaults]\ntable = \"{{module}}-{{stage}}-{id}\"\n{access}{modules}",
            self.service()
        );
        fs::write(self.path("modules.toml"), text).expect("it is writable");
    }

    /// Another file beside it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("it is writable");
        fs::write(file, text).expect("it is writable");
    }

    /// The table of a module.
    pub(crate) fn table(&self, module: &str) -> String {
        format!("{module}-{}-{}", self.stage, self.id)
    }

    /// What the names of all its tables end in.
    pub(crate) fn table_suffix(&self) -> String {
        format!("-{}", self.id)
    }

    /// Its service.
    pub(crate) fn service(&self) -> String {
        format!("modulo-e2e-{}", self.id)
    }

    /// Its stack.
    pub(crate) fn stack(&self) -> String {
        format!("{}-{}", self.service(), self.stage)
    }

    /// `npm run deploy -- --stage …`
    pub(crate) fn deploy(&mut self, arguments: &[&str]) -> Result<Doors, String> {
        self.is_tried();
        let start = Instant::now();
        let said = run(self.osls("deploy").args(arguments))?;
        report("deploy", start.elapsed());
        println!("{said}");
        assert!(!said.contains("NodeVersionSupportWarning"), "{said}");
        Ok(Doors::read(said))
    }

    /// Has the stack removed in the end: once a deployment was tried there may be half of one.
    pub(crate) fn is_tried(&mut self) {
        self.deployed = true;
    }

    /// `npm run package -- --stage …`: the file of the template that a deployment would send.
    pub(crate) fn package(&self, arguments: &[&str]) -> PathBuf {
        run(self.osls("package").args(arguments)).unwrap_or_else(|why| panic!("{why}"));
        self.path(".serverless/cloudformation-template-update-stack.json")
    }

    /// `npm run remove -- --stage …`
    pub(crate) fn remove(&mut self) {
        self.deployed = false;
        let start = Instant::now();
        run(&mut self.osls("remove")).unwrap_or_else(|why| panic!("{why}"));
        report("remove", start.elapsed());
    }

    /// `modulo …`
    pub(crate) fn modulo(&self, arguments: &[&str]) -> Result<String, String> {
        run(&mut self.modulo_command(arguments))
    }

    /// `modulo`, before it gets its arguments.
    pub(crate) fn modulo_program(&self) -> Command {
        self.in_environment(Command::new(MODULO))
    }

    /// The same, before it runs.
    pub(crate) fn modulo_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.modulo_program();
        command.args(arguments).args(["--stage", self.stage]);
        command
    }

    /// `npm run VERB -- --stage …`, before it runs.
    pub(crate) fn osls(&self, verb: &str) -> Command {
        let mut command = self.equip(Command::new("npm"));
        command.args(["run", "--silent", verb, "--", "--stage", self.stage]);
        command
    }

    /// A command that runs in the project's folder, with all that a deployment needs.
    pub(crate) fn equip(&self, command: Command) -> Command {
        let mut command = self.in_environment(command);
        // As the user of a release has it; a clone's user waits for the compiler instead.
        command.env("MODULO_ARTIFACT", (self.package)());
        command.env("MODULO_CHANGES_ARTIFACT", changes());
        command
    }

    fn in_environment(&self, command: Command) -> Command {
        let mut command = in_environment(command, self.folder.path());
        if self.stage != "local" {
            // A user's account; for stage `local` none is needed.
            command
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test")
                // osls looks every 5 s by itself, as AWS needs it.
                .env("SLS_AWS_MONITORING_FREQUENCY", "500");
        }
        command
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if !self.deployed || template(self).is_none() {
            return;
        }
        // What else osls has made there ends with the emulator.
        if emulator().is_on_this_machine {
            let client = aws_sdk_cloudformation::Client::new(crate::tables::account());
            let request = client.delete_stack().stack_name(self.stack());
            crate::tables::wait(request.send()).expect("the emulator takes it");
            return;
        }
        // Whatever a test made of it, this is one to remove a stack with.
        self.write_modules("[modules.modulo1]\nkey = \"modulo1Id\"\n");
        if let Err(why) = run(&mut self.osls("remove")) {
            eprintln!("stack {} is left behind: {why}", self.stack());
        }
    }
}

/// A command that sees the emulator, nothing of the account that its user may have, and nothing that
/// Cargo says of these tests: ring would be built anew for that.
fn in_environment(mut command: Command, folder: &Path) -> Command {
    let hidden = ["AWS_", "CARGO_MANIFEST_", "CARGO_PKG_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if hidden.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(folder)
        // As the user of a release has it; a clone's user has cargo's.
        .env("MODULO_BIN", MODULO)
        // The emulator of a test need not be at the port where a user's is.
        .env("AWS_ENDPOINT_URL", &emulator().endpoint);
    command
}

/// The release package of this tree, made as a user makes it, unless `MODULO_ARTIFACT` names
/// another. The projects put their own `modules.toml` in.
pub(crate) fn release() -> &'static Path {
    RELEASE.wait()
}

/// The package with all features. An emulator on this machine takes the function that cargo has built for
/// these tests; elsewhere it needs one for Amazon Linux, in a profile that is built sooner than a release.
pub(crate) fn complete() -> &'static Path {
    COMPLETE.wait()
}

/// The package of the function that sends changes, which is made with [`complete`].
pub(crate) fn changes() -> PathBuf {
    let given = std::env::var_os("MODULO_CHANGES_ARTIFACT");
    given.map_or_else(|| root().join(CHANGES), PathBuf::from)
}

const CHANGES: &str = "target/deploy/modulo-changes.zip";

static RELEASE: Package = Package {
    zip: "target/deploy/modulo-x86_64.zip",
    make: || {
        compile(
            "release",
            &[
                "npm", "run", "--silent", "package", "--", "--stage", "local",
            ],
        );
    },
    path: OnceLock::new(),
};

static COMPLETE: Package = Package {
    zip: "target/deploy/modulo-complete.zip",
    make: || {
        if emulator().is_on_this_machine {
            pack("--bootstrap", env!("CARGO_BIN_EXE_bootstrap"), COMPLETE.zip);
            pack("--changes", env!("CARGO_BIN_EXE_changes"), CHANGES);
        } else {
            compile(
                "emulated",
                &[
                    "node",
                    "serverless/build.cjs",
                    "x86_64",
                    COMPLETE.zip,
                    "emulated",
                    CHANGES,
                ],
            );
        }
    },
    path: OnceLock::new(),
};

struct Package {
    zip: &'static str,
    make: fn(),
    path: OnceLock<Option<PathBuf>>,
}

impl Package {
    /// Its path, once it is made. Whichever is wanted first, both are made, and the release last: a
    /// single core links it for minutes, in which the tests of the other go on.
    fn wait(&'static self) -> &'static Path {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            std::thread::spawn(|| {
                for package in [&COMPLETE, &RELEASE] {
                    let made = std::panic::catch_unwind(|| package.make());
                    package.path.get_or_init(|| made.ok());
                }
            });
        });
        let path = self.path.wait().as_deref();
        path.unwrap_or_else(|| panic!("{} was not made; the reason stands above", self.zip))
    }

    fn make(&self) -> PathBuf {
        if let Some(given) = std::env::var_os("MODULO_ARTIFACT") {
            return given.into();
        }
        let start = Instant::now();
        (self.make)();
        report(self.zip, start.elapsed());
        root().join(self.zip)
    }
}

/// Runs a command of the repository that compiles a function for AWS in this profile.
fn compile(profile: &str, words: &[&str]) {
    node_modules();
    let command = |words: &[&str]| {
        let mut command = in_environment(Command::new(words[0]), root());
        run(command.args(&words[1..])).unwrap_or_else(|why| panic!("{why}"))
    };
    {
        let _lock = lock("tools");
        command(&["node", "serverless/build.cjs", "tools"]);
    }
    let _lock = lock(profile);
    let said = command(words);
    // A build takes minutes, in which its user sees cargo's own lines.
    let finished = format!("Finished `{profile}` profile");
    assert!(said.contains(&finished), "{said}");
    // The gate lints the functions with all features, and not with those of a deployment.
    assert!(!said.contains("warning:"), "{said}");
}

/// Packs what cargo has built for these tests, as `serverless/build.cjs` packs what it builds.
fn pack(option: &str, program: &str, zip: &str) {
    let _lock = lock("pack");
    let folder = TempDir::with_prefix("modulo-stripped-").expect("it is writable");
    fs::create_dir_all(root().join("target/deploy")).expect("target/ is writable");
    let program = stripped(program, folder.path());
    let mut command = in_environment(Command::new(MODULO), root());
    command
        .args(["package", option])
        .arg(program)
        .args(["--output", zip]);
    run(&mut command).unwrap_or_else(|why| panic!("{why}"));
}

/// A program without what a release's has not either: debug information and symbols, which are most
/// of its bytes.
pub(crate) fn stripped(program: &str, folder: &Path) -> PathBuf {
    let program = Path::new(program);
    let stripped = folder.join(program.file_name().expect("it is a file"));
    run(Command::new("strip").arg("-o").arg(&stripped).arg(program))
        .unwrap_or_else(|why| panic!("{why}"));
    stripped
}

/// `npm ci`, if it is due.
fn node_modules() -> PathBuf {
    let _lock = lock("npm");
    let installed = root().join("node_modules");
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let due = modified(&installed.join(".package-lock.json"))
        < modified(&root().join("package-lock.json"));
    if due {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund"]);
        run(install.current_dir(root())).unwrap_or_else(|why| {
            panic!("the end-to-end tests need Node.js 20.19 or newer with npm: {why}")
        });
    }
    installed
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).expect("it is writable");
        for entry in fs::read_dir(from).expect("it is readable") {
            let entry = entry.expect("it is readable");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("it is readable");
    }
}

/// A figure, for those who look.
pub(crate) fn report(what: &str, time: Duration) {
    println!("figure: {what} took {:.1} s", time.as_secs_f64());
}

/// The deployed template of a project, if it is deployed.
pub(crate) fn template(project: &Project) -> Option<Value> {
    let client = aws_sdk_cloudformation::Client::new(crate::tables::account());
    // Emulators give a removed stack's template as if it were there.
    let described = client.describe_stacks().stack_name(project.stack());
    crate::tables::wait(described.send()).ok()?;
    let request = client.get_template().stack_name(project.stack()).send();
    let body = crate::tables::wait(request).ok()?.template_body?;
    Some(serde_json::from_str(&body).expect("osls writes JSON"))
}

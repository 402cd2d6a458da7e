//! Other programs: run to their end, or for as long as the tests run.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where this build keeps what tests make and later runs use again.
pub(crate) fn cache() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("localstack");
    std::fs::create_dir_all(&folder).expect("target/ is writable");
    folder
}

/// Keeps others, also other copies of this run, from making `what` until it is dropped.
pub(crate) fn lock(what: &str) -> File {
    let lock = File::create(cache().join(format!("{what}.lock"))).expect("target/ is writable");
    lock.lock().expect("the file system locks files");
    lock
}

/// What a program said, on both channels, if it succeeded; else the same as the error.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} does not run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(said.into_owned())
    } else {
        Err(format!("{command:?} failed, {}:\n{said}", output.status))
    }
}

/// A program of requirements.txt, in a Python environment under target/.
pub(crate) fn python_program(name: &str) -> Result<PathBuf, String> {
    let _lock = lock("python");
    let home = cache().join("python");
    let requirements = root().join("tests/localstack/requirements.txt");
    let install = root().join("tests/python.sh");
    run(Command::new("bash")
        .arg(install)
        .arg(&home)
        .arg(requirements))?;
    Ok(home.join("bin").join(name))
}

/// A program that ends with this process, however this process ends: it holds the other end of a
/// pipe. Destructors of statics don't run, and those of a killed process neither.
pub(crate) struct Companion {
    _pipe: Option<ChildStdin>,
    child: Child,
}

impl Companion {
    /// Runs `script`, which must go on until its standard input is closed and clean up then.
    pub(crate) fn start(script: &str, variables: &[(&str, String)]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C in the terminal is for the tests; the script cleans up after them.
            .process_group(0)
            .spawn()
            .expect("every Unix has sh");
        Self {
            _pipe: child.stdin.take(),
            child,
        }
    }

    /// Whether the script has ended.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

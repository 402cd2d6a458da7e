//! The emulator of AWS that the tests deploy to.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::program::{Companion, python_program, root, run};

const HEALTHY_WITHIN: Duration = Duration::from_mins(1);

/// Where an emulator listens that nobody has named.
pub(crate) const USUAL_PORT: u16 = 4566;

/// Keeps all other tests of this machine from [`USUAL_PORT`] until it is dropped.
pub(crate) fn usual_port() -> File {
    let file = std::env::temp_dir().join(format!("modulo-port-{USUAL_PORT}.lock"));
    let lock = File::create(file).expect("the temporary folder is writable");
    lock.lock().expect("the file system locks files");
    lock
}

/// An emulator that answers.
pub(crate) struct Emulator {
    /// Its address.
    pub(crate) endpoint: String,
    /// Whether it has HTTP APIs: LocalStack without a licence has not.
    pub(crate) http_api: bool,
    /// Whether it surely runs functions on this machine itself, and in no container.
    pub(crate) is_on_this_machine: bool,
    is_localstack: bool,
    _companion: Mutex<Option<Companion>>,
}

/// The emulator of this run, chosen and started when the first test asks.
pub(crate) fn emulator() -> &'static Emulator {
    static EMULATOR: OnceLock<Emulator> = OnceLock::new();
    EMULATOR.get_or_init(choose)
}

fn choose() -> Emulator {
    if let Ok(endpoint) = std::env::var("AWS_ENDPOINT_URL") {
        return Emulator::at(&endpoint, None, "AWS_ENDPOINT_URL").unwrap_or_else(|why| {
            panic!("AWS_ENDPOINT_URL is set, but {why}; start the emulator or unset the variable")
        });
    }
    let by_engine = match with_container_engine() {
        Ok(emulator) => return emulator,
        Err(why) => why,
    };
    let by_python = match with_ministack() {
        Ok(emulator) => return emulator,
        Err(why) => why,
    };
    panic!(
        "the end-to-end tests need an emulator of AWS; any of these three gives them one:\n\
         1. AWS_ENDPOINT_URL=http://127.0.0.1:4566, of a LocalStack or ministack that runs\n\
         2. Docker or Podman with its compose plug-in; now: {by_engine}\n\
         3. Python 3.10 or newer with venv and pip; now: {by_python}"
    )
}

impl Emulator {
    /// Whether a stack can import tables, as LocalStack's can't; else says what is not tested.
    pub(crate) fn can_import(&self, what: &str) -> bool {
        if self.is_localstack {
            // Not by `eprintln!`, as below.
            let line = format!("not tested, since LocalStack can't import tables: {what}\n");
            std::io::stderr().write_all(line.as_bytes()).ok();
        }
        !self.is_localstack
    }

    /// The one at `endpoint`, once it is healthy; says in one line that it is taken.
    fn at(endpoint: &str, mut companion: Option<Companion>, origin: &str) -> Result<Self, String> {
        let endpoint = endpoint
            .trim_end_matches('/')
            .replace("//localhost", "//127.0.0.1");
        let client = reqwest::blocking::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()
            .expect("a client without options is possible");
        let start = Instant::now();
        let health = loop {
            let answer = client
                .get(format!("{endpoint}/_localstack/health"))
                .send()
                .and_then(|answer| answer.error_for_status()?.json::<serde_json::Value>());
            match answer {
                Ok(health) => break health,
                Err(error) if start.elapsed() > HEALTHY_WITHIN => {
                    return Err(format!("{endpoint} is not healthy: {error}"));
                }
                Err(_) if companion.as_mut().is_some_and(Companion::is_gone) => {
                    return Err(format!("{origin} ended by itself"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        };
        let http_api = health["edition"] != "community";
        // Of itself ministack answers nothing there.
        let info = client.get(format!("{endpoint}/_localstack/info")).send();
        let is_localstack = info.is_ok_and(|answer| answer.status().is_success());
        let without = if http_api {
            ""
        } else {
            ", which has no HTTP APIs"
        };
        // Not by `eprintln!`, which is shown of failed tests only.
        let line = format!("end-to-end tests: {endpoint}, from {origin}{without}\n");
        std::io::stderr().write_all(line.as_bytes()).ok();
        Ok(Self {
            endpoint,
            http_api,
            is_on_this_machine: false,
            is_localstack,
            _companion: Mutex::new(companion),
        })
    }
}

/// LocalStack by compose.yml.
fn with_container_engine() -> Result<Emulator, String> {
    let engine = ["docker", "podman"]
        .into_iter()
        .find(|engine| {
            [["info"].as_slice(), &["compose", "version"]]
                .into_iter()
                .all(|arguments| run(Command::new(engine).args(arguments)).is_ok())
        })
        .ok_or("neither engine answers")?;
    let port = free_port();
    let mut variables = vec![
        ("COMPOSE_PROJECT_NAME", format!("modulo-e2e-{port}")),
        (
            "COMPOSE_FILE",
            root().join("compose.yml").display().to_string(),
        ),
        ("MODULO_LOCAL_PORT", port.to_string()),
        ("ENGINE", engine.to_owned()),
    ];
    let rootless = std::env::var("XDG_RUNTIME_DIR")
        .map(|folder| PathBuf::from(folder).join("podman/podman.sock"));
    if let (None, "podman", Ok(socket)) = (std::env::var_os("DOCKER_SOCK"), engine, rootless) {
        variables.push(("DOCKER_SOCK", socket.display().to_string()));
    }
    // Started before the containers, so that it takes away those of a start that failed half-way.
    let companion = Companion::start(
        "cat; \"$ENGINE\" compose down --volumes --timeout 5",
        &variables,
    );
    run(Command::new(engine)
        .args(["compose", "up", "--detach", "--wait"])
        .envs(variables))?;
    Emulator::at(
        &format!("http://127.0.0.1:{port}"),
        Some(companion),
        &format!("compose.yml with {engine}"),
    )
}

/// ministack, in a Python environment under target/.
fn with_ministack() -> Result<Emulator, String> {
    const SCRIPT: &str = r#"
        "$MINISTACK" >"$TMPDIR/ministack.log" 2>&1 &
        ministack=$!
        cat
        kill "$ministack"
        wait "$ministack"
        rm -rf "$TMPDIR"
    "#;
    let program = python_program("ministack")?;
    let port = free_port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let folder = tempfile::Builder::new()
        .prefix("modulo-ministack-")
        .tempdir()
        .expect("the temporary folder is writable")
        .keep();
    let companion = Companion::start(
        SCRIPT,
        &[
            ("MINISTACK", program.display().to_string()),
            ("TMPDIR", folder.display().to_string()),
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", port.to_string()),
            // Functions inherit it; those of a stage other than local know no endpoint else.
            ("AWS_ENDPOINT_URL", endpoint.clone()),
        ],
    );
    let emulator = Emulator::at(&endpoint, Some(companion), "ministack under target/")?;
    Ok(Emulator {
        is_on_this_machine: true,
        ..emulator
    })
}

/// What a request to a service must have in `authorization`: emulators look at whose it is, and at no
/// signature.
pub(crate) fn authorization(service: &str) -> String {
    let scope = format!("Credential=test/20261128/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0")
}

/// A port where nothing listens.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

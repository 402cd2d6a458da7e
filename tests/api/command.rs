//! The `modulo` binary, as a person at a terminal has it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use modulo::local::{Data, Engine};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::app::{Answer, Client, MODULES, parse};
use crate::watch;

/// How long a test waits for what must come, before it fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// `modulo` in a folder of its own that holds a `modules.toml`.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn with(modules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("modules.toml"), modules).unwrap();
        Self(folder)
    }

    /// Without a `modules.toml`.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn modulo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modulo"));
        command
            .args(arguments)
            .current_dir(self.path())
            .kill_on_drop(true);
        // The machine's own settings are no part of a test.
        for (name, _) in std::env::vars() {
            if ["AWS_", "MODULO_", "OTEL_", "RUST_LOG"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C");
        command
    }

    /// Runs to the end: status, standard output, standard error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.modulo(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    pub(crate) async fn serve(&self, arguments: &[&str]) -> Served {
        self.serve_logging("", arguments).await
    }

    /// As [`Folder::serve`], with this in `RUST_LOG`.
    pub(crate) async fn serve_logging(&self, filter: &str, arguments: &[&str]) -> Served {
        self.serve_with(&[("RUST_LOG", filter)], arguments).await
    }

    /// As [`Folder::serve`], with these variables.
    pub(crate) async fn serve_with(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Served {
        let mut command = self.modulo(&["serve", "--addr", "127.0.0.1:0"]);
        command.envs(variables.iter().copied());
        let mut process = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
        // Read all the time, or else a process that says much would wait for it.
        let (sender, mut lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stdout.next_line().await {
                watch::check(&line);
                let _ = sender.send(line);
            }
        });
        let mut said = lines.recv().await;
        while said
            .as_ref()
            .is_some_and(|line| !line.starts_with("modulo serves"))
        {
            said = lines.recv().await;
        }
        let Some(welcome) = said else {
            let mut stderr = String::new();
            process
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut stderr)
                .await
                .unwrap();
            panic!("`modulo serve` ended at once: {stderr}");
        };
        let url = welcome
            .split([' ', ','])
            .find(|word| word.starts_with("http://"))
            .unwrap();
        Served {
            url: url.to_owned(),
            welcome: Some(welcome),
            client: Client::new(),
            process,
            lines,
        }
    }
}

/// A running `modulo serve`.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) process: Child,
    /// The first line of its output, until somebody has asked for it.
    welcome: Option<String>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Served {
    pub(crate) async fn send(&self, method: &str, path: &str, body: &'static str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json");
        self.client
            .send(request.body(Body::from(body)).unwrap())
            .await
    }

    /// All that it has said, on standard error too, once it is ended.
    pub(crate) async fn output(mut self) -> String {
        self.process.start_kill().unwrap();
        let mut said = self.welcome.unwrap_or_default();
        while let Some(line) = self.lines.recv().await {
            said.push('\n');
            said.push_str(&line);
        }
        said.push('\n');
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut said).await.unwrap();
        said
    }

    /// Waits for a line of its output that holds `text`.
    pub(crate) async fn line(&mut self, text: &str) -> String {
        let mut said = Vec::new();
        let search = async {
            if self.welcome.take_if(|line| line.contains(text)).is_some() {
                return Some(text.to_owned());
            }
            while let Some(line) = self.lines.recv().await {
                if line.contains(text) {
                    return Some(line);
                }
                said.push(line);
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found
            .ok()
            .flatten()
            .unwrap_or_else(|| panic!("`modulo serve` did not say `{text}`: {said:#?}"))
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("INT");
        self.process.wait().await.unwrap()
    }
}

#[tokio::test]
async fn routes_are_printed_as_a_table() {
    let folder = Folder::with(
        r#"
        [modules.rooms]
        key = "roomId"
        [modules.log]
        key = "at"
        methods = ["GET", "LIST"]
        table = "audit.{stage}"
        "#,
    );
    let (status, stdout, stderr) = folder.run(&["routes", "--stage", "dev"]).await;
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(stdout, @"
    PATH         METHODS                    TABLE      KEY
    /log         GET                        audit.dev  at
    /log/<id>    GET                        audit.dev  at
    /rooms       GET POST                   rooms-dev  roomId
    /rooms/<id>  GET POST PUT PATCH DELETE  rooms-dev  roomId

    Open to everybody: log, rooms (see \"Who may do what\" in README.md).
    ");
}

#[tokio::test]
async fn a_variable_of_the_environment_need_not_be_utf_8() {
    let folder = Folder::with("[modules.rooms]\nkey = \"roomId\"\n");
    let output = folder
        .modulo(&["check"])
        .env("GREETING", OsStr::from_bytes(b"Ol\xe1"))
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn routes_and_the_description_have_the_base_path() {
    let folder = Folder::with(
        r#"
        [service]
        base_path = "/v1"
        [modules.rooms]
        key = "roomId"
        methods = ["GET"]
        "#,
    );
    let (status, stdout, _) = folder.run(&["routes"]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @"
    PATH            METHODS  TABLE        KEY
    /v1/rooms/<id>  GET      rooms-local  roomId

    Open to everybody: rooms (see \"Who may do what\" in README.md).
    ");

    let server = async |arguments: &[&str]| {
        let (_, document, _) = folder.run(arguments).await;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        document["servers"][0]["url"].clone()
    };
    assert_eq!(server(&["openapi"]).await, "/v1");
    let elsewhere = "https://api.example.com/v1";
    let arguments = ["openapi", "--server", elsewhere];
    assert_eq!(server(&arguments).await, elsewhere);
}

#[tokio::test]
async fn the_laptop_s_server_takes_the_base_path_off() {
    let folder = Folder::with(&format!("[service]\nbase_path = '/v1'\n{MODULES}"));
    let served = folder.serve(&["--memory"]).await;
    for path in ["/v1/modulo1", "/modulo1"] {
        let created = served.send("POST", path, "[1]").await;
        let location = created.header("location");
        assert!(location.starts_with("/v1/modulo1/"), "{location}");
        assert_eq!(served.send("GET", location, "").await.status, 200);
    }
    assert!(served.stop().await.success());
}

#[tokio::test]
async fn check_tells_how_it_stands() {
    let (status, stdout, _) = Folder::with(MODULES).run(&["check"]).await;
    assert_eq!(
        (status, stdout.as_str()),
        (
            Some(0),
            "modules.toml: 2 modules, no errors\n\
             Open to everybody: modulo1, modulo2 (see \"Who may do what\" in README.md).\n"
        )
    );

    let (status, stdout, stderr) = Folder::with("[modules.a]\nkye = 1").run(&["check"]).await;
    assert_eq!((status, stdout.as_str()), (Some(64), ""));
    insta::assert_snapshot!(stderr, @"
    modules.toml:1: modules.a: `key` is missing
      help: name the table's partition key attribute, for instance key = \"aId\"
    modules.toml:2: modules.a.kye: unknown key `kye`
      help: did you mean `key`?
    2 errors
    ");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_reported() {
    let (status, _, stderr) = Folder::with(MODULES)
        .run(&["check", "--file", "other.toml"])
        .await;
    assert_eq!(status, Some(64));
    insta::assert_snapshot!(stderr, @"cannot read `other.toml`; write it, or name another with --file: No such file or directory (os error 2)");
}

#[tokio::test]
async fn every_shell_gets_completions_of_every_command() {
    let folder = Folder::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (status, stdout, stderr) = folder.run(&["completions", shell]).await;
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["adopt", "health", "accept-breaking"] {
            assert!(stdout.contains(word), "{shell} lacks {word}");
        }
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let folder = Folder::empty();
    assert_eq!(folder.run(&["man", "man1"]).await.0, Some(0));
    let (_, help, _) = folder.run(&["--help"]).await;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let listed = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<_> = listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(
        names.contains(&"plan") && !names.contains(&"man"),
        "{names:?}"
    );
    let page = |name: &str| {
        let file = folder.path().join("man1").join(name);
        std::fs::read_to_string(file).unwrap_or_else(|why| panic!("{name}: {why}"))
    };
    assert!(page("modulo.1").contains("modules.toml"));
    for name in &names {
        assert!(
            page(&format!("modulo-{name}.1")).contains("SYNOPSIS"),
            "{name}"
        );
    }
    for page in std::fs::read_dir(folder.path().join("man1")).unwrap() {
        let page = page.unwrap().file_name().into_string().unwrap();
        // A command within a command has one, too.
        let is_listed = names.iter().any(|name| {
            let rest = page.strip_prefix(&format!("modulo-{name}"));
            rest.is_some_and(|rest| rest.starts_with(['.', '-']))
        });
        assert!(is_listed || page == "modulo.1", "{page}");
    }
}

#[tokio::test]
async fn the_repositorys_own_modules_are_as_the_readme_says() {
    let modules = std::fs::read_to_string("modules.toml").unwrap();
    let (status, stdout, _) = Folder::with(&modules).run(&["routes"]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @"
    PATH           METHODS                    TABLE          KEY
    /modulo1       GET POST                   modulo1-local  modulo1Id
    /modulo1/<id>  GET POST PUT PATCH DELETE  modulo1-local  modulo1Id
    /modulo2       GET POST                   modulo2-local  modulo2Id
    /modulo2/<id>  GET POST PUT PATCH DELETE  modulo2-local  modulo2Id

    Open to everybody: modulo1, modulo2 (see \"Who may do what\" in README.md).
    ");
}

#[tokio::test]
async fn what_is_served_from_a_folder_outlives_the_process() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&[]).await;
    assert_eq!(
        served.send("POST", "/modulo1/sala90", "[90]").await.status,
        200
    );
    assert!(served.stop().await.success());
    let served = folder.serve(&[]).await;
    let answer = served.send("GET", "/modulo1/sala90", "").await;
    assert_eq!(
        answer.body,
        r#"{"GET":{"modulo1Id":"sala90","data":"[90]"}}"#
    );
}

#[tokio::test]
async fn what_is_served_from_memory_is_gone_with_the_process() {
    let folder = Folder::with(MODULES);
    let served = folder.serve(&["--memory"]).await;
    assert_eq!(
        served.send("POST", "/modulo1/sala90", "[90]").await.status,
        200
    );
    assert!(served.stop().await.success());
    assert!(!folder.path().join(".modulo").exists());
}

#[tokio::test]
async fn an_endpoint_is_used_instead_of_the_engine() {
    let folder = Folder::with(MODULES);
    let engine = Engine::start(&Data::Memory).await.unwrap();
    for arguments in [&["--endpoint-url", &engine.endpoint()] as &[&str], &[]] {
        let mut command = folder.modulo(&["serve", "--addr", "127.0.0.1:0"]);
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", engine.endpoint())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let welcome = lines.next_line().await.unwrap().unwrap();
        assert!(
            welcome.ends_with(&format!("with DynamoDB at {}.", engine.endpoint())),
            "{welcome}"
        );
    }
    assert!(!folder.path().join(".modulo").exists());
}

#[tokio::test]
async fn requests_in_flight_are_finished_at_the_end() {
    let folder = Folder::with(MODULES);
    for signal in ["INT", "TERM"] {
        let mut served = folder.serve(&["--memory"]).await;
        let mut socket = TcpStream::connect(&served.url["http://".len()..])
            .await
            .unwrap();
        let head = "POST /modulo1/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                    content-length: 3\r\nexpect: 100-continue\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body once a handler waits for it.
        let mut go_on = [0; 25];
        socket.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        served.signal(signal);
        // It listens no more once the signal has arrived.
        while TcpStream::connect(&served.url["http://".len()..])
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
        socket.write_all(b"[1]").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK"),
            "after SIG{signal}: {answer}"
        );
        assert!(served.process.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn what_prevents_serving_is_reported_in_one_line() {
    let folder = Folder::with(MODULES);
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, stderr) = folder.run(&["serve", "--memory", "--addr", &address]).await;
    assert_eq!(status, Some(1));
    assert_eq!(
        stderr.replace(&address, "ADDRESS"),
        "cannot listen on ADDRESS; choose another address with --addr, as in --addr 127.0.0.1:3001: \
         Address already in use (os error 98)\n"
    );

    let arguments = [
        "serve",
        "--addr",
        "127.0.0.1:0",
        "--data-dir",
        "modules.toml/data",
    ];
    let (status, _, stderr) = folder.run(&arguments).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(stderr, @"cannot write to `modules.toml/data`; choose another folder with --data-dir, or none with --memory: Not a directory (os error 20)");

    let _served = folder.serve(&[]).await;
    let (status, _, stderr) = folder.run(&["serve", "--addr", "127.0.0.1:0"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(stderr, @"`.modulo` is in use by another `modulo`; stop it, or choose another folder with --data-dir");

    let other = Folder::with(MODULES);
    std::fs::create_dir(other.path().join(".modulo")).unwrap();
    std::fs::write(other.path().join(".modulo/dynamodb.sqlite"), "no database").unwrap();
    let (status, _, stderr) = other.run(&["serve", "--addr", "127.0.0.1:0"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(stderr, @"cannot open the database `.modulo/dynamodb.sqlite`; move it away to start with empty tables: Database file is encrypted or not a valid SQLite database");
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_reported() {
    let folder = Folder::with(MODULES);
    for (arguments, expected) in [
        (
            &["serve", "--endpoint-url", "localhost:4566"] as &[&str],
            "not a valid URL, such as http://127.0.0.1:4566",
        ),
        (
            &["serve", "--memory", "--aws"],
            "the argument '--memory' cannot be used with '--aws'",
        ),
        (
            &["serve", "--relaxed", "--memory"],
            "the argument '--relaxed' cannot be used with '--memory'",
        ),
        (
            &["check", "--stage", "a b"],
            "` ` is not possible in it; use letters, digits, `-` and `_`",
        ),
    ] {
        let (status, _, stderr) = folder.run(arguments).await;
        assert_eq!(status, Some(2), "of {arguments:?}");
        assert!(stderr.contains(expected), "of {arguments:?}: {stderr}");
    }
}

/// Found with 1,430 modules: their names were one line of 8 KB.
#[tokio::test]
async fn of_many_modules_the_first_are_named() {
    let modules = (0..1_430).map(|number| format!("[modules.m{number:04}]\nkey = 'id'\n"));
    let modules = modules.collect::<Vec<_>>().concat();
    let folder = Folder::with(&modules);
    let (status, stdout, _) = folder.run(&["check"]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @r#"
    modules.toml: 1430 modules, no errors
    Open to everybody, 1430 modules: m0000, m0001, m0002, m0003, m0004, m0005, m0006, m0007, m0008, m0009 and 1420 more (see "Who may do what" in README.md; `modulo resources` lists all).
    "#);
    // The routes are what is asked for here, and not at each start and reload of `modulo serve`.
    let (_, stdout, _) = folder.run(&["routes"]).await;
    assert!(stdout.contains("/m1429/<id>"), "{stdout}");
    let (_, _, stderr) = folder.run(&["export", "orders"]).await;
    assert!(stderr.ends_with("`m0039` and 1390 more\n"), "{stderr}");
    let overview = modulo::api::listing::overview(&parse(&modules));
    assert_eq!(overview.lines().count(), 24, "{overview}");
    assert!(overview.contains("and 1420 more modules, which `modulo routes` lists"));
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let folder = Folder::with(MODULES);
    let mut command = folder.modulo(&["routes"]);
    let output = command
        .env("MODULO_STAGE", "")
        .env("AWS_ENDPOINT_URL", "")
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("modulo1-local"), "{stdout}");
}

#[tokio::test]
async fn a_second_signal_ends_what_the_first_waits_for() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let mut half_sent = TcpStream::connect(&served.url["http://".len()..])
        .await
        .unwrap();
    half_sent
        .write_all(b"GET / HTTP/1.1\r\nhost:")
        .await
        .unwrap();
    served.send("GET", "/", "").await;
    served.signal("INT");
    while TcpStream::connect(&served.url["http://".len()..])
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    served.signal("INT");
    assert!(served.process.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked_for_this_machine() {
    let folder = Folder::with(MODULES);
    let mut command = folder.modulo(&["serve", "--addr", "127.0.0.1:0", "--memory"]);
    let proxy = "http://127.0.0.1:9";
    command.envs([
        ("HTTP_PROXY", proxy),
        ("http_proxy", proxy),
        ("ALL_PROXY", proxy),
    ]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let welcome = lines.next_line().await.unwrap();
    assert!(welcome.is_some_and(|line| line.starts_with("modulo serves")));
}

#[tokio::test]
async fn a_table_with_another_key_is_reported() {
    let folder = Folder::with(MODULES);
    assert!(folder.serve(&[]).await.stop().await.success());
    let renamed = MODULES.replace("modulo1Id", "roomId");
    std::fs::write(folder.path().join("modules.toml"), renamed).unwrap();
    let mut served = folder.serve(&[]).await;
    assert_eq!(served.send("GET", "/modulo1/x", "").await.status, 503);
    assert_eq!(served.send("GET", "/modulo2/x", "").await.status, 404);
    let mut stderr = String::new();
    let mut said = served.process.stderr.take().unwrap();
    assert!(served.stop().await.success());
    said.read_to_string(&mut stderr).await.unwrap();
    insta::assert_snapshot!(stderr, @"modulo1 is not served: table `modulo1-local` does not fit: its key is `modulo1Id`, and the module's is `roomId`; say key = \"modulo1Id\" in modules.toml, or name another `table`");
}

#[tokio::test]
async fn a_requests_line_tells_no_id_no_body_and_no_credential() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let request = Request::builder()
        .method("POST")
        .uri(format!("{}/modulo1/planted-id", served.url));
    let request = request
        .header("content-type", "application/json")
        .header("authorization", "Bearer planted-token")
        .header("x-request-id", "known")
        .body(Body::from("\"planted-body\""))
        .unwrap();
    assert_eq!(served.client.send(request).await.status, 200);
    let line = served.line("request.id=known").await;
    assert!(!line.contains("planted"), "{line}");
    for field in [
        "POST",
        "200",
        " ms",
        "/modulo1/{id}",
        "dynamodb=",
        "write_units=1",
    ] {
        assert!(line.contains(field), "no {field} in {line}");
    }
    assert!(
        !line.contains('\x1b'),
        "no terminal is there to colour it: {line}"
    );
}

#[tokio::test]
async fn a_failures_line_tells_its_cause_in_full() {
    let folder = Folder::with(MODULES);
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let mut served = folder.serve(&["--endpoint-url", &engine.endpoint()]).await;
    let dynamodb = modulo::store::Store::new(&modulo::local::settings(&engine.endpoint()).await);
    dynamodb
        .client()
        .delete_table()
        .table_name("modulo1-local")
        .send()
        .await
        .unwrap();
    let answer = served.send("GET", "/modulo1/x", "").await;
    assert_eq!(answer.body, r#"{"ERROR":{"message":"Internal error"}}"#);
    let line = served.line("  500  ").await;
    assert!(line.contains(answer.header("x-request-id")), "{line}");
    assert!(
        line.contains("error=Internal error: DynamoDB failed: "),
        "{line}"
    );
    assert!(line.contains("ResourceNotFoundException"), "{line}");
}

/// The tool is a Linux binary too, and built from the same library as the function.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_program_is_not_packed_as_the_function() {
    let folder = Folder::with(MODULES);
    let tool = env!("CARGO_BIN_EXE_modulo");
    let package = ["package", "--bootstrap", tool, "-o", "function.zip"];
    let (status, _, stderr) = folder.run(&package).await;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("another program than modulo's"), "{stderr}");
    assert!(!folder.path().join("function.zip").exists());
}

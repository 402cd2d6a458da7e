//! An edited `modules.toml` is mounted while the server serves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use modulo::config::{self, Config};
use modulo::item::collection::Collections;
use modulo::module::Module;
use modulo::module::name::Stage;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::access::{Issuer, Signer};
use crate::app::{Client, MODULES};
use crate::command::Folder;

const MOUNTED: &str = "these are the routes now";
const MODULO3: &str = "[modules.modulo3]\nkey = \"modulo3Id\"\n";

fn edit(folder: &Folder, modules: &str) {
    fs::write(folder.path().join("modules.toml"), modules).unwrap();
}

/// Writes to `url` until told to stop, each write answered; gives their number.
async fn keep_writing(client: Client, url: String, mut stop: oneshot::Receiver<()>) -> usize {
    let mut written = 0;
    while stop.try_recv().is_err() {
        let request = Request::post(&url).header("content-type", "application/json");
        let answer = client.send(request.body(Body::from("1")).unwrap()).await;
        assert_eq!(answer.status, 200, "write {written}: {}", answer.body);
        written += 1;
    }
    written
}

#[tokio::test]
async fn an_edit_is_mounted_and_nothing_in_flight_is_lost() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    assert_eq!(served.send("GET", "/modulo3/x", "").await.status, 404);

    // A request that waits for its body across the edits, and a stream of others.
    let mut waiting = TcpStream::connect(&served.url["http://".len()..])
        .await
        .unwrap();
    let head = "PUT /modulo2/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                connection: close\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n";
    waiting.write_all(head.as_bytes()).await.unwrap();
    waiting.read_exact(&mut [0; 25]).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let url = format!("{}/modulo1/x", served.url);
    let writer = tokio::spawn(keep_writing(served.client.clone(), url, stopped));

    edit(&folder, &format!("{MODULES}{MODULO3}"));
    served.line(MOUNTED).await;
    let answer = served.send("POST", "/modulo3/x", "3").await;
    assert_eq!(answer.body, r#"{"POST":{"modulo3Id":"x","data":3}}"#);

    // A removed module is gone, but not for the request that had already begun.
    edit(&folder, "[modules.modulo1]\nkey = \"modulo1Id\"\n");
    served.line(MOUNTED).await;
    assert_eq!(served.send("GET", "/modulo2/x", "").await.status, 404);
    waiting.write_all(b"[1]").await.unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    stop.send(()).unwrap();
    assert!(writer.await.unwrap() > 0);
}

#[tokio::test]
async fn an_edit_with_errors_prints_them_and_what_worked_stays() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let mut errors = BufReader::new(served.process.stderr.take().unwrap()).lines();

    edit(
        &folder,
        &format!("{MODULES}[modules.modulo3]\nkee = \"modulo3Id\"\n"),
    );
    let mut told = Vec::new();
    while told.last().is_none_or(|line| line != "2 errors") {
        told.push(errors.next_line().await.unwrap().expect("the errors"));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    modules.toml has changed, but has errors; the routes stay as they were.
    modules.toml:7: modules.modulo3: `key` is missing
      help: name the table's partition key attribute, for instance key = "modulo3Id"
    modules.toml:8: modules.modulo3.kee: unknown key `kee`
      help: did you mean `key`?
    2 errors
    "#);
    assert_eq!(served.send("POST", "/modulo1/x", "1").await.status, 200);

    edit(&folder, &format!("{MODULES}{MODULO3}"));
    served.line(MOUNTED).await;
    assert_eq!(served.send("POST", "/modulo3/x", "1").await.status, 200);
}

#[tokio::test]
async fn an_editor_that_puts_a_new_file_in_the_old_ones_place_is_noticed() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let written = folder.path().join(".modules.toml.swp");
    fs::write(&written, format!("{MODULES}{MODULO3}")).unwrap();
    fs::rename(written, folder.path().join("modules.toml")).unwrap();
    served.line(MOUNTED).await;
    assert_eq!(served.send("POST", "/modulo3/x", "1").await.status, 200);
}

/// Other programs write into the folder of `modules.toml` as well. Each write that was told of woke a
/// thread.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_written_beside_the_file_wakes_nobody() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let process = served.process.id().unwrap();
    let other = folder.path().join("other.log");
    let written = folder.path().join(".modules.toml.swp");
    for number in 3..6 {
        let before = wake_ups(process);
        for _ in 0..200 {
            fs::write(&other, "a line").unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        let more = wake_ups(process) - before;
        assert!(more < 20, "200 writes woke the watcher {more} times");

        // In the old one's place, where the next edit is noticed as well.
        let module = format!("[modules.modulo{number}]\nkey = \"id\"\n");
        fs::write(&written, format!("{MODULES}{module}")).unwrap();
        fs::rename(&written, folder.path().join("modules.toml")).unwrap();
        served.line(MOUNTED).await;
        edit(&folder, MODULES);
        served.line(MOUNTED).await;
    }
}

/// How often the thread of the watcher has waited for something.
#[cfg(target_os = "linux")]
fn wake_ups(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let folders = threads.map(|thread| thread.unwrap().path());
    let mut watchers = folders.filter(|folder| {
        let name = fs::read_to_string(folder.join("comm")).unwrap();
        name.starts_with("notify-rs")
    });
    let status = fs::read_to_string(watchers.next().unwrap().join("status")).unwrap();
    let waited = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    waited.unwrap().trim().parse().unwrap()
}

const GUARDED: &str = r#"
    [access.partners]
    keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]

    [modules.rooms]
    key = "roomId"
"#;

/// The file is valid without the line, and left alone for longer than an editor needs.
#[tokio::test]
async fn a_file_that_is_half_written_opens_no_module() {
    let guard = "access = { guard = \"partners\" }\n";
    let folder = Folder::with(&format!("{GUARDED}{guard}"));
    let mut served = folder.serve(&["--memory"]).await;
    assert_eq!(served.send("GET", "/rooms", "").await.status, 401);

    edit(&folder, GUARDED);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(served.send("GET", "/rooms", "").await.status, 401);
    edit(&folder, &format!("{GUARDED}{guard}{MODULO3}{guard}"));
    served.line(MOUNTED).await;
    assert_eq!(served.send("GET", "/rooms", "").await.status, 401);

    // A new module, too, where others are guarded.
    edit(
        &folder,
        &format!("{GUARDED}{guard}{MODULO3}{guard}[modules.orders]\nkey = \"orderId\"\n"),
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(served.send("GET", "/orders", "").await.status, 404);
}

#[tokio::test]
async fn an_edit_that_opens_a_module_is_mounted_with_a_warning() {
    let folder = Folder::with(&format!("{GUARDED}access = {{ guard = \"partners\" }}\n"));
    let mut served = folder.serve(&["--memory"]).await;
    let mut errors = BufReader::new(served.process.stderr.take().unwrap()).lines();
    edit(
        &folder,
        &format!("{GUARDED}access = {{ guard = \"partners\", public = [\"GET\", \"LIST\"] }}\n"),
    );
    served.line(MOUNTED).await;
    assert_eq!(served.send("GET", "/rooms", "").await.status, 200);
    let warning = errors.next_line().await.unwrap().unwrap();
    insta::assert_snapshot!(warning, @"Warning: modules.toml has changed, and `rooms` is open to everybody now: GET, LIST.");
}

#[tokio::test]
async fn an_edited_schema_is_mounted_and_one_with_errors_is_not() {
    let folder = Folder::with(MODULES);
    let mut served = folder.serve(&["--memory"]).await;
    let mut errors = BufReader::new(served.process.stderr.take().unwrap()).lines();

    // Named before it is there, even its folder.
    edit(
        &folder,
        &format!("{MODULES}schema = \"schemas/room.json\"\n"),
    );
    let mut told = Vec::new();
    while told.last().is_none_or(|line| line != "1 error") {
        told.push(errors.next_line().await.unwrap().expect("the errors"));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    modules.toml has changed, but has errors; the routes stay as they were.
    modules.toml:7: modules.modulo2.schema: cannot read `schemas/room.json`: No such file or directory (os error 2)
      help: write the file, or name another
    1 error
    ");
    assert_eq!(served.send("POST", "/modulo2/x", "1").await.status, 200);
    let schema = folder.path().join("schemas/room.json");
    fs::create_dir(schema.parent().unwrap()).unwrap();
    fs::write(&schema, r#"{"type": "object"}"#).unwrap();
    served.line(MOUNTED).await;
    assert_eq!(served.send("POST", "/modulo2/x", "1").await.status, 422);

    fs::write(&schema, r#"{"type": "objct"}"#).unwrap();
    while errors.next_line().await.unwrap().expect("the errors") != "1 error" {}
    assert_eq!(served.send("POST", "/modulo2/x", "1").await.status, 422);

    fs::write(&schema, r#"{"type": "integer"}"#).unwrap();
    served.line(MOUNTED).await;
    assert_eq!(served.send("POST", "/modulo2/x", "1").await.status, 200);
}

/// Found with a limit that was used up: any edit of the file gave it back, and keys were fetched
/// anew.
#[tokio::test]
async fn what_an_edit_does_not_change_goes_on() {
    let signer = Signer::ec();
    let issuer = Issuer::start([signer.jwk("1")]).await;
    let modules = |requests: u32, more: &str| {
        format!(
            "[access.main]
            jwt = {{ issuer = 'https://issuer.example.com/', audience = 'modulo', jwks = '{}' }}
            [modules.rooms]
            key = 'roomId'
            access = {{ guard = 'main' }}
            rate_limit = {{ requests = {requests}, per = '1h' }}
            {more}",
            issuer.url
        )
    };
    let folder = Folder::with(&modules(2, ""));
    let mut served = folder.serve(&["--memory"]).await;
    let (client, url) = (served.client.clone(), format!("{}/rooms", served.url));
    let token = format!("Bearer {}", signer.good("1", ""));
    let list = async || {
        let request = Request::get(&url).header("authorization", &token);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        answer.status.as_u16()
    };
    assert_eq!([list().await, list().await, list().await], [200, 200, 429]);
    assert_eq!(issuer.fetches(), 1);

    // Another module, then another key of this one.
    for more in [MODULO3, "max_bytes = 1000"] {
        edit(&folder, &modules(2, more));
        served.line(MOUNTED).await;
        assert_eq!(list().await, 429, "{more}");
    }
    edit(&folder, &modules(3, ""));
    served.line(MOUNTED).await;
    assert_eq!(list().await, 200, "another limit counts anew");
    assert_eq!(issuer.fetches(), 1);
}

fn module<'c>(config: &'c Config, name: &str) -> &'c Module {
    config.modules.find(name).unwrap()
}

/// A schema of a file is compared by its content, one of `[defaults]` is every module's.
#[test]
fn a_schema_is_compiled_again_only_if_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let file = folder.path().join("modules.toml");
    let stage = Stage::default();
    write(
        "modules.toml",
        "[defaults]\nkey = 'id'\nschema = { type = 'object' }\n\
         [modules.inline]\nschema = { type = 'array' }\n[modules.file]\nschema = 'file.json'\n\
         [modules.default]\n",
    );
    write("file.json", r#"{"type": "object"}"#);
    let before = config::check(&file, &stage, []).unwrap();
    let again = |before| config::check_again(&file, &stage, [], before).unwrap();
    let running = Collections::new(&before.modules);
    let same = |config: &Config| {
        let after = Collections::again(&config.modules, &running);
        ["inline", "file", "default"].map(|name| {
            let [one, other] = [&after, &running].map(|set| set.find(name).unwrap().schema());
            std::ptr::eq(one.unwrap(), other.unwrap())
        })
    };

    let unchanged = again(&before);
    assert_eq!(unchanged, before);
    assert_eq!(same(&unchanged), [true, true, true]);

    write("file.json", r#"{"type": "string"}"#);
    let edited = again(&before);
    assert_ne!(edited, before);
    assert_eq!(same(&edited), [true, false, true]);

    // The function reads no file before it needs one.
    let lazy = config::load(Path::new(&file), &stage, []).unwrap();
    write("file.json", r#"{"type": "integer"}"#);
    let content = module(&lazy, "file").schema().unwrap().to_value().unwrap();
    assert_eq!(content["type"], "integer");
}

//! `modulo serve` on a disk that loses what was not synced.

use std::io::Write;
use std::path::{Path, PathBuf};

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::process::Command;

use crate::kill::{MODULES, Served, is_there, write};

/// Enough for `SQLite` to have moved its log into the database several times.
const WRITES: usize = 600;

/// A disk, in a folder of its own.
struct Disk {
    folder: TempDir,
    library: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("power.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/power.c");
        let compiled = std::process::Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-pthread", "-o"])
            .args([&library, &source])
            .status();
        let compiled = compiled.expect("install a C compiler, such as Debian's build-essential");
        assert!(compiled.success());
        for name in ["data", "kept"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("modules.toml"), MODULES).unwrap();
        Self { folder, library }
    }

    fn path(&self, name: &str) -> PathBuf {
        // The library sees the paths that the kernel has.
        self.folder.path().canonicalize().unwrap().join(name)
    }

    async fn serve(&self, data: &Path, arguments: &[&str]) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modulo"));
        command
            .args(["serve", "--addr", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .args(arguments)
            .env("LD_PRELOAD", &self.library)
            .env("POWER_DATA", self.path("data"))
            .env("POWER_KEPT", self.path("kept"));
        Served::by(command, self.folder.path()).await
    }

    /// Has many clients write, and cuts the power: how many writes were acknowledged, and how many of
    /// these are there when it is back.
    async fn cut_while_it_writes(&self, arguments: &[&str]) -> (usize, usize) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut served = self.serve(&self.path("data"), arguments).await;
        let writers = write(&client, &served.url, 0);
        writers.have_written(WRITES).await;
        served.process.kill().await.unwrap();
        let acknowledged = writers.end().await;

        let back = self.serve(&self.path("kept"), &[]).await;
        let mut there = 0;
        for path in &acknowledged {
            there += usize::from(is_there(&client, &back.url, path).await);
        }
        (acknowledged.len(), there)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_of_power_loses_no_acknowledged_write() {
    let (acknowledged, there) = Disk::new().cut_while_it_writes(&[]).await;
    assert_eq!(there, acknowledged);
    let line = format!("power: {acknowledged} acknowledged writes are there after a cut\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// So the disk does lose what was not synced.
#[tokio::test(flavor = "multi_thread")]
async fn with_relaxed_it_loses_the_last_ones() {
    let (acknowledged, there) = Disk::new().cut_while_it_writes(&["--relaxed"]).await;
    assert!(there < acknowledged, "{there} of {acknowledged}");
}

//! A server of modulo's that runs beside a test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::run;

/// A running `modulo serve` or `modulo console`.
pub(crate) struct Served {
    process: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Served {
    /// `modulo serve`.
    pub(crate) fn start(mut command: Command) -> Self {
        command.args(["serve", "--memory", "--addr", "127.0.0.1:0"]);
        Self::by(command, "modulo serves ")
    }

    /// By a command that names its URL last in the line that begins so.
    pub(crate) fn by(mut command: Command, beginning: &str) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is installed");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let url = lines.find_map(|line| {
            let words = line.strip_prefix(beginning)?;
            let words = words.split([' ', ',']);
            let mut urls = words.filter(|word| word.starts_with("http://"));
            urls.next_back().map(str::to_owned)
        });
        // Until its end, or else a server that logs much would wait for a reader.
        std::thread::spawn(|| lines.for_each(drop));
        Self {
            process,
            url: url.expect("it says where it listens"),
        }
    }

    /// Ends by a signal, and ends well.
    #[track_caller]
    pub(crate) fn ends_by(mut self, signal: &str) {
        let id = self.process.id().to_string();
        run(Command::new("kill").args(["-s", signal, &id])).unwrap_or_else(|why| panic!("{why}"));
        let status = self.process.wait().expect("it runs");
        assert!(status.success(), "after SIG{signal}: {status}");
        assert!(
            reqwest::blocking::get(&self.url).is_err(),
            "it still serves"
        );
    }
}

/// Whatever a test found, nothing of it runs on.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

//! The `bootstrap` binary as a process, with the environment that Lambda gives it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Answer, RuntimeApi};
use crate::watch;

/// The time that a function has for one event unless a test says otherwise; Lambda's own default
/// for an HTTP API.
const TIME_LEFT: Duration = Duration::from_secs(29);

/// How long a test waits for a process before it calls the function hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what a function sent just before its end may still be on its way.
const GRACE: Duration = Duration::from_secs(1);

/// A running function.
pub(crate) struct Function {
    api: RuntimeApi,
    child: Child,
    folder: TempDir,
}

/// An event that the function has not answered yet.
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    answer: oneshot::Receiver<Answer>,
}

impl Invocation {
    /// Waits for its answer: with its request id, since several may be waited for.
    pub(crate) async fn answered(self) -> (String, Answer) {
        let answer = timeout(PATIENCE, self.answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {}", self.request_id));
        (self.request_id, answer.unwrap())
    }
}

/// How a function ended.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    /// How many events it asked for.
    pub(crate) polls: usize,
    /// What it told Lambda about its init, if it failed there and said so.
    pub(crate) init_error: Option<Value>,
}

impl Function {
    /// Starts `bootstrap` with a package that holds `modules_toml`, or nothing at all; `envs` come
    /// on top of Lambda's own variables.
    pub(crate) async fn start<'a>(
        modules_toml: impl Into<Option<&'a str>>,
        envs: &[(&str, &str)],
        dynamodb_endpoint: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("task");
        fs::create_dir(&package).unwrap();
        if let Some(modules_toml) = modules_toml.into() {
            fs::write(package.join("modules.toml"), modules_toml).unwrap();
        }

        let api = RuntimeApi::start().await;
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_bootstrap"))
            // The developer's own AWS profile must not reach the function.
            .env_clear()
            .envs([
                ("AWS_LAMBDA_FUNCTION_NAME", "modulo-test"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/modulo-test"),
                (
                    "AWS_LAMBDA_LOG_STREAM_NAME",
                    "2026/11/23/[$LATEST]0123456789abcdef",
                ),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
                ("AWS_REGION", "sa-east-1"),
                ("AWS_DEFAULT_REGION", "sa-east-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_ENDPOINT_URL", dynamodb_endpoint),
                ("_HANDLER", "bootstrap"),
                ("LANG", "en_US.UTF-8"),
                ("TZ", ":UTC"),
            ])
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("LAMBDA_TASK_ROOT", &package)
            .envs(envs.iter().copied())
            // Files, because a pipe that nobody reads stops the function when it is full.
            .stdout(File::create(folder.path().join("stdout")).unwrap())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .current_dir(&package)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { api, child, folder }
    }

    /// Sends an event and waits for its answer.
    pub(crate) async fn invoke(&mut self, event: &Value) -> (String, Answer) {
        self.invoke_with_deadline(event, TIME_LEFT).await
    }

    /// Sends an event that must be answered within `time_left`, which Lambda enforces by killing
    /// the function.
    pub(crate) async fn invoke_with_deadline(
        &mut self,
        event: &Value,
        time_left: Duration,
    ) -> (String, Answer) {
        let invocation = self.deliver(event.to_string(), time_left);
        let request_id = invocation.request_id.clone();
        let Ok(answer) = timeout(time_left, self.answer(invocation)).await else {
            panic!(
                "Lambda would have killed the function: no answer within {time_left:?} to\n\
                 {event:#}\n{}",
                self.log()
            )
        };
        self.idle().await;
        (request_id, answer)
    }

    /// Sends the text of an event, which need not be JSON, and waits for its answer.
    pub(crate) async fn invoke_text(&mut self, event: &str) -> Answer {
        let invocation = self.deliver(event.to_owned(), TIME_LEFT);
        let answer = self.answer(invocation).await;
        self.idle().await;
        answer
    }

    /// Sends an event; its answer is for later.
    pub(crate) fn deliver(&mut self, event: String, time_left: Duration) -> Invocation {
        if let Ok(event) = serde_json::from_str(&event) {
            watch::sent_event(&event);
        }
        let (request_id, answer) = self.api.deliver(event, time_left);
        Invocation { request_id, answer }
    }

    /// Waits for an event's answer.
    pub(crate) async fn answer(&mut self, invocation: Invocation) -> Answer {
        let what = format!("the answer to request {}", invocation.request_id);
        self.wait_for(&what, invocation.answer).await.unwrap()
    }

    /// Waits for the next poll: the function is initialised, and done with the last event.
    pub(crate) async fn idle(&mut self) {
        let polled = self.api.polled();
        self.wait_for("the next poll", polled).await;
    }

    /// Waits for what the function must bring about while it lives.
    pub(crate) async fn wait_for<T>(&mut self, what: &str, event: impl Future<Output = T>) -> T {
        tokio::pin!(event);
        let ended = tokio::select! {
            biased;
            event = &mut event => return event,
            status = self.child.wait() => Some(status.unwrap()),
            () = tokio::time::sleep(PATIENCE) => None,
        };
        let why = match ended {
            // The last thing it did may be on its way here.
            Some(status) => match timeout(GRACE, event).await {
                Ok(event) => return event,
                Err(_) => format!("the function ended with {status}"),
            },
            None => format!("{PATIENCE:?} have passed"),
        };
        panic!("{why}, without {what}\n{}", self.log())
    }

    /// Sends SIGTERM, as Lambda does before it takes the environment away.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().expect("the function has ended already");
        // The shell's own `kill`: the standard library knows SIGKILL only.
        let status = Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .unwrap();
        assert!(status.success(), "kill -TERM {pid}: {status}");
    }

    /// Waits for the function to end by itself.
    pub(crate) async fn exit(mut self) -> Exit {
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("the function still runs after {PATIENCE:?}\n{}", self.log())
        };
        Exit {
            status: status.unwrap(),
            stderr: self.output("stderr"),
            polls: self.api.polls(),
            init_error: self.api.init_error(),
        }
    }

    /// What the function has printed, for a failure's message.
    pub(crate) fn log(&self) -> String {
        format!(
            "--- the function's stdout\n{}--- the function's stderr\n{}---",
            self.output("stdout"),
            self.output("stderr")
        )
    }

    /// What the function has printed to `stdout` or `stderr`.
    pub(crate) fn output(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.output("stdout").lines().for_each(watch::check);
    }
}

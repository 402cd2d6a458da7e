//! Where each stage goes: `local` to an emulator, any other to AWS.

use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use crate::emulator::{USUAL_PORT, emulator, usual_port};
use crate::network::{Network, Seen};
use crate::program::run;
use crate::project::Project;
use crate::tables;

const KEY: &str = "AKIAOFTHEENVIRONMENT";
const KEY_OF_PROFILE: &str = "AKIAOFTHEPROFILE";
const MODULES: &str = "[modules.modulo1]\nkey = \"modulo1Id\"\n";

/// Nothing may connect here while it is held.
struct UsualPort {
    listener: Option<TcpListener>,
    _lock: File,
}

impl UsualPort {
    fn hold() -> Self {
        let lock = usual_port();
        // What is behind the emulator's own port can't be told from what went through the proxy;
        // that the proxy was asked for nothing else has to do.
        let is_emulators = emulator().endpoint.ends_with(&format!(":{USUAL_PORT}"));
        let listener = (!is_emulators).then(|| {
            let listener = TcpListener::bind(("127.0.0.1", USUAL_PORT)).unwrap_or_else(|error| {
                panic!(
                    "stop what listens at 127.0.0.1:{USUAL_PORT}, which must see nothing: {error}"
                )
            });
            listener.set_nonblocking(true).expect("it can be");
            listener
        });
        Self {
            listener,
            _lock: lock,
        }
    }

    #[track_caller]
    fn saw_nothing(&self) {
        if let Some(listener) = &self.listener {
            let seen = listener.accept().map_err(|error| error.kind());
            assert_eq!(seen.map(|(_, peer)| peer), Err(ErrorKind::WouldBlock));
        }
    }
}

/// `npm run VERB -- --stage prod`, in the environment of a user who has credentials and no more.
fn command(project: &Project, network: &Network, verb: &str) -> Command {
    let mut command = project.osls(verb);
    // The emulator that other tests are led to; here nothing may lead there.
    command.env_remove("AWS_ENDPOINT_URL");
    command
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    network.lead(&mut command);
    command
}

/// The same for a user whose credentials are in a file.
fn command_of_profile(project: &Project, network: &Network, verb: &str) -> Command {
    project.write(
        "credentials",
        &format!("[work]\naws_access_key_id = {KEY_OF_PROFILE}\naws_secret_access_key = secret\n"),
    );
    let mut command = command(project, network, verb);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        // A user has it in the home folder, which is not the test's.
        .env("AWS_SHARED_CREDENTIALS_FILE", project.path("credentials"))
        .env("AWS_PROFILE", "work");
    command
}

#[track_caller]
fn went_to_aws(seen: &Seen, service: &str, key: &str) {
    let strangers = seen
        .hosts
        .iter()
        .filter(|host| !host.ends_with(".amazonaws.com"));
    assert_eq!(strangers.count(), 0, "{seen:?}");
    let host = format!("{service}.us-east-1.amazonaws.com");
    assert!(seen.hosts.contains(&host), "{seen:?}");
    assert_eq!(Vec::from_iter(&seen.keys), [key], "{seen:?}");
}

#[test]
fn a_stage_that_is_not_local_goes_to_aws() {
    let port = UsualPort::hold();
    let network = Network::start();
    let mut project = Project::new("prod", MODULES);
    let call = |command: &mut Command, service: &str, key: &str| {
        let said = run(command).unwrap_or_else(|why| panic!("{why}\n{:?}", network.seen()));
        went_to_aws(&network.seen(), service, key);
        port.saw_nothing();
        said
    };

    run(&mut command(&project, &network, "package")).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(network.seen().hosts, [""; 0].map(str::to_owned).into());

    project.is_tried();
    let said = call(
        &mut command(&project, &network, "deploy"),
        "cloudformation",
        KEY,
    );
    assert!(
        said.contains("modulo1: is new"),
        "the plan was asked: {said}"
    );
    call(
        &mut command(&project, &network, "info"),
        "cloudformation",
        KEY,
    );
    let said = call(
        &mut command(&project, &network, "url"),
        "cloudformation",
        KEY,
    );
    // As the stack names them, and not the paths of an emulator.
    assert!(
        !said.contains("/_aws/") && !said.contains("/restapis/"),
        "{said}"
    );
    // There may be no log yet, which is an error.
    run(&mut command(&project, &network, "logs")).ok();
    went_to_aws(&network.seen(), "logs", KEY);

    let mut plan = project.modulo_command(&["plan"]);
    plan.env_remove("AWS_ENDPOINT_URL")
        .env("AWS_ACCESS_KEY_ID", KEY);
    network.lead(&mut plan);
    call(&mut plan, "cloudformation", KEY);

    let of_profile = |verb| command_of_profile(&project, &network, verb);
    call(&mut of_profile("deploy"), "cloudformation", KEY_OF_PROFILE);
    call(&mut of_profile("remove"), "cloudformation", KEY_OF_PROFILE);
    port.saw_nothing();
    tables::delete(&project.table("modulo1"));
}

/// An environment that leads to AWS: endpoints of single services, or none at all, a profile, a proxy.
#[test]
fn stage_local_goes_to_its_emulator_whatever_the_environment_says() {
    let network = Network::start();
    let project = Project::new("local", MODULES);
    for verb in ["url", "deploy"] {
        let mut command = project.osls(verb);
        network.lead(&mut command);
        command
            .env(
                "AWS_ENDPOINT_URL_CLOUDFORMATION",
                "https://cloudformation.us-east-1.amazonaws.com",
            )
            .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
            .env("AWS_PROFILE", "work")
            .env("http_proxy", "http://127.0.0.1:9");
        // What is not there can be neither shown nor, without a function to pack, deployed.
        command.env("MODULO_ARTIFACT", "/dev/null");
        let why = run(&mut command).expect_err("there is no stack");
        let expected = match verb {
            "url" => "does not exist",
            _ => "is neither a Linux binary nor a zip",
        };
        assert!(why.contains(expected), "{why}");
        assert_eq!(network.seen().hosts, [""; 0].map(str::to_owned).into());
    }
}

#[test]
fn an_endpoint_of_the_environment_is_reported_outside_local() {
    let project = Project::new("prod", MODULES);
    let why = run(&mut project.osls("url")).expect_err("there is no stack");
    let told = format!(
        "Stage prod does not go to AWS: the environment has AWS_ENDPOINT_URL={}",
        emulator().endpoint
    );
    assert!(why.contains(&told), "{why}");
}

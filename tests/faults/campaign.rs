//! The fault campaign: 64 clients, one function, and a DynamoDB that fails by a seeded schedule.
//!
//! `MODULO_SEED` repeats a schedule: the seed of each run is printed.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use modulo::local::{self, Data, Engine};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::answer::{Envelope, Module, Outcome};
use crate::app::{TestApp, parse};
use crate::client::Client;
use crate::counter::{Kind, Steps};
use crate::proxy::{Fault, Proxy};

const MODULES: [Module; 6] = [
    module("texts", Envelope::Verb, false),
    module("plain-texts", Envelope::Plain, false),
    module("members", Envelope::Verb, false),
    module("plain-members", Envelope::Plain, false),
    module("sorted-texts", Envelope::Verb, true),
    module("plain-sorted-members", Envelope::Plain, true),
];

const fn module(name: &'static str, envelope: Envelope, is_sorted: bool) -> Module {
    Module {
        name,
        envelope,
        is_sorted,
    }
}

const CONFIGURATION: &str = r#"
    [defaults]
    key = "id"

    [modules.texts]

    [modules.plain-texts]
    envelope = "plain"

    [modules.members]
    storage = "document"

    [modules.plain-members]
    storage = "document"
    envelope = "plain"

    [modules.sorted-texts]
    key = { partition = "group", sort = "id" }

    [modules.plain-sorted-members]
    key = { partition = "group", sort = "id" }
    storage = "document"
    envelope = "plain"
"#;

const CLIENTS: usize = 64;
const ACTIONS: u32 = 120;
/// After so long the clients stop, however much they have done.
const TIME_LIMIT: Duration = Duration::from_secs(45);

fn seed() -> u64 {
    match std::env::var("MODULO_SEED") {
        Ok(seed) => seed.parse().expect("MODULO_SEED is a number"),
        Err(_) => fastrand::u64(..),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_done_once_whatever_fails() {
    let seed = seed();
    println!("seed: MODULO_SEED={seed}");
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let config = parse(CONFIGURATION);
    let direct = TestApp::over(&config, &engine.endpoint()).await;
    local::create_tables(&direct.dynamodb, config.modules.tables())
        .await
        .unwrap();
    for module in MODULES {
        for kind in Kind::ALL {
            let path = module.path(kind.id());
            let begun = direct
                .send("POST", &path, kind.beginning().to_string())
                .await;
            assert!(begun.status.is_success(), "{begun:?}");
        }
    }
    let (proxy, endpoint) = Proxy::start(seed, Fault::any, &engine.endpoint()).await;
    let app = TestApp::over(&config, &endpoint).await;

    let start = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let mut modules = MODULES.to_vec();
        modules.rotate_left(number % MODULES.len());
        let seed = seed.wrapping_add(1 + number as u64);
        let mut client = Client::new(app.clone(), seed, format!("client{number}"), modules);
        clients.spawn(async move {
            for _ in 0..ACTIONS {
                if start.elapsed() > TIME_LIMIT {
                    break;
                }
                client.act().await;
            }
            client
        });
    }
    let clients = clients.join_all().await;
    let took = start.elapsed();

    let mut verified = 0;
    for module in MODULES {
        verified += verify(&direct, module, &clients).await;
    }
    let sum = |of: fn(&Client) -> u64| clients.iter().map(of).sum::<u64>();
    let tally = proxy.tally();
    let faults: u64 = tally.faults.values().sum();
    // Not by `println!`, which is shown of failed tests only.
    let line = format!(
        "fault campaign: MODULO_SEED={seed}, {:.0} s, {} requests of {CLIENTS} clients, {} calls of \
         DynamoDB, {faults} faults {:?}, {} writes acknowledged and {} unknown, {verified} items and \
         steps verified\n",
        took.as_secs_f64(),
        sum(|client| client.requests),
        tally.requests,
        tally.faults,
        sum(|client| client.acknowledged),
        sum(|client| client.unknown),
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    engine.stop().await;
}

/// Compares a module's table with what its clients know; returns how much there was to compare.
async fn verify(direct: &TestApp, module: Module, clients: &[Client]) -> u64 {
    let mut table = all(direct, module).await;
    let mut verified = 0;
    for kind in Kind::ALL {
        let mut steps = Steps::default();
        for client in clients {
            if let Some(some) = client.steps.get(&(module.name, kind)) {
                steps.extend(some);
            }
        }
        let of = format!("{} of {}", kind.id(), module.name);
        let found = table.remove(kind.id());
        steps.verify(kind, &found.unwrap_or_else(|| panic!("no {of}")), &of);
        verified += steps.counts().0;
    }
    let own = clients
        .iter()
        .filter(|client| client.module().name == module.name);
    let mut created = HashMap::new();
    for client in own {
        for item in &client.items {
            let found = table.remove(&item.id);
            assert!(
                item.states.contains(&found),
                "{} of {} is {found:?}, what it may be is {:?}",
                item.id,
                module.name,
                item.states
            );
            verified += 1;
        }
        for (document, outcome) in &client.created {
            created.insert(document["token"].to_string(), (document, outcome));
        }
    }
    // What is left was created under ids that the function chose, each once.
    for (id, found) in table {
        let known = created.remove(&found["token"].to_string());
        let (document, _) = known.unwrap_or_else(|| panic!("nobody, or twice: {id} {found}"));
        assert_eq!(&found, document, "{id}");
        verified += 1;
    }
    for (document, outcome) in created.values() {
        assert_eq!(**outcome, Outcome::Unknown, "{document} is not there");
    }
    verified
}

/// All items of a module.
async fn all(direct: &TestApp, module: Module) -> HashMap<String, Value> {
    let mut items = HashMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/{}?limit=100&consistent=true{cursor}", module.name);
        let answer = direct.get(&path).await;
        let Outcome::Done(page) = module.read("LIST", &answer) else {
            panic!("{}", answer.body);
        };
        items.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| module.listed(item)),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

//! The fault campaign: 64 clients, one function, and a DynamoDB that fails by a seeded schedule.
//!
//! `MODULO_SEED` repeats a schedule: the seed of each run is printed. `MODULO_FAULTS_SECONDS` makes
//! ten campaigns of ten seeds, which have so long together.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use modulo::local::{self, Data, Engine};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::answer::{Envelope, Module, Outcome};
use crate::app::{TestApp, parse};
use crate::client::Client;
use crate::client::shared::{Place, is_shared};
use crate::counter::{Kind, Steps};
use crate::history::{Call, Explained, explain, now, unexplained};
use crate::item::{Content, Operation};
use crate::proxy::{Fault, Proxy, Schedule};
use crate::tally::Tally;

const MODULES: [Module; 6] = [
    module("texts", Envelope::Verb, false),
    module("plain-texts", Envelope::Plain, false),
    module("members", Envelope::Verb, false),
    module("plain-members", Envelope::Plain, false),
    module("sorted-texts", Envelope::Verb, true),
    module("plain-sorted-members", Envelope::Plain, true),
];

/// What all clients share are items of those, and of modules that remember or have tenants.
const SHARED: [Module; 10] = [
    MODULES[0],
    MODULES[1],
    MODULES[2],
    MODULES[3],
    MODULES[4],
    MODULES[5],
    Module {
        remembers: true,
        ..module("remembered-texts", Envelope::Verb, false)
    },
    Module {
        remembers: true,
        ..module("remembered-sorted-members", Envelope::Plain, true)
    },
    Module {
        tenants: &TENANTS,
        ..module("tenants-members", Envelope::Plain, false)
    },
    Module {
        remembers: true,
        tenants: &TENANTS,
        ..module("tenants-remembered-sorted-texts", Envelope::Verb, true)
    },
];

/// The API keys of two tenants.
const TENANTS: [&str; 2] = ["first", "second"];

const fn module(name: &'static str, envelope: Envelope, is_sorted: bool) -> Module {
    Module {
        name,
        envelope,
        is_sorted,
        remembers: false,
        tenants: &[],
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

    [modules.remembered-texts]
    idempotency = "1h"

    [modules.remembered-sorted-members]
    key = { partition = "group", sort = "id" }
    storage = "document"
    envelope = "plain"
    idempotency = "1h"

    [access.partners]
    keys = [
        { name = "erp", tenant = "acme", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" },
        { name = "crm", tenant = "initech", hash = "sha256:16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4" },
    ]

    [modules.tenants-members]
    access = { guard = "partners" }
    tenant = { claim = "org_id" }
    storage = "document"
    envelope = "plain"

    [modules.tenants-remembered-sorted-texts]
    access = { guard = "partners" }
    tenant = { claim = "org_id" }
    key = { partition = "group", sort = "id" }
    idempotency = "1h"
"#;

pub(crate) const CLIENTS: u64 = 64;

/// How much the clients of a campaign do.
#[derive(Debug, Clone, Copy)]
struct Length {
    /// Each of them.
    actions: u32,
    /// After so long they stop, however much they have done.
    time: Duration,
}

const SHORT: Length = Length {
    actions: 120,
    time: Duration::from_secs(45),
};

/// How many campaigns a long run has.
const SEEDS: u32 = 10;

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_done_once_whatever_fails() {
    let first = variable("MODULO_SEED").unwrap_or_else(|| fastrand::u64(..));
    let Some(seconds) = variable("MODULO_FAULTS_SECONDS") else {
        let start = Instant::now();
        let tally = run(first, SHORT).await;
        return tally.say(&format!("MODULO_SEED={first}"), start.elapsed());
    };
    let length = Length {
        actions: u32::MAX,
        time: Duration::from_secs(seconds) / SEEDS,
    };
    let mut seeds = Rng::with_seed(first);
    let mut all = Tally::default();
    let start = Instant::now();
    for _ in 0..SEEDS {
        let seed = seeds.u64(..);
        let start = Instant::now();
        let tally = run(seed, length).await;
        tally.say(&format!("MODULO_SEED={seed}"), start.elapsed());
        all.add(&tally);
    }
    all.say(&format!("{SEEDS} seeds"), start.elapsed());
}

/// One campaign.
async fn run(seed: u64, length: Length) -> Tally {
    println!("seed: MODULO_SEED={seed}");
    let ground = Ground::start(seed, Fault::any).await;
    let clients = ground.have_act(length, Acts::All).await;

    let mut compared = 0;
    for module in MODULES {
        compared += verify(&ground.direct, module, &clients).await;
    }
    let sum = |of: fn(&Client) -> u64| clients.iter().map(of).sum::<u64>();
    let done = ground.proxy.tally();
    let mut tally = Tally {
        requests: sum(|client| client.requests),
        calls: done.requests,
        faults: done.faults.values().sum(),
        acknowledged: sum(|client| client.acknowledged),
        unknown: sum(|client| client.unknown),
        compared,
        ..Tally::default()
    };
    for (place, calls) in histories(&ground.direct, clients).await {
        tally.histories += 1;
        tally.operations += calls.len();
        tally.longest = tally.longest.max(calls.len());
        match explain(&calls) {
            Some(Explained::Once) => {}
            Some(Explained::Repeated) => tally.repeated += 1,
            None => panic!(
                "no order of these operations explains what {place:?} is:\n{}",
                unexplained(&calls)
            ),
        }
    }
    ground.engine.stop().await;
    tally
}

/// All that clients stand on.
struct Ground {
    seed: u64,
    engine: Engine,
    proxy: Proxy,
    /// The function, over the engine itself.
    direct: TestApp,
    /// The function, over the proxy.
    app: TestApp,
}

impl Ground {
    async fn start(seed: u64, schedule: Schedule) -> Self {
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
        let (proxy, endpoint) = Proxy::start(seed, schedule, &engine.endpoint()).await;
        let app = TestApp::over(&config, &endpoint).await;
        Self {
            seed,
            engine,
            proxy,
            direct,
            app,
        }
    }

    /// Has all clients act at the same time.
    async fn have_act(&self, length: Length, acts: Acts) -> Vec<Client> {
        let start = Instant::now();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let mut modules = MODULES.to_vec();
            modules.rotate_left(usize::try_from(number).unwrap() % MODULES.len());
            let seed = self.seed.wrapping_add(1 + number);
            let mut client = Client::new(self.app.clone(), seed, number, modules, &SHARED);
            clients.spawn(async move {
                for _ in 0..length.actions {
                    if start.elapsed() > length.time {
                        break;
                    }
                    match acts {
                        Acts::All => client.act().await,
                        Acts::Shared => client.share().await,
                    }
                }
                client
            });
        }
        clients.join_all().await
    }
}

/// What clients do.
#[derive(Debug, Clone, Copy)]
enum Acts {
    All,
    /// To items that they share, and to no others.
    Shared,
}

/// The history of each item that clients have shared, at whose end it is read once more.
async fn histories(direct: &TestApp, clients: Vec<Client>) -> HashMap<Place, Vec<Call>> {
    let mut histories: HashMap<Place, Vec<Call>> = HashMap::new();
    for (place, call) in clients.into_iter().flat_map(|client| client.shared.calls) {
        histories.entry(place).or_default().push(call);
    }
    for (place, calls) in &mut histories {
        calls.push(last_read(direct, place).await);
    }
    histories
}

/// Reads what all writes have come to.
async fn last_read(direct: &TestApp, place: &Place) -> Call {
    let called = now();
    let mut request = direct.request("GET", &format!("{}?consistent=true", place.path()));
    for (name, value) in place.headers() {
        request = request.header(name, value);
    }
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = direct.client.send(request).await;
    let found = match place.module.read("GET", &answer) {
        Outcome::Done(document) => Some(Content::of(&document)),
        Outcome::Refused(_) => None,
        Outcome::Unknown => panic!("{answer:?}"),
    };
    Call {
        operation: Operation::Read(found),
        called,
        answered: now(),
        may_repeat: false,
    }
}

/// Compares a module's table with what its clients know; returns how much there was to compare.
async fn verify(direct: &TestApp, module: Module, clients: &[Client]) -> u64 {
    let mut table = all(direct, module).await;
    table.retain(|id, _| !is_shared(id));
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

/// So the histories do tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_finds_what_was_there_before_is_noticed() {
    let sometimes = |_, rng: &mut Rng| (rng.u32(0..10) == 0).then_some(Fault::AnswersOld);
    let ground = Ground::start(1, sometimes).await;
    let length = Length {
        actions: 10,
        ..SHORT
    };
    let clients = ground.have_act(length, Acts::Shared).await;
    let histories = histories(&ground.direct, clients).await;
    let unexplained = histories.values().filter(|calls| explain(calls).is_none());
    assert!(unexplained.count() > 0);
    ground.engine.stop().await;
}

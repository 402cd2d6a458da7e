//! `bootstrap` as Lambda runs it, against the least that a function can do.
//!
//! ```text
//! cargo bench --bench bootstrap -- [MEASURE] [--rounds N] [--requests N] [--delay MS] [NAME=BINARY …]
//! ```
//!
//! Builds the function and two floors the same way, then starts them in turn, round after round,
//! behind a runtime API and a DynamoDB that always gives the same answer. Each event and each answer
//! is on its way for as long as `--delay` says. Any further binary, such as the function of another
//! commit, is measured beside them, with 2 modules. MEASURE is
//!
//! - `compare`, where none is given: start, requests and size, without TLS and with; then the bare
//!   handler and the function where Lambda and DynamoDB take their time;
//! - `request`: start and requests of the bare handler and of the function alone;
//! - `documents`: requests by the size of their document, a list of 1 MB and batches of 100;
//! - `keys`: GET and PUT of a module with a sort key against one without, and the list of a partition
//!   with 100 items against a bare Query;
//! - `memory`: start and requests with the share of a processor that a function has with 128, 256 and
//!   512 MB, where DynamoDB takes 4 ms unless `--delay` says otherwise, of the bare handler and of the
//!   function with TLS as well, and requests so far apart that the processor's caches have lost the
//!   function; needs root, for a control group;
//! - `concurrency`: several invocations at a time, with one thread and with two. The bench itself,
//!   which is DynamoDB too, has one thread, and what it takes of a processor is told: on a machine
//!   with 2, where bench and function together take nearly 2, more threads can bring no more, and
//!   what the second one costs is seen, not what it would bring with a processor of its own;
//! - `instructions`: what valgrind counts of one GET, one POST and a start, the same in each run; of
//!   the binaries that are named alone, if there are any;
//! - `serve`: the same router as a container has it, `modulo serve --aws`, under HTTP over several
//!   connections, against the least axum server with the same calls of the SDK;
//! - `worst`: the worst request of each kind that a client may send: how much memory the function
//!   with schemas has at the most, and the processor's time, each in a process of its own;
//! - `embedded`: `modulo serve` over its own DynamoDB, in memory and on disk, under HTTP over several
//!   connections; any further binary is a `modulo` there;
//! - `soak`: what is resident as requests go on, `--requests 1000000` for instance.
//!
//! For `compare`, `request`, `documents`, `keys`, `memory` and `soak` the bench has one processor and the programs have
//! another; under `taskset --cpu-list 1` all share that one.

#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use figures::{Figure, percentile, table};
use process::{Caches, Processors};
use run::Run;
use serve::{Ask, Server};
use subject::{Load, Subject, run_in_turn};

mod dynamodb;
mod figures;
mod modules;
mod process;
mod run;
mod runtime_api;
mod schemas;
mod serve;
mod share;
mod subject;
mod tls;
mod worst;

/// Where among the subjects the bare handler is, and the function itself.
const BARE: usize = 1;
const MODULO: usize = 2;
const COLD: usize = 3;

/// How long an event and an answer of DynamoDB are on their way in the last table of `compare`.
const DELAY: Duration = Duration::from_millis(1);

/// The documents' sizes, in KB.
const KILOBYTES: [usize; 4] = [1, 10, 106, 354];

/// The size of the document that has a single text, in KB.
const PLAIN_KILOBYTES: usize = 348;

/// The size of a whole list, in KB.
const LIST_KILOBYTES: usize = 1_024;

/// The memory of a function, in MB, and how long DynamoDB takes for `memory`.
const MEGABYTES: [u32; 3] = [128, 256, 512];
const DYNAMODB: Duration = Duration::from_millis(4);

/// How many requests are counted at the most where the caches are swept before each.
const SWEPT_REQUESTS: usize = 100;

/// How many invocations there are at a time.
const IN_FLIGHT: [usize; 3] = [1, 8, 64];

/// How many connections lead to `modulo serve` over its own DynamoDB.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// The runs whose difference is that of this many requests.
const COUNTED: (usize, usize) = (100, 500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    if let Measure::Worst = arguments.measure {
        return worst(&arguments).await;
    }
    let roots = TaskRoots::create()?;
    let dynamodb = format!("http://{}", dynamodb::start(arguments.delay).await?);
    let subjects = || subjects(&arguments, &roots);
    match arguments.measure {
        Measure::Compare => compare(&arguments, &subjects()?, &dynamodb).await,
        Measure::Request => request(&arguments, &subjects()?, &dynamodb).await,
        Measure::Documents => documents(&arguments, &subjects()?, &roots, &dynamodb).await,
        Measure::Keys => keys(&arguments, &subjects()?, &roots, &dynamodb).await,
        Measure::Memory => memory(&arguments, &subjects()?).await,
        Measure::Concurrency => concurrency(&arguments, &subjects()?, &dynamodb).await,
        Measure::Instructions => instructions(&arguments, &subjects()?, &dynamodb).await,
        Measure::Serve => serve(&arguments, roots.two.path(), &dynamodb).await,
        Measure::Embedded => embedded(&arguments, roots.two.path(), &dynamodb).await,
        Measure::Soak => soak(&arguments, &subjects()?[MODULO], &dynamodb).await,
        Measure::Worst => unreachable!("it has tables of its own"),
    }
}

async fn compare(arguments: &Arguments, subjects: &[Subject], dynamodb: &str) -> Result<()> {
    let load = arguments.load();
    let mut figures = figures(
        &runs_of(arguments, subjects, dynamodb, &load).await?,
        arguments.requests,
    );
    figures.extend(sizes(subjects)?);
    print(arguments, "Without TLS", subjects, &figures);

    let folder = tempfile::tempdir()?;
    let endpoint = tls::Endpoint::start(folder.path(), arguments.delay).await?;
    let secured = secured(subjects, &endpoint);
    let dynamodb = format!("https://{}", endpoint.address);
    let runs = runs_of(arguments, &secured, &dynamodb, &load).await?;
    let figures = crate::figures(&runs, arguments.requests);
    print(arguments, "With TLS", subjects, &figures);

    let delayed = Arguments {
        delay: DELAY,
        others: Vec::new(),
        ..*arguments
    };
    let dynamodb = format!("http://{}", dynamodb::start(DELAY).await?);
    request(&delayed, &subjects[..=COLD], &dynamodb).await
}

/// Each with as many authorities to read as it would have for AWS.
fn secured(subjects: &[Subject], endpoint: &tls::Endpoint) -> Vec<Subject> {
    let subjects = subjects.iter().enumerate();
    let secured = subjects.map(|(at, subject)| {
        let roots = if at > BARE {
            &endpoint.amazon_roots
        } else {
            &endpoint.system_roots
        };
        let roots = roots.display().to_string();
        subject.with(&subject.name, &[("SSL_CERT_FILE", roots)])
    });
    secured.collect()
}

async fn request(arguments: &Arguments, subjects: &[Subject], dynamodb: &str) -> Result<()> {
    let subjects = &subjects[BARE..];
    let load = arguments.load();
    let runs = runs_of(arguments, subjects, dynamodb, &load).await?;
    let figures = figures(&runs, arguments.requests);
    let title = format!("Alone, with a delay of {:?}", arguments.delay);
    print_against(arguments, &title, subjects, 0, &figures);
    Ok(())
}

async fn documents(
    arguments: &Arguments,
    subjects: &[Subject],
    roots: &TaskRoots,
    dynamodb: &str,
) -> Result<()> {
    let subjects = &subjects[BARE..];
    let (get, post) = (subject::get(), subject::post());
    let mut rows = Vec::new();
    for (name, event) in [("GET", &get), ("POST", &post)] {
        for kilobytes in KILOBYTES {
            let id = format!("{}{kilobytes}", dynamodb::KILOBYTES);
            rows.push((format!("{name} of {kilobytes} KB"), event_of(event, &id)?));
        }
        let id = format!("{}{PLAIN_KILOBYTES}", dynamodb::PLAIN_KILOBYTES);
        let name = format!("{name} of {PLAIN_KILOBYTES} KB of `x`");
        rows.push((name, event_of(event, &id)?));
    }
    for (name, operation) in [
        ("batch of 100 GETs of 1 KB", batch_get as fn(&str) -> _),
        ("batch of 100 PUTs of 1 KB", batch_put),
    ] {
        let ids = (0..dynamodb::ITEMS).map(|n| format!("{}1.{n}", dynamodb::KILOBYTES));
        let operations: Vec<_> = ids.map(|id| operation(&id)).collect();
        let mut event = asking(&post, "POST", "/_batch/modulo1", "")?;
        let batch = serde_json::json!({ "operations": operations });
        set_body(&mut event, batch.to_string());
        rows.push((name.to_owned(), event.to_string().into()));
    }
    let mut figures = Vec::new();
    for (name, event) in rows {
        figures.push(cpu_of(arguments, subjects, dynamodb, &name, event).await?);
    }
    let partition = format!("/modulo1/{}{LIST_KILOBYTES}", dynamodb::KILOBYTES);
    let list = asking(&get, "GET", &partition, "limit=100")?;
    let query = [("SORT", dynamodb::SORT.to_owned())];
    let listing = subjects.iter().map(|subject| {
        let mut listing = subject.with(&subject.name, &query);
        roots.sorted.path().clone_into(&mut listing.task_root);
        listing
    });
    let listing: Vec<_> = listing.collect();
    let name = format!("list of {LIST_KILOBYTES} KB");
    let list = list.to_string().into();
    figures.push(cpu_of(arguments, &listing, dynamodb, &name, list).await?);
    print_against(arguments, "By document", subjects, 0, &figures);
    Ok(())
}

/// The processor's time of a request.
async fn cpu_of(
    arguments: &Arguments,
    subjects: &[Subject],
    dynamodb: &str,
    name: &str,
    event: Bytes,
) -> Result<Figure> {
    let load = Load {
        events: vec![event],
        ..arguments.load()
    };
    let runs = runs_of(arguments, subjects, dynamodb, &load).await?;
    let cpu = |run: &Run| microseconds(run.cpu) / arguments.requests as f64;
    Ok(figure(&runs, &format!("{name}, CPU, µs"), 0, &cpu))
}

fn batch_get(id: &str) -> serde_json::Value {
    serde_json::json!({ "op": "get", "id": id })
}

fn batch_put(id: &str) -> serde_json::Value {
    let document = dynamodb::document(id).unwrap_or_default();
    let item = serde_json::from_str(&document).unwrap_or(serde_json::Value::Null);
    serde_json::json!({ "op": "put", "id": id, "item": item })
}

async fn keys(
    arguments: &Arguments,
    subjects: &[Subject],
    roots: &TaskRoots,
    dynamodb: &str,
) -> Result<()> {
    let mut sorted = subjects[MODULO].clone();
    sorted.task_root = roots.sorted.path().to_owned();
    "modulo, a sort key".clone_into(&mut sorted.name);
    let query = [("SORT", dynamodb::SORT.to_owned())];
    let bare = subjects[BARE].with("bare, a Query", &query);

    // Without a sort key, the rest of the path is one id.
    let of_item = |event: &[u8], method| {
        let event = asking(event, method, "/modulo1/sala90/b1", "")?;
        anyhow::Ok(Bytes::from(event.to_string()))
    };
    let list = asking(&subject::get(), "GET", "/modulo1/sala90", "limit=100")?;
    let list = Bytes::from(list.to_string());
    let pair = [subjects[MODULO].clone(), sorted.clone()];
    for (name, subjects, event) in [
        ("GET", &pair, of_item(&subject::get(), "GET")?),
        ("PUT", &pair, of_item(&subject::post(), "PUT")?),
        ("list of 100", &[bare, sorted], list),
    ] {
        let load = Load {
            events: vec![event],
            ..arguments.load()
        };
        let runs = runs_of(arguments, subjects, dynamodb, &load).await?;
        let cpu = figure(&runs, &format!("{name}, CPU, µs"), 0, &|run| {
            microseconds(run.cpu) / arguments.requests as f64
        });
        print_against(arguments, name, subjects, 0, &[cpu]);
    }
    Ok(())
}

/// An event with another method, path and query.
fn asking(event: &[u8], method: &str, path: &str, query: &str) -> Result<serde_json::Value> {
    let mut event: serde_json::Value = serde_json::from_slice(event)?;
    event["rawPath"] = path.into();
    event["rawQueryString"] = query.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    if let Some((name, value)) = query.split_once('=') {
        event["queryStringParameters"] = serde_json::json!({ name: value });
    }
    Ok(event)
}

async fn memory(arguments: &Arguments, subjects: &[Subject]) -> Result<()> {
    let delay = if arguments.delay.is_zero() {
        DYNAMODB
    } else {
        arguments.delay
    };
    let folder = tempfile::tempdir()?;
    let endpoint = tls::Endpoint::start(folder.path(), delay).await?;
    // Those that the caller names may be other runtimes', which trust no certificate of the bench.
    let secured = secured(&subjects[..=MODULO], &endpoint);
    let unsecured = format!("http://{}", dynamodb::start(delay).await?);
    let ways = [
        (
            "with",
            secured.as_slice(),
            format!("https://{}", endpoint.address),
        ),
        ("without", subjects, unsecured),
    ];
    // DynamoDB takes its time, and an event comes at once.
    let load = Load::of(arguments.requests, Duration::ZERO);
    for (way, subjects, dynamodb) in &ways {
        for megabytes in MEGABYTES {
            let mut subjects = subjects[BARE..].to_vec();
            for subject in &mut subjects {
                subject.megabytes = Some(megabytes);
            }
            let runs = runs_of(arguments, &subjects, dynamodb, &load).await?;
            let figures = figures(&runs, arguments.requests);
            let title = format!("{megabytes} MB, DynamoDB in {delay:?}, {way} TLS");
            print_against(arguments, &title, &subjects, 0, &figures);
        }
    }
    let subjects = &subjects[BARE..];
    let dynamodb = format!("http://{}", dynamodb::start(Duration::ZERO).await?);
    let processors = subjects[0].processors;
    let processors = processors.context("two processors are needed")?;
    // Each waits for a sweep, which takes longer than it does.
    let few = Arguments {
        requests: arguments.requests.min(SWEPT_REQUESTS),
        others: Vec::new(),
        ..*arguments
    };
    let apart = Load {
        sweeps: Some(Caches::of(processors)),
        requests: few.requests,
        ..load
    };
    let runs = runs_of(&few, subjects, &dynamodb, &apart).await?;
    let figures = figures(&runs, few.requests);
    let title = "A whole processor, with cold caches";
    print_against(&few, title, subjects, 0, &figures);
    Ok(())
}

async fn concurrency(arguments: &Arguments, subjects: &[Subject], dynamodb: &str) -> Result<()> {
    let mut measured = Vec::new();
    for threads in [1, 2] {
        let name = format!("{threads} threads");
        let variables = [("TOKIO_WORKER_THREADS", threads.to_string())];
        measured.push(subjects[MODULO].with(&name, &variables));
    }
    let mut figures = Vec::new();
    for in_flight in IN_FLIGHT {
        let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", in_flight.to_string())];
        let subjects: Vec<_> = measured
            .iter()
            .map(|subject| subject.with(&subject.name, &variables))
            .collect();
        let load = Load {
            in_flight,
            ..arguments.load()
        };
        let runs = runs_of(arguments, &subjects, dynamodb, &load).await?;
        figures.extend(under_load(&runs, in_flight, arguments.requests));
    }
    print_against(arguments, "Several at a time", &measured, 0, &figures);
    Ok(())
}

/// What can be told of so many requests, so many of them at a time.
fn under_load(runs: &[Vec<Run>], in_flight: usize, requests: usize) -> [Figure; 6] {
    let requests = requests as f64;
    let figure = |what: &str, digits, value: &dyn Fn(&Run) -> f64| {
        let name = format!("{in_flight} at a time, {what}");
        figure(runs, &name, digits, value)
    };
    [
        figure("requests a second", 0, &|run| {
            requests / run.elapsed.as_secs_f64()
        }),
        figure("CPU of a request, µs", 0, &|run| {
            microseconds(run.cpu) / requests
        }),
        figure("processors of the process", 2, &|run| {
            run.cpu.as_secs_f64() / run.elapsed.as_secs_f64()
        }),
        figure("processors of the bench", 2, &|run| {
            run.own_cpu.as_secs_f64() / run.elapsed.as_secs_f64()
        }),
        figure("p50, µs", 0, &latency(50)),
        figure("p99, µs", 0, &latency(99)),
    ]
}

async fn serve(arguments: &Arguments, folder: &Path, dynamodb: &str) -> Result<()> {
    let floors = build(&["--package", "floors"])?;
    let modulo = build(&["--package", "modulo", "--bin", "modulo"])?;
    let servers = [
        Server {
            name: "least server".to_owned(),
            binary: floors.join("floor-serve"),
            arguments: Vec::new(),
            asks: vec![Ask::Get, Ask::Post],
            items: 0,
        },
        Server {
            name: "modulo serve --aws".to_owned(),
            binary: modulo.join("modulo"),
            arguments: ["serve", "--aws", "--addr", "127.0.0.1:0"]
                .map(str::to_owned)
                .to_vec(),
            asks: vec![Ask::Get, Ask::Post],
            items: 0,
        },
    ];
    let mut figures = Vec::new();
    for connections in IN_FLIGHT {
        let runs = rounds(arguments, async || {
            serve::run_in_turn(&servers, folder, dynamodb, connections, arguments.requests).await
        })
        .await?;
        figures.extend(under_load(&runs, connections, arguments.requests));
        figures.push(resident(
            &runs,
            &format!("{connections} at a time, resident, MB"),
        ));
    }
    let names = servers.map(|server| server.name);
    println!("{}", table(&names, 0, &figures));
    Ok(())
}

async fn embedded(arguments: &Arguments, folder: &Path, dynamodb: &str) -> Result<()> {
    let mut binaries = arguments.others.clone();
    if binaries.is_empty() {
        let modulo = build(&["--package", "modulo", "--bin", "modulo"])?;
        binaries.push(("modulo serve".to_owned(), modulo.join("modulo")));
    }
    // The system's folder for temporary files may be in memory.
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let server = |at: usize, on_disk: bool, ask| {
        let (name, binary) = &binaries[at];
        let mut arguments = vec!["serve".to_owned(), "--addr=127.0.0.1:0".to_owned()];
        if on_disk {
            arguments.push("--data-dir".to_owned());
            arguments.push(data.path().join(at.to_string()).display().to_string());
        } else {
            arguments.push("--memory".to_owned());
        }
        Server {
            name: name.clone(),
            binary: binary.clone(),
            arguments,
            asks: vec![ask],
            items: 30,
        }
    };
    let mut figures = Vec::new();
    for (place, on_disk) in [("memory", false), ("disk", true)] {
        for (name, ask) in [("GET", Ask::Get), ("list", Ask::List), ("POST", Ask::Post)] {
            let servers = (0..binaries.len()).map(|at| server(at, on_disk, ask));
            let servers: Vec<_> = servers.collect();
            for connections in CONNECTIONS {
                let runs = rounds(arguments, async || {
                    let requests = arguments.requests;
                    serve::run_in_turn(&servers, folder, dynamodb, connections, requests).await
                })
                .await?;
                let name = format!("{place}, {name}, {connections} at a time, a second");
                figures.push(figure(&runs, &name, 0, &|run| {
                    arguments.requests as f64 / run.elapsed.as_secs_f64()
                }));
            }
        }
    }
    let names: Vec<_> = binaries.into_iter().map(|(name, _)| name).collect();
    println!("{}", table(&names, 0, &figures));
    Ok(())
}

fn resident(runs: &[Vec<Run>], name: &str) -> Figure {
    figure(runs, name, 2, &|run| {
        let resident = run.resident_kib.last().map_or(0, |(_, kib)| *kib);
        megabytes(resident * 1_024)
    })
}

/// By valgrind, under which nothing depends on what else the machine does.
async fn instructions(arguments: &Arguments, subjects: &[Subject], dynamodb: &str) -> Result<()> {
    println!("| | start | GET | POST |\n| --- | --- | --- | --- |");
    for subject in subjects {
        let mut counted = subject.clone();
        let wrapper = [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
        ];
        counted.wrapper = wrapper.map(str::to_owned).to_vec();
        let count = async |event: &Bytes, requests| {
            let load = Load {
                events: vec![event.clone()],
                requests,
                ..arguments.load()
            };
            collected(&counted.run(dynamodb, &load).await?.stderr)
        };
        let (few, many) = COUNTED;
        let mut of_requests = Vec::new();
        let mut first = u64::MAX;
        for event in [subject::get(), subject::post()] {
            let (before, after) = (count(&event, few).await?, count(&event, many).await?);
            let each = (after - before) / (many - few) as u64;
            let answered = subject::BEFORE_COUNTED + few;
            first = first.min(before - each * answered as u64);
            of_requests.push(each);
        }
        println!(
            "| {} | {first} | {} | {} |",
            subject.name, of_requests[0], of_requests[1]
        );
    }
    Ok(())
}

/// What callgrind says at its end.
fn collected(stderr: &str) -> Result<u64> {
    let line = stderr
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.with_context(|| format!("no count in {stderr}"))?;
    Ok(count.trim().parse()?)
}

async fn soak(arguments: &Arguments, subject: &Subject, dynamodb: &str) -> Result<()> {
    let run = subject.run(dynamodb, &arguments.load()).await?;
    println!("| requests | resident, MB |\n| --- | --- |");
    for (requests, kib) in &run.resident_kib {
        println!("| {requests} | {:.2} |", megabytes(kib * 1_024));
    }
    println!(
        "\nCPU of a request {:.0} µs, p99 {:.0} µs.",
        microseconds(run.cpu) / arguments.requests as f64,
        latency(99)(&run)
    );
    Ok(())
}

/// Of the function, and of any other binary that is named.
async fn worst(arguments: &Arguments) -> Result<()> {
    let root = tempfile::tempdir()?;
    worst::write(root.path())?;
    let dynamodb = format!("http://{}", worst::dynamodb().await?);
    let built = || anyhow::Ok(("modulo".to_owned(), build_bootstrap("lambda,schemas")?));
    let others = arguments.others.iter().cloned().map(Ok);
    // One that is built takes its time: those that are there come first.
    for named in others.chain(std::iter::once_with(built)) {
        let (name, binary) = named?;
        let subject = Subject {
            name: name.clone(),
            binary: fs::canonicalize(binary)?,
            task_root: root.path().to_owned(),
            variables: Vec::new(),
            wrapper: Vec::new(),
            processors: None,
            megabytes: None,
        };
        println!(
            "| {name} | body, KB | at most resident, MB | CPU, ms |\n| --- | --- | --- | --- |"
        );
        for case in worst::cases()? {
            let kilobytes = case.event.len() / 1_024;
            let answered = subject.answer_one(&dynamodb, case.event, case.status).await;
            match answered {
                Ok((cpu, peak)) => println!(
                    "| {} | {kilobytes} | {:.0} | {:.0} |",
                    case.name,
                    megabytes(peak * 1_024),
                    milliseconds(cpu)
                ),
                Err(error) => println!("| {} | {kilobytes} | {error:#} |", case.name),
            }
        }
    }
    Ok(())
}

/// The runs of the functions, by subject.
async fn runs_of(
    arguments: &Arguments,
    subjects: &[Subject],
    dynamodb: &str,
    load: &Load,
) -> Result<Vec<Vec<Run>>> {
    let round = async || run_in_turn(subjects, dynamodb, load).await;
    rounds(arguments, round).await
}

/// The runs of all rounds, by subject.
async fn rounds(
    arguments: &Arguments,
    round: impl AsyncFn() -> Result<Vec<Run>>,
) -> Result<Vec<Vec<Run>>> {
    let mut runs = Vec::new();
    for number in 1..=arguments.rounds {
        eprint!("\rround {number} of {}", arguments.rounds);
        let of_round = round().await?;
        runs.resize_with(of_round.len(), Vec::new);
        for (runs, run) in runs.iter_mut().zip(of_round) {
            runs.push(run);
        }
    }
    eprintln!();
    Ok(runs)
}

fn print(arguments: &Arguments, title: &str, subjects: &[Subject], figures: &[Figure]) {
    print_against(arguments, title, subjects, BARE, figures);
}

fn print_against(
    arguments: &Arguments,
    title: &str,
    subjects: &[Subject],
    base: usize,
    figures: &[Figure],
) {
    let names: Vec<_> = subjects
        .iter()
        .map(|subject| subject.name.clone())
        .collect();
    println!(
        "{title}: medians of {} rounds of {} requests; in brackets the ratio to {}.\n\n{}",
        arguments.rounds,
        arguments.requests,
        names[base],
        table(&names, base, figures)
    );
}

/// A GET or a POST of the document that an id names.
fn event_of(event: &[u8], id: &str) -> Result<Bytes> {
    let mut event: serde_json::Value = serde_json::from_slice(event)?;
    let path = format!("/modulo1/{id}");
    event["rawPath"] = path.as_str().into();
    event["requestContext"]["http"]["path"] = path.as_str().into();
    if event.get("body").is_some() {
        let document = dynamodb::document(id).context("an id that names a size")?;
        set_body(&mut event, document);
    }
    Ok(event.to_string().into())
}

fn set_body(event: &mut serde_json::Value, body: String) {
    event["headers"]["content-length"] = body.len().to_string().into();
    event["body"] = body.into();
}

#[derive(Clone, Copy)]
enum Measure {
    Compare,
    Request,
    Documents,
    Keys,
    Memory,
    Concurrency,
    Instructions,
    Soak,
    Serve,
    Worst,
    Embedded,
}

struct Arguments {
    measure: Measure,
    rounds: usize,
    requests: usize,
    /// How long each event, and each answer of DynamoDB, is on its way.
    delay: Duration,
    /// Name and binary.
    others: Vec<(String, PathBuf)>,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed = Self {
            measure: Measure::Compare,
            rounds: 15,
            requests: 1_000,
            delay: Duration::ZERO,
            others: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                arguments
                    .next()
                    .context("a number is missing")?
                    .parse()
                    .context("no number")
            };
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "compare" => parsed.measure = Measure::Compare,
                "request" => parsed.measure = Measure::Request,
                "documents" => parsed.measure = Measure::Documents,
                "keys" => parsed.measure = Measure::Keys,
                "memory" => parsed.measure = Measure::Memory,
                "concurrency" => parsed.measure = Measure::Concurrency,
                "instructions" => parsed.measure = Measure::Instructions,
                "soak" => parsed.measure = Measure::Soak,
                "serve" => parsed.measure = Measure::Serve,
                "worst" => parsed.measure = Measure::Worst,
                "embedded" => parsed.measure = Measure::Embedded,
                "--rounds" => parsed.rounds = number()?,
                "--requests" => parsed.requests = number()?,
                "--delay" => parsed.delay = Duration::from_millis(number()? as u64),
                other => {
                    let (name, binary) = other.split_once('=').with_context(|| {
                        format!("`{other}` is neither a measure, an option nor NAME=BINARY")
                    })?;
                    parsed.others.push((name.to_owned(), binary.into()));
                }
            }
        }
        Ok(parsed)
    }

    fn load(&self) -> Load {
        Load::of(self.requests, self.delay)
    }
}

/// What lies beside a binary in its package, by the number of modules.
struct TaskRoots {
    two: TempDir,
    /// As `two`, and nothing is done before the first request.
    cold: TempDir,
    hundred: TempDir,
    hundred_with_schemas: TempDir,
    thousand: TempDir,
    /// A module with a sort key.
    sorted: TempDir,
}

impl TaskRoots {
    fn create() -> Result<Self> {
        let root = |modules| {
            let root = tempfile::tempdir()?;
            fs::write(root.path().join("modules.toml"), modules::toml(modules))?;
            anyhow::Ok(root)
        };
        let hundred_with_schemas = tempfile::tempdir()?;
        schemas::write(hundred_with_schemas.path(), 100)?;
        let sorted = tempfile::tempdir()?;
        let key = format!(
            "key = {{ partition = \"modulo1Id\", sort = \"{}\" }}\n",
            dynamodb::SORT
        );
        let text = format!("[modules.modulo1]\n{key}");
        fs::write(sorted.path().join("modules.toml"), text)?;
        let cold = root(2)?;
        let file = cold.path().join("modules.toml");
        let text = fs::read_to_string(&file)? + "[service]\nwarm_up = false\n";
        fs::write(&file, text)?;
        Ok(Self {
            two: root(2)?,
            cold,
            hundred: root(100)?,
            hundred_with_schemas,
            thousand: root(1_000)?,
            sorted,
        })
    }
}

impl TaskRoots {
    /// A copy of a binary, which the next build then does not replace.
    fn keep(&self, binary: &Path) -> Result<PathBuf> {
        let kept = self.hundred_with_schemas.path().join("bootstrap");
        fs::copy(binary, &kept)?;
        Ok(kept)
    }
}

fn subjects(arguments: &Arguments, roots: &TaskRoots) -> Result<Vec<Subject>> {
    let (compares, is_apart) = match arguments.measure {
        Measure::Compare => (true, true),
        Measure::Instructions => (true, false),
        Measure::Request | Measure::Documents | Measure::Keys | Measure::Memory | Measure::Soak => {
            (false, true)
        }
        Measure::Concurrency | Measure::Serve | Measure::Embedded | Measure::Worst => {
            (false, false)
        }
    };
    let processors = if is_apart { Processors::apart()? } else { None };
    let subject = |name: &str, binary: &Path, root: &TempDir| {
        ensure!(binary.is_file(), "there is no {}", binary.display());
        Ok(Subject {
            name: name.to_owned(),
            binary: fs::canonicalize(binary)?,
            task_root: root.path().to_owned(),
            variables: Vec::new(),
            wrapper: Vec::new(),
            processors,
            megabytes: None,
        })
    };
    let others = arguments.others.iter();
    let others = others.map(|(name, binary)| subject(name, binary, &roots.two));
    let others = others.collect::<Result<Vec<_>>>()?;
    if let (Measure::Instructions, [_, ..]) = (arguments.measure, others.as_slice()) {
        return Ok(others);
    }
    let floors = build(&["--package", "floors"])?;
    // Its name is the function's, which is built after it.
    let with_schemas = compares.then(|| roots.keep(&build_bootstrap("lambda,schemas")?));
    let with_schemas = with_schemas.transpose()?;
    let bootstrap = build_bootstrap("lambda")?;
    let mut subjects = vec![
        subject("hello", &floors.join("floor-hello"), &roots.two)?,
        subject("bare", &floors.join("floor-bare"), &roots.two)?,
        subject("modulo, 2 modules", &bootstrap, &roots.two)?,
    ];
    if let Some(with_schemas) = with_schemas {
        subjects.extend([
            subject("modulo, not warmed up", &bootstrap, &roots.cold)?,
            subject("modulo, 100 modules", &bootstrap, &roots.hundred)?,
            subject(
                "modulo, 100 modules with schemas",
                &with_schemas,
                &roots.hundred_with_schemas,
            )?,
            subject("modulo, 1,000 modules", &bootstrap, &roots.thousand)?,
        ]);
    }
    subjects.extend(others);
    Ok(subjects)
}

fn build_bootstrap(features: &str) -> Result<PathBuf> {
    let folder = build(&[
        "--package",
        "modulo",
        "--bin",
        "bootstrap",
        "--no-default-features",
        "--features",
        features,
    ])?;
    Ok(folder.join("bootstrap"))
}

/// Has Cargo build binaries as they are deployed: the folder they are in.
#[expect(clippy::disallowed_methods, reason = "a program reads the environment")]
fn build(what: &[&str]) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    // What Cargo says of the bench is no setting of the build, and ring would be built anew for it.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(&name);
        }
    }
    let output = cargo
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(what)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "cargo build: {}", output.status);
    let executable = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo build made no binary")?;
    let folder = executable.parent().context("a binary is in a folder")?;
    Ok(folder.to_owned())
}

fn figure(runs: &[Vec<Run>], name: &str, digits: usize, value: &dyn Fn(&Run) -> f64) -> Figure {
    Figure {
        name: name.to_owned(),
        digits,
        values: runs
            .iter()
            .map(|runs| runs.iter().map(value).collect())
            .collect(),
    }
}

fn latency(per_cent: usize) -> impl Fn(&Run) -> f64 {
    move |run| percentile(run.latencies.iter().copied().map(microseconds), per_cent)
}

fn figures(runs: &[Vec<Run>], requests: usize) -> Vec<Figure> {
    let figure = |name, digits, value: &dyn Fn(&Run) -> f64| figure(runs, name, digits, value);
    let thousands = requests as f64 / 1_000.0;
    vec![
        figure("spawn to first poll, ms", 2, &|run| {
            milliseconds(run.first_poll)
        }),
        figure("CPU until first poll, ms", 2, &|run| {
            milliseconds(run.first_poll_cpu)
        }),
        figure("first request, ms", 2, &|run| {
            milliseconds(run.first_answer)
        }),
        figure("spawn to first answer, ms", 2, &|run| {
            milliseconds(run.first_poll + run.first_answer)
        }),
        figure("warm request, p50, µs", 0, &latency(50)),
        figure("warm request, p99, µs", 0, &latency(99)),
        figure("CPU of 1,000 requests, ms", 0, &|run| {
            milliseconds(run.cpu) / thousands
        }),
        resident(runs, "resident after them, MB"),
    ]
}

fn sizes(subjects: &[Subject]) -> Result<[Figure; 2]> {
    let mut binaries = Vec::with_capacity(subjects.len());
    let mut zips = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let binary = fs::read(&subject.binary)?;
        binaries.push(vec![megabytes(binary.len() as u64)]);
        zips.push(vec![megabytes(zipped(&binary)? as u64)]);
    }
    let figure = |name: &str, values| Figure {
        name: name.to_owned(),
        digits: 2,
        values,
    };
    Ok([figure("binary, MB", binaries), figure("zip, MB", zips)])
}

/// The size of the package with `binary` in it.
fn zipped(binary: &[u8]) -> Result<usize> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_level(Some(9));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner().len())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1_024.0 * 1_024.0)
}

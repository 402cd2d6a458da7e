//! A proxy between the function and its DynamoDB that does what networks and busy services do.
//!
//! Which fault meets the n-th request depends on the seed and on n alone; which request is the
//! n-th, the clients' race decides. TLS excludes some faults, and so they are not among these: an
//! answer that is changed into another valid one, a request that is done again when its answer has
//! long been given. (The one that is not of networks, [`Fault::AnswersOld`], no schedule but that of
//! a test of the tests has.)

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Far below the function's patience: what it has given up must not be done afterwards.
const DELAY_MS: std::ops::Range<u64> = 5..200;
/// Just beyond the function's patience.
const TOO_LATE: Duration = Duration::from_millis(3_200);

/// A seed with which the n-th request is delayed for long, if it is.
pub(crate) fn with_long_delay(n: u64) -> u64 {
    let delay = |seed: u64| Rng::with_seed(seed + n).u64(DELAY_MS);
    let mut seeds = 0..u64::MAX;
    seeds
        .find(|&seed| delay(seed) > DELAY_MS.end - 10)
        .expect("one of them")
}

/// What happens to a request, or to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It comes late.
    DelaysRequest,
    /// It is done at once, its answer comes late.
    DelaysAnswer,
    /// It is done at once, its answer comes when nobody waits for it any more.
    AnswersTooLate,
    /// The connection ends before it gets there.
    CutsBefore,
    /// It is done, then the connection ends before the answer or within it.
    CutsAfter,
    /// It is done twice, if it is done. Where only the second time did what the first one was refused,
    /// no answer would be right.
    Duplicates,
    /// There is no capacity for it; of a batch, for half of it.
    Throttles,
    /// It is done, and answered as an internal failure.
    Fails,
    /// It is not done: the service is down.
    IsDown,
    /// It is done, some bytes of its answer are destroyed.
    Corrupts,
    /// A read of an item finds what the first one found.
    AnswersOld,
}

impl Fault {
    /// The faults, each with how many of 10,000 requests it meets.
    const SHARES: [(Self, u32); 10] = [
        (Self::DelaysRequest, 300),
        (Self::DelaysAnswer, 200),
        (Self::AnswersTooLate, 8),
        (Self::CutsBefore, 200),
        (Self::CutsAfter, 300),
        (Self::Duplicates, 300),
        (Self::Throttles, 300),
        (Self::Fails, 100),
        (Self::IsDown, 100),
        (Self::Corrupts, 150),
    ];

    /// One of them, or none.
    pub(crate) fn any(_: u64, rng: &mut Rng) -> Option<Self> {
        let mut point = rng.u32(0..10_000);
        let met = |(fault, share): &(Self, u32)| match point.checked_sub(*share) {
            None => Some(*fault),
            Some(rest) => {
                point = rest;
                None
            }
        };
        Self::SHARES.iter().find_map(met)
    }
}

/// What the proxy has done so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) faults: BTreeMap<Fault, u64>,
}

/// Which fault meets the n-th request.
pub(crate) type Schedule = fn(u64, &mut Rng) -> Option<Fault>;

/// The proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    engine: Arc<str>,
    seed: u64,
    schedule: Schedule,
    tally: Arc<Mutex<Tally>>,
    /// The first answer to each read of an item.
    old: Arc<Mutex<HashMap<Vec<u8>, Message>>>,
}

impl Proxy {
    /// Starts one before the engine at `endpoint`; returns its own endpoint too.
    pub(crate) async fn start(seed: u64, schedule: Schedule, endpoint: &str) -> (Self, String) {
        let proxy = Self {
            engine: endpoint.trim_start_matches("http://").into(),
            seed,
            schedule,
            tally: Arc::default(),
            old: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = accepting.clone();
                // An error is a connection's end, which the function has to bear.
                tokio::spawn(async move { proxy.serve(client).await.ok() });
            }
        });
        (proxy, own)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }

    fn next(&self) -> (Option<Fault>, Rng) {
        let mut tally = self.tally.lock().unwrap();
        let mut rng = Rng::with_seed(self.seed.wrapping_add(tally.requests));
        let fault = (self.schedule)(tally.requests, &mut rng);
        tally.requests += 1;
        if let Some(fault) = fault {
            *tally.faults.entry(fault).or_default() += 1;
        }
        (fault, rng)
    }

    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let mut engine = BufReader::new(TcpStream::connect(&*self.engine).await?);
        let mut client = BufReader::new(client);
        while let Some(request) = Message::read(&mut client).await? {
            let (fault, mut rng) = self.next();
            let read = request.is_of("GetItem").then(|| request.body.clone());
            let mut answer = meet(fault, &mut rng, request, &mut engine).await?;
            if let (Some(read), Some(answer)) = (read, &mut answer) {
                self.grow_old(fault, read, answer);
            }
            let mut bytes = answer.map(Message::into_bytes).unwrap_or_default();
            let is_cut = matches!(fault, Some(Fault::CutsBefore | Fault::CutsAfter));
            if is_cut {
                bytes.truncate(rng.usize(0..=bytes.len() / 2));
            }
            client.write_all(&bytes).await?;
            if is_cut {
                // As a reset, or as an orderly end.
                if rng.bool() {
                    client.get_ref().set_zero_linger()?;
                }
                break;
            }
        }
        Ok(())
    }

    fn grow_old(&self, fault: Option<Fault>, read: Vec<u8>, answer: &mut Message) {
        let mut old = self.old.lock().unwrap();
        let first = old.entry(read).or_insert_with(|| answer.clone());
        if fault == Some(Fault::AnswersOld) {
            *answer = first.clone();
        }
    }
}

/// The answer that is to be sent, or none where the connection ends.
async fn meet(
    fault: Option<Fault>,
    rng: &mut Rng,
    mut request: Message,
    engine: &mut BufReader<TcpStream>,
) -> io::Result<Option<Message>> {
    let pause = Duration::from_millis(rng.u64(DELAY_MS));
    let mut unprocessed = None;
    match fault {
        Some(Fault::CutsBefore) => return Ok(None),
        Some(Fault::DelaysRequest) => sleep(pause).await,
        Some(Fault::IsDown) => {
            return Ok(Some(Message::error(
                "503 Service Unavailable",
                "ServiceUnavailable",
                "",
            )));
        }
        Some(Fault::Throttles) => match request.split_batch() {
            Some(rest) => unprocessed = Some(rest),
            None => return Ok(Some(request.throttled(rng))),
        },
        _ => {}
    }
    let duplicate = (fault == Some(Fault::Duplicates)).then(|| request.clone());
    let mut answer = request.exchange(engine).await?;
    match fault {
        Some(Fault::Duplicates) => {
            if let Some(duplicate) = duplicate.filter(|_| answer.is_done()) {
                duplicate.exchange(engine).await?;
            }
        }
        Some(Fault::DelaysAnswer) => sleep(pause).await,
        Some(Fault::AnswersTooLate) => sleep(TOO_LATE).await,
        Some(Fault::Fails) => {
            answer = Message::error("500 Internal Server Error", "InternalServerError", "");
        }
        Some(Fault::Corrupts) if !answer.body.is_empty() => {
            let from = rng.usize(0..answer.body.len());
            // No text, and so no JSON, has this byte.
            answer.body[from..]
                .iter_mut()
                .take(8)
                .for_each(|byte| *byte = 0xff);
        }
        Some(Fault::Throttles) => {
            if let (Some((member, rest)), Ok(mut told)) =
                (unprocessed, serde_json::from_slice::<Value>(&answer.body))
            {
                told[member] = rest;
                answer.body = told.to_string().into_bytes();
            }
        }
        _ => {}
    }
    Ok(Some(answer))
}

/// A request or an answer of HTTP/1.1, of which only the length is understood.
#[derive(Debug, Clone)]
struct Message {
    /// All lines but the length's and the empty one.
    head: String,
    body: Vec<u8>,
}

impl Message {
    async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let begin = head.len();
            if from.read_line(&mut head).await? == 0 {
                return Ok(None);
            }
            let line = head[begin..].trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
                head.truncate(begin);
            } else if line.is_empty() {
                head.truncate(begin);
                break;
            }
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).await?;
        Ok(Some(Self { head, body }))
    }

    fn error(status: &str, kind: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        let body = json!({ "__type": kind, "message": format!("modulo-local: {message}") });
        Self {
            head: format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\n"),
            body: body.to_string().into_bytes(),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        let length = self.body.len();
        let mut bytes = format!("{}content-length: {length}\r\n\r\n", self.head).into_bytes();
        bytes.extend(self.body);
        bytes
    }

    async fn exchange(self, engine: &mut BufReader<TcpStream>) -> io::Result<Self> {
        engine.write_all(&self.into_bytes()).await?;
        Self::read(engine)
            .await?
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn is_of(&self, operation: &str) -> bool {
        self.head
            .contains(&format!("DynamoDB_20120810.{operation}"))
    }

    /// Of an answer, whether it says so.
    fn is_done(&self) -> bool {
        self.head.starts_with("HTTP/1.1 200")
    }

    fn throttled(&self, rng: &mut Rng) -> Self {
        let transaction = "Transaction cancelled, reasons [TransactionConflict]";
        let errors = [
            ("ThrottlingException", "Rate exceeded"),
            ("ProvisionedThroughputExceededException", "too fast"),
            ("RequestLimitExceeded", "too much"),
            ("TransactionCanceledException", transaction),
        ];
        let known = if self.is_of("Transact") { 4 } else { 3 };
        let (kind, message) = errors[rng.usize(0..known)];
        Self::error("400 Bad Request", kind, message)
    }

    /// Leaves half of a batch in the request, and returns the other half as the member of the
    /// answer that tells of it; what is no batch, or has one part only, is left alone.
    fn split_batch(&mut self) -> Option<(&'static str, Value)> {
        let (member, parts) = if self.is_of("BatchWriteItem") {
            ("UnprocessedItems", "")
        } else if self.is_of("BatchGetItem") {
            ("UnprocessedKeys", "/Keys")
        } else {
            return None;
        };
        let mut body: Value = serde_json::from_slice(&self.body).ok()?;
        let tables = body["RequestItems"].as_object_mut()?;
        let (table, asked) = tables.iter_mut().next()?;
        let mut rest = asked.clone();
        let kept = asked.pointer_mut(parts)?.as_array_mut()?;
        let left = rest.pointer_mut(parts)?.as_array_mut()?;
        let half = kept.len() / 2;
        if half == 0 {
            return None;
        }
        kept.truncate(half);
        left.drain(..half);
        let rest = json!({ table.as_str(): rest });
        self.body = body.to_string().into_bytes();
        Some((member, rest))
    }
}

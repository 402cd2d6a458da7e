//! Whether there is an order in which the operations of an item could have been done one after the
//! other, each between its request and its answer, that explains all answers: whether the item's
//! history is linearizable.

use std::sync::atomic::{AtomicU64, Ordering};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};

use crate::item::{Change, Condition, Content, Item, Operation, Write};

/// How often the SDK sends again what got no answer.
const REPEATS: usize = 2;

/// After all that happens.
const NEVER: u64 = u64::MAX;

/// The moment that it is, on a clock that shows each only once.
pub(crate) fn now() -> u64 {
    static NOW: AtomicU64 = AtomicU64::new(0);
    NOW.fetch_add(1, Ordering::SeqCst)
}

/// An operation of one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) called: u64,
    pub(crate) answered: u64,
    /// Whether it may be done again before it is answered: the SDK sends again what got no answer,
    /// and neither the client nor the item says that it is the same write.
    pub(crate) may_repeat: bool,
}

/// How a history can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explained {
    /// Each write is done once.
    Once,
    /// Some write of those that may repeat is done again, after another's.
    Repeated,
}

/// How the history of an item can be explained, if it can.
pub(crate) fn explain(calls: &[Call]) -> Option<Explained> {
    let calls = settled(calls);
    let may_repeat = calls.iter().any(|call| call.repeated.is_some());
    let most = if may_repeat { REPEATS } else { 0 };
    // That a write of unknown outcome was never done if nobody saw it is a good guess; that it was
    // done, and at any time, asks for a long search.
    let effective: Vec<_> = calls.iter().copied().filter(is_effective).collect();
    let guesses = (0..=most).map(|repeats| (&effective, repeats));
    let mut searches = guesses.chain([(&calls, most)]);
    let (_, repeats) = searches.find(|(calls, repeats)| is_linearizable(calls, *repeats))?;
    Some(if repeats == 0 {
        Explained::Once
    } else {
        Explained::Repeated
    })
}

/// The shortest beginning of a history that can't be explained, as a text.
pub(crate) fn unexplained(calls: &[Call]) -> String {
    let mut moments: Vec<_> = calls.iter().map(|call| call.answered).collect();
    moments.sort_unstable();
    let shortest = moments.partition_point(|&moment| explain(&until(calls, moment)).is_some());
    let moment = moments.get(shortest).copied().unwrap_or(NEVER);
    let lines = until(calls, moment).into_iter().map(|call| {
        let answered = match call.answered {
            NEVER => "…".to_owned(),
            answered => answered.to_string(),
        };
        format!("{} to {answered}: {:?}\n", call.called, call.operation)
    });
    lines.collect()
}

/// What clients knew at a moment.
fn until(calls: &[Call], moment: u64) -> Vec<Call> {
    let begun = calls.iter().filter(|call| call.called <= moment);
    let known = begun.filter_map(|&call| {
        if call.answered <= moment {
            return Some(call);
        }
        let operation = match call.operation {
            Operation::Read(_) | Operation::Refused(_) => return None,
            Operation::Done(write) | Operation::Patched(write, _) | Operation::Unknown(write) => {
                Operation::Unknown(write)
            }
        };
        Some(Call {
            operation,
            answered: NEVER,
            ..call
        })
    });
    known.collect()
}

/// An operation, of which is known all that others' answers show.
#[derive(Debug, Clone, Copy)]
struct Settled {
    operation: Operation,
    called: u64,
    /// It was done before.
    done: u64,
    /// It was not done again afterwards, if it may be done again at all.
    repeated: Option<u64>,
}

/// A history in which a write of unknown outcome has one if somebody saw what it wrote: it was done
/// before whoever saw it first was answered. All others may be done at any time, or never.
fn settled(calls: &[Call]) -> Vec<Settled> {
    let seen_at = |write: Write| {
        let shows = |call: &&Call| seen(call.operation).is_some_and(|seen| is_of(seen, write));
        let seers = calls.iter().filter(shows);
        seers.map(|call| call.answered).min()
    };
    let settle = |call: &Call| {
        let (operation, done, repeated) = match call.operation {
            Operation::Unknown(write) => match seen_at(write) {
                Some(answered) => (Operation::Done(write), answered, NEVER),
                None => (call.operation, NEVER, NEVER),
            },
            known => (known, call.answered, call.answered),
        };
        Settled {
            operation,
            called: call.called,
            done,
            repeated: call.may_repeat.then_some(repeated),
        }
    };
    calls.iter().map(settle).collect()
}

/// What an answer shows of the item.
fn seen(operation: Operation) -> Option<Content> {
    match operation {
        Operation::Read(state) => state,
        Operation::Patched(_, content) => Some(content),
        Operation::Done(_) | Operation::Refused(_) | Operation::Unknown(_) => None,
    }
}

/// Whether a document has in it what the write wrote.
fn is_of(content: Content, write: Write) -> bool {
    match write.change {
        Change::Put(written) => content.written == written,
        Change::Patch { number, .. } => content.patched == number,
        Change::Delete => false,
    }
}

fn is_effective(call: &Settled) -> bool {
    let deletes = |write: Write| write.change == Change::Delete;
    !matches!(call.operation, Operation::Unknown(write) if !deletes(write))
}

/// Whether it is, where each write that may repeat is done so many times more.
fn is_linearizable(calls: &[Settled], repeats: usize) -> bool {
    let mut actions = Vec::new();
    let mut process = 0;
    let mut add = |called, answered, operation| {
        actions.push((called, (process, Action::Call(operation))));
        actions.push((answered, (process, Action::Response(operation))));
        process += 1;
    };
    for call in calls {
        add(call.called, call.done, call.operation);
        if let (Some(repeated), Operation::Done(write) | Operation::Unknown(write)) =
            (call.repeated, call.operation)
        {
            for _ in 0..repeats {
                // Only if its condition holds; right after the first time it changes nothing.
                add(call.called, repeated, Operation::Unknown(write));
            }
        }
    }
    if actions.is_empty() {
        return true;
    }
    actions.sort_by_key(|(moment, _)| *moment);
    let actions = actions.into_iter().map(|(_, action)| action).collect();
    WGLChecker::<Item>::is_linearizable(History::from_actions(actions))
}

const fn write(condition: Condition, change: Change) -> Write {
    Write { condition, change }
}

const fn put(number: u64) -> Write {
    write(Condition::None, Change::Put(number))
}

const fn content(written: u64, patched: u64) -> Content {
    Content { written, patched }
}

const fn patch(number: u64) -> Write {
    let tested = None;
    write(Condition::None, Change::Patch { number, tested })
}

fn read(written: u64) -> Operation {
    Operation::Read(Some(content(written, 0)))
}

/// A history: what was asked for, when, and when it was answered.
fn history<const N: usize>(calls: [(Operation, u64, u64); N]) -> Vec<Call> {
    let call = |(operation, called, answered)| Call {
        operation,
        called,
        answered,
        may_repeat: false,
    };
    calls.map(call).to_vec()
}

#[test]
fn what_was_overwritten_is_not_read_again() {
    let calls = |found| {
        history([
            (Operation::Done(put(1)), 0, 1),
            (Operation::Done(put(2)), 2, 3),
            (read(found), 4, 5),
            (Operation::Refused(patch(3)), 6, 6),
        ])
    };
    // The last patch is refused, though there is an item.
    assert_eq!(explain(&calls(2)), None);
    assert_eq!(explain(&calls(2)[..3]), Some(Explained::Once));
    assert_eq!(explain(&calls(1)[..3]), None);
    assert_eq!(
        unexplained(&calls(1)).lines().last(),
        Some("4 to 5: Read(Some(Content { written: 1, patched: 0 }))")
    );
}

#[test]
fn a_write_is_seen_from_one_moment_on() {
    let calls = |first, second| {
        history([
            (Operation::Done(put(1)), 0, 1),
            (Operation::Done(put(2)), 2, 7),
            (read(first), 3, 4),
            (read(second), 5, 6),
        ])
    };
    for (first, second) in [(1, 1), (1, 2), (2, 2)] {
        assert_eq!(explain(&calls(first, second)), Some(Explained::Once));
    }
    assert_eq!(explain(&calls(2, 1)), None);
}

#[test]
fn a_write_of_unknown_outcome_is_done_once_at_any_time_or_never() {
    let calls = history([
        (Operation::Done(put(1)), 0, 1),
        (Operation::Unknown(put(2)), 2, 3),
        (read(1), 4, 5),
        (read(2), 6, 7),
        (read(1), 8, 9),
    ]);
    assert_eq!(explain(&calls[..3]), Some(Explained::Once));
    assert_eq!(explain(&calls[..4]), Some(Explained::Once));
    assert_eq!(explain(&calls), None);
}

#[test]
fn nobody_need_see_a_write_of_unknown_outcome() {
    let one_is = Condition::Is(content(1, 0));
    let deleted = write(Condition::None, Change::Delete);
    for (unknown, is_explained) in [
        (put(2), true),
        (deleted, true),
        (patch(2), true),
        (write(Condition::Absent, Change::Put(2)), false),
    ] {
        let calls = history([
            (Operation::Done(put(1)), 0, 1),
            (Operation::Unknown(unknown), 2, 3),
            (Operation::Refused(write(one_is, Change::Put(3))), 4, 5),
            (Operation::Done(put(4)), 6, 7),
            (read(4), 8, 9),
        ]);
        assert_eq!(explain(&calls).is_some(), is_explained, "{unknown:?}");
    }
}

#[test]
fn of_two_writes_of_the_same_tag_one_is_done() {
    let one_is = Condition::Is(content(1, 0));
    let put_if = |number| write(one_is, Change::Put(number));
    let calls = |second| {
        history([
            (Operation::Done(put(1)), 0, 1),
            (Operation::Done(put_if(2)), 2, 5),
            (second, 3, 4),
        ])
    };
    assert_eq!(explain(&calls(Operation::Done(put_if(3)))), None);
    let refused = calls(Operation::Refused(put_if(3)));
    assert_eq!(explain(&refused), Some(Explained::Once));
}

#[test]
fn no_patch_is_lost_and_none_is_done_twice() {
    let patched = |number| Operation::Patched(patch(number), content(1, number));
    let calls = |last| {
        history([
            (Operation::Done(put(1)), 0, 1),
            (patched(2), 2, 5),
            (patched(3), 3, 4),
            (Operation::Read(Some(content(1, last))), 6, 7),
        ])
    };
    assert_eq!(explain(&calls(2)), Some(Explained::Once));
    assert_eq!(explain(&calls(3)), Some(Explained::Once));
    assert_eq!(explain(&calls(0)), None);
    let both = [calls(2), calls(3)].map(|calls| calls[3]);
    let both = [&calls(2)[..], &both].concat();
    assert_eq!(explain(&both), None);
}

#[test]
fn what_may_repeat_is_done_again_until_it_is_answered() {
    let calls = |may_repeat, answered| {
        let mut calls = history([
            (Operation::Done(put(1)), 0, answered),
            (read(1), 1, 2),
            (Operation::Done(put(2)), 3, 4),
            (read(2), 5, 6),
            (read(1), 8, 9),
        ]);
        calls[0].may_repeat = may_repeat;
        calls
    };
    assert_eq!(explain(&calls(true, 7)), Some(Explained::Repeated));
    assert_eq!(explain(&calls(false, 7)), None);
    assert_eq!(explain(&calls(true, 3)), None);
    let mut unknown = calls(true, 3);
    unknown[0].operation = Operation::Unknown(put(1));
    assert_eq!(explain(&unknown), Some(Explained::Repeated));
}

/// Operations that are done one after the other, at a moment between call and answer.
#[test]
fn whatever_order_there_was_is_found() {
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let calls = done_in_order(&mut rng, 60);
        assert_eq!(explain(&calls), Some(Explained::Once), "seed {seed}");

        // What is put only later nobody can have seen.
        let mut calls = calls;
        let put_at = |call: &Call, number| matches!(call.operation, Operation::Done(write) if write.change == Change::Put(number));
        let later = |read: &Call| {
            (0..60).find(|&number| {
                let put = calls.iter().find(|call| put_at(call, number));
                put.is_some_and(|put| put.called > read.answered)
            })
        };
        let is_read = |call: &Call| matches!(call.operation, Operation::Read(_));
        let reads = calls.iter().position(is_read);
        if let Some((at, number)) = reads.and_then(|at| Some((at, later(&calls[at])?))) {
            calls[at].operation = read(number);
            assert_eq!(explain(&calls), None, "seed {seed}");
        }
    }
}

fn done_in_order(rng: &mut fastrand::Rng, count: u64) -> Vec<Call> {
    let mut state = None;
    let mut calls = Vec::new();
    for number in 1..count {
        let condition = match rng.u32(0..6) {
            0 => Condition::Absent,
            1 => Condition::Exists,
            2 => state.map_or(Condition::None, Condition::Is),
            _ => Condition::None,
        };
        let tested = None;
        let change = match rng.u32(0..5) {
            0 | 1 => Change::Put(number),
            2 => Change::Patch { number, tested },
            3 => Change::Delete,
            _ => {
                calls.push((number, Operation::Read(state)));
                continue;
            }
        };
        let write = write(condition, change);
        let is_unknown = rng.u32(0..10) == 0;
        let operation = match write.of(state) {
            _ if is_unknown && rng.bool() => Operation::Unknown(write),
            None if is_unknown => Operation::Unknown(write),
            None => Operation::Refused(write),
            Some(after) => {
                state = after;
                match (change, state) {
                    _ if is_unknown => Operation::Unknown(write),
                    (Change::Patch { .. }, Some(content)) => Operation::Patched(write, content),
                    _ => Operation::Done(write),
                }
            }
        };
        calls.push((number, operation));
    }
    let call = |(number, operation): (u64, Operation)| Call {
        operation,
        called: (100 * number).saturating_sub(rng.u64(0..400)),
        answered: 100 * number + rng.u64(1..400),
        may_repeat: false,
    };
    calls.into_iter().map(call).collect()
}

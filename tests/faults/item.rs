//! What an item is to the clients that share it: what each operation does to it, and what may be
//! answered, if one is done after the other.

use todc_utils::specifications::Specification;

/// A document of a shared item. No two writes make the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    /// The number of the write that put it there.
    pub(crate) written: u64,
    /// The number of the last patch, 0 if there was none since.
    pub(crate) patched: u64,
}

/// What is in the table: an item, or none.
pub(crate) type State = Option<Content>;

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: *`
    Exists,
    /// `If-Match`, with the tag of this document.
    Is(Content),
}

impl Condition {
    fn holds(self, state: State) -> bool {
        match self {
            Self::None => true,
            Self::Absent => state.is_none(),
            Self::Exists => state.is_some(),
            Self::Is(content) => state == Some(content),
        }
    }
}

/// What a write does where its condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Puts the document of this number.
    Put(u64),
    Delete,
    /// Patches the document that is there, if `written` has the value that is tested.
    Patch {
        number: u64,
        tested: Option<u64>,
    },
}

/// A write, as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) condition: Condition,
    pub(crate) change: Change,
}

impl Write {
    /// What is there afterwards, unless it is refused.
    pub(crate) fn of(self, state: State) -> Option<State> {
        if !self.condition.holds(state) {
            return None;
        }
        match self.change {
            Change::Put(written) => Some(Some(Content {
                written,
                patched: 0,
            })),
            Change::Delete => Some(None),
            Change::Patch { number, tested } => {
                let content = state?;
                let fits = tested.is_none_or(|written| written == content.written);
                fits.then_some(Some(Content {
                    patched: number,
                    ..content
                }))
            }
        }
    }
}

/// What a client asked for, and what it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A read has found this.
    Read(State),
    Done(Write),
    /// A patch is done, and this is the document now.
    Patched(Write, Content),
    Refused(Write),
    /// No answer says whether it was done.
    Unknown(Write),
}

/// An item that clients share, which is not there at the beginning.
pub(crate) struct Item;

impl Specification for Item {
    type State = State;
    type Operation = Operation;

    fn init() -> State {
        None
    }

    fn apply(operation: &Operation, &state: &State) -> (bool, State) {
        let done = |write: Write, is_valid: &dyn Fn(State) -> bool| match write.of(state) {
            Some(after) if is_valid(after) => (true, after),
            _ => (false, state),
        };
        match *operation {
            Operation::Read(found) => (found == state, state),
            Operation::Done(write) => done(write, &|_| true),
            Operation::Patched(write, content) => done(write, &|after| after == Some(content)),
            Operation::Refused(write) => (write.of(state).is_none(), state),
            Operation::Unknown(write) => (true, write.of(state).unwrap_or(state)),
        }
    }
}

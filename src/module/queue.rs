//! The queues of those who are told of changes: by these names a deployment makes them, and the function
//! that sends finds them.

use std::fmt::Display;

use crate::json::content_tag;
use crate::module::name::{ModuleName, ServiceName, Stage};

/// Whose the queue of a module's events is, wherever these are sent. A webhook's is that of its URL.
pub const EVENTS: &str = "events";

/// What the name of a queue whose messages are in order ends in.
const FIFO: &str = ".fifo";

/// How much of the service's, the stage's and the module's names has room before the tag: a queue's
/// name has 80 characters at the most.
const READABLE: usize = 50;

/// Tells queues apart, whatever is cut off their names: letters and digits, of whose it is too.
#[must_use]
pub fn tag(
    service: &ServiceName,
    stage: &Stage,
    module: &ModuleName,
    whose: &impl Display,
) -> String {
    let tag = content_tag::of(&format!("{service} {stage} {module} {whose}"));
    let tag = tag.chars().filter(char::is_ascii_alphanumeric);
    tag.take(10).collect()
}

/// The name of a queue.
#[must_use]
pub fn name(
    service: &ServiceName,
    stage: &Stage,
    module: &ModuleName,
    whose: &impl Display,
) -> String {
    let mut name = format!("{service}-{stage}-{module}");
    name.truncate(READABLE);
    let tag = tag(service, stage, module, whose);
    format!("{name}-{tag}{FIFO}")
}

/// The name of the queue of what could not be sent.
#[must_use]
pub fn dead_letters(queue: &str) -> String {
    let name = queue.strip_suffix(FIFO).unwrap_or(queue);
    format!("{name}-dead{FIFO}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_enough_and_of_one_queue_each() {
        let long = "a".repeat(100);
        let service = "s".repeat(50).parse().expect("valid");
        let stage = "prod".parse().expect("valid");
        let queue = |module: &str, whose: &str| {
            let module = module.parse().expect("valid");
            name(&service, &stage, &module, &whose)
        };
        let one = queue(&long, "https://a.example.com/");
        let dead = dead_letters(&one);
        assert!(dead.len() <= 80 && dead.ends_with("-dead.fifo"), "{dead}");
        let others = [
            queue(&long[1..], "https://a.example.com/"),
            queue(&long, "https://b.example.com/"),
            queue(&long, EVENTS),
        ];
        assert!(!others.contains(&one), "{one} {others:?}");
        let is_possible = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(one.chars().all(is_possible), "{one}");
    }
}

//! Events: where in AWS a module's changes are sent.

use std::fmt;
use std::str::FromStr;

use crate::module::arn::{self, Arn, InvalidArn};

/// Where a module's changes are sent: the `events` of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A bus of `EventBridge`.
    Bus(Bus),
    /// A queue of SQS.
    Queue(Queue),
    /// A topic of SNS.
    Topic(Topic),
}

impl Default for Destination {
    fn default() -> Self {
        Self::Bus(Bus::Own(Bus::DEFAULT.to_owned()))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(bus) => write!(f, "the bus `{bus}`"),
            Self::Queue(Queue(arn)) => write!(f, "the queue `{arn}`"),
            Self::Topic(Topic(arn)) => write!(f, "the topic `{arn}`"),
        }
    }
}

/// A bus of `EventBridge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// One of the function's own account and region, by its name.
    Own(String),
    /// One of any account.
    Of(Arn),
}

/// A queue of SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue(Arn);

/// A topic of SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic(Arn);

/// Why a text names no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// Not an ARN.
    #[error("{invalid}, as in {example}")]
    Arn {
        /// Why.
        invalid: InvalidArn,
        /// One that is valid.
        example: &'static str,
    },
    /// The ARN of something else.
    #[error("it is an ARN of `{found}`, and one of `{expected}` is needed, as in {example}")]
    Service {
        /// Whose it is.
        found: String,
        /// Whose it is to be.
        expected: &'static str,
        /// One that is valid.
        example: &'static str,
    },
    /// Nothing of the service has such a name.
    #[error(
        "the name must be 1 to {longest} letters, digits, {others}; an ARN is written as in {example}"
    )]
    Name {
        /// How many characters it can have.
        longest: usize,
        /// What else can be in it.
        others: &'static str,
        /// An ARN that is valid.
        example: &'static str,
    },
}

/// What the names of queues and topics end in that keep an order.
const FIFO: &str = ".fifo";

impl Arn {
    /// Whether a queue or a topic keeps the order of messages.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.resource().ends_with(FIFO)
    }
}

/// A kind of destinations.
struct Kind {
    /// As ARNs call the service.
    service: &'static str,
    /// What stands before the name in an ARN.
    before: &'static str,
    longest: usize,
    /// What else than letters and digits is in names.
    others: &'static str,
    others_in_words: &'static str,
    /// What names can end in beside these.
    ending: &'static str,
    example: &'static str,
}

const BUS: Kind = Kind {
    service: "events",
    before: "event-bus/",
    longest: 256,
    others: "/.-_",
    others_in_words: "`/`, `.`, `-` and `_`",
    ending: "",
    example: "arn:aws:events:us-east-1:123456789012:event-bus/erp",
};

const QUEUE: Kind = Kind {
    service: "sqs",
    before: "",
    longest: 80,
    others: "-_",
    others_in_words: "`-` and `_`, and perhaps end in `.fifo`",
    ending: FIFO,
    example: "arn:aws:sqs:us-east-1:123456789012:erp",
};

const TOPIC: Kind = Kind {
    service: "sns",
    longest: 256,
    example: "arn:aws:sns:us-east-1:123456789012:erp",
    ..QUEUE
};

impl Kind {
    /// The ARN of such a destination.
    fn arn(&self, text: &str) -> Result<Arn, InvalidDestination> {
        let Self {
            service, example, ..
        } = *self;
        let invalid = |invalid| InvalidDestination::Arn { invalid, example };
        let arn: Arn = text.parse().map_err(invalid)?;
        if arn.service() != service {
            return Err(InvalidDestination::Service {
                found: arn.service().to_owned(),
                expected: service,
                example,
            });
        }
        let name = arn.resource().strip_prefix(self.before);
        self.check(name.unwrap_or_default())?;
        Ok(arn)
    }

    /// Makes sure that such a destination can have this name.
    fn check(&self, name: &str) -> Result<(), InvalidDestination> {
        let is_possible = |c: char| c.is_ascii_alphanumeric() || self.others.contains(c);
        let plain = name.strip_suffix(self.ending).unwrap_or(name);
        let is_valid = !plain.is_empty()
            && (..=self.longest).contains(&name.len())
            && plain.chars().all(is_possible);
        is_valid.then_some(()).ok_or(InvalidDestination::Name {
            longest: self.longest,
            others: self.others_in_words,
            example: self.example,
        })
    }
}

impl Bus {
    /// The bus that each account has in each region.
    pub const DEFAULT: &str = "default";
}

impl FromStr for Bus {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(arn::PREFIX) {
            return BUS.arn(text).map(Self::Of);
        }
        BUS.check(text)?;
        Ok(Self::Own(text.to_owned()))
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(name) => f.write_str(name),
            Self::Of(arn) => arn.fmt(f),
        }
    }
}

impl Queue {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.0
    }
}

impl FromStr for Queue {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        QUEUE.arn(text).map(Self)
    }
}

impl Topic {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TOPIC.arn(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_named_or_has_an_arn() {
        let is_valid = |text: &str| text.parse::<Bus>().is_ok();
        for text in [
            "default",
            "hotel.prod/erp_1-a",
            &"a".repeat(256),
            "arn:aws:events:us-east-1:123456789012:event-bus/erp",
        ] {
            assert!(is_valid(text), "{text}");
        }
        for text in [
            "",
            "a b",
            "é",
            &"a".repeat(257),
            "arn:aws:events:us-east-1:123456789012:event-bus/",
            "arn:aws:events:us-east-1:123456789012:rule/erp",
            "arn:aws:sqs:us-east-1:123456789012:erp",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }

    #[test]
    fn queues_and_topics_have_arns_and_some_keep_an_order() {
        let queue = |name: &str| {
            let arn = format!("arn:aws:sqs:us-east-1:123456789012:{name}");
            arn.parse::<Queue>().map(|queue| queue.arn().is_fifo())
        };
        assert_eq!(queue("erp"), Ok(false));
        assert_eq!(queue("erp.fifo"), Ok(true));
        let longest = format!("{}.fifo", "a".repeat(75));
        assert_eq!(queue(&longest), Ok(true));
        for name in [".fifo", "a.b", "a/b", &format!("a{longest}")] {
            assert!(queue(name).is_err(), "{name}");
        }
        let topic = |text: &str| text.parse::<Topic>().map(|topic| topic.arn().is_fifo());
        assert_eq!(topic("arn:aws:sns:us-east-1:123456789012:a.fifo"), Ok(true));
        for text in [
            "erp",
            "arn:aws:sqs:us-east-1:123456789012:erp",
            "arn:aws:sns:us-east-1:123456789012:erp:11111111-2222-3333-4444-555555555555",
        ] {
            assert!(topic(text).is_err(), "{text}");
        }
    }
}

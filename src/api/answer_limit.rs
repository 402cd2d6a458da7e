//! How long an answer can be, counted as Lambda and the services before it count: in bytes of the
//! JSON that a function returns for an event, in which the body is a string.

use std::fmt;

use crate::json::escape;

/// What of the JSON is not the body: the status and the headers, which a load balancer's answer has
/// twice.
const HEAD_BYTES: usize = 16_384;

/// What takes an answer, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLimit {
    /// Lambda: [6 MB](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    Lambda,
    /// An application load balancer:
    /// [1 MB](https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html).
    LoadBalancer,
}

impl AnswerLimit {
    /// How many bytes the body can have, as a JSON string.
    #[must_use]
    pub const fn body_bytes(self) -> usize {
        let bytes = match self {
            Self::Lambda => 6 * 1_024 * 1_024,
            // AWS does not say of which megabyte it speaks.
            Self::LoadBalancer => 1_000_000,
        };
        bytes - HEAD_BYTES
    }

    /// Whether a body of `length` bytes is within the limit, whatever is in it.
    pub(crate) fn surely_has_room(self, length: u64) -> bool {
        surely_fits(length, self.body_bytes())
    }
}

impl fmt::Display for AnswerLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self {
            Self::Lambda => "Lambda",
            Self::LoadBalancer => "a load balancer",
        };
        write!(f, "{who} takes {}", self.body_bytes())
    }
}

/// How much of a limit a growing body has used. A body is counted once it could be over the limit,
/// and each of its bytes once.
#[derive(Debug)]
pub(crate) struct Room {
    limit: usize,
    counted: usize,
    escapes: usize,
}

impl Room {
    /// Leaves `reserve` bytes for what is not put to the test.
    pub(crate) fn of(limit: AnswerLimit, reserve: usize) -> Self {
        Self {
            limit: limit.body_bytes() - reserve,
            counted: 0,
            escapes: 0,
        }
    }

    /// Whether `body`, which has only grown since the last time, is within the limit.
    pub(crate) fn has(&mut self, body: &[u8]) -> bool {
        if surely_fits(body.len() as u64, self.limit) {
            return true;
        }
        self.escapes += escape::gain(&body[self.counted..]);
        self.counted = body.len();
        body.len() + self.escapes <= self.limit
    }

    /// Whether `more` would be within it after `body`.
    pub(crate) fn has_for(&mut self, body: &[u8], more: &[u8]) -> bool {
        if surely_fits((body.len() + more.len()) as u64, self.limit) {
            return true;
        }
        self.has(body) && body.len() + self.escapes + json_len(more) <= self.limit
    }
}

/// JSON, and the text of pages, has no character whose escape is longer than two bytes.
fn surely_fits(length: u64, limit: usize) -> bool {
    length.saturating_mul(2) <= limit as u64
}

/// How many bytes a text has as a JSON string, without the quotes.
pub(crate) fn json_len(text: &[u8]) -> usize {
    text.len() + escape::gain(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_counted_as_a_json_string() {
        for text in ["", "plain", "{\"a\":\"\\\"\"}", "a\nb\tc\r", "é🎸"] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(json_len(text.as_bytes()), json.len() - 2);
        }
    }

    #[test]
    fn a_growing_body_is_counted_as_a_whole() {
        let limit = AnswerLimit::LoadBalancer.body_bytes() - 100;
        let mut room = Room::of(AnswerLimit::LoadBalancer, 100);
        let mut body = Vec::new();
        while room.has(&body) {
            body.extend_from_slice(b"a\"b");
        }
        assert_eq!(json_len(&body), limit + 4 - limit % 4);
    }
}

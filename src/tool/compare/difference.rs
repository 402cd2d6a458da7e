//! Where two answers differ: in their status, or at which places of their bodies.

use std::fmt;

use jsonptr::PointerBuf;

use super::service::Answer;
use crate::json::tree::{Members, Node};

/// How many differences of one pair of answers are found.
const MOST: usize = 5;

/// How many characters of a value are shown, and how many of them before the first one that differs.
const SHOWN: usize = 72;
const BEFORE: usize = 24;

/// Where a string is a document's text. What it says counts there, and not how it is written: white
/// space between values is no part of a document.
const TEXTS: [&str; 3] = ["/GET/data", "/PUT/item/data/S", "/PATCH/item/data/S"];

/// The error of the contract. Members besides its `message` are each service's own.
const ERROR: &str = "/ERROR";
const MESSAGE: &str = "message";

/// One place at which two answers differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// A JSON pointer into the bodies, or a part of the answers.
    place: String,
    /// Nothing where only the other one has a value there.
    old: Option<String>,
    new: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (old, new) = (shown(&self.old), shown(&self.new));
        write!(f, "{}: old {old}, new {new}", self.place)
    }
}

/// The first differences between two answers; none if they are equal.
pub(super) fn between(old: &Answer, new: &Answer) -> Vec<Difference> {
    if old == new {
        return Vec::new();
    }
    if old.status != new.status {
        let shown = |answer: &Answer| {
            let (body, _) = excerpts(&answer.body, &answer.body);
            Some(format!("{} {body}", answer.status))
        };
        return vec![Difference {
            place: "status".to_owned(),
            old: shown(old),
            new: shown(new),
        }];
    }
    let mut search = Search {
        at: PointerBuf::new(),
        found: Vec::new(),
    };
    match (Node::parse(&old.body), Node::parse(&new.body)) {
        (Ok(old), Ok(new)) => search.compare(&old, &new),
        // One of them is not JSON, or nothing that can be taken apart.
        _ if old.body != new.body => search.differs(Some(&old.body), Some(&new.body)),
        _ => {}
    }
    search.found
}

struct Search {
    at: PointerBuf,
    found: Vec<Difference>,
}

impl Search {
    fn compare(&mut self, old: &Node<'_>, new: &Node<'_>) {
        if self.found.len() == MOST {
            return;
        }
        match (old, new) {
            (Node::Object(old), Node::Object(new)) => self.compare_members(old, new),
            (Node::Array(old), Node::Array(new)) => {
                for at in 0..old.len().max(new.len()) {
                    self.compare_at(&at.to_string(), old.get(at), new.get(at));
                }
            }
            (old, new) if old.equals(new) => {}
            (&Node::Scalar(old), &Node::Scalar(new)) if TEXTS.contains(&self.at.as_str()) => {
                self.compare_texts(old, new);
            }
            (old, new) => self.differs(Some(&text_of(old)), Some(&text_of(new))),
        }
    }

    fn compare_members(&mut self, old: &Members<'_>, new: &Members<'_>) {
        if self.at.as_str() == ERROR && (old.get(MESSAGE).is_some() || new.get(MESSAGE).is_some()) {
            return self.compare_at(MESSAGE, old.get(MESSAGE), new.get(MESSAGE));
        }
        for (name, value) in old.iter() {
            self.compare_at(name.as_str(), Some(value), new.get(name.as_str()));
        }
        for (name, value) in new.iter() {
            if old.get(name.as_str()).is_none() {
                self.compare_at(name.as_str(), None, Some(value));
            }
        }
    }

    /// Compares what is under `token` in both.
    fn compare_at(&mut self, token: &str, old: Option<&Node<'_>>, new: Option<&Node<'_>>) {
        self.at.push_back(token);
        match (old, new) {
            (Some(old), Some(new)) => self.compare(old, new),
            (old, new) => {
                let (old, new) = (old.map(text_of), new.map(text_of));
                self.differs(old.as_deref(), new.as_deref());
            }
        }
        self.at.pop_back();
    }

    /// Compares what two strings say as JSON, if both do.
    fn compare_texts(&mut self, old: &str, new: &str) {
        let inner = |json: &str| serde_json::from_str::<String>(json);
        if let (Ok(old), Ok(new)) = (inner(old), inner(new))
            && let (Ok(old), Ok(new)) = (Node::parse(&old), Node::parse(&new))
        {
            self.compare(&old, &new);
        } else {
            self.differs(Some(old), Some(new));
        }
    }

    fn differs(&mut self, old: Option<&str>, new: Option<&str>) {
        if self.found.len() == MOST {
            return;
        }
        let place = match self.at.as_str() {
            "" => "body".to_owned(),
            pointer => pointer.to_owned(),
        };
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => {
                let (old, new) = excerpts(old, new);
                (Some(old), Some(new))
            }
            (old, new) => {
                let whole = |text: &str| excerpts(text, text).0;
                (old.map(whole), new.map(whole))
            }
        };
        self.found.push(Difference { place, old, new });
    }
}

fn text_of(node: &Node<'_>) -> String {
    let mut json = String::new();
    node.write(&mut json);
    json
}

/// Two texts, each cut to what surrounds the first character in which they differ.
fn excerpts(old: &str, new: &str) -> (String, String) {
    let same = old.chars().zip(new.chars());
    let same = same.take_while(|(old, new)| old == new).count();
    let is_long = old.chars().count().max(new.chars().count()) > SHOWN;
    let skipped = if is_long && old != new {
        same.saturating_sub(BEFORE)
    } else {
        0
    };
    let excerpt = |text: &str| {
        let mut rest = text.chars().skip(skipped);
        let shown: String = rest.by_ref().take(SHOWN).map(on_one_line).collect();
        let before = if skipped > 0 { "…" } else { "" };
        let after = if rest.next().is_some() { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (excerpt(old), excerpt(new))
}

/// A character as it can be printed: an answer must not move the terminal's cursor.
fn on_one_line(character: char) -> String {
    if character.is_control() {
        character.escape_default().to_string()
    } else {
        character.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let body = body.to_owned();
        Answer { status, body }
    }

    fn found(old: &str, new: &str) -> Vec<String> {
        let found = between(&answer(200, old), &answer(200, new));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn order_white_space_and_spelling_are_no_differences() {
        for (old, new) in [
            (r#"{"a":1,"b":[2]}"#, r#"{ "b": [2.0], "a": 1e0 }"#),
            (r#""\u00e9""#, "\"é\""),
            (
                r#"{"GET":{"id":"x","data":"{\"a\": 1, \"b\": \"\\u00e9\"}"}}"#,
                r#"{"GET":{"id":"x","data":"{\"b\":\"é\",\"a\":1.0}"}}"#,
            ),
            (
                r#"{"PUT":{"id":"x","item":{"data":{"S":"[1, 2]"}}}}"#,
                r#"{"PUT":{"id":"x","item":{"data":{"S":"[1,2]"}}}}"#,
            ),
            (
                r#"{"ERROR":{"message":"Resource does not exist"}}"#,
                r#"{"ERROR":{"message":"Resource does not exist","requestId":"1"}}"#,
            ),
            ("not JSON", "not JSON"),
        ] {
            assert_eq!(found(old, new), Vec::<String>::new(), "{old} {new}");
        }
    }

    #[test]
    fn each_difference_has_its_place() {
        assert_eq!(
            found(
                r#"{"a":{"b/c":[1,"x"]},"d":1}"#,
                r#"{"a":{"b/c":[2]},"e":null}"#
            ),
            [
                "/a/b~1c/0: old 1, new 2",
                "/a/b~1c/1: old \"x\", new nothing",
                "/d: old 1, new nothing",
                "/e: old nothing, new null",
            ]
        );
        assert_eq!(
            found(
                r#"{"GET":{"id":"x","data":"{\"chairs\": 90}"}}"#,
                r#"{"GET":{"id":"x","data":"{\"chairs\":91}"}}"#,
            ),
            ["/GET/data/chairs: old 90, new 91"]
        );
        // A string that is no document's text is what it is.
        assert_eq!(
            found(r#"["1.0"]"#, r#"["1"]"#),
            ["/0: old \"1.0\", new \"1\""]
        );
        assert_eq!(found("<html>\n", "{}"), ["body: old <html>\\n, new {}"]);
        assert_eq!(
            found(
                r#"{"ERROR":{"message":"a"}}"#,
                r#"{"ERROR":{"message":"b"}}"#
            ),
            ["/ERROR/message: old \"a\", new \"b\""]
        );
        let many = |value: u32| serde_json::to_string(&vec![value; 9]).expect("JSON");
        assert_eq!(found(&many(1), &many(2)).len(), MOST);
    }

    #[test]
    fn another_status_is_shown_with_the_body() {
        let found = between(&answer(200, "{}"), &answer(404, "gone"));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["status: old 200 {}, new 404 gone"]);
    }

    #[test]
    fn of_long_values_the_part_is_shown_that_differs() {
        let long = |end: &str| format!("{}{end}", "x".repeat(100));
        let (old, new) = excerpts(&long("old"), &long("new"));
        assert_eq!(old, format!("…{}old", "x".repeat(BEFORE)));
        assert_eq!(new, format!("…{}new", "x".repeat(BEFORE)));
        let (old, _) = excerpts(&long(""), &long(""));
        assert_eq!(old, format!("{}…", "x".repeat(SHOWN)));
    }
}

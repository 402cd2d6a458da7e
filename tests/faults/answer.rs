//! Whether an answer is one of the contract's, and what it says of the request.

use serde_json::{Value, json};

use crate::app::{Answer, document_of};

/// A module of the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) envelope: Envelope,
    /// Whether its items are in one partition of a table with a sort key.
    pub(crate) is_sorted: bool,
    /// Whether it remembers what was sent with an idempotency key.
    pub(crate) remembers: bool,
    /// The API keys of its tenants, if it has any.
    pub(crate) tenants: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Envelope {
    Verb,
    Plain,
}

/// The attribute with an item's id, which is the sort key where there is one.
pub(crate) const KEY: &str = "id";

/// The partition of items that have a sort key.
const PARTITION: &str = "all";

/// What no answer may have in it.
const SECRETS: [&str; 8] = [
    "-local",
    "arn:",
    "amazonaws",
    "Exception",
    "RequestItems",
    "127.0.0.1",
    "dispatch",
    "cancelled",
];

/// What a request has come to, as far as its client can know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It is done. What GET, LIST and a batch answer is told.
    Done(Value),
    /// It is not done, for a reason of the client's.
    Refused(u16),
    /// It may or may not have been done.
    Unknown,
}

impl Outcome {
    fn of_failure(status: u16) -> Self {
        if status >= 500 {
            Self::Unknown
        } else {
            Self::Refused(status)
        }
    }
}

impl Module {
    /// The path that lists its items, and where items are created.
    pub(crate) fn collection(&self) -> String {
        if self.is_sorted {
            format!("/{}/{PARTITION}", self.name)
        } else {
            format!("/{}", self.name)
        }
    }

    pub(crate) fn path(&self, id: &str) -> String {
        format!("{}/{id}", self.collection())
    }

    /// An id as batches have it.
    pub(crate) fn id(&self, id: &str) -> Value {
        if self.is_sorted {
            json!([PARTITION, id])
        } else {
            json!(id)
        }
    }

    /// Reads the answer of `method` (LIST, CREATE and BATCH among them); one that is not the
    /// contract's ends the test.
    pub(crate) fn read(&self, method: &str, answer: &Answer) -> Outcome {
        let status = answer.status.as_u16();
        let shown = format!("{method} of {}: {status} {}", self.name, answer.body);
        for secret in SECRETS {
            assert!(!answer.body.contains(secret), "`{secret}` in {shown}");
        }
        assert!(!answer.header("x-request-id").is_empty(), "{shown}");
        if status == 204 {
            assert_eq!(
                (method, self.envelope),
                ("DELETE", Envelope::Plain),
                "{shown}"
            );
            assert_eq!(answer.body, "", "{shown}");
            return Outcome::Done(Value::Null);
        }
        let body = document_of(&answer.body);
        if !answer.status.is_success() {
            let media_type = match self.envelope {
                Envelope::Verb => "application/json",
                Envelope::Plain => "application/problem+json",
            };
            assert_eq!(answer.header("content-type"), media_type, "{shown}");
            let retry_after = if status == 503 { "1" } else { "" };
            assert_eq!(answer.header("retry-after"), retry_after, "{shown}");
            let refusal = match self.envelope {
                Envelope::Verb => &body["ERROR"],
                Envelope::Plain => &body,
            };
            self.check_refusal(method, status, refusal, &shown);
            return Outcome::of_failure(status);
        }
        assert_eq!(answer.header("content-type"), "application/json", "{shown}");
        let expected: &[u16] = match (method, self.envelope) {
            ("CREATE", _) => &[201],
            ("POST" | "PUT", Envelope::Plain) => &[200, 201],
            ("DELETE", Envelope::Plain) => &[204],
            _ => &[200],
        };
        assert!(expected.contains(&status), "{shown}");
        let has_tag = !matches!(method, "LIST" | "BATCH" | "DELETE");
        assert_eq!(!answer.header("etag").is_empty(), has_tag, "{shown}");
        Outcome::Done(self.content(method, body, &shown))
    }

    fn check_refusal(&self, method: &str, status: u16, refusal: &Value, shown: &str) {
        let valid: &[u16] = match method {
            "GET" => &[404],
            "POST" | "PUT" | "DELETE" => &[412],
            "PATCH" => &[404, 409, 412],
            _ => &[],
        };
        assert!(
            valid.contains(&status) || [500, 503, 504].contains(&status),
            "{shown}"
        );
        let members = refusal.as_object().map_or(0, serde_json::Map::len);
        let message = match self.envelope {
            Envelope::Verb => {
                assert_eq!(members, 1, "{shown}");
                &refusal["message"]
            }
            Envelope::Plain => {
                assert_eq!(members, 4, "{shown}");
                assert_eq!(refusal["type"], "about:blank", "{shown}");
                assert_eq!(refusal["status"], status, "{shown}");
                assert!(refusal["title"].is_string(), "{shown}");
                &refusal["detail"]
            }
        };
        let sentence = match status {
            404 => "Resource does not exist",
            409 => "Please provide a patch that fits the document: ",
            412 => "Precondition failed",
            500 => "Internal error",
            _ => "Try again later",
        };
        let message = message.as_str().unwrap_or_default();
        assert!(message.starts_with(sentence), "{shown}");
        assert!(status == 409 || message == sentence, "{shown}");
    }

    /// What the answer tells beside its envelope: of LIST and of a batch the array.
    fn content(&self, method: &str, mut body: Value, shown: &str) -> Value {
        let verb = match method {
            "CREATE" => "POST",
            verb => verb,
        };
        if self.envelope == Envelope::Verb {
            let members = body.as_object().map_or(0, serde_json::Map::len);
            assert_eq!(members, 1, "{shown}");
            body = body[verb].take();
            assert!(body.is_object(), "{shown}");
        }
        match method {
            "LIST" => {
                assert!(body["items"].is_array(), "{shown}");
                body
            }
            "BATCH" => {
                assert!(body["results"].is_array(), "{shown}");
                body["results"].take()
            }
            "CREATE" if self.envelope == Envelope::Verb => body[KEY].take(),
            "GET" if self.envelope == Envelope::Verb => {
                document_of(body["data"].as_str().unwrap_or_else(|| panic!("{shown}")))
            }
            _ => body,
        }
    }

    /// The id and the document of one item of a list.
    pub(crate) fn listed(&self, item: &Value) -> (String, Value) {
        let (id, document) = match self.envelope {
            Envelope::Verb => (&item[KEY], document_of(item["data"].as_str().unwrap())),
            Envelope::Plain if self.is_sorted => (&item["id"][1], item["item"].clone()),
            Envelope::Plain => (&item["id"], item["item"].clone()),
        };
        (id.as_str().unwrap().to_owned(), document)
    }

    /// What one operation of a batch has come to.
    pub(crate) fn result(&self, op: &str, result: &Value) -> Outcome {
        let shown = format!("{op} in a batch of {}: {result}", self.name);
        let status = result["status"]
            .as_u64()
            .and_then(|it| u16::try_from(it).ok());
        let status = status.unwrap_or_else(|| panic!("{shown}"));
        match (op, status, self.envelope) {
            ("get", 200, Envelope::Verb) => {
                Outcome::Done(document_of(result["GET"]["data"].as_str().unwrap()))
            }
            ("get", 200, Envelope::Plain) => Outcome::Done(result["item"].clone()),
            ("put" | "delete", 200, Envelope::Verb) => {
                assert!(result[op.to_uppercase()][KEY].is_string(), "{shown}");
                Outcome::Done(Value::Null)
            }
            ("put" | "delete", 204, Envelope::Plain) => Outcome::Done(Value::Null),
            (_, 400.., envelope) => {
                let member = match envelope {
                    Envelope::Verb => "ERROR",
                    Envelope::Plain => "problem",
                };
                let of = if op == "get" { "GET" } else { "BATCH" };
                self.check_refusal(of, status, &result[member], &shown);
                Outcome::of_failure(status)
            }
            _ => panic!("{shown}"),
        }
    }
}

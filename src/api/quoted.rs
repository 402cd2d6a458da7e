//! A body with a stored text in it as a string of JSON, which is written once it is known for whom.
//!
//! A client gets that string. Lambda takes the whole body as a string, in which it is escaped once
//! more: to write both at once takes half the time, and no copy in between.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::json::escape;

/// JSON that has a string in it.
#[derive(Debug)]
pub(crate) struct Quoted {
    /// What comes before the string, the opening quote included.
    pub(crate) before: Vec<u8>,
    /// What the string says.
    pub(crate) text: String,
    /// The closing quote, and what comes after it.
    pub(crate) after: &'static str,
}

/// Leads from an answer to what its body is made of, as long as it still has that body.
#[derive(Debug, Clone)]
struct Unwritten(Weak<Quoted>);

impl Quoted {
    /// An answer that has it for its body.
    pub(crate) fn into_answer(self) -> Response {
        let length = self.before.len() + self.text.len() + self.after.len();
        let length = length + escape::gain(self.text.as_bytes());
        let quoted = Arc::new(self);
        let unwritten = Unwritten(Arc::downgrade(&quoted));
        let mut answer = Response::new(Body::new(QuotedBody {
            rest: Some(quoted),
            length: length as u64,
        }));
        answer.extensions_mut().insert(unwritten);
        answer
    }

    /// That of an answer whose body nobody has replaced or read.
    #[cfg(feature = "lambda")]
    pub(crate) fn of(answer: &Response) -> Option<Arc<Self>> {
        let Unwritten(quoted) = answer.extensions().get()?;
        quoted.upgrade()
    }

    /// The JSON.
    fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.room());
        json.extend_from_slice(&self.before);
        escape::once(&self.text, &mut json);
        json.extend_from_slice(self.after.as_bytes());
        json
    }

    /// Appends the string that says the JSON, without the quotes.
    #[cfg(feature = "lambda")]
    pub(crate) fn write_string(&self, json: &mut Vec<u8>) {
        json.reserve(self.room());
        escape::once_bytes(&self.before, json);
        escape::twice(&self.text, json);
        escape::once(self.after, json);
    }

    /// How many bytes it takes, about.
    fn room(&self) -> usize {
        self.before.len() + self.text.len() * 3 / 2 + 64
    }
}

/// The body, in one frame.
struct QuotedBody {
    rest: Option<Arc<Quoted>>,
    length: u64,
}

impl HttpBody for QuotedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let whole = self.rest.take();
        Poll::Ready(whole.map(|quoted| Ok(Frame::data(quoted.to_json().into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.rest.is_some() { self.length } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> Quoted {
        Quoted {
            before: br#"{"GET":{"id":"a\"b","data":""#.to_vec(),
            text: text.to_owned(),
            after: "\"}}",
        }
    }

    async fn body_of(answer: Response) -> Bytes {
        let hint = answer.body().size_hint().exact();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(hint, Some(body.len() as u64));
        body
    }

    #[tokio::test]
    async fn a_client_gets_json() {
        let answer = quoted("{\"a\":\"é\\n\u{1}\"}").into_answer();
        assert_eq!(
            body_of(answer).await,
            r#"{"GET":{"id":"a\"b","data":"{\"a\":\"é\\n\u0001\"}"}}"#
        );
    }

    #[cfg(feature = "lambda")]
    #[tokio::test]
    async fn a_body_that_is_read_or_replaced_is_no_longer_told() {
        let answer = quoted("1").into_answer();
        assert!(Quoted::of(&answer).is_some());
        let replaced = answer.map(|_| Body::from("other"));
        assert!(Quoted::of(&replaced).is_none());

        let (parts, body) = quoted("1").into_answer().into_parts();
        let read = body.collect().await.unwrap().to_bytes();
        let answer = Response::from_parts(parts, Body::from(read));
        assert!(Quoted::of(&answer).is_none());
    }

    #[cfg(feature = "lambda")]
    proptest! {
        #[test]
        fn lambda_gets_a_string_that_says_the_json(text in "(.|[\"\\\\\n\u{1}]){0,200}") {
            let quoted = quoted(&text);
            let mut string = b"\"".to_vec();
            quoted.write_string(&mut string);
            string.push(b'"');
            let said: String = serde_json::from_slice(&string).unwrap();
            prop_assert_eq!(said.as_bytes(), quoted.to_json());
            let string = String::from_utf8(string).unwrap();
            prop_assert_eq!(string, serde_json::to_string(&said).unwrap());
        }
    }
}

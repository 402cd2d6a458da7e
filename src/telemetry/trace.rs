//! The trace that a request is a part of, as its caller names it.

use std::fmt;

use axum::http::{HeaderMap, HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What a caller says of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The caller's own part of it; X-Ray need not say it.
    pub parent: Option<u64>,
    /// Whether the caller records it.
    pub is_sampled: bool,
}

/// A trace's id, of which W3C and X-Ray have the same 16 bytes in two spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl TraceContext {
    /// W3C's `traceparent` before all, then what Lambda says, then X-Ray's header.
    #[must_use]
    pub fn of(headers: &HeaderMap, of_lambda: Option<Self>) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        text(TRACEPARENT)
            .and_then(Self::of_traceparent)
            .or(of_lambda)
            .or_else(|| text(X_AMZN_TRACE_ID).and_then(Self::of_xray))
    }

    /// Reads a [`traceparent`](https://www.w3.org/TR/trace-context/#traceparent-header).
    fn of_traceparent(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let mut parts = rest.splitn(4, '-');
        let [trace_id, parent, flags] = [parts.next()?, parts.next()?, parts.next()?];
        let version = hex(version, 2)?;
        // A later version may have more parts, version 0 has none.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        Some(Self {
            trace_id: TraceId(hex(trace_id, 32).filter(|&id| id != 0)?),
            parent: Some(id_of_part(parent)?),
            is_sampled: hex(flags, 2)? & 1 == 1,
        })
    }

    /// Reads an `X-Amzn-Trace-Id`, or what Lambda has in its place.
    #[must_use]
    pub fn of_xray(text: &str) -> Option<Self> {
        let (mut root, mut parent, mut is_sampled) = (None, None, false);
        for field in text.split(';') {
            match field.trim().split_once('=') {
                Some(("Root", id)) => root = Some(id),
                Some(("Parent", id)) => parent = id_of_part(id),
                Some(("Sampled", flag)) => is_sampled = flag == "1",
                _ => {}
            }
        }
        let (time, random) = root?.strip_prefix("1-")?.split_once('-')?;
        Some(Self {
            trace_id: TraceId(hex(time, 8)? << 96 | hex(random, 24)?),
            parent,
            is_sampled,
        })
    }
}

fn id_of_part(text: &str) -> Option<u64> {
    let id = u64::try_from(hex(text, 16)?).ok()?;
    (id != 0).then_some(id)
}

/// So many hexadecimal digits, in small letters.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

    #[test]
    fn a_traceparent_is_read() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let expected = TraceContext {
            trace_id: TraceId(TRACE),
            parent: Some(0x00f0_67aa_0ba9_02b7),
            is_sampled: true,
        };
        assert_eq!(TraceContext::of_traceparent(text), Some(expected));
        let later = format!("cc{}-what-ever", &text[2..]);
        assert_eq!(TraceContext::of_traceparent(&later), Some(expected));
        let unsampled = text.replace("-01", "-02");
        let read = TraceContext::of_traceparent(&unsampled).expect("it is valid");
        assert!(!read.is_sampled);
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::of_traceparent(text), None, "{text}");
        }
    }

    #[test]
    fn x_rays_ids_are_the_same_bytes() {
        let text = "Self=1-67891234-x; Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a";
        let expected = TraceContext {
            trace_id: TraceId(TRACE),
            parent: Some(0x5399_5c3f_42cd_8ad8),
            is_sampled: true,
        };
        assert_eq!(TraceContext::of_xray(text), Some(expected));
        let root = TraceContext::of_xray("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736");
        assert_eq!(
            root,
            Some(TraceContext {
                parent: None,
                is_sampled: false,
                ..expected
            })
        );
        for text in [
            "",
            "Root=",
            "Root=2-4bf92f35-77b34da6a3ce929d0e0e4736",
            "Root=1-4bf9-77b3",
        ] {
            assert_eq!(TraceContext::of_xray(text), None, "{text}");
        }
    }

    #[test]
    fn w3c_comes_before_lambda_and_lambda_before_x_ray() {
        let of_lambda = TraceContext::of_xray("Root=1-00000000-000000000000000000000001");
        let mut headers = HeaderMap::new();
        let id = |headers: &HeaderMap, of_lambda| {
            TraceContext::of(headers, of_lambda).map(|trace| trace.trace_id.0)
        };
        assert_eq!(id(&headers, None), None);
        let xray = "Root=1-00000000-000000000000000000000002";
        headers.insert(X_AMZN_TRACE_ID, xray.parse().expect("valid"));
        assert_eq!(id(&headers, None), Some(2));
        assert_eq!(id(&headers, of_lambda), Some(1));
        let parent = "00-00000000000000000000000000000003-00f067aa0ba902b7-01";
        headers.insert(TRACEPARENT, parent.parse().expect("valid"));
        assert_eq!(id(&headers, of_lambda), Some(3));
    }
}

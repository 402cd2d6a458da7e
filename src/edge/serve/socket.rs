//! A client's socket, as hyper has it. It reports what goes on, and gives hyper's own refusals a
//! body.
//!
//! hyper itself answers what is not HTTP, with a status alone, and has no setting for it. Such an
//! answer is known by its bytes: each answer that comes from the routes has more headers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connections::Activity;
use super::limits::{HEAD_BYTES, HEADERS, URI_BYTES};
use crate::api::envelope;
use crate::api::error::ApiError;
use crate::module::Envelope;

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    activity: Arc<Activity>,
    refusal: Option<Refusal>,
    is_shut: bool,
}

/// An answer in the place of one of hyper's.
#[derive(Debug)]
struct Refusal {
    answer: Vec<u8>,
    sent: usize,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            refusal: None,
            is_shut: false,
        }
    }

    /// Sends the refusal in the place of what hyper writes, of so many bytes.
    fn poll_refuse(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<io::Result<usize>> {
        if let Some(Refusal { answer, sent }) = &mut self.refusal {
            while *sent < answer.len() {
                let some = Pin::new(&mut self.stream).poll_write(cx, &answer[*sent..]);
                match ready!(some)? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => *sent += count,
                }
            }
        }
        Poll::Ready(Ok(bytes))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.has_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() {
            self.refusal = refusal(buf);
        }
        if self.refusal.is_some() {
            return self.poll_refuse(cx, buf.len());
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // hyper's refusal has one part, its head.
        if let [buf] = bufs {
            return self.poll_write(cx, buf);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.activity.has_sent();
        Poll::Ready(Ok(()))
    }

    /// After a refusal, reads what the client still sends, until it stops or the connection's time
    /// is over: of a socket that is closed with bytes unread the system tells the client that it is
    /// reset, and the answer may be lost.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.is_shut = true;
        }
        if self.refusal.is_some() {
            self.activity.lingers();
            let mut unread = [0; 8_192];
            loop {
                let mut unread = ReadBuf::new(&mut unread);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unread))?;
                if unread.filled().is_empty() {
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The whole answer in the place of `written`, if that is a refusal of hyper's.
fn refusal(written: &[u8]) -> Option<Refusal> {
    // So that all other answers cost no more than this.
    if !written.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let head = str::from_utf8(written).ok()?.strip_suffix("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n")?;
    let error = match status.split(' ').nth(1)? {
        "400" => ApiError::InvalidRequest,
        "414" => ApiError::UriTooLong { limit: URI_BYTES },
        "431" => ApiError::HeadTooLarge {
            headers: HEADERS,
            bytes: HEAD_BYTES,
        },
        _ => return None,
    };
    let is_empty_answer = |header: &str| {
        matches!(header, "connection: close" | "content-length: 0") || header.starts_with("date: ")
    };
    if !headers.split("\r\n").all(is_empty_answer) {
        return None;
    }
    let date = headers
        .split("\r\n")
        .find(|header| header.starts_with("date: "))?;
    let (_, body) = envelope::error_body(Envelope::Verb, &error);
    let answer = format!(
        "{status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         {date}\r\n\r\n{body}",
        body.len()
    );
    Some(Refusal {
        answer: answer.into_bytes(),
        sent: 0,
    })
}

//! The Lambda invocation that a request came by.

use std::time::Instant;

use axum::http::HeaderValue;

use crate::api::answer_limit::AnswerLimit;
use crate::telemetry::trace::TraceContext;

/// What is known of the Lambda invocation that a request came by, as a request extension.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of the request.
    pub request_id: HeaderValue,
    /// When the answer must be ready.
    pub deadline: Instant,
    /// The trace that Lambda says it is a part of.
    pub trace: Option<TraceContext>,
    /// Whether the event says what the client's URL has before the path.
    pub has_base_path: bool,
    /// How long the answer can be.
    pub answer_limit: AnswerLimit,
}

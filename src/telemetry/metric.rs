//! The names of the metrics, which are members of a request's line.

/// What distinguishes metrics.
pub(crate) const DIMENSIONS: [&str; 2] = [MODULE, VERB];
pub(crate) const MODULE: &str = "module.name";
pub(crate) const VERB: &str = "module.verb";

pub(crate) const REQUESTS: &str = "requests";
pub(crate) const CLIENT_ERRORS: &str = "client_errors";
pub(crate) const SERVER_ERRORS: &str = "server_errors";
pub(crate) const COLD_STARTS: &str = "cold_starts";
pub(crate) const DURATION: &str = "duration_us";
pub(crate) const DYNAMODB_DURATION: &str = "dynamodb.duration_us";
pub(crate) const RETRIES: &str = "dynamodb.retries";
pub(crate) const THROTTLES: &str = "dynamodb.throttles";
pub(crate) const READ_UNITS: &str = "dynamodb.read_units";
pub(crate) const WRITE_UNITS: &str = "dynamodb.write_units";

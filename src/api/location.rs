//! `Location`, behind a front door that puts something before the paths.

use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue};

/// Puts `base_path` before the path in `Location`, if there is one.
pub(crate) fn locate(headers: &mut HeaderMap, base_path: &str) {
    if base_path.is_empty() {
        return;
    }
    if let Some(location) = headers.get_mut(LOCATION)
        && let Ok(path) = location.to_str()
        && let Ok(located) = HeaderValue::try_from(format!("{base_path}{path}"))
    {
        *location = located;
    }
}

//! `service.base_path`: what front doors put before the API's own paths.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest one, in bytes.
const MAX_BYTES: usize = 256;

/// One or more segments of a path, such as `/v1` or `/api/rooms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

/// Why a text is not a base path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBasePath {
    /// It is relative.
    #[error("it does not begin with `/`")]
    Relative,
    /// It is `/`, ends with `/` or has `//`.
    #[error("it has an empty segment; write it as `/v1`, and leave it out if there is none")]
    EmptySegment,
    /// It has a segment that clients resolve before they send it.
    #[error("`.` and `..` cannot be segments of it")]
    Dots,
    /// Its first segment is for the function's own paths.
    #[error("paths that begin with `/_` are the function's own")]
    Reserved,
    /// It has a character that would need percent-encoding.
    #[error("`{}` is not possible in it; use letters, digits, `-`, `.`, `_`, `~` and `/`", .0.escape_debug())]
    Character(char),
    /// It is too long.
    #[error("it has {0} bytes, at most {MAX_BYTES} are possible")]
    TooLong(usize),
}

impl FromStr for BasePath {
    type Err = InvalidBasePath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let segments = text.strip_prefix('/').ok_or(InvalidBasePath::Relative)?;
        let is_possible = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        if let Some(character) = text.chars().find(|&c| !is_possible(c)) {
            return Err(InvalidBasePath::Character(character));
        }
        if segments.starts_with('_') {
            return Err(InvalidBasePath::Reserved);
        }
        for segment in segments.split('/') {
            match segment {
                "" => return Err(InvalidBasePath::EmptySegment),
                "." | ".." => return Err(InvalidBasePath::Dots),
                _ => {}
            }
        }
        if text.len() > MAX_BYTES {
            return Err(InvalidBasePath::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BasePath {
    /// Its text, which begins with `/` and does not end with one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a request's path must begin with to be taken for one of this base path.
    pub(crate) fn first_segment(&self) -> &str {
        self.0[1..].split('/').next().unwrap_or_default()
    }

    /// The target without this base path, if it begins with it.
    pub(crate) fn strip<'t>(&self, target: &'t str) -> Option<Cow<'t, str>> {
        let rest = target.strip_prefix(&*self.0)?;
        match rest.bytes().next() {
            Some(b'/') => Some(rest.into()),
            None | Some(b'?') => Some(format!("/{rest}").into()),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_some_segments() {
        for text in ["/v1", "/api/rooms", "/~a.b-c_d", "/v1/_x"] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), text);
        }
        for (text, expected) in [
            ("", InvalidBasePath::Relative),
            ("v1", InvalidBasePath::Relative),
            ("/", InvalidBasePath::EmptySegment),
            ("/v1/", InvalidBasePath::EmptySegment),
            ("//v1", InvalidBasePath::EmptySegment),
            ("/v1/..", InvalidBasePath::Dots),
            ("/_v1", InvalidBasePath::Reserved),
            ("/v 1", InvalidBasePath::Character(' ')),
            ("/v%31", InvalidBasePath::Character('%')),
            ("/v1?a", InvalidBasePath::Character('?')),
        ] {
            assert_eq!(text.parse::<BasePath>(), Err(expected), "{text}");
        }
        let long = format!("/{}", "v".repeat(MAX_BYTES));
        assert_eq!(
            long.parse::<BasePath>(),
            Err(InvalidBasePath::TooLong(MAX_BYTES + 1))
        );
    }

    #[test]
    fn it_is_taken_off_where_a_segment_ends() {
        let base_path: BasePath = "/v1".parse().unwrap();
        for (target, expected) in [
            ("/v1/rooms/a?b=c", Some("/rooms/a?b=c")),
            ("/v1/", Some("/")),
            ("/v1", Some("/")),
            ("/v1?b=c", Some("/?b=c")),
            ("/v1//a", Some("//a")),
            ("/v12/rooms", None),
            ("/rooms/v1", None),
            ("/", None),
        ] {
            assert_eq!(base_path.strip(target).as_deref(), expected, "{target}");
        }
    }
}

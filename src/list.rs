//! What a list's query asks for, and the cursor that leads from page to page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Which page of a module is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at the most.
    pub limit: i32,
    /// The id after which the page begins; without one it is the first.
    pub after: Option<String>,
    /// Whether every write that was acknowledged before must be seen.
    pub consistent: bool,
}

/// Why a query asks for no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// A limit out of range.
    #[error("`limit` is `{0}`, an integer from 1 to {max} is needed", max = PageRequest::MAX_LIMIT)]
    Limit(String),
    /// A cursor that no list gave.
    #[error("`cursor` is none that a list has answered with")]
    Cursor,
    /// Neither true nor false.
    #[error("`consistent` is `{0}`, `true` or `false` is needed")]
    Consistent(String),
    /// A parameter that a list doesn't have.
    #[error("`{0}` is unknown; a list takes `limit`, `cursor` and `consistent`")]
    Unknown(String),
}

impl PageRequest {
    /// The page's length where the query names none.
    pub const DEFAULT_LIMIT: i32 = 25;
    /// The greatest length of a page.
    pub const MAX_LIMIT: i32 = 100;

    /// Parses a raw query string.
    ///
    /// # Errors
    /// A parameter is unknown, or its value is illegal.
    pub fn parse(query: &str) -> Result<Self, InvalidQuery> {
        let mut page = Self {
            limit: Self::DEFAULT_LIMIT,
            after: None,
            consistent: false,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => {
                    page.limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=Self::MAX_LIMIT).contains(limit))
                        .ok_or_else(|| InvalidQuery::Limit(value.into_owned()))?;
                }
                "cursor" => page.after = Some(id_of(&value).ok_or(InvalidQuery::Cursor)?),
                "consistent" => {
                    page.consistent = value
                        .parse()
                        .map_err(|_| InvalidQuery::Consistent(value.into_owned()))?;
                }
                _ => return Err(InvalidQuery::Unknown(name.into_owned())),
            }
        }
        Ok(page)
    }
}

/// The cursor of the page that begins after `id`.
#[must_use]
pub fn cursor_after(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn id_of(cursor: &str) -> Option<String> {
    let id = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    String::from_utf8(id).ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_page_request() {
        let page = |query| PageRequest::parse(query).expect("legal");
        assert_eq!(
            page(""),
            PageRequest {
                limit: 25,
                after: None,
                consistent: false
            }
        );
        let cursor = cursor_after("a b/é");
        assert_eq!(
            page(&format!("limit=100&cursor={cursor}&consistent=true")),
            PageRequest {
                limit: 100,
                after: Some("a b/é".to_owned()),
                consistent: true
            }
        );
    }

    #[test]
    fn an_illegal_query_is_told_what_is_legal() {
        let refused = |query| PageRequest::parse(query).expect_err("illegal").to_string();
        insta::assert_snapshot!(refused("limit=0"), @"`limit` is `0`, an integer from 1 to 100 is needed");
        insta::assert_snapshot!(refused("limit=101"), @"`limit` is `101`, an integer from 1 to 100 is needed");
        insta::assert_snapshot!(refused("limit=x"), @"`limit` is `x`, an integer from 1 to 100 is needed");
        insta::assert_snapshot!(refused("cursor=%21"), @"`cursor` is none that a list has answered with");
        insta::assert_snapshot!(refused("cursor="), @"`cursor` is none that a list has answered with");
        insta::assert_snapshot!(refused("consistent=yes"), @"`consistent` is `yes`, `true` or `false` is needed");
        insta::assert_snapshot!(refused("size=3"), @"`size` is unknown; a list takes `limit`, `cursor` and `consistent`");
    }
}

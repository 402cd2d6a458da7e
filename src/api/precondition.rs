//! What a request makes its being done depend on: `If-Match` and `If-None-Match`.
//!
//! An item's entity tag is a hash of its stored text, so that writers who know of no tags change it
//! all the same.

use axum::http::HeaderMap;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use headers::{ETag, HeaderMapExt, IfMatch, IfNoneMatch};

use crate::json::content_tag;
use crate::store::{Condition, StoredItem};

/// The strong entity tag of an item whose document has this text.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "base64 in quotes is a tag")]
pub fn entity_tag(text: &str) -> ETag {
    format!("\"{}\"", content_tag::of(text))
        .parse()
        .expect("base64 in quotes is a tag")
}

/// The tag of an item, whoever wrote it: one without a document is shown as `null`.
#[must_use]
pub fn tag_of(item: &StoredItem) -> ETag {
    entity_tag(item.data.as_deref().unwrap_or("null"))
}

/// The conditions of one request.
#[derive(Debug, Clone, Default)]
pub struct Preconditions {
    matches: Option<IfMatch>,
    none_matches: Option<IfNoneMatch>,
    /// Both can be said by the store alone, without a look at the item.
    must_exist: bool,
    must_be_absent: bool,
}

/// Why a request is not to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The item is none of those it should be.
    Match,
    /// The item is one of those it should not be.
    NoneMatch,
}

impl Preconditions {
    /// Reads them from a request's headers; what is no tag matches nothing.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let is_any = |name| headers.get(name).is_some_and(|value| value == "*");
        Self {
            matches: headers.typed_get(),
            none_matches: headers.typed_get(),
            must_exist: is_any(IF_MATCH),
            must_be_absent: is_any(IF_NONE_MATCH),
        }
    }

    fn is_empty(&self) -> bool {
        self.matches.is_none() && self.none_matches.is_none()
    }

    /// The condition that says it all, where no tag is to be compared.
    #[must_use]
    pub fn as_condition(&self) -> Option<Condition> {
        match (&self.matches, &self.none_matches) {
            (None, None) => Some(Condition::None),
            (Some(_), None) if self.must_exist => Some(Condition::Exists),
            (None, Some(_)) if self.must_be_absent => Some(Condition::Absent),
            _ => None,
        }
    }

    /// Compares them with the item there is, in the order of RFC 9110, section 13.2.2.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self, item: Option<&StoredItem>) -> Result<(), Failed> {
        if self.is_empty() {
            return Ok(());
        }
        self.check_tag(item.map(tag_of).as_ref())
    }

    /// As [`Preconditions::check`], where the tag of the item is known already.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check_tag(&self, tag: Option<&ETag>) -> Result<(), Failed> {
        if let Some(matches) = &self.matches {
            let holds = tag.is_some_and(|tag| matches.precondition_passes(tag));
            if !holds {
                return Err(Failed::Match);
            }
        }
        if let (Some(none_matches), Some(tag)) = (&self.none_matches, tag)
            && !none_matches.precondition_passes(tag)
        {
            return Err(Failed::NoneMatch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(data: Option<&str>) -> StoredItem {
        StoredItem::of_text("x", data)
    }

    #[track_caller]
    fn parse(headers: &[(&'static str, &str)]) -> Preconditions {
        let headers = headers.iter().map(|(name, value)| {
            (
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )
        });
        Preconditions::of(&headers.collect())
    }

    #[test]
    fn tags_are_compared_as_rfc_9110_says() {
        const ONE: &str = "\"a4ayc_80_OGda4BO_1o_Vw\"";
        let one = item(Some("1"));
        let weak = format!("W/{ONE}");
        let list = format!("\"other\", {ONE}");
        for (headers, with, without) in [
            (vec![("if-match", "*")], Ok(()), Err(Failed::Match)),
            (vec![("if-match", ONE)], Ok(()), Err(Failed::Match)),
            (vec![("if-match", &list)], Ok(()), Err(Failed::Match)),
            (
                vec![("if-match", &weak)],
                Err(Failed::Match),
                Err(Failed::Match),
            ),
            (
                vec![("if-match", "\"other\"")],
                Err(Failed::Match),
                Err(Failed::Match),
            ),
            (vec![("if-none-match", "*")], Err(Failed::NoneMatch), Ok(())),
            (vec![("if-none-match", ONE)], Err(Failed::NoneMatch), Ok(())),
            (
                vec![("if-none-match", &weak)],
                Err(Failed::NoneMatch),
                Ok(()),
            ),
            (vec![("if-none-match", "\"other\"")], Ok(()), Ok(())),
            (
                vec![("if-match", ONE), ("if-none-match", ONE)],
                Err(Failed::NoneMatch),
                Err(Failed::Match),
            ),
            (
                vec![("if-match", "no tag")],
                Err(Failed::Match),
                Err(Failed::Match),
            ),
            (vec![("if-none-match", "no tag")], Ok(()), Ok(())),
            (vec![], Ok(()), Ok(())),
        ] {
            let preconditions = parse(&headers);
            assert_eq!(preconditions.check(Some(&one)), with, "{headers:?}");
            assert_eq!(preconditions.check(None), without, "{headers:?}");
        }
    }

    #[test]
    fn an_item_without_a_document_has_a_tag() {
        assert_eq!(tag_of(&item(None)), entity_tag("null"));
        assert_ne!(tag_of(&item(None)), tag_of(&item(Some("1"))));
    }
}

//! The byte order mark (`EF BB BF`), with which some editors and spreadsheets begin a text.

/// The text behind the mark, if it begins with one (RFC 8259, section 8.1).
pub(crate) fn skip(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

//! Whether a text is JSON, and what of it is white space: both in one pass.
//!
//! A reader of its own, since `serde_json` tells only the former, and does not look at the depth. It
//! takes a text for JSON if and only if `serde_json` does: the tests below and `fuzz/` hold that.

use super::MAX_DEPTH;
use super::escape::marks;

/// What a JSON text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How many bytes between its values, around them and beside separators are white space.
    pub(crate) insignificant_bytes: usize,
}

impl Layout {
    /// That of a text, if it is JSON and not deeper than [`MAX_DEPTH`]: why it is not, `serde_json`
    /// says.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut reader = Reader {
            text: text.as_bytes(),
            at: 0,
            insignificant_bytes: 0,
            depth: 0,
            objects: 0,
        };
        reader.read()?;
        Some(Self {
            insignificant_bytes: reader.insignificant_bytes,
        })
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    insignificant_bytes: usize,
    depth: usize,
    /// A bit for each level that is open, the innermost lowest: whether it is an object.
    objects: u128,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize, "each level has a bit");

impl Reader<'_> {
    /// Reads one value, however deep, and the end of the text.
    fn read(&mut self) -> Option<()> {
        loop {
            match self.significant()? {
                b'"' => self.string()?,
                b'{' => {
                    self.open(true)?;
                    if self.significant()? != b'}' {
                        self.name()?;
                        continue;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(false)?;
                    if self.significant()? != b']' {
                        continue;
                    }
                    self.close();
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            loop {
                if self.depth == 0 {
                    return self.significant().is_none().then_some(());
                }
                let is_object = self.objects & 1 == 1;
                match self.significant()? {
                    b',' => {
                        self.at += 1;
                        if is_object {
                            self.name()?;
                        }
                        break;
                    }
                    b'}' if is_object => self.close(),
                    b']' if !is_object => self.close(),
                    _ => return None,
                }
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is not white space, unless there is none.
    fn significant(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
            self.insignificant_bytes += 1;
        }
    }

    fn open(&mut self, is_object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.objects = (self.objects << 1) | u128::from(is_object);
        self.at += 1;
        Some(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
        self.at += 1;
    }

    /// A member's name, with the colon after it.
    fn name(&mut self) -> Option<()> {
        if self.significant()? != b'"' {
            return None;
        }
        self.string()?;
        if self.significant()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// The rest of a string whose opening quote is next.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += plain_length(&self.text[self.at..]);
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                // A control character.
                _ => return None,
            }
        }
    }

    /// Half of a surrogate pair is as good as any other: it goes by how it is written.
    fn escape(&mut self) -> Option<()> {
        match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.text.get(self.at + 2..self.at + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.text[self.at..].strip_prefix(word)?;
        self.at = self.text.len() - rest.len();
        Some(())
    }
}

/// How many bytes come before the next quote, backslash or control character.
fn plain_length(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_marked = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    text.len() - rest.len() + rest.iter().position(is_marked).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// What `serde_json` says, and a look at each byte.
    fn by_serde_json(text: &str) -> Option<Layout> {
        serde_json::from_str::<&RawValue>(text).ok()?;
        let (mut in_string, mut is_escaped) = (false, false);
        let (mut depth, mut insignificant_bytes) = (0, 0);
        for byte in text.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b' ' | b'\t' | b'\n' | b'\r' => insignificant_bytes += 1,
                b'[' | b'{' if depth == MAX_DEPTH => return None,
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
        }
        Some(Layout {
            insignificant_bytes,
        })
    }

    #[track_caller]
    fn check(text: &str) {
        assert_eq!(Layout::of(text), by_serde_json(text), "{text}");
    }

    #[test]
    fn a_text_is_json_if_serde_json_takes_it() {
        for text in [
            "",
            " ",
            "0",
            "-0",
            "00",
            "-",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1e",
            "1E+5",
            "1e-",
            "-1.0e-0",
            "12345678901234567890123",
            "1e400",
            "true",
            "tru",
            "truex",
            "true ",
            "null",
            "nul",
            "false",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u00e9\"",
            "\"\\ud800\"",
            "\"\\u00g0\"",
            "\"\n\"",
            "\"\u{7f}é🎸\"",
            "\"\\/\\b\\f\\n\\r\\t\"",
            "[]",
            "[",
            "]",
            "[1,]",
            "[1 2]",
            "[1,2]",
            " [ 1 , 2 ] ",
            "{}",
            "{",
            "{]",
            "[}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "{a:1}",
            "{\"a\" : 1 , \"b\" : [ ] }",
            "1 2",
            "[] []",
            "{\"a\":1]",
            "[\"a\":1]",
            "\u{feff}1",
            "\u{b}1",
            "\u{a0}1",
            "nullnull",
            "[null,true,false]",
        ] {
            check(text);
        }
        for depth in [127, 128, 129, 10_000] {
            check(&("[".repeat(depth) + &"]".repeat(depth)));
            check(&("{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)));
            check(&("[{\"a\":".repeat(depth / 2) + "[]" + &"}]".repeat(depth / 2)));
        }
    }

    #[test]
    fn every_byte_of_a_string_is_looked_at() {
        for length in 0..40 {
            for at in 0..=length {
                for character in ('\0'..='\u{ff}').chain(['🎸']) {
                    let (before, after) = ("x".repeat(at), "x".repeat(length - at));
                    check(&format!("[\"{before}{character}{after}\"]"));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn json_is_json(text in any_json()) {
            prop_assert!(Layout::of(&text).is_some(), "{}", text);
            check(&text);
        }

        #[test]
        fn what_is_nearly_json_is_as_serde_json_says(
            text in any_json(), at: prop::sample::Index, other in r#"[ -~]|\\u|"|\\|[\[\]{}:,]|\n|é"#
        ) {
            let mut changed: Vec<_> = text.chars().collect();
            let at = at.index(changed.len());
            changed.splice(at..=at, other.chars());
            check(&changed.into_iter().collect::<String>());
        }

        #[test]
        fn what_looks_like_json_is_as_serde_json_says(
            text in r#"([\[\]{}:, ]|"[a-z\\"u0]{0,3}"|-?[0-9.eE+-]{1,4}|true|null){0,12}"#
        ) {
            check(&text);
        }
    }

    fn any_json() -> impl Strategy<Value = String> {
        let space = "[ \t\n\r]{0,2}";
        let string = r#""([ -!#-\[\]-~é🎸]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,12}""#;
        let number = r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?";
        let leaf = prop_oneof![
            string,
            number,
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("null".to_owned()),
        ];
        let value = leaf.prop_recursive(6, 64, 6, move |inner| {
            let spaced = (space, inner, space).prop_map(|(a, value, b)| a + &value + &b);
            let member = (space, string, space, spaced.clone())
                .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
            prop_oneof![
                prop::collection::vec(spaced, 1..6)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                prop::collection::vec(member, 1..6)
                    .prop_map(|members| format!("{{{}}}", members.join(","))),
                space.prop_map(|space| format!("[{space}]")),
                space.prop_map(|space| format!("{{{space}}}")),
            ]
        });
        (space, value, space).prop_map(|(a, value, b)| a + &value + &b)
    }
}

//! A text as a string of JSON, to the byte as `serde_json` writes it.
//!
//! `serde_json` copies a text run by run, from one escape to the next. In a document as people have
//! it there is a quote every ten bytes: each run costs a call and a branch that the processor guesses
//! wrong. Here every byte is looked up, and what it becomes is stored at once, whether it is escaped
//! or not.

/// What each byte becomes: at most seven bytes, the first of them lowest, and in the highest byte
/// how many they are.
type Table = [u64; 256];

static ONCE: Table = table(1);
static TWICE: Table = table(2);

/// How many bytes are looked at together.
const BLOCK: usize = 8;

/// What a block becomes at the most, and eight bytes more, of which the last escape may write some.
const BLOCK_ROOM: usize = BLOCK * 8 + 8;

/// How many bytes are gathered before they are appended.
const STAGE: usize = 1_024;

/// Appends `text` as the string of JSON that says it, without the quotes.
pub(crate) fn once(text: &str, json: &mut Vec<u8>) {
    append(&ONCE, text.as_bytes(), json);
}

/// Appends `text` as the string of JSON that says the string of JSON that says it.
pub(crate) fn twice(text: &str, json: &mut Vec<u8>) {
    append(&TWICE, text.as_bytes(), json);
}

/// Appends bytes of UTF-8 as [`once`] does.
pub(crate) fn once_bytes(text: &[u8], json: &mut Vec<u8>) {
    append(&ONCE, text, json);
}

/// How many bytes a text gains by [`once`].
pub(crate) fn gain(text: &[u8]) -> usize {
    let of_byte = |byte: u8| {
        let is_short = matches!(byte, b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r');
        let is_long = byte < 0x20 && !is_short;
        u8::from(is_short) + 5 * u8::from(is_long)
    };
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| of_byte(byte)).sum::<u8>();
    // A sum of 32 has room in a byte, and the processor adds up 16 of them at once.
    let (blocks, rest) = text.as_chunks::<32>();
    let blocks = blocks.iter().map(|block| usize::from(sum(block)));
    blocks.sum::<usize>() + usize::from(sum(rest))
}

fn append(table: &Table, text: &[u8], json: &mut Vec<u8>) {
    let mut staged = [0; STAGE + BLOCK_ROOM];
    let mut length = 0;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        let room = staged[length..].first_chunk_mut();
        let room: &mut [u8; BLOCK_ROOM] = room.expect("a stage has room for a block");
        if marks(u64::from_le_bytes(*block)) == 0 {
            room[..BLOCK].copy_from_slice(block);
            length += BLOCK;
        } else {
            length += look_up(table, block, room);
        }
        if length >= STAGE {
            json.extend_from_slice(&staged[..length]);
            length = 0;
        }
    }
    json.extend_from_slice(&staged[..length]);
    let mut room = [0; BLOCK_ROOM];
    length = look_up(table, rest, &mut room);
    json.extend_from_slice(&room[..length]);
}

/// Stores what a block becomes: how many bytes.
#[inline]
fn look_up(table: &Table, block: &[u8], room: &mut [u8; BLOCK_ROOM]) -> usize {
    let mut length = 0;
    for &byte in block {
        let becomes = table[usize::from(byte)];
        // So the compiler sees that it has room.
        let at = length % (BLOCK * 8);
        room[at..at + 8].copy_from_slice(&becomes.to_le_bytes());
        length += (becomes >> 56) as usize;
    }
    length
}

/// Sets the highest bit of the lowest byte that is a quote, a backslash or a control character, and
/// none where there is no such byte. What it says of the bytes above need not be true: a subtraction
/// borrows from them.
pub(super) const fn marks(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    const HIGHEST: u64 = EACH << 7;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let found = (quote.wrapping_sub(EACH) & !quote)
        | (backslash.wrapping_sub(EACH) & !backslash)
        | (word.wrapping_sub(EACH * 0x20) & !word);
    found & HIGHEST
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a table has as many entries as bytes"
)]
const fn table(times: u32) -> Table {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = entry(byte as u8, times);
        byte += 1;
    }
    table
}

/// What a byte becomes that is escaped so many times.
#[expect(clippy::cast_possible_truncation, reason = "at most seven bytes")]
const fn entry(byte: u8, times: u32) -> u64 {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [byte, 0, 0, 0, 0, 0, 0, 0];
    let mut length = 1;
    let mut time = 0;
    while time < times {
        let mut escaped = [0; 8];
        let (mut from, mut to) = (0, 0);
        while from < length {
            let byte = text[from];
            let short = match byte {
                b'"' | b'\\' => byte,
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0c => b'f',
                b'\r' => b'r',
                _ => 0,
            };
            if short != 0 {
                escaped[to] = b'\\';
                escaped[to + 1] = short;
                to += 2;
            } else if byte < 0x20 {
                escaped[to] = b'\\';
                escaped[to + 1] = b'u';
                escaped[to + 2] = b'0';
                escaped[to + 3] = b'0';
                escaped[to + 4] = HEX[(byte >> 4) as usize];
                escaped[to + 5] = HEX[(byte & 15) as usize];
                to += 6;
            } else {
                escaped[to] = byte;
                to += 1;
            }
            from += 1;
        }
        text = escaped;
        length = to;
        time += 1;
    }
    text[7] = length as u8;
    u64::from_le_bytes(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_serde_json(text: &str) -> String {
        let json = serde_json::to_string(text).expect("a text is JSON");
        json[1..json.len() - 1].to_owned()
    }

    #[track_caller]
    fn check(text: &str) {
        let (mut one, mut two) = (b"before ".to_vec(), b"before ".to_vec());
        once(text, &mut one);
        twice(text, &mut two);
        let escaped = by_serde_json(text);
        assert_eq!(one, format!("before {escaped}").as_bytes());
        assert_eq!(
            two,
            format!("before {}", by_serde_json(&escaped)).as_bytes()
        );
        assert_eq!(gain(text.as_bytes()), escaped.len() - text.len());
    }

    #[test]
    fn every_byte_is_escaped_as_serde_json_does() {
        check("");
        for character in '\0'..='\u{7ff}' {
            check(&character.to_string());
        }
        // At each place of a block, and in each number.
        for length in 0..100 {
            for at in 0..=length {
                for escaped in ["\"", "\\", "\n", "\u{1}", "é", "🎸"] {
                    let (before, after) = ("x".repeat(at), "x".repeat(length - at));
                    check(&format!("{before}{escaped}{after}"));
                }
            }
            check(&"\u{1f}".repeat(length));
        }
        check(&"\u{1}".repeat(10_000));
    }

    proptest! {
        #[test]
        fn any_text_is_escaped_as_serde_json_does(text in ".{0,3000}") {
            check(&text);
        }

        #[test]
        fn any_json_is_escaped_as_serde_json_does(text in "([a-z ]{0,20}[\"\\\\\n\u{1}é🎸]?){0,100}") {
            check(&text);
        }
    }
}

//! Text into JSON: a plain copy where nothing needs an escape, and an escape of everything else.

use crate::event::Span;

/// Which bytes can stand between quotation marks as they are.
const PLAIN: [bool; 256] = plain_bytes();
/// The widest text that is copied without a call.
const SHORT: usize = 32;

/// Whether `text` can stand between quotation marks as it is: printable ASCII without quotation marks and backslashes.
#[must_use]
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    if words.iter().fold(0, |odds, word| odds | odds_of(u64::from_le_bytes(*word))) != 0 {
        return false;
    }
    // The bytes after the last whole word are looked at with those before them.
    match text.last_chunk::<8>() {
        Some(word) => odds_of(u64::from_le_bytes(*word)) == 0,
        None => rest.iter().all(|byte| PLAIN[usize::from(*byte)]),
    }
}

/// Zero where none of the eight bytes of `word` needs an escape: the usual arithmetic on bytes side by side, in which a
/// borrow can only come from a byte that was found already.
#[inline]
const fn odds_of(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let quotes = word ^ (ONES * b'"' as u64);
    let slashes = word ^ (ONES * b'\\' as u64);
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    let found = (quotes.wrapping_sub(ONES) & !quotes) | (slashes.wrapping_sub(ONES) & !slashes);
    // 0x7f becomes 0x80 by one more; what is above it has the bit already.
    (controls | found | word | word.wrapping_add(ONES)) & (ONES * 0x80)
}

const fn plain_bytes() -> [bool; 256] {
    let mut plain = [false; 256];
    let mut byte = b' ' as usize;
    while byte < 0x7f {
        plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    plain
}

/// Appends `span` of `bytes`, which needs no escape. A short text is copied with what follows it and cut, which takes a
/// few moves instead of a call.
#[inline(always)]
pub(super) fn put_plain(out: &mut Vec<u8>, bytes: &[u8], span: Span) {
    if span.len as usize <= SHORT
        && let Some(wide) = bytes[span.start as usize..].first_chunk::<SHORT>()
    {
        let end = out.len() + span.len as usize;
        out.extend_from_slice(wide);
        out.truncate(end);
    } else {
        out.extend_from_slice(span.of(bytes));
    }
}

/// Appends `text` to the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        put_escaped(out, text);
    }
}

/// Appends `number` in decimal.
#[inline]
pub(super) fn put_uint(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a finite number; nothing and `false` where it is none.
pub(super) fn put_float(out: &mut Vec<u8>, number: f64) -> bool {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    }
    number.is_finite()
}

/// Appends the member that `key` begins and whose value is `text`, where there is one.
#[inline]
pub(super) fn put_member(out: &mut Vec<u8>, key: &[u8], text: Option<&str>) {
    if let Some(text) = text {
        out.extend_from_slice(key);
        out.push(b'"');
        put(out, text.as_bytes());
        out.extend_from_slice(b"\",");
    }
}

#[cold]
fn put_escaped(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for part in text.utf8_chunks() {
        for byte in part.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..b' ' | 0x7f => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                }
                _ => out.push(byte),
            }
        }
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was(text in any::<String>()) {
            let mut out = b"\"".to_vec();
            put(&mut out, text.as_bytes());
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn bytes_that_are_not_utf8_are_read_back_with_replacements(bytes in any::<Vec<u8>>()) {
            let mut out = b"\"".to_vec();
            put(&mut out, &bytes);
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_plain_text_is_copied_alone_wherever_it_stands() {
        let bytes: Vec<u8> = (b' '..0x7f).collect();
        for len in 0..=bytes.len() {
            for start in 0..=bytes.len() - len {
                let mut out = b"x".to_vec();
                put_plain(&mut out, &bytes, Span::new(start, start + len));
                assert_eq!(out[1..], bytes[start..start + len]);
            }
        }
    }

    #[test]
    fn one_odd_byte_is_found_wherever_it_stands() {
        for len in 1..70 {
            for odd in 0..len {
                let mut text = vec![b'a'; len];
                assert!(is_plain(&text));
                text[odd] = b'"';
                assert!(!is_plain(&text), "{odd} of {len}");
            }
        }
    }

    #[test]
    fn only_printable_ascii_without_quotes_and_backslashes_is_plain() {
        for byte in 0..=255_u8 {
            let printable = (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(is_plain(&[b'a', byte, b'b']), printable, "{byte}");
        }
    }
}

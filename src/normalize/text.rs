//! Text into JSON: a plain copy where nothing needs an escape, and an escape of everything else.

use super::pen::Pen;
use crate::event::Span;

/// Which bytes can stand between quotation marks as they are.
const PLAIN: [bool; 256] = plain_bytes();
/// How many bytes are looked at side by side.
const BLOCK: usize = 16;
/// The widest text that is copied without a call.
const SHORT: usize = 32;

/// Whether `text` can stand between quotation marks as it is: printable ASCII without quotation marks and backslashes.
#[must_use]
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<BLOCK>() else {
        return text.iter().all(|byte| PLAIN[usize::from(*byte)]);
    };
    let mut odd = [0; BLOCK];
    // The bytes after the last whole block are looked at with those before them.
    mark_odd(last, &mut odd);
    for block in text.as_chunks::<BLOCK>().0 {
        mark_odd(block, &mut odd);
    }
    u128::from_ne_bytes(odd) == 0
}

/// Marks the places in `block` of bytes that need an escape. All are looked at side by side, as long as it is not inlined:
/// where it is, the compiler takes the bytes one by one, which was six times as much work.
#[inline(never)]
fn mark_odd(block: &[u8; BLOCK], odd: &mut [u8; BLOCK]) {
    for (byte, odd) in block.iter().zip(odd) {
        let unprintable = byte.wrapping_sub(b' ') > b'~' - b' ';
        *odd |= u8::from(unprintable) | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    }
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

/// Appends `span` of `bytes`, which needs no escape.
#[inline(always)]
pub(super) fn put_plain(out: &mut Pen<'_>, bytes: &[u8], span: Span) {
    let start = span.start as usize;
    if span.len as usize <= SHORT
        && let Some(wide) = bytes.get(start..start + SHORT).and_then(<[u8]>::first_chunk::<SHORT>)
    {
        out.put_cut(wide, span.len as usize);
    } else {
        out.put_slice(span.of(bytes));
    }
}

/// Appends `text` to the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD.
#[inline]
pub(super) fn put(out: &mut Pen<'_>, text: &[u8]) {
    if is_plain(text) {
        out.put_slice(text);
    } else {
        out.aside(|out| put_escaped(out, text));
    }
}

/// Appends `number` in decimal.
#[inline(always)]
pub(super) fn put_uint(out: &mut Pen<'_>, number: u64) {
    if number >= NINE_DIGITS {
        out.aside(|out| put_large(out, number));
        return;
    }
    let digits = digits(number);
    // The first byte is the lowest; all zeros are left out but the last.
    let zeros = (digits | (1 << 56)).trailing_zeros() / 8;
    let text = (digits | ASCII_ZEROS) >> (8 * zeros);
    out.put_cut(&text.to_le_bytes(), 8 - zeros as usize);
}

#[inline(never)]
fn put_large(out: &mut Pen<'_>, number: u64) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The smallest number with nine digits.
const NINE_DIGITS: u64 = 100_000_000;
/// The digit 0 in each of eight bytes.
const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below [`NINE_DIGITS`], one in each byte, the most significant in the lowest.
/// The number is cut in two halves of four digits, these into pairs and these into digits, side by side: dividing by
/// 10,000, 100 and 10 is multiplying by 109,951,163 / 2⁴⁰, 10,486 / 2²⁰ and 103 / 2¹⁰, exact below 100,000,000, 10,000 and
/// 100. A quotient and, above it, its remainder are the number there less the quotient times what it lacks.
#[inline(always)]
const fn digits(number: u64) -> u64 {
    let high = (number * 109_951_163) >> 40;
    let halves = (number << 32) - high * ((10_000 << 32) - 1);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = (halves << 16) - hundreds * ((100 << 16) - 1);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    (pairs << 8) - tens * ((10 << 8) - 1)
}

/// Appends a finite number; nothing and `false` where it is none.
pub(super) fn put_float(out: &mut Pen<'_>, number: f64) -> bool {
    if number.is_finite() {
        out.put_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    }
    number.is_finite()
}

/// Appends the member that `key` begins and whose value is `text`, where there is one.
#[inline]
pub(super) fn put_member(out: &mut Pen<'_>, key: &[u8], text: Option<&str>) {
    if let Some(text) = text {
        out.put_slice(key);
        out.push(b'"');
        put(out, text.as_bytes());
        out.put(b"\",");
    }
}

#[cold]
fn put_escaped(out: &mut Pen<'_>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for part in text.utf8_chunks() {
        for byte in part.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.put(&[b'\\', byte]),
                b'\n' => out.put(b"\\n"),
                b'\r' => out.put(b"\\r"),
                b'\t' => out.put(b"\\t"),
                0..b' ' | 0x7f => {
                    out.put(b"\\u00");
                    out.put(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                }
                _ => out.push(byte),
            }
        }
        if !part.invalid().is_empty() {
            out.put_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::{super::pen::written, *};

    fn quoted(text: &[u8]) -> Vec<u8> {
        written(|out| {
            out.push(b'"');
            put(out, text);
            out.push(b'"');
        })
    }

    proptest! {
        #[test]
        fn a_number_of_any_length_is_written_as_it_is(number in any::<u64>(), bits in 0..64_u32) {
            let out = written(|out| put_uint(out, number >> bits));
            prop_assert_eq!(String::from_utf8(out).unwrap(), (number >> bits).to_string());
        }

        #[test]
        fn every_text_is_read_back_as_it_was(text in any::<String>()) {
            let out = quoted(text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn bytes_that_are_not_utf8_are_read_back_with_replacements(bytes in any::<Vec<u8>>()) {
            let out = quoted(&bytes);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_plain_text_is_copied_alone_wherever_it_stands() {
        let bytes: Vec<u8> = (b' '..0x7f).collect();
        for len in 0..=bytes.len() {
            for start in 0..=bytes.len() - len {
                let out = written(|out| put_plain(out, &bytes, Span::new(start, start + len)));
                assert_eq!(out, bytes[start..start + len]);
            }
        }
    }

    #[test]
    fn every_number_of_up_to_four_digits_in_either_half_is_written_as_it_is() {
        for number in 0..10_000 {
            for number in [number, number * 10_000, number * 10_000 + 9_999 - number] {
                let out = written(|out| put_uint(out, number));
                assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
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
